"""Whatever is posted: no 5xx, nothing unsigned is stored, what is stored is consistent, and memory stays flat."""

from __future__ import annotations

import gc
import json
import logging
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given
from hypothesis import settings as budget
from hypothesis import strategies as st

from tests.routes.fuzzing import ADDRESS, posts
from tests.routes.posting import SECRET
from tests.store.contents import everything
from tests.store.rig import Rig
from tests.system.stack import needs_proc
from webhook.domain.log import DEAD
from webhook.domain.signature import HEADER_V1, HEADER_V2, signed_headers
from webhook.store.codec import decode_entry
from webhook.store.keys import ShardKeys

ROUND = 5000  # posts until all is looked at and the server is emptied
WAVE = 250  # posts until they are drained
LARGEST = 1_048_576
GROWTH = 1.10  # of the memory between the first and the last quarter
EXCEPTION = re.compile(r"\w+(Error|Exception|Warning|Exit|Interrupt)\b")
KEYS = ("noticeId", "productId", "eventType", "notifyMs", "payload", "sid", "details", "cname", "uid", "sendts", "id")

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from([1, 3, 5, 45, 103]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | st.text(), inner, max_size=5),
    max_leaves=20,
)
notifications = st.fixed_dictionaries(
    {"productId": st.integers(0, 12) | values, "eventType": st.integers(0, 120) | values, "payload": values},
    optional={"noticeId": values, "notifyMs": values, "sid": values},
)
header_values = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=80)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """What is refused and set aside is logged, here by the thousand."""
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)


def in_inboxes(rig: Rig) -> int:
    return sum(rig.redis.xlen(f"vigil:{{s{shard}}}:inbox") for shard in range(rig.shards))


def attack(client: FlaskClient, rig: Rig, seed: int, count: int) -> Iterator[Counter[int]]:
    """The answers, round after round; fails at the first that is wrong."""
    answers: Counter[int] = Counter()
    kept = 0
    for number, post in enumerate(posts(seed, count), start=1):
        status = post.send(client).status_code
        expected = 401 if not post.signed and len(post.body) <= LARGEST else 413 if len(post.body) > LARGEST else 200
        assert status == expected, (seed, number, status, post.headers, post.body[:2000])
        answers[status] += 1
        kept += status == 200
        if number % WAVE == 0 or number == count:
            assert in_inboxes(rig) == kept, f"seed {seed}: what was acknowledged is kept, and nothing else"
            kept = 0
            drain(rig)
        if number % ROUND == 0 or number == count:
            rig.check()
            assert raised(rig) == [], f"seed {seed}"
            yield answers
            answers = Counter()
            rig.redis.flushall()


def raised(rig: Rig) -> list[tuple[str | None, bytes]]:
    """The errors that nobody foresaw, and the bodies that led to them."""
    dead = [ShardKeys(shard).log(DEAD) for shard in range(rig.shards)]
    entries = [decode_entry(stored) for log in dead for stored in rig.redis.hvals(log)]
    return [(entry.error, entry.body) for entry in entries if EXCEPTION.match(entry.error or "")]


def drain(rig: Rig) -> None:
    rig.attend()
    for number in range(rig.shards):
        rig._drain(number)


def test_two_thousand_mutilated_posts_do_no_harm(client: FlaskClient, rig: Rig) -> None:
    (answers,) = attack(client, rig, int.from_bytes(os.urandom(4)), 2000)
    assert answers[200] > 1000
    assert answers[401] > 200


@needs_proc
@pytest.mark.full
@pytest.mark.timeout(3600)
def test_two_hundred_thousand_do_none_either_and_memory_stays_flat(
    client: FlaskClient, rig: Rig, capsys: pytest.CaptureFixture[str]
) -> None:
    began, seed, sizes, answers = time.monotonic(), int.from_bytes(os.urandom(4)), [resident()], Counter[int]()
    for found in attack(client, rig, seed, 200_000):
        answers += found
        sizes.append(resident())
    with capsys.disabled():
        sys.stdout.write(
            f"\nseed {seed}: {dict(answers)} in {time.monotonic() - began:.0f} s; resident: {sizes[0]:.1f} MB at the "
            f"start, {sizes[1]:.1f} after the first round, {sizes[-1]:.1f} at the end\n"
        )
    quarter = len(sizes) // 4
    assert max(sizes[-quarter:]) <= GROWTH * max(sizes[1 : quarter + 1]), sizes


def resident() -> float:
    """The memory of this process, in MB."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


@budget(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(told=notifications | values)
def test_any_json_that_is_signed_is_kept_and_folded_without_harm(client: FlaskClient, rig: Rig, told: Any) -> None:
    rig.redis.flushall()
    body = json.dumps(told).encode()
    answer = client.post(ADDRESS, data=body, headers=signed_headers(body, SECRET))
    assert (answer.status_code, in_inboxes(rig)) == (200, 1)
    assert answer.json["status"] in ("accepted", "quarantined")
    rig.drain()
    assert client.get("/api/v1/dead-letters").status_code == 200
    assert client.get("/api/v1/notifications").status_code == 200
    assert client.get("/api/v1/sessions").status_code == 200


@budget(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    v1=st.none() | header_values,
    v2=st.none() | header_values,
    more=st.dictionaries(st.from_regex(r"[A-Za-z][A-Za-z-]{0,20}", fullmatch=True), header_values, max_size=4),
    length=st.none() | st.integers(-2, 2**70).map(str) | st.text("0123456789+-_ x", max_size=5),
)
def test_whatever_its_headers_nothing_unsigned_is_stored(
    client: FlaskClient, rig: Rig, v1: str | None, v2: str | None, more: dict[str, str], length: str | None
) -> None:
    rig.redis.flushall()
    signatures = {name: value for name, value in ((HEADER_V1, v1), (HEADER_V2, v2)) if value is not None}
    environ = {} if length is None else {"CONTENT_LENGTH": length}
    body = b'{"marked": "unsigned"}'
    answer = client.post(ADDRESS, data=body, headers={**more, **signatures}, environ_overrides=environ)
    assert 400 <= answer.status_code < 500
    assert b"marked" not in everything(rig.redis)
    assert in_inboxes(rig) == 0

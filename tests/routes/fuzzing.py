"""Posts that nobody would send: real notifications mutilated, and signed, unsigned or half signed. Seeded."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any, NamedTuple

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.routes.posting import SECRET
from webhook.domain.signature import HEADER_V1, HEADER_V2, sign
from webhook.simulation.agora import encode
from webhook.simulation.plan import Adversity, Pace, plan
from webhook.simulation.scenario import ALL, cast
from webhook.simulation.script import write

ADDRESS = "/webhooks/agora"
AT_MS = 1_764_000_000_000
CONTENT_TYPES = (
    *("application/json", "application/json; charset=utf-16", "text/plain", "multipart/form-data; boundary=x", ""),
    *(
        "application/x-www-form-urlencoded",
        "\xff/\xfe",
        "application/json\t;;=",
        "x" * 4000,
        "application/octet-stream",
    ),
)
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "utf-7", "cp500")
WRONG: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        1.5,
        -0.0,
        2**31,
        2**53,
        2**63,
        2**64,
        -(2**63) - 1,
        10**30,
        10**300,
        "",
        "0",
        " ",
        "\x00",
    ),
    *("\u202e", "\U0001f600", "\x1f", "|", "%", "1e400", "NaN", "x" * 5000, [], {}, [[]], [None] * 50, {"": ""}),
)
LITERALS = (
    b"1e400",
    b"-1e-400",
    b"NaN",
    b"Infinity",
    b"9" * 5000,
    b"0" * 300 + b"1",
    b'"\\ud800"',
    b'"\\u0000"',
    b"1.",
    b"--1",
)


class Post(NamedTuple):
    """One POST, and whether its signature holds."""

    body: bytes
    headers: dict[str, str]
    signed: bool
    chunked: bool

    def send(self, client: FlaskClient) -> TestResponse:
        """The answer. The body goes as a stream: of some content types the client would write its own."""
        length = {"CONTENT_LENGTH": str(len(self.body))}
        chunked = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
        environ = chunked if self.chunked else length
        return client.post(ADDRESS, input_stream=io.BytesIO(self.body), headers=self.headers, environ_overrides=environ)


def samples(seed: int) -> list[bytes]:
    """Bodies of every product as Agora posts them."""
    scripts = [write(actor, AT_MS) for actor in cast(ALL, 40, Random(seed))]
    postings = plan(scripts, Pace(AT_MS, 1.0), Adversity(), Random(seed)).postings
    bodies = [encode(it, AT_MS + it.due_ms) for it in postings]
    return Random(seed).sample(bodies, min(len(bodies), 2000))


def posts(seed: int, count: int) -> Iterator[Post]:
    """So many, always the same ones for a seed."""
    random, real = Random(seed), samples(seed)
    for _ in range(count):
        body = random.choice(real)
        for _ in range(random.choice((0, 1, 1, 2, 4))):
            body = random.choice(MUTATIONS)(body, random)
        headers, signed = _headers(body, random)
        headers["Content-Type"] = random.choice(CONTENT_TYPES)
        yield Post(body, headers, signed, random.random() < 0.2)


def _headers(body: bytes, random: Random) -> tuple[dict[str, str], bool]:
    v1, v2 = sign(body, SECRET, 1), sign(body, SECRET)
    right = (
        {HEADER_V2: v2},
        {HEADER_V1: v1},
        {HEADER_V1: v1, HEADER_V2: v2},
        {HEADER_V1: "0" * 40, HEADER_V2: v2.upper()},
    )
    wrong = (
        {},
        {HEADER_V2: v2[:-1]},
        {HEADER_V2: v1},
        {HEADER_V1: v1, HEADER_V2: "0" * 64},
        {HEADER_V2: sign(body + b" ", SECRET)},
        {HEADER_V2: sign(body, "another secret")},
        {HEADER_V1: "".join(chr(random.randint(32, 255)) for _ in range(40))},
        {HEADER_V2: "\xb2" * 64, "Content-Length-X": "-1"},
        {HEADER_V2: "x" * 6000},
    )
    signed = random.random() < 0.8
    return dict(random.choice(right if signed else wrong)), signed


def _truncated(body: bytes, random: Random) -> bytes:
    return body[: random.randint(0, len(body))]


def _flipped(body: bytes, random: Random) -> bytes:
    flipped = bytearray(body or b"{")
    for _ in range(random.choice((1, 1, 3, 20))):
        flipped[random.randrange(len(flipped))] ^= 1 << random.randrange(8)
    return bytes(flipped)


def _spliced(body: bytes, random: Random) -> bytes:
    at, until = sorted((random.randint(0, len(body)), random.randint(0, len(body))))
    return body[:at] + random.choice((b"", body[at:until] * 2, random.randbytes(8), b"\x00", *LITERALS)) + body[until:]


def _nested(body: bytes, random: Random) -> bytes:
    depth = random.choice((2, 40, 500, 5000))
    left, right = random.choice(((b"[", b"]"), (b'{"payload":', b"}"), (b'{"details":{"a":', b"}}")))
    return left * depth + body + right * random.choice((depth, depth, depth - 1))


def _encoded(body: bytes, random: Random) -> bytes:
    return body.decode("utf-8", "replace").encode(random.choice(ENCODINGS), "replace")


def _rewritten(body: bytes, random: Random) -> bytes:
    """One value anywhere becomes another, of another type mostly, or moves to another key."""
    try:
        outer = json.loads(body)
    except (ValueError, RecursionError):
        return body
    places = list(_places(outer))
    if not places:
        return body
    for _ in range(random.choice((1, 1, 2, 5))):
        inside, key = random.choice(places)
        inside[key] = random.choice((*WRONG, outer.get("payload") if isinstance(outer, dict) else None))
    try:
        return json.dumps(outer, ensure_ascii=random.random() < 0.5).encode("utf-8", "surrogatepass")
    except (ValueError, RecursionError):  # it holds itself by now
        return body


def _literal(body: bytes, random: Random) -> bytes:
    """One number or text becomes what no encoder would write."""
    at = body.find(b":", random.randint(0, len(body)))
    end = min((found for mark in b",}" if (found := body.find(bytes([mark]), at)) > 0), default=len(body))
    return body[: at + 1] + random.choice(LITERALS) + body[end:] if at >= 0 else body


def _doubled(body: bytes, random: Random) -> bytes:
    """A key that stands twice, with two values."""
    key = random.choice((b"payload", b"productId", b"eventType", b"noticeId", b"notifyMs", b"sid"))
    value = random.choice((b"null", b"{}", b"3", b'"x"', b"[]"))
    return body[:-1] + b',"' + key + b'":' + value + b"}" if body.endswith(b"}") else body


def _places(value: Any, levels: int = 20) -> Iterator[tuple[Any, Any]]:
    items = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    for key, item in items:
        yield value, key
        if levels:
            yield from _places(item, levels - 1)


MUTATIONS: tuple[Callable[[bytes, Random], bytes], ...] = (
    *(_rewritten, _rewritten, _rewritten, _literal, _doubled, _truncated, _flipped, _spliced, _nested, _encoded),
)

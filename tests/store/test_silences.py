"""Silences as they are kept: written one at a time, bounded, forgotten, and read by drains again and again."""

from __future__ import annotations

import threading
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from redis import Redis

from tests.store.build import AT_MS, exited, started
from tests.store.rig import Rig
from webhook.domain.alerting.matchers import parse_matcher
from webhook.domain.alerting.silences import Silence
from webhook.domain.arrivals import Kind
from webhook.domain.errors import Rejected, StoreError
from webhook.store import keys
from webhook.store import silences as module
from webhook.store.connection import connect
from webhook.store.inbox import from_fields
from webhook.store.keys import ShardKeys
from webhook.store.silences import KEPT_MS, Silences, decode_all, look_again

NOW = AT_MS + 10 * KEPT_MS
HOUR = 3_600_000


@pytest.fixture
def silences(rig: Rig) -> Silences:
    return Silences(rig.redis, rig.shards)


def silence(name: str = "s1", *matchers: str, **more: Any) -> Silence:
    told: dict[str, Any] = {"starts_ms": NOW, "ends_ms": NOW + HOUR, "by": "ann", "reason": "why", "created_ms": NOW}
    return Silence(id=name, matchers=tuple(map(parse_matcher, matchers or ("channel=lobby",))), **told | more)


def bound(name: str, session: str, **more: Any) -> Silence:
    """One that lasts until the session ends."""
    return silence(name, f"session={session}", ends_ms=None, **more)


def put(redis: Redis, *known: Silence) -> None:
    redis.hset(keys.SILENCES, mapping={each.id: msgspec.json.encode(each) for each in known})


def names(silences: Silences) -> list[str]:
    return [each.id for each in silences.all()]


def end(rig: Rig, session: str = "s1") -> None:
    rig.append(started(session), exited(session))
    rig.drain()


def test_what_is_kept_is_found_again(silences: Silences) -> None:
    kept = silence("s1", 'channel="a \\"b\\" \\\\ c"', "rule=~video_.*", "uid!=7", "track!~a.*")
    silences.add(kept, NOW)
    assert silences.find("s1") == kept
    assert silences.all() == [kept]


def test_what_is_not_there_is_not_found(silences: Silences) -> None:
    assert silences.find("s1") is None
    assert silences.all() == []
    assert silences.expire("s1", NOW) is None
    assert silences.all() == []


def test_all_are_listed_last_created_first(silences: Silences) -> None:
    for name, created_ms in (("s2", NOW), ("s1", NOW), ("s4", NOW - 1), ("s3", NOW + 1)):
        silences.add(silence(name, created_ms=created_ms), NOW)
    assert names(silences) == ["s3", "s2", "s1", "s4"]


def test_it_is_ended_early_once_and_stays_so(silences: Silences) -> None:
    kept = silence()
    silences.add(kept, NOW)
    ended = replace(kept, expired_ms=NOW + 5)
    assert silences.expire("s1", NOW + 5) == ended
    assert silences.expire("s1", NOW + 9) == ended
    assert silences.find("s1") == ended


@pytest.mark.parametrize("write", ["add", "expire"])
def test_each_write_forgets_what_ended_a_week_ago_and_nothing_else(
    silences: Silences, redis: Redis, rig: Rig, write: str
) -> None:
    end(rig)
    old = NOW - KEPT_MS
    put(
        redis,
        silence("gone-by-the-clock", ends_ms=old - 1),
        silence("gone-ended-early", ends_ms=NOW + HOUR, expired_ms=old - 1),
        bound("gone-with-its-session", "s1", created_ms=old - 1),
        bound("gone-never-heard-of", "nobody", created_ms=old - 1),
        silence("just-a-week", ends_ms=old),
        silence("lately-ended-early", ends_ms=NOW + HOUR, expired_ms=old),
        silence("to-come", starts_ms=NOW + HOUR, ends_ms=NOW + 2 * HOUR, created_ms=old - 1),
        bound("lately-over", "s1", created_ms=old),
        bound("not-heard-of-yet", "nobody", created_ms=old),
    )
    known = set(names(silences))
    if write == "add":
        silences.add(silence("new"), NOW)
        known.add("new")
    else:
        silences.expire("to-come", NOW)
    assert set(names(silences)) == {name for name in known if not name.startswith("gone")}


def test_one_that_lasts_as_long_as_its_session_is_kept_while_it_runs(
    silences: Silences, redis: Redis, rig: Rig
) -> None:
    rig.append(started("s1"))
    rig.drain()
    put(redis, bound("running", "s1", created_ms=1))
    silences.add(silence("new"), NOW)
    assert names(silences) == ["new", "running"]
    assert silences.ends(silences.all(), NOW) == {}


def test_it_is_known_which_ended_with_their_session(silences: Silences, rig: Rig) -> None:
    rig.append(started("s2"), started("s3", cname="room 3"), exited("s3", cname="room 3"))
    end(rig)
    asked = [
        bound("ended", "s1"),
        bound("ended long after", "s3", created_ms=1),
        bound("running", "s2"),
        bound("unknown", "s9"),
        silence("by the clock", "session=s1"),
        bound("ended early", "s1", expired_ms=NOW),
    ]
    found = silences.ends(asked, NOW)
    assert found == {"ended": NOW, "ended long after": rig.session("s3").activity_ms}


def test_a_thousand_are_kept_and_no_more_while_none_has_ended(silences: Silences, redis: Redis) -> None:
    put(redis, *(silence(f"s{number}") for number in range(module.MOST - 1)))
    silences.add(silence("last"), NOW)
    with pytest.raises(Rejected, match="expire those that nobody needs") as refusal:
        silences.add(silence("one more"), NOW)
    assert (refusal.value.status, redis.hlen(keys.SILENCES)) == (409, module.MOST)
    assert silences.find("one more") is None


def test_where_there_is_no_room_the_one_that_ended_first_makes_it(
    silences: Silences, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 3)
    put(redis, silence("a", ends_ms=NOW - 1), silence("b", ends_ms=NOW - 2), silence("c"))
    silences.add(silence("d"), NOW)
    assert set(names(silences)) == {"a", "c", "d"}
    silences.add(silence("e"), NOW)
    assert set(names(silences)) == {"c", "d", "e"}
    with pytest.raises(Rejected):
        silences.add(silence("f"), NOW)


def test_one_that_ends_now_has_ended(silences: Silences, redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 1)
    put(redis, silence("a", ends_ms=NOW))
    silences.add(silence("b"), NOW)
    assert names(silences) == ["b"]


def test_writers_at_one_time_lose_nothing_and_keep_the_bound(
    silences: Silences, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 10)
    kept: list[str] = []
    refused: list[str] = []
    start = threading.Barrier(8)

    def write(number: int) -> None:
        options = rig.redis.connection_pool.connection_kwargs
        with connect(f"unix://{options['path']}", 5.0) as redis:
            start.wait()
            for each in range(3):
                name = f"s{number}-{each}"
                try:
                    Silences(redis, rig.shards).add(silence(name), NOW)
                    kept.append(name)
                except Rejected:
                    refused.append(name)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(kept), len(refused)) == (10, 14)
    assert set(names(silences)) == set(kept)


def stored_by_another(**more: Any) -> bytes:
    return msgspec.json.encode(msgspec.to_builtins(silence("later")) | more)


LATER = [
    stored_by_another(weekly=True),
    stored_by_another(matchers=[{"label": "a", "op": ">", "value": "1"}]),
    stored_by_another(starts_ms="now"),
    b'["later"]',
    b"no JSON",
    b"\xff",
    b"",
]


@pytest.mark.parametrize("stored", LATER)
def test_what_a_later_release_wrote_is_left_out_and_left_alone(silences: Silences, redis: Redis, stored: bytes) -> None:
    redis.hset(keys.SILENCES, "later", stored)
    silences.add(silence("s1"), NOW)
    assert names(silences) == ["s1"]
    assert silences.find("later") is None
    assert silences.expire("later", NOW) is None
    assert redis.hget(keys.SILENCES, "later") == stored


def test_the_same_bytes_are_decoded_once(redis: Redis) -> None:
    put(redis, *(silence(f"s{number}") for number in range(50)))
    first, second = (decode_all(redis.hvals(keys.SILENCES)) for _ in range(2))
    assert len(first) == 50
    assert first is second
    put(redis, silence("s7", reason="another"))
    assert [each.reason for each in decode_all(redis.hvals(keys.SILENCES)) if each.id == "s7"] == ["another"]


def test_workers_are_asked_by_shard_two_hundred_sessions_at_a_time(rig: Rig) -> None:
    places = [(number % 2, f"s{number % 500}") for number in range(1000)] + [(1, '"\x1f\x00ü')]
    kept = list(look_again(rig.inbox, places))
    assert [(each.shard, each.wake) for each in kept] == [(0, True), (0, False), (1, True), (1, False)]
    for shard, expected in ((0, range(0, 500, 2)), (1, range(1, 500, 2))):
        arrivals = [from_fields(fields) for _, fields in rig.redis.xrange(ShardKeys(shard).inbox)]
        bodies = [msgspec.json.decode(each.body, type=list[str]) for each in arrivals]
        assert {each.kind for each in arrivals} == {Kind.LOOK}
        assert len({each.receipt for each in arrivals}) == 2
        assert len(bodies[0]) == 200
        assert [each for body in bodies for each in body] == [f"s{number}" for number in expected] + [
            '"\x1f\x00ü'
        ] * shard


def test_nobody_is_asked_about_nothing(rig: Rig) -> None:
    assert list(look_again(rig.inbox, [])) == []


@pytest.mark.parametrize("call", ["all", "find", "add", "expire", "ends"])
def test_a_server_that_is_away_is_a_store_error(call: str) -> None:
    with connect("redis://127.0.0.1:9", 0.3) as nowhere:
        silences = Silences(nowhere, 2)
        calls = {
            "all": silences.all,
            "find": lambda: silences.find("s1"),
            "add": lambda: silences.add(silence(), NOW),
            "expire": lambda: silences.expire("s1", NOW),
            "ends": lambda: silences.ends([bound("s1", "s1")], NOW),
        }
        with pytest.raises(StoreError):
            calls[call]()

"""The drain: what is in Redis afterwards is what the pure fold says, however the inbox was cut into batches."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as budget
from hypothesis import strategies as st
from msgspec.structs import replace
from redis import Redis

from tests.store.build import (
    AT_MS,
    arrival,
    exited,
    heartbeat,
    notification,
    poison,
    raw,
    snapshot,
    started,
    video,
)
from tests.store.rig import Rig
from webhook.domain.arrivals import Reading, read
from webhook.domain.errors import StoreError
from webhook.domain.log import DEAD, LOOSE
from webhook.domain.session import Session
from webhook.domain.transitions import apply, open_session
from webhook.store import shard as sharding
from webhook.store.commit import Commit
from webhook.store.keys import ShardKeys
from webhook.store.notifications import ItemFilter, Notifications
from webhook.store.shard import Shard
from workers import drain as draining
from workers.drain import drain_once

STORY = [
    started(),
    video(0, at_ms=AT_MS + 10, sequence=2),
    snapshot(1, at_ms=AT_MS + 20, sequence=3),
    snapshot(2, at_ms=AT_MS + 30, sequence=4),
    video(1, at_ms=AT_MS + 40, sequence=5),
    snapshot(1, at_ms=AT_MS + 20, sequence=3, notice_id="a redundant copy"),
    snapshot(2, at_ms=AT_MS + 31, sequence=6, notice_id="the same file, told again"),
    video(1, at_ms=AT_MS + 40, sequence=5),
    started("s2", cname="elsewhere"),
    heartbeat("s2", cname="elsewhere", at_ms=AT_MS + 50),
    notification(34, {"odd": 1}, notice_id="no table knows 34"),
    exited(at_ms=AT_MS + 60, sequence=9),
]


def fold(readings: Iterable[Reading]) -> dict[str, Session]:
    """The sessions that these readings make, by the pure functions alone."""
    sessions: dict[str, Session] = {}
    told: set[tuple[str, str | None]] = set()
    for reading in readings:
        fact = reading.fact
        assert fact
        session = sessions.get(fact.session_id) or open_session(fact)
        if (reading.log, reading.field) in told:
            folded = replace(session, received=session.received + 1, duplicates=session.duplicates + 1)
        else:
            effect = (reading.log, reading.entry.effect)
            folded = apply(session, fact, effect_known=fact.effect is not None and effect in told)
            folded = replace(folded, logged=folded.logged + 1)
            told |= {(reading.log, reading.field), effect}
        sessions[fact.session_id] = folded
    return sessions


def same(session: Session) -> Session:
    return replace(session, revision=0)


def received_at(redis: Redis, bodies: list[dict[str, Any]]) -> list[Reading]:
    now_ms = redis.time()[0] * 1000
    return [read(arrival(body), now_ms) for body in bodies]


def put_all(rig: Rig, bodies: Iterable[dict[str, Any]]) -> list[Reading]:
    now_ms = rig.redis.time()[0] * 1000
    readings = []
    for body in bodies:
        rig.put(body, now_ms)
        readings.append(read(arrival(body), now_ms))
    return readings


def assert_folded(rig: Rig, readings: list[Reading]) -> None:
    expected = fold(readings)
    assert {sid: same(rig.session(sid)) for sid in expected} == expected


def test_the_end_state_is_the_pure_fold(rig: Rig) -> None:
    readings = put_all(rig, STORY)
    assert rig.drain() == len(STORY)
    assert_folded(rig, readings)


@pytest.mark.parametrize("most", [1, 2, 3, 5, 7])
def test_batches_cut_anywhere_give_the_same_projection(rig: Rig, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(sharding, "MOST_ENTRIES", most)
    readings = put_all(rig, STORY)
    rig.drain()
    assert_folded(rig, readings)


def test_a_batch_whose_time_is_over_is_cut_short_and_the_rest_is_taken_next(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draining, "BATCH_SECONDS", 0.0)
    readings = put_all(rig, [body for body in STORY if body["payload"]["sid"] == "s1"])
    (number,) = {rig.keys_of(body).shard for body in STORY if body["payload"]["sid"] == "s1"}
    assert drain_once(rig.shard(number), rig.limits) == 1
    rig.drain()
    assert_folded(rig, readings)


@budget(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=st.lists(st.sampled_from(STORY), max_size=30), cuts=st.lists(st.booleans(), min_size=30, max_size=30))
def test_any_order_with_any_copies_and_any_cuts_gives_the_pure_fold(
    redis: Redis, told: list[dict[str, Any]], cuts: list[bool]
) -> None:
    redis.flushall()
    rig, readings = Rig(redis, 2), []
    now_ms = redis.time()[0] * 1000
    for number, (body, cut) in enumerate(zip(told, cuts, strict=False)):
        rig.put(body, now_ms + number)
        readings.append(read(arrival(body), now_ms + number))
        if cut:
            rig.drain()
    rig.drain()
    assert_folded(rig, readings)


def test_copies_are_counted_and_change_nothing_else(rig: Rig) -> None:
    rig.append(video(1))
    rig.drain()
    once = rig.session()
    rig.append(video(1), video(1, notice_id="redundant"))
    rig.drain()
    thrice = rig.session()
    assert (thrice.received, thrice.duplicates) == (3, 2)
    assert replace(thrice, received=1, duplicates=0, revision=once.revision) == once
    assert rig.outcomes() == {"applied": 1, "duplicate": 2}


def test_a_copy_in_the_same_batch_is_a_copy(rig: Rig) -> None:
    rig.append(snapshot(1), snapshot(1))
    rig.drain()
    assert (rig.session().duplicates, rig.session().state.streams["7"].snapshots.count) == (1, 1)


def test_the_revision_grows_with_each_save(rig: Rig) -> None:
    revisions = []
    for number in range(3):
        rig.append(snapshot(number))
        rig.drain()
        revisions.append(rig.session().revision)
    assert revisions == [1, 2, 3]


def test_a_resend_after_a_failed_attempt_takes_effect_once(rig: Rig) -> None:
    class Failing(Shard):
        def commit(self, commit: Commit) -> None:
            raise StoreError("the server went away")

    rig.append(snapshot(1))
    failing = Failing(rig.redis, rig.keys_of(snapshot(1)).shard, "failing")
    failing.acquire()
    with pytest.raises(StoreError):
        drain_once(failing, rig.limits)
    rig.append(snapshot(1))
    rig.drain()
    assert rig.session().state.streams["7"].snapshots.count == 1
    assert rig.outcomes() == {"applied": 1, "duplicate": 1}


def test_two_interleaved_sessions_share_nothing(rig: Rig) -> None:
    for sid, stream in (("s1", "7"), ("s2", "8"), ("s1", "9")):
        rig.append(video(0, sid, stream=stream), snapshot(int(stream), sid))
    rig.append(exited("s2"))
    rig.drain()
    assert set(rig.session("s1").state.streams) == {"7", "9"}
    assert set(rig.session("s2").state.streams) == {"7", "8"}
    assert rig.session("s1").state.recorders["1001"].exited is None


def test_what_cannot_be_decoded_is_set_aside_and_its_neighbours_are_applied(rig: Rig) -> None:
    rig.append(started(), poison(), video(1))
    rig.drain()
    assert rig.outcomes() == {"applied": 2, "dead_letter": 1}
    assert rig.session().state.streams["7"].video["1001"][2] == "stopped"
    dead = found(rig, "poison:s1")
    assert (dead.outcome, dead.session_id) == ("dead_letter", "s1")
    assert "streamUid" in (dead.error or "")


def found(rig: Rig, notice_id: str) -> Any:
    (item,) = Notifications(rig.redis, rig.shards).called(notice_id, ItemFilter(), 10, None).items
    return item.entry


def test_a_dead_letter_counts_as_heard(rig: Rig) -> None:
    for body in (started(sequence=1), poison(sequence=2), video(0, sequence=3)):
        rig.append(body)
    rig.drain()
    assert rig.session().state.recorders["1001"].sequences.heard == ((1, 3),)


def test_copies_of_a_dead_letter_are_one_dead_letter(rig: Rig) -> None:
    rig.append(poison())
    rig.drain()
    rig.append(poison(), poison(notice_id="redundant"))
    rig.drain()
    assert rig.redis.zcard(rig.keys_of(poison()).places(DEAD)) == 1
    assert rig.outcomes() == {"dead_letter": 1, "duplicate": 2}


@pytest.mark.parametrize("body", [b"null", b"[]", b"\xff", b"", b"{" * 10_000, b'{"productId": 3}'])
def test_what_is_no_envelope_goes_to_quarantine_as_it_came(rig: Rig, body: bytes) -> None:
    now_ms = rig.redis.time()[0] * 1000
    rig.put(body, now_ms, key="lobby")
    rig.put(started(), now_ms, key="lobby")
    rig.drain()
    assert rig.outcomes() == {"applied": 1, "quarantined": 1}
    page = Notifications(rig.redis, rig.shards).all(ItemFilter(outcome="quarantined"), 10, None)
    assert [item.entry.body for item in page.items] == [body]


def test_tests_and_unknown_products_are_kept_without_a_session(rig: Rig) -> None:
    rig.append(started(cname="test_webhook"), notification(1, {}, notice_id="other") | {"productId": 99})
    rig.drain()
    assert rig.outcomes() == {"test": 1, "unknown": 1}
    assert not rig.has("s1")
    assert sum(rig.redis.zcard(ShardKeys(shard).places(LOOSE)) for shard in range(2)) == 2


GARBAGE = [b"garbage", b"", b"[]", b"[2", b'[99,"s1","cloud_recording","default","default",null,1,1,1,[]]']
IDS = ["garbage", "empty", "an array", "cut off", "a later release's"]


@pytest.mark.parametrize("stored", GARBAGE, ids=IDS)
def test_a_projection_that_cannot_be_read_is_left_alone_and_stops_nobody_else(rig: Rig, stored: bytes) -> None:
    rig.append(started(), started("s2"))
    rig.drain()
    key = rig.keys_of(started()).session("s1")
    rig.redis.set(key, stored)
    rig.append(video(1), video(1, "s2"), snapshot(1))
    rig.drain()
    assert rig.redis.get(key) == stored
    assert rig.session("s2").state.streams["7"].video["1001"][2] == "stopped"
    assert rig.outcomes() == {"applied": 3, "dead_letter": 2}
    assert "cannot be read" in (found(rig, video(1)["noticeId"]).error or "")


@pytest.mark.parametrize("stored", [GARBAGE[0], GARBAGE[-1]], ids=[IDS[0], IDS[-1]])
def test_a_version_that_cannot_be_read_is_named(rig: Rig, stored: bytes) -> None:
    key = rig.keys_of(started()).session("s1")
    rig.append(started())
    rig.drain()
    rig.redis.set(key, stored)
    rig.append(video(1))
    rig.drain()
    assert ("version 99" in (found(rig, video(1)["noticeId"]).error or "")) == (b"99" in stored)


def test_copies_of_what_an_unreadable_projection_set_aside_are_one_dead_letter(rig: Rig) -> None:
    rig.append(started())
    rig.drain()
    rig.redis.set(rig.keys_of(started()).session("s1"), b"garbage")
    rig.append(video(1))
    rig.drain()
    rig.append(video(1, notice_id="redundant"))
    rig.drain()
    assert rig.outcomes() == {"applied": 1, "dead_letter": 1, "duplicate": 1}


WIDE = 10**20 - 1  # twenty digits, more than 64 bits


@pytest.mark.parametrize("outer", [{"productId": WIDE}, {"eventType": WIDE}, {"productId": -WIDE}])
def test_numbers_beyond_64_bits_do_not_stop_the_shard(rig: Rig, outer: dict[str, int]) -> None:
    rig.append(started(), video(1) | outer, video(0, "s2"))
    rig.drain()
    assert rig.has("s2")


@pytest.mark.parametrize("more", [{"sequence": WIDE}, {"sequence": str(WIDE)}, {"uid": WIDE}, {"sendts": WIDE}])
def test_numbers_beyond_64_bits_inside_the_payload_do_not_stop_the_shard(rig: Rig, more: dict[str, Any]) -> None:
    rig.append(started(), video(1) | {"payload": video(1)["payload"] | more}, video(0, "s2"))
    rig.drain()
    assert rig.has("s2")


def test_a_time_of_sending_beyond_64_bits_is_none(rig: Rig) -> None:
    rig.append(video(1) | {"notifyMs": WIDE})
    rig.drain()
    assert rig.outcomes() == {"applied": 1}


def test_a_drain_that_was_woken_for_nothing_writes_nothing(rig: Rig) -> None:
    rig.append(started())
    rig.drain()
    before = rig.session()
    assert rig.drain() == 0
    assert rig.session() == before


def test_the_body_of_the_first_arrival_is_kept(rig: Rig) -> None:
    rig.append(video(1))
    rig.append(video(1) | {"notifyMs": AT_MS + 1})
    rig.drain()
    assert found(rig, video(1)["noticeId"]).body == raw(video(1))

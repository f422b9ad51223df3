"""Silence: lost after the deadline, never while deaf; then forgotten, whole. Due deadlines do not spin."""

from __future__ import annotations

import pytest
from redis import Redis

from tests.store.build import AT_MS, exited, heartbeat, notification, poison, snapshot, started, video
from tests.store.rig import WEEK_MS, Rig
from webhook.domain.log import DEAD
from webhook.domain.recording.status import HEARTBEAT_SILENCE_MS, LONGEST_SILENCE_MS
from webhook.domain.states import State
from webhook.domain.status import status_of
from webhook.store import shard as sharding
from webhook.store.connection import server_now_ms
from webhook.store.keys import SWEPT, WEB_SEEN, ShardKeys
from webhook.store.watch import AWAY_MS, look
from workers.drain import drain_once

MINUTE_MS = 60_000
LOBBY = ShardKeys(0)


@pytest.fixture
def one(redis: Redis) -> Rig:
    return Rig(redis, 1)


def state(rig: Rig, sid: str = "s1") -> State:
    return status_of(rig.session(sid)).state


def deadline(rig: Rig, sid: str = "s1") -> int:
    score = rig.redis.zscore(LOBBY.deadlines, sid)
    assert isinstance(score, float)
    return int(score)


def pass_deadline(rig: Rig, sid: str = "s1") -> None:
    """As if its time had come."""
    rig.redis.zadd(LOBBY.deadlines, {sid: 1}, xx=True)


def test_a_session_is_lost_at_its_silence_deadline(one: Rig) -> None:
    one.append(heartbeat(), ago_ms=HEARTBEAT_SILENCE_MS + 1000)
    one.drain()
    assert status_of(one.session()).state is State.LOST
    assert status_of(one.session()).since_ms == one.session().last_received_ms + HEARTBEAT_SILENCE_MS


def test_a_session_is_not_lost_before(one: Rig) -> None:
    complete = notification(33, {"progress": 10000})  # so that no alert about its upload has to be looked at before
    one.append(complete, ago_ms=HEARTBEAT_SILENCE_MS - MINUTE_MS)
    one.drain()
    assert state(one) is State.LIVE
    assert deadline(one) == one.session().last_received_ms + HEARTBEAT_SILENCE_MS


def test_a_deadline_that_comes_up_too_early_changes_nothing_but_itself(one: Rig) -> None:
    one.append(heartbeat())
    one.drain()
    due = deadline(one)
    pass_deadline(one)
    one.drain()
    assert (state(one), deadline(one)) == (State.LIVE, due)


def test_whatever_is_heard_brings_a_lost_session_back(one: Rig) -> None:
    one.append(heartbeat(), ago_ms=HEARTBEAT_SILENCE_MS + 1000)
    one.drain()
    one.append(heartbeat(at_ms=AT_MS + MINUTE_MS))
    one.drain()
    assert state(one) is State.LIVE


def test_a_session_without_a_heartbeat_may_be_silent_for_a_day(one: Rig) -> None:
    one.append(started(), ago_ms=LONGEST_SILENCE_MS - MINUTE_MS)
    one.drain()
    assert state(one) is State.STARTING


def test_a_session_whose_snapshots_cease_is_lost_after_three_intervals(one: Rig) -> None:
    one.append(video(0), *(snapshot(number) for number in range(4)), ago_ms=2 * MINUTE_MS)
    one.drain()
    assert state(one) is State.LOST


@pytest.mark.parametrize("ended", [exited(), exited(status=1)], ids=["normally", "abnormally"])
def test_a_session_that_is_over_is_never_lost(one: Rig, ended: dict[str, object]) -> None:
    one.append(heartbeat(), ended, ago_ms=2 * LONGEST_SILENCE_MS)
    one.drain()
    pass_deadline(one)
    one.drain()
    assert state(one) in (State.ENDED, State.FAILED)


def test_nothing_is_lost_while_deaf(one: Rig) -> None:
    deaf_until_ms = server_now_ms(one.redis) + MINUTE_MS
    one.deafen(deaf_until_ms)
    one.append(heartbeat(), ago_ms=HEARTBEAT_SILENCE_MS + 1000)
    one.drain()
    assert (state(one), deadline(one)) == (State.LIVE, deaf_until_ms)


def test_what_is_due_while_deaf_is_looked_at_when_it_is_over(one: Rig) -> None:
    one.append(heartbeat(), ago_ms=HEARTBEAT_SILENCE_MS + 1000)
    one.deafen(server_now_ms(one.redis) + MINUTE_MS)
    one.drain()
    pass_deadline(one)
    one.drain()
    assert state(one) is State.LIVE
    one.deafen(0)
    pass_deadline(one)
    one.drain()
    assert state(one) is State.LOST


@pytest.mark.parametrize("missing", [SWEPT, WEB_SEEN])
@pytest.mark.parametrize("seen_ago_ms", [None, AWAY_MS + 1000, -MINUTE_MS])
def test_nothing_is_lost_while_no_sweep_or_no_web_process_was_seen(
    one: Rig, missing: str, seen_ago_ms: int | None
) -> None:
    one.append(heartbeat(), ago_ms=HEARTBEAT_SILENCE_MS + 1000)
    one.attend()
    one.redis.delete(missing)
    if seen_ago_ms is not None:
        one.redis.set(missing, server_now_ms(one.redis) - seen_ago_ms)
    one.drain(attended=False)
    assert state(one) is State.LIVE
    assert deadline(one) > server_now_ms(one.redis)
    pass_deadline(one)
    one.drain()
    assert state(one) is State.LOST


def test_while_deaf_the_sweep_does_not_wake_for_a_postponed_deadline(one: Rig) -> None:
    one.append(heartbeat(), ago_ms=HEARTBEAT_SILENCE_MS + 1000)
    one.deafen(server_now_ms(one.redis) + MINUTE_MS)
    one.drain()
    pass_deadline(one)
    assert look(one.redis, 1).idle == [0]
    one.drain()
    assert look(one.redis, 1).idle == []


def test_nothing_is_lost_while_more_waits_in_the_inbox(one: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharding, "MOST_ENTRIES", 1)
    one.append(heartbeat(), ago_ms=HEARTBEAT_SILENCE_MS + 2000)
    one.append(heartbeat(at_ms=AT_MS + MINUTE_MS), ago_ms=1000)
    drain_once(one.shard(0), one.limits)
    assert state(one) is State.LIVE
    assert deadline(one) > server_now_ms(one.redis)
    one.drain()
    assert state(one) is State.LIVE


def test_once_lost_or_not_no_deadline_is_left_in_the_past(one: Rig) -> None:
    for sid, ago_ms in (("s1", HEARTBEAT_SILENCE_MS + 3000), ("s2", 1000)):
        one.append(heartbeat(sid), ago_ms=ago_ms)
    one.drain()
    one.drain()
    assert look(one.redis, 1).idle == []


def test_deadlines_beyond_one_batch_are_looked_at_too(one: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webhook.store.shard.MOST_DUE", 3)
    one.append(*(heartbeat(f"s{number}") for number in range(7)))
    one.drain()
    for number in range(7):
        pass_deadline(one, f"s{number}")
    for _ in range(3):
        assert look(one.redis, 1).idle == [0]
        one.drain()
    assert look(one.redis, 1).idle == []


def test_a_projection_that_cannot_be_read_does_not_keep_the_shard_awake(one: Rig) -> None:
    one.append(heartbeat())
    one.drain()
    one.redis.set(LOBBY.session("s1"), b"garbage")
    pass_deadline(one)
    one.drain()
    assert look(one.redis, 1).idle == []


def test_a_deadline_of_nobody_goes(one: Rig) -> None:
    one.redis.zadd(LOBBY.deadlines, {"gone": 1})
    one.drain()
    assert one.redis.zcard(LOBBY.deadlines) == 0


@pytest.fixture
def short(redis: Redis) -> Rig:
    """A rig that keeps what is over for a week."""
    return Rig(redis, 1, retention_ms=WEEK_MS)


def now(rig: Rig, sid: str, *, ago_ms: int) -> dict[str, object]:
    return exited(sid, at_ms=server_now_ms(rig.redis) - ago_ms)


def test_forgetting_a_session_removes_every_key_and_reference(short: Rig) -> None:
    ago_ms = WEEK_MS + MINUTE_MS
    at_ms = server_now_ms(short.redis) - ago_ms
    bodies = [video(1, at_ms=at_ms), snapshot(1, at_ms=at_ms), snapshot(1, at_ms=at_ms, notice_id="copy")]
    short.append(*bodies, exited(at_ms=at_ms), ago_ms=ago_ms)
    short.drain()
    assert short.has("s1")
    short.drain()
    left = {key.decode() for key in short.redis.scan_iter("vigil:{s0}:*") if b":minute:" not in key}
    assert left == {LOBBY.counts, LOBBY.inbox}
    assert set(short.redis.hvals(LOBBY.counts)) == {b"0"}
    assert short.redis.xlen(LOBBY.inbox) == 0


def test_only_the_session_whose_time_is_over_is_forgotten(short: Rig) -> None:
    short.append(now(short, "s1", ago_ms=WEEK_MS + MINUTE_MS), ago_ms=WEEK_MS + MINUTE_MS)
    short.append(now(short, "s2", ago_ms=WEEK_MS - MINUTE_MS), ago_ms=WEEK_MS - MINUTE_MS)
    short.drain()
    short.drain()
    assert (short.has("s1"), short.has("s2")) == (False, True)


def test_a_lost_session_is_forgotten_in_the_end(short: Rig) -> None:
    ago_ms = WEEK_MS + MINUTE_MS
    short.append(heartbeat(at_ms=server_now_ms(short.redis) - ago_ms), ago_ms=ago_ms)
    short.drain()
    assert state(short) is State.LOST
    short.drain()
    assert not short.has("s1")


def test_a_session_that_was_forgotten_is_not_opened_again_by_what_is_older_than_the_retention(short: Rig) -> None:
    short.append(now(short, "s1", ago_ms=WEEK_MS + MINUTE_MS))
    short.drain()
    assert not short.has("s1")
    assert short.outcomes() == {"stale": 1}


def test_a_session_heard_of_in_the_batch_that_would_forget_it_stays(short: Rig) -> None:
    short.append(now(short, "s1", ago_ms=WEEK_MS + MINUTE_MS), ago_ms=WEEK_MS + MINUTE_MS)
    short.drain()
    short.append(video(1, at_ms=server_now_ms(short.redis)))
    short.drain()
    assert short.has("s1")


def test_dead_letters_older_than_their_bound_go(redis: Redis) -> None:
    rig = Rig(redis, 1, dead_ms=MINUTE_MS)
    bodies = [poison(notice_id=f"p{number}", sendts=AT_MS + number) for number in range(3)]
    rig.append(*bodies[:1], ago_ms=2 * MINUTE_MS)
    rig.drain()
    rig.append(*bodies[1:])
    rig.drain()
    assert redis.zcard(LOBBY.places(DEAD)) == 2


def test_all_dead_letters_older_than_their_bound_go_at_once(redis: Redis) -> None:
    rig = Rig(redis, 1, dead_ms=MINUTE_MS)
    rig.append(*(poison(notice_id=f"p{n}", sendts=AT_MS + n) for n in range(9)), ago_ms=2 * MINUTE_MS)
    rig.drain()
    rig.append(started())
    rig.drain()
    assert redis.zcard(LOBBY.places(DEAD)) == 0

"""Delivering on the real server: whoever dies or sleeps where, each key goes out, in order, one attempt at a time."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis
from rq.timeouts import JobTimeoutException

from tests.store.outboxes import (
    NOW,
    REPEAT,
    RESOLVED,
    SINK,
    Delivery,
    Killed,
    Taking,
    batches,
    left,
    put,
    refuse,
    telling,
)
from tests.waiting import wait_for
from webhook.domain.alerting.delivery import GIVEN_UP_MS, MOST_ATTEMPTS, UNFIRED, Batch, Outcome, Result, SinkState
from webhook.domain.alerting.telling import Transition
from webhook.domain.errors import DeliveryError, StoreError
from webhook.store import sinks
from webhook.store.keys import ShardKeys, SinkKeys
from webhook.store.outbox import Outbox
from webhook.store.sinks import wake_sinks
from workers import deliver as module
from workers.deliver import CLAIMED_MS, deliver

MINUTE = 60_000


class Dies(Outbox):
    """An outbox whose worker is killed before or after a step."""

    step, before = "", True

    def _do(self, step: str, do: Callable[[], Any]) -> Any:
        if self.step == step and self.before:
            raise Killed
        done = do()
        if self.step == step:
            raise Killed
        return done

    def seal(self, shard: int, batch: Batch) -> bool:
        return bool(self._do("seal", lambda: super(Dies, self).seal(shard, batch)))

    def claim(self, shard: int, batch: Batch, next_ms: int) -> bool:
        return bool(self._do("claim", lambda: super(Dies, self).claim(shard, batch, next_ms)))

    def settle(self, shard: int, outcome: Outcome, now_ms: int) -> bool:
        return bool(self._do("settle", lambda: super(Dies, self).settle(shard, outcome, now_ms)))


def dying(step: str, *, before: bool) -> type[Outbox]:
    return type("Dying", (Dies,), {"step": step, "before": before})


def story(redis: Redis) -> list[str]:
    """Three alerts in two channels of two shards, one of which is over already; their keys."""
    own = [telling("a"), telling("b"), telling("a", RESOLVED, decided_ms=NOW - 1000)]
    other = telling("c", group="default/hall")
    put(redis, *own)
    put(redis, other, shard=1)
    return sorted(each.key for each in (*own, other))


def test_what_is_due_goes_out_and_leaves_nothing(redis: Redis) -> None:
    keys = story(redis)
    delivery = Delivery(redis)
    assert delivery.run() is None
    assert sorted(delivery.sink.keys) == keys
    assert left(redis) == []
    assert delivery.state.last_success_ms is not None
    assert redis.hgetall(SinkKeys(SINK).counts) == {b"delivered": b"4"}
    note = delivery.note("a", RESOLVED)
    assert note is not None
    assert (note.result, note.reason, note.attempt, note.error) == (Result.DELIVERED, "resolved", 1, None)
    assert delivery.outbox.lease.release()


def test_alerts_of_one_channel_within_a_second_go_out_as_one(redis: Redis) -> None:
    other = telling("c", group="default/hall", decided_ms=NOW - 300)
    put(redis, telling("a", decided_ms=NOW - 1000), telling("b", decided_ms=NOW - 100), other)
    delivery = Delivery(redis)
    assert delivery.run(NOW - 1) == NOW
    assert delivery.run(NOW) == NOW + 700
    assert delivery.run(NOW + 700) is None
    assert [[each.alert_id for each in batch.tellings] for batch in delivery.sink.got] == [["a", "b"], ["c"]]


@pytest.mark.parametrize(("step", "before", "sent"), [
    ("seal", True, 1), ("seal", False, 1), ("claim", True, 1), ("claim", False, 1), ("settle", True, 2),
    ("settle", False, 1),
])  # fmt: skip
def test_killed_at_any_step_another_one_delivers_all_and_at_most_one_batch_again(
    redis: Redis, step: str, before: bool, sent: int
) -> None:
    keys = story(redis)
    dead = Delivery(redis, kind=dying(step, before=before))
    with pytest.raises(Killed):
        dead.run()
    other = dead.again()
    other.run(NOW)
    other.run(NOW + CLAIMED_MS)
    assert sorted(set(other.sink.keys)) == keys
    copies = [batch.id for batch in other.sink.attempts]
    assert len(copies) - len(set(copies)) == sent - 1
    assert {batch.id: batch.tellings for batch in other.sink.attempts}.values()
    assert left(redis) == []


@pytest.mark.parametrize("before", [True, False])
def test_a_batch_sent_twice_is_the_same_both_times(redis: Redis, before: bool) -> None:
    story(redis)
    dead = Delivery(redis, kind=dying("settle", before=True))
    with pytest.raises(Killed):
        dead.run()
    put(redis, telling("later", decided_ms=NOW))
    other = dead.again()
    other.run(NOW + CLAIMED_MS)
    first = other.sink.attempts[0]
    again = [batch for batch in other.sink.attempts[1:] if batch.id == first.id]
    assert [batch.tellings for batch in again] == [first.tellings]


def test_a_batch_whose_deliverer_died_waits_until_that_one_is_dead_for_sure(redis: Redis) -> None:
    put(redis, telling())
    dead = Delivery(redis, kind=dying("claim", before=False))
    with pytest.raises(Killed):
        dead.run()
    other = dead.again()
    assert other.run(NOW + CLAIMED_MS - 600) == NOW + CLAIMED_MS
    assert other.sink.attempts == []


def test_who_was_paused_while_it_sent_settles_nothing(redis: Redis) -> None:
    put(redis, telling())
    others: list[Delivery] = []

    def paused(_: Batch) -> None:
        if not others:  # all that happens while it sleeps
            others.append(delivery.again())
            others[0].sink = Taking(refuse())
            others[0].deliverer._sink = others[0].sink
            others[0].run(NOW + CLAIMED_MS, steps=2)

    delivery = Delivery(redis, Taking(paused))
    with pytest.raises(module.LeaseLost):
        delivery.run()
    (batch,) = batches(redis)
    assert (batch.attempts, batch.error) == (2, "HTTP 500")
    assert left(redis, "busy") != []


def test_who_was_paused_before_it_sends_does_not_send(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    put(redis, telling())
    delivery = Delivery(redis)
    times = iter([0.0, 3.5])
    monkeypatch.setattr(module, "monotonic", lambda: next(times))
    delivery.deliverer.step(NOW)
    assert delivery.sink.attempts == []
    assert batches(redis)[0].attempts == 1


def test_who_lost_the_lease_sends_nothing(redis: Redis) -> None:
    put(redis, telling())
    delivery = Delivery(redis)
    redis.set(SinkKeys(SINK).lease, "another")
    with pytest.raises(module.LeaseLost):
        delivery.run()
    assert delivery.sink.attempts == []


def test_what_follows_waits_for_what_is_under_way(redis: Redis) -> None:
    put(redis, telling("a"))
    delivery = Delivery(redis, Taking(refuse()))
    assert delivery.run() == pytest.approx(NOW + 5000, abs=1000)  # the time that the attempt took is added
    put(redis, telling("a", RESOLVED), telling("b"))
    delivery.run(NOW + 600)
    assert [batch.tellings[0].key for batch in delivery.sink.attempts] == ["a:firing", "b:firing"]
    delivery.sink.answer = lambda _: None
    delivery.run(NOW + MINUTE)
    assert delivery.sink.keys.index("a:firing") < delivery.sink.keys.index("a:resolved")
    assert left(redis) == []


def test_a_storm_goes_out_in_few_batches(redis: Redis) -> None:
    put(redis, *(telling(f"a{number}", group=f"default/room {number}") for number in range(1200)))
    delivery = Delivery(redis)
    delivery.run()
    assert len(delivery.sink.attempts) == 12
    assert len(set(delivery.sink.keys)) == 1200


def test_a_batch_that_is_refused_for_good_is_dead_at_once(redis: Redis) -> None:
    put(redis, telling())
    delivery = Delivery(redis, Taking(refuse(permanent=True)))
    assert delivery.run() is None
    (dead,) = batches(redis, "failures")
    assert (dead.attempts, dead.error) == (1, "HTTP 500")
    note = delivery.note("a1")
    assert note is not None
    assert (note.result, note.error) == (Result.DEAD, "HTTP 500")
    assert left(redis, "sealed", "batches", "busy", "waiting", "outbox") == []


def test_what_fails_again_and_again_is_dead_in_the_end(redis: Redis) -> None:
    put(redis, telling())
    delivery = Delivery(redis, Taking(refuse()))
    now: int | None = NOW
    while now is not None:
        now = delivery.run(now)
    assert len(delivery.sink.attempts) == MOST_ATTEMPTS
    (dead,) = batches(redis, "failures")
    assert dead.error == f"given up after {MOST_ATTEMPTS} attempts: HTTP 500"
    assert left(redis, "sealed", "batches", "busy") == []


@pytest.mark.parametrize("later", [REPEAT, Transition.ACKNOWLEDGED, RESOLVED])
def test_what_follows_a_dead_firing_is_dead_without_an_attempt(redis: Redis, later: Transition) -> None:
    put(redis, telling("a"))
    delivery = Delivery(redis, Taking(refuse(permanent=True)))
    delivery.run()
    delivery.sink.answer = lambda _: None
    put(redis, telling("a", later), telling("b"))
    delivery.run(NOW + 600)
    assert delivery.sink.keys == ["b:firing"]
    note = delivery.note("a", later)
    assert note is not None
    assert (note.result, note.attempt, note.error) == (Result.DEAD, 0, UNFIRED)
    assert len(batches(redis, "failures")) == 2


def test_what_was_marked_dead_by_one_that_died_is_not_attempted(redis: Redis) -> None:
    put(redis, telling("a"))
    delivery = Delivery(redis, Taking(refuse(permanent=True)))
    delivery.run()
    put(redis, telling("a", RESOLVED))
    dead = delivery.again(dying("seal", before=False))
    with pytest.raises(Killed):
        dead.run(NOW + 600)
    other = dead.again()
    other.run(NOW + 600)
    assert len(other.sink.attempts) == 1
    assert left(redis, "sealed", "busy") == []


def test_a_sink_asks_when_it_wants_to_be_tried_again(redis: Redis) -> None:
    put(redis, telling("a"), telling("b", group="default/hall"))
    delivery = Delivery(redis, Taking(refuse(retry_after=90)))
    next_ms = delivery.run()
    assert next_ms is not None
    assert 0 <= next_ms - NOW - 90_000 < 500
    assert len(delivery.sink.attempts) == 1
    assert delivery.run(NOW + 80_000) == next_ms
    assert len(delivery.sink.attempts) == 1
    delivery.sink.answer = lambda _: None
    delivery.run(next_ms)
    assert left(redis) == []


def test_after_three_failures_one_batch_at_a_time_shows_whether_it_is_back(redis: Redis) -> None:
    put(redis, *(telling(f"a{number}", group=f"default/room {number}") for number in range(8)))
    delivery = Delivery(redis, Taking(refuse()))
    now: Any = NOW
    attempts = []
    for _ in range(6):
        now = delivery.run(now)
        attempts.append(len(delivery.sink.attempts))
    assert attempts == [3, 4, 5, 6, 7, 8]
    assert sorted(batch.attempts for batch in batches(redis)) == [1] * 8  # each in its turn
    delivery.sink.answer = lambda _: None
    while left(redis, "waiting", "sealed"):
        now = delivery.run(now)
    assert len(set(delivery.sink.keys)) == len(delivery.sink.got) == 8
    assert delivery.state == SinkState(last_success_ms=delivery.state.last_success_ms)


def test_once_it_is_back_all_that_is_due_goes_out(redis: Redis) -> None:
    put(redis, *(telling(f"a{number}", group=f"default/room {number}") for number in range(10)))
    delivery = Delivery(redis, Taking(refuse()))
    now: Any = delivery.run()
    delivery.sink.answer = lambda _: None
    delivery.run(now)
    assert len(delivery.sink.got) >= 8
    assert delivery.state.failures == 0


def test_what_waits_for_a_day_while_the_sink_rests_is_given_up(redis: Redis) -> None:
    put(redis, *(telling(f"a{number}", group=f"default/room {number}") for number in range(8)))
    delivery = Delivery(redis, Taking(refuse()))
    delivery.run()
    late = NOW + GIVEN_UP_MS + MINUTE
    redis.hset(SinkKeys(SINK).state, "probe_ms", late + MINUTE)
    assert delivery.run(late) is None
    assert len(delivery.sink.attempts) == 3
    assert len(batches(redis, "failures")) == 8
    assert left(redis, "waiting", "sealed", "batches", "busy") == []


def test_after_a_long_outage_of_ours_what_is_old_is_still_attempted(redis: Redis) -> None:
    put(redis, telling())
    delivery = Delivery(redis, kind=dying("seal", before=False))
    with pytest.raises(Killed):
        delivery.run()
    other = delivery.again()
    other.run(NOW + 2 * GIVEN_UP_MS)
    assert other.sink.keys == ["a1:firing"]


@pytest.mark.parametrize(
    "failure", [ValueError("odd"), OSError("x"), KeyError("k")], ids=lambda each: type(each).__name__
)
def test_a_fault_of_a_sinks_code_is_a_failure_like_any_other(
    redis: Redis, failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    def answer(_: Batch) -> None:
        raise failure

    put(redis, telling())
    delivery = Delivery(redis, Taking(answer))
    assert delivery.run() == pytest.approx(NOW + 5000, abs=1000)  # the time that the attempt took is added
    assert (batches(redis)[0].error or "").startswith(type(failure).__name__)
    assert f"sink ops failed in its own code: {type(failure).__name__}" in caplog.text


def alarm(_: Batch) -> None:
    raise JobTimeoutException


def test_the_alarm_in_the_middle_of_an_attempt_is_written_down_before_the_job_ends(redis: Redis) -> None:
    put(redis, telling("a"), telling("b", group="default/hall"))
    sink, woken = Taking(alarm), []
    deliver(Outbox(redis, SINK, 2, "one"), sink, lambda: woken.append(SINK))
    assert len(sink.attempts) == 1
    assert [(batch.attempts, batch.error) for batch in batches(redis) if batch.attempts] == [
        (1, "no answer within 8 s")
    ]
    assert woken == [SINK]
    assert redis.exists(SinkKeys(SINK).lease) == 0


def test_the_alarm_elsewhere_ends_the_job_in_peace(redis: Redis, caplog: pytest.LogCaptureFixture) -> None:
    class Alarmed(Outbox):
        def seal(self, shard: int, batch: Batch) -> bool:
            raise JobTimeoutException

    put(redis, telling())
    deliver(Alarmed(redis, SINK, 2, "one"), Taking(), lambda: None)
    assert "the job's time was over" in caplog.text
    assert redis.exists(SinkKeys(SINK).lease) == 0


def test_an_attempt_may_take_what_is_left_of_the_job_and_no_more_than_eight_seconds(redis: Redis) -> None:
    put(redis, telling())
    sink = Taking()
    deliver(Outbox(redis, SINK, 2, "one"), sink, lambda: None)
    assert 7.0 < sink.seconds[0] <= 8.0


def test_with_no_time_left_no_attempt_is_begun(redis: Redis) -> None:
    put(redis, telling())
    delivery = Delivery(redis)
    delivery.deliverer._until = module.monotonic() + 0.5
    delivery.deliverer.step(NOW)
    assert delivery.deliverer.over
    assert (delivery.sink.attempts, batches(redis)[0].attempts) == ([], 0)


def soon(redis: Redis, in_ms: int, alert: str = "a1") -> None:
    """A telling that is due so much later by the server's clock."""
    now_ms = Outbox(redis, SINK, 2, "x").now_ms()
    put(redis, telling(alert, decided_ms=now_ms - 1000 + in_ms))


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long a job slept; it sleeps no longer than a moment."""
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        threading.Event().wait(min(seconds, 0.1))

    monkeypatch.setattr(module, "sleep", sleep)
    return slept


def test_what_is_due_soon_is_waited_for(redis: Redis, sleeps: list[float]) -> None:
    soon(redis, 80)
    sink = Taking()
    deliver(Outbox(redis, SINK, 2, "one"), sink, lambda: None)
    assert sink.keys == ["a1:firing"]
    assert 0 < max(sleeps) <= 0.08
    assert redis.exists(SinkKeys(SINK).lease) == 0


def test_what_is_due_later_is_left_to_the_sweep(redis: Redis, sleeps: list[float]) -> None:
    soon(redis, 5000)
    sink, woken = Taking(), []
    deliver(Outbox(redis, SINK, 2, "one"), sink, lambda: woken.append(1))
    assert (sink.keys, sleeps, woken) == ([], [], [])
    assert redis.exists(SinkKeys(SINK).lease, SinkKeys(SINK).pending) == 0


def test_with_work_left_after_its_slice_it_wakes_the_next_one(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SLICE_SECONDS", 0.0)
    put(redis, telling("a"), telling("b", group="default/hall"))
    sink, woken = Taking(), []
    deliver(Outbox(redis, SINK, 2, "one"), sink, lambda: woken.append(redis.exists(SinkKeys(SINK).lease)))
    assert (len(sink.got), woken) == (1, [0])
    assert redis.exists(SinkKeys(SINK).pending) == 1
    deliver(Outbox(redis, SINK, 2, "two"), sink, lambda: None)
    deliver(Outbox(redis, SINK, 2, "three"), sink, lambda: None)
    assert left(redis) == []


def test_no_wake_up_is_lost_between_the_last_look_and_the_end(redis: Redis) -> None:
    class LooksAway(Outbox):
        """A commit comes after it has looked for the last time; its job finds the lease taken and leaves."""

        late = True

        def look(self) -> sinks.Heads:
            heads = super().look()
            if self.late and heads.next_ms is None:
                self.late = False
                put(redis, telling("late"))
                assert wake_sinks(redis, [SINK]) == [SINK]
                deliver(Outbox(redis, SINK, 2, "two"), sink, lambda: None)
            return heads

    sink = Taking()
    deliver(LooksAway(redis, SINK, 2, "one"), sink, lambda: None)
    assert sink.keys == ["late:firing"]
    assert redis.exists(SinkKeys(SINK).lease, SinkKeys(SINK).pending) == 0


def test_two_at_once_never_send_to_one_sink_at_the_same_time(redis: Redis) -> None:
    inside, overlaps, done = threading.Lock(), [], threading.Event()

    def answer(_: Batch) -> None:
        if not inside.acquire(blocking=False):
            overlaps.append(1)
            return
        threading.Event().wait(0.002)
        inside.release()

    put(redis, *(telling(f"a{number}", group=f"default/g{number % 9}") for number in range(60)))
    put(redis, *(telling(f"b{number}", group=f"default/h{number % 9}") for number in range(60)), shard=1)
    sink = Taking(answer)

    def work(holder: str) -> None:
        while not done.is_set():
            deliver(Outbox(redis, SINK, 2, holder), sink, lambda: None)

    workers = [threading.Thread(target=work, args=(f"worker {number}",)) for number in range(2)]
    for each in workers:
        each.start()
    wait_for(lambda: not left(redis, "waiting", "sealed"), 10, "not all was delivered")
    done.set()
    for each in workers:
        each.join()
    assert overlaps == []
    assert len(sink.keys) == len(set(sink.keys)) == 120


def test_redis_away_in_the_middle_is_told_and_loses_nothing(redis: Redis) -> None:
    class Away(Outbox):
        def settle(self, shard: int, outcome: Outcome, now_ms: int) -> bool:
            raise StoreError("settling: away")

    put(redis, telling())
    sink = Taking()
    with pytest.raises(StoreError):
        deliver(Away(redis, SINK, 2, "one"), sink, lambda: None)
    assert redis.exists(SinkKeys(SINK).lease) == 0
    other = Delivery(redis, sink)
    other.run(other.outbox.now_ms() + CLAIMED_MS)
    assert [batch.id for batch in sink.got] == [sink.got[0].id] * 2
    assert left(redis) == []


def test_a_failure_is_told_in_the_log_without_what_the_alert_says(
    redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    put(redis, telling())
    Delivery(redis, Taking(refuse())).run()
    assert "sink ops, attempt 1: HTTP 500 (failed)" in caplog.text
    assert "a1 is wrong" not in caplog.text


def test_a_sink_that_asks_for_nothing_sensible_is_tried_by_its_own_pause(redis: Redis) -> None:
    def answer(_: Batch) -> None:
        raise DeliveryError("HTTP 503", retry_after=-1.0)

    put(redis, telling())
    assert Delivery(redis, Taking(answer)).run() == pytest.approx(NOW + 5000, abs=1000)


def test_of_a_shard_that_is_busy_others_are_not_kept_waiting(redis: Redis) -> None:
    put(redis, telling("a"))
    put(redis, telling("b"), shard=1)
    refusing = [True]

    def answer(batch: Batch) -> None:
        if refusing[0] and batch.tellings[0].alert_id == "a":
            raise DeliveryError("HTTP 500")

    delivery = Delivery(redis, Taking(answer))
    delivery.run()
    assert delivery.sink.keys == ["b:firing"]
    assert redis.zcard(ShardKeys(0).sealed(SINK)) == 1

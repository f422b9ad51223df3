"""The outbox of a sink on the real server: each script changes all or nothing, and only what its caller has seen."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from redis import Redis
from redis.crc import key_slot

from tests.store.outboxes import FIRING, NOW, OWN, REPEAT, RESOLVED, SINK, Delivery, batches, left, put, telling
from tests.store.rig import dump
from webhook.domain.alerting.delivery import (
    Batch,
    Outcome,
    Result,
    SinkState,
    attempted,
    dead,
    delivered,
    make_batches,
)
from webhook.domain.errors import LeaseLost
from webhook.store import outbox as module
from webhook.store.keys import ShardKeys, SinkKeys
from webhook.store.outbox import FAILED_MS, MOST_DUE, NOTES_TTL, UNREADABLE_MS, Outbox
from webhook.store.sinks import LEASE_MS, PENDING_MS, Place, SinkLease, wake_idle_sinks, wake_sinks

OF = ShardKeys(0)


@pytest.fixture
def outbox(redis: Redis) -> Outbox:
    return Outbox(redis, SINK, 2, "token")


def seal(redis: Redis, outbox: Outbox, *tellings: Any) -> Batch:
    """One batch of these, sealed."""
    given = tellings or (telling(),)
    put(redis, *given)
    (batch,) = make_batches(given, (), NOW)
    assert outbox.seal(0, batch)
    return batch


def claim(outbox: Outbox, batch: Batch) -> Batch:
    tried = attempted(batch)
    assert outbox.claim(0, tried, NOW + 12_000)
    return tried


def test_sealing_moves_all_of_a_batch(redis: Redis, outbox: Outbox) -> None:
    batch = seal(redis, outbox, telling("a"), telling("b"))
    assert batches(redis) == [batch]
    assert redis.zrange(OF.sealed(SINK), 0, -1, withscores=True) == [(batch.id.encode(), float(NOW))]
    assert redis.hgetall(OF.busy(SINK)) == {b"a": batch.id.encode(), b"b": batch.id.encode()}
    assert left(redis, "waiting", "outbox") == []


def test_sealing_twice_changes_nothing_the_second_time(redis: Redis, outbox: Outbox) -> None:
    batch = seal(redis, outbox)
    before = dump(redis)
    assert not outbox.seal(0, batch)
    assert dump(redis) == before


@pytest.mark.parametrize("taken", ["one waits no more", "an alert is in another batch"])
def test_a_batch_of_which_a_part_is_taken_is_not_sealed(redis: Redis, outbox: Outbox, taken: str) -> None:
    given = (telling("a"), telling("b"))
    put(redis, *given)
    if taken == "one waits no more":
        redis.zrem(OF.waiting(SINK), "b:firing")
    else:
        seal(redis, outbox, telling("b", REPEAT, number=1))
    (batch,) = make_batches(given, (), NOW)
    before = dump(redis)
    assert not outbox.seal(0, batch)
    assert dump(redis) == before


def test_an_alert_of_a_batch_that_is_no_more_is_not_busy(redis: Redis, outbox: Outbox) -> None:
    redis.hset(OF.busy(SINK), "a1", "gone")
    seal(redis, outbox)


def test_a_batch_is_claimed_once_by_whoever_read_it(redis: Redis, outbox: Outbox) -> None:
    batch = seal(redis, outbox)
    assert outbox.claim(0, attempted(batch), NOW + 12_000)
    before = dump(redis)
    assert not outbox.claim(0, attempted(batch), NOW + 12_001)
    assert dump(redis) == before
    assert redis.zscore(OF.sealed(SINK), batch.id) == NOW + 12_000


@pytest.mark.parametrize("result", list(Result))
def test_who_was_paused_settles_nothing_that_another_claimed_since(
    redis: Redis, outbox: Outbox, result: Result
) -> None:
    paused = claim(outbox, seal(redis, outbox))
    claim(outbox, paused)
    before = dump(redis)
    assert not outbox.settle(0, Outcome(paused, result, NOW + 5), NOW + 1)
    assert dump(redis) == before


def test_who_was_paused_settles_nothing_that_was_given_up_and_replayed_since(redis: Redis, outbox: Outbox) -> None:
    paused = claim(outbox, seal(redis, outbox))
    redis.hset(OF.batches(SINK), paused.id, module.msgspec.json.encode(replace(paused, sealed_ms=NOW + 1)))
    before = dump(redis)
    assert not outbox.settle(0, dead(paused, "HTTP 400", NOW), NOW)
    assert dump(redis) == before


def test_a_delivered_batch_leaves_nothing_but_what_readers_are_told(redis: Redis, outbox: Outbox) -> None:
    tried = claim(outbox, seal(redis, outbox))
    assert outbox.settle(0, delivered(tried), NOW)
    assert left(redis) == []
    assert list(redis.scan_iter()) == [OF.deliveries("s-a1").encode()]
    assert 0 < redis.ttl(OF.deliveries("s-a1")) <= NOTES_TTL
    assert not outbox.settle(0, delivered(tried), NOW)


def test_a_batch_that_failed_keeps_its_id_and_its_tellings(redis: Redis, outbox: Outbox) -> None:
    batch = seal(redis, outbox, telling("a"), telling("b"))
    outbox.settle(0, Outcome(replace(claim(outbox, batch), error="HTTP 500"), Result.FAILED, NOW + 7), NOW)
    assert batches(redis) == [replace(batch, attempts=1, error="HTTP 500")]
    assert redis.zscore(OF.sealed(SINK), batch.id) == NOW + 7
    assert redis.hlen(OF.busy(SINK)) == 2


def test_a_dead_batch_is_kept_and_its_alerts_are_free(redis: Redis, outbox: Outbox) -> None:
    tried = claim(outbox, seal(redis, outbox))
    assert outbox.settle(0, dead(tried, "HTTP 400", NOW + 3), NOW + 3)
    assert batches(redis, "failures") == [replace(tried, error="HTTP 400", given_up_ms=NOW + 3)]
    assert left(redis, "sealed", "batches", "busy") == []


def test_only_the_newest_dead_batches_are_kept(redis: Redis, outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_FAILED", 3)
    for number in range(5):
        tried = claim(outbox, seal(redis, outbox, telling(f"a{number}")))
        outbox.settle(0, dead(tried, "HTTP 400", NOW + number), NOW + number)
    assert redis.zcard(OF.failed(SINK)) == redis.hlen(OF.failures(SINK)) == 3
    assert {each.tellings[0].alert_id for each in batches(redis, "failures")} == {"a2", "a3", "a4"}


def test_dead_batches_are_forgotten_after_their_time(redis: Redis, outbox: Outbox) -> None:
    outbox.settle(0, dead(claim(outbox, seal(redis, outbox)), "HTTP 400", NOW), NOW)
    outbox.settle(0, delivered(claim(outbox, seal(redis, outbox, telling("b")))), NOW + FAILED_MS)
    assert left(redis) == []


def test_of_a_session_only_the_newest_results_are_kept(
    redis: Redis, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_NOTES", 8)
    one = {"session": "s1"}
    for number in range(9):
        tried = claim(outbox, seal(redis, outbox, telling(f"a{number}", labels=one)))
        outbox.settle(0, delivered(tried), NOW + number)
    assert sorted(redis.hkeys(OF.deliveries("s1"))) == [f"a{number}|ops|firing".encode() for number in range(3, 9)]


def test_what_waits_behind_a_batch_is_put_off_until_its_next_attempt(redis: Redis, outbox: Outbox) -> None:
    claim(outbox, seal(redis, outbox, telling("a")))
    put(redis, telling("a", RESOLVED), telling("b"))
    assert [each.key for each in outbox.due(0, NOW).tellings] == ["b:firing"]
    assert redis.zscore(OF.waiting(SINK), "a:resolved") == NOW + 12_000
    assert outbox.look().waiting == {0: NOW}


def test_what_is_put_off_is_never_due_earlier(redis: Redis, outbox: Outbox) -> None:
    batch = seal(redis, outbox, telling("a"))
    redis.zadd(OF.sealed(SINK), {batch.id: NOW + 100})
    put(redis, telling("a", RESOLVED, decided_ms=NOW - 100))
    outbox.due(0, NOW)
    assert redis.zscore(OF.waiting(SINK), "a:resolved") == NOW + 900


def test_what_is_not_due_soon_waits(redis: Redis, outbox: Outbox) -> None:
    put(redis, telling("a", decided_ms=NOW + 1))
    assert outbox.due(0, NOW).tellings == []
    assert outbox.look().next_ms == NOW + 1001


def test_no_more_than_a_bound_is_looked_at_at_once(redis: Redis, outbox: Outbox) -> None:
    put(redis, *(telling(f"a{number}", decided_ms=NOW - 9000 + number) for number in range(MOST_DUE + 9)))
    assert len(outbox.due(0, NOW).tellings) == MOST_DUE


@pytest.mark.parametrize("stored", [b"garbage", b'{"key": 1}', None])
def test_a_telling_that_cannot_be_read_keeps_nobody_waiting(redis: Redis, outbox: Outbox, stored: bytes | None) -> None:
    put(redis, telling("a"), telling("b"))
    if stored is None:
        redis.hdel(OF.outbox(SINK), "a:firing")
    else:
        redis.hset(OF.outbox(SINK), "a:firing", stored)
    assert [each.alert_id for each in outbox.due(0, NOW).tellings] == ["b"]
    assert redis.zscore(OF.waiting(SINK), "a:firing") == NOW + UNREADABLE_MS


def test_a_batch_that_cannot_be_read_keeps_nobody_waiting(redis: Redis, outbox: Outbox) -> None:
    batch = seal(redis, outbox)
    redis.hset(OF.batches(SINK), batch.id, "garbage")
    assert outbox.read(Place(NOW, 0, batch.id), NOW) is None
    assert outbox.look().sealed == (Place(NOW + UNREADABLE_MS, 0, batch.id),)


def test_all_that_changes_together_is_in_one_slot(redis: Redis) -> None:
    own = {getattr(OF, name)(SINK) for name in OWN} | {OF.deliveries("{s1}")}
    assert {key_slot(key.encode()) for key in own} == {key_slot(b"s0")}
    lease = SinkKeys("{other}")
    assert len({key_slot(key.encode()) for key in (lease.lease, lease.pending, lease.state, lease.counts)}) == 1


def test_on_a_full_server_all_of_it_goes_on(redis: Redis, outbox: Outbox) -> None:
    put(redis, telling("a"), telling("b"), telling("b", RESOLVED, decided_ms=NOW))
    (batch,) = make_batches([telling("a")], (), NOW)
    redis.config_set("maxmemory", 1)
    redis.script_flush()
    assert outbox.lease.acquire()
    assert outbox.seal(0, batch)
    assert outbox.settle(0, dead(claim(outbox, batch), "HTTP 400", NOW), NOW)
    outbox.lease.keep(SinkState(failures=1), Result.DEAD, 1)
    outbox.lease.hand_over()


def leases(redis: Redis) -> tuple[SinkLease, SinkLease]:
    return SinkLease(redis, SINK, "one"), SinkLease(redis, SINK, "two")


def test_one_has_the_lease_at_a_time(redis: Redis) -> None:
    one, two = leases(redis)
    assert [one.acquire(), two.acquire(), one.acquire()] == [True, False, False]
    assert 0 < redis.pttl(one.keys.lease) <= LEASE_MS
    assert one.release()
    assert two.acquire()


@pytest.mark.parametrize("new", [None, "another's"], ids=["expired", "taken over"])
@pytest.mark.parametrize("doing", ["renew", "release", "hand_over", "let_go", "keep"])
def test_without_the_lease_nothing_is_done_with_it(redis: Redis, new: str | None, doing: str) -> None:
    lease, _ = leases(redis)
    lease.acquire()
    redis.delete(lease.keys.lease)
    if new:
        redis.set(lease.keys.lease, new)
    before = dump(redis)
    with pytest.raises(LeaseLost):
        getattr(lease, doing)(*((SinkState(), Result.DELIVERED, 1) if doing == "keep" else ()))
    assert dump(redis) == before


def test_who_holds_the_lease_looks_again_where_somebody_was_woken_meanwhile(redis: Redis) -> None:
    lease, _ = leases(redis)
    lease.acquire()
    assert wake_sinks(redis, [SINK]) == [SINK]
    assert not lease.release()
    assert redis.exists(lease.keys.lease)
    assert lease.release()


def test_who_takes_the_lease_lets_later_commits_wake_again(redis: Redis) -> None:
    lease, _ = leases(redis)
    assert [wake_sinks(redis, [SINK, SINK]), wake_sinks(redis, [SINK])] == [[SINK], []]
    assert 0 < redis.pttl(lease.keys.pending) <= PENDING_MS
    lease.acquire()
    assert wake_sinks(redis, [SINK]) == [SINK]
    assert wake_sinks(redis, []) == []


def test_a_sink_is_swept_when_something_is_due_and_nobody_is_at_it(redis: Redis, outbox: Outbox) -> None:
    sinks = [SINK, "idle"]
    assert wake_idle_sinks(redis, sinks, 2) == []
    put(redis, telling(), shard=1)
    assert wake_idle_sinks(redis, ["idle"], 2) == []
    assert [wake_idle_sinks(redis, sinks, 2), wake_idle_sinks(redis, sinks, 2)] == [[SINK], []]


@pytest.mark.parametrize("reason", ["lease", "pending", "rest"])
def test_a_sink_is_not_swept_while_it_has_somebody_or_rests(redis: Redis, outbox: Outbox, reason: str) -> None:
    put(redis, telling())
    keys = SinkKeys(SINK)
    if reason == "rest":
        redis.hset(keys.state, "probe_ms", outbox.now_ms() + 60_000)
    else:
        redis.set(getattr(keys, reason), "x")
    assert wake_idle_sinks(redis, [SINK], 2) == []


def test_the_state_of_a_sink_is_kept_whole(redis: Redis) -> None:
    delivery = Delivery(redis)
    state = SinkState(failures=3, failing_since_ms=NOW, last_error="123", last_success_ms=NOW - 1, probe_ms=NOW + 5)
    delivery.outbox.lease.keep(state, Result.FAILED, 2)
    assert delivery.state == state
    delivery.outbox.lease.keep(SinkState(), Result.DELIVERED, 2)
    assert delivery.state == SinkState()
    assert redis.hgetall(SinkKeys(SINK).counts) == {b"failed": b"2", b"delivered": b"2"}


def test_what_is_due_of_dead_firings_is_known(redis: Redis, outbox: Outbox) -> None:
    outbox.settle(0, dead(claim(outbox, seal(redis, outbox, telling("a"))), "HTTP 400", NOW), NOW)
    outbox.settle(0, delivered(claim(outbox, seal(redis, outbox, telling("b")))), NOW)
    put(redis, *(telling(alert, RESOLVED) for alert in "abc"), telling("d", FIRING))
    assert outbox.due(0, NOW).unfired == {"a"}

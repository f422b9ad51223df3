"""The sweep: it finds work that nobody is at, wakes once, and knows when it was deaf (failure-modes R1, R2, R11)."""

from __future__ import annotations

import pytest
from redis import Redis

from tests.store.build import heartbeat, started
from tests.store.outboxes import put, telling
from tests.store.rig import Rig
from webhook import queues
from webhook.alert_settings import Heartbeat, SinkSettings
from webhook.queues import DELIVER, FOLD, Waker
from webhook.settings import Settings
from webhook.store import keys
from webhook.store.connection import server_now_ms
from webhook.store.inbox import PENDING_MS
from webhook.store.keys import ShardKeys
from webhook.store.watch import AWAY_MS, BEHIND_MS, DEAF_MS, look, show_web, take_pulse
from workers.sweep import sweep_once

QUEUE, DELIVERIES = f"rq:queue:{FOLD}", f"rq:queue:{DELIVER}"
SINKS = (SinkSettings(name="ops", kind="log"),)
SETTINGS = Settings(shards=2, sinks=SINKS)
BEATING = Settings(shards=2, heartbeat=Heartbeat(url="http://127.0.0.1:9/secret", every=60))


@pytest.fixture
def waker(redis: Redis) -> Waker:
    return Waker(redis)


def expire_pending(rig: Rig, shard: int) -> None:
    """As PENDING_MS after the wake-up was sent."""
    rig.redis.pexpireat(ShardKeys(shard).pending, 1)


def work(rig: Rig) -> int:
    """One notification whose wake-up never came; its shard."""
    rig.append(started())
    shard = rig.keys_of(started()).shard
    expire_pending(rig, shard)
    return shard


def test_a_shard_with_work_and_nobody_at_it_is_woken(rig: Rig, waker: Waker) -> None:
    shard = work(rig)
    assert sweep_once(rig.redis, SETTINGS, waker) == [shard]
    assert rig.redis.llen(QUEUE) == 1


def test_with_nothing_to_do_nobody_is_woken(rig: Rig, waker: Waker) -> None:
    rig.append(heartbeat())
    rig.drain()
    assert sweep_once(rig.redis, SETTINGS, waker) == []
    assert rig.redis.llen(QUEUE) == 0


def test_a_shard_that_is_being_drained_is_not_woken(rig: Rig, waker: Waker) -> None:
    rig.shard(work(rig))
    assert sweep_once(rig.redis, SETTINGS, waker) == []


def test_a_shard_whose_wake_up_is_on_its_way_is_not_woken(rig: Rig, waker: Waker) -> None:
    rig.append(started())
    assert sweep_once(rig.redis, SETTINGS, waker) == []


def test_a_due_deadline_is_work(rig: Rig, waker: Waker) -> None:
    rig.append(heartbeat())
    rig.drain()
    of = rig.keys_of(heartbeat())
    rig.redis.zadd(of.deadlines, {"s1": 1})
    assert sweep_once(rig.redis, SETTINGS, waker) == [of.shard]


def test_a_deadline_in_the_future_is_none(rig: Rig, waker: Waker) -> None:
    rig.redis.zadd(ShardKeys(1).deadlines, {"s1": server_now_ms(rig.redis) + 60_000})
    assert sweep_once(rig.redis, SETTINGS, waker) == []


def test_a_wake_up_that_was_lost_is_sent_again_once_it_is_no_longer_pending(rig: Rig, waker: Waker) -> None:
    shard = work(rig)
    sweep_once(rig.redis, SETTINGS, waker)
    rig.redis.delete(QUEUE)  # popped by a worker that was killed
    assert sweep_once(rig.redis, SETTINGS, waker) == []
    expire_pending(rig, shard)
    assert sweep_once(rig.redis, SETTINGS, waker) == [shard]
    assert rig.redis.llen(QUEUE) == 1


def test_the_sweep_marks_the_wake_up_as_pending_for_a_while(rig: Rig, waker: Waker) -> None:
    shard = work(rig)
    sweep_once(rig.redis, SETTINGS, waker)
    assert 0 < rig.redis.pttl(ShardKeys(shard).pending) <= PENDING_MS


def test_after_a_worker_died_its_shard_is_woken_as_soon_as_the_lease_is_over(rig: Rig, waker: Waker) -> None:
    shard = work(rig)
    rig.shard(shard)
    assert sweep_once(rig.redis, SETTINGS, waker) == []
    rig.redis.pexpireat(ShardKeys(shard).lease, 1)
    assert sweep_once(rig.redis, SETTINGS, waker) == [shard]


def test_with_nobody_working_wake_ups_do_not_pile_up(rig: Rig, waker: Waker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queues, "MOST_WAITING", 5)
    shard = work(rig)
    for _ in range(20):
        sweep_once(rig.redis, SETTINGS, waker)
        expire_pending(rig, shard)
    assert rig.redis.llen(QUEUE) == 5


def test_two_sweeps_at_once_wake_once(rig: Rig, waker: Waker) -> None:
    shard = work(rig)
    assert [look(rig.redis, 2).idle, look(rig.redis, 2).idle] == [[shard], []]


def test_a_sweep_writes_no_state_of_sessions(rig: Rig, waker: Waker) -> None:
    rig.append(heartbeat())
    rig.drain()
    work(rig)
    sweep_once(rig.redis, SETTINGS, waker)
    rig.check()
    assert rig.redis.xlen(rig.keys_of(started()).inbox) == 1


def test_a_sink_with_something_due_and_nobody_at_it_is_woken_once(redis: Redis, waker: Waker) -> None:
    put(redis, telling(decided_ms=1))
    for _ in range(2):
        sweep_once(redis, SETTINGS, waker)
    assert (redis.llen(DELIVERIES), redis.llen(QUEUE)) == (1, 0)


def test_a_sink_that_is_not_configured_any_more_is_left_alone(redis: Redis, waker: Waker) -> None:
    put(redis, telling(decided_ms=1, sink="former"))
    sweep_once(redis, SETTINGS, waker)
    assert redis.llen(DELIVERIES) == 0


def test_a_heartbeat_is_asked_for_once_in_its_time(redis: Redis, waker: Waker) -> None:
    for _ in range(3):
        sweep_once(redis, BEATING, waker)
    assert redis.llen(DELIVERIES) == 1
    assert 0 < redis.ttl(keys.HEARTBEAT) <= 60
    redis.delete(keys.HEARTBEAT)
    sweep_once(redis, BEATING, waker)
    assert redis.llen(DELIVERIES) == 2


@pytest.mark.parametrize(("ago_ms", "beats"), [(BEHIND_MS - 5000, 1), (BEHIND_MS + 5000, 0)])
@pytest.mark.parametrize("what", ["inbox", "deadline"])
def test_while_vigil_is_behind_nobody_hears_a_heartbeat(
    rig: Rig, waker: Waker, what: str, ago_ms: int, beats: int
) -> None:
    if what == "inbox":
        rig.append(started(), ago_ms=ago_ms)
    else:
        rig.redis.zadd(ShardKeys(1).deadlines, {"s1": server_now_ms(rig.redis) - ago_ms})
    sweep_once(rig.redis, BEATING, waker)
    assert rig.redis.llen(DELIVERIES) == beats
    assert rig.redis.exists(keys.HEARTBEAT) == beats


def test_without_a_wish_for_it_there_is_no_heartbeat(redis: Redis, waker: Waker) -> None:
    sweep_once(redis, SETTINGS, waker)
    assert redis.exists(keys.HEARTBEAT) == 0


def pulse(redis: Redis, *, swept_ago_ms: int, web_ago_ms: int) -> int:
    """Until when silence proves nothing, in ms from now, after one look at these signs of life; 0 without."""
    now_ms = server_now_ms(redis)
    redis.set(keys.SWEPT, now_ms - swept_ago_ms)
    redis.set(keys.WEB_SEEN, now_ms - web_ago_ms)
    take_pulse(redis)
    return int(redis.get(keys.DEAF_UNTIL) or now_ms) - now_ms


def test_while_all_is_well_nobody_is_deaf(redis: Redis) -> None:
    assert pulse(redis, swept_ago_ms=1000, web_ago_ms=5000) == 0


@pytest.mark.parametrize(("swept_ago_ms", "web_ago_ms"), [(AWAY_MS + 1, 0), (0, AWAY_MS + 1)])
def test_after_a_gap_silence_proves_nothing_for_two_minutes(redis: Redis, swept_ago_ms: int, web_ago_ms: int) -> None:
    assert abs(pulse(redis, swept_ago_ms=swept_ago_ms, web_ago_ms=web_ago_ms) - DEAF_MS) < 5000


def test_at_the_first_start_silence_proves_nothing_yet(redis: Redis) -> None:
    take_pulse(redis)
    assert redis.exists(keys.DEAF_UNTIL)


def test_the_sweep_leaves_a_sign_of_life(rig: Rig, waker: Waker) -> None:
    sweep_once(rig.redis, SETTINGS, waker)
    swept = rig.redis.get(keys.SWEPT)
    assert swept
    assert abs(server_now_ms(rig.redis) - int(swept)) < 5000


def test_a_web_process_that_shows_itself_ends_no_deafness_early(redis: Redis) -> None:
    take_pulse(redis)
    until = redis.get(keys.DEAF_UNTIL)
    show_web(redis)
    take_pulse(redis)
    assert redis.get(keys.DEAF_UNTIL) == until

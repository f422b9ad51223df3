"""A figure a minute for a day."""

from __future__ import annotations

import msgspec
import pytest
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

from tests.routes.dashboard.counting import Counting
from tests.store.build import started, video
from tests.store.rig import Rig
from webhook.domain.errors import StoreError
from webhook.queues import FOLD, Waker
from webhook.settings import Settings
from webhook.store import history, keys
from webhook.store.connection import server_now_ms
from webhook.store.history import MOST_MINUTES, Sample, sample_once
from webhook.store.keys import ShardKeys
from webhook.store.lags import bucket
from webhook.store.rounds import read
from workers.sweep import sweep_once


def samples(redis: Redis, minutes: int = MOST_MINUTES) -> dict[int, Sample]:
    return read(redis, "reading", history.reading(minutes))


def last_minute(redis: Redis) -> int:
    return server_now_ms(redis) // 60_000 - 1


def put(redis: Redis, sample: Sample) -> None:
    redis.xadd(keys.HISTORY, {"sample": msgspec.json.encode(sample)}, id=f"{sample.minute}-1")


def taken(redis: Redis) -> Sample:
    """The sample of the minute that ended last, which nobody has taken yet."""
    redis.delete(keys.HISTORY, keys.SAMPLED)
    sample = sample_once(redis, 2)
    assert sample is not None
    return sample


def test_a_minute_is_added_once_however_many_clocks_sweep(redis: Redis) -> None:
    added = [sample for _ in range(5) if (sample := sample_once(redis, 2))]
    assert 1 <= len(added) <= 2  # the minute may have ended between two of them
    assert samples(redis) == {sample.minute: sample for sample in added}


def test_a_minute_is_added_once_though_the_mark_of_who_asked_was_lost(redis: Redis) -> None:
    first = taken(redis)
    redis.delete(keys.SAMPLED)
    again = sample_once(redis, 2)
    assert again is None or again.minute > first.minute
    assert samples(redis)[first.minute] == first


def test_those_who_come_too_late_read_nothing(redis: Redis) -> None:
    counting = Counting(connection_pool=redis.connection_pool)
    taken(redis)
    again = sample_once(counting, 2)
    assert again is not None or counting.trips == 2  # the time, and the mark of who asked


def test_the_sample_is_of_the_minute_that_ended_last(redis: Redis) -> None:
    before = last_minute(redis)
    assert before <= taken(redis).minute <= last_minute(redis)


def test_a_minute_in_which_nobody_swept_is_a_gap(redis: Redis) -> None:
    for minute in (100, 101, 104):
        put(redis, Sample(minute=minute, live=minute))
    assert {minute: sample.live for minute, sample in samples(redis).items()} == {100: 100, 101: 101, 104: 104}


def test_the_newest_are_read(redis: Redis) -> None:
    for minute in range(10):
        put(redis, Sample(minute=minute))
    assert sorted(samples(redis, 3)) == [7, 8, 9]


def test_a_day_is_kept_and_not_a_minute_more(redis: Redis) -> None:
    with redis.pipeline(transaction=False) as pipe:
        for minute in range(1, MOST_MINUTES + 40):
            pipe.xadd(keys.HISTORY, {"sample": msgspec.json.encode(Sample(minute=minute))}, id=f"{minute}-1")
        pipe.execute()
    sample = sample_once(redis, 2)
    assert sample is not None
    kept = samples(redis, 10_000)
    assert (len(kept), max(kept)) == (MOST_MINUTES, sample.minute)
    assert MOST_MINUTES == 1441


def test_what_a_later_release_wrote_is_a_gap(redis: Redis) -> None:
    put(redis, Sample(minute=1))
    redis.xadd(keys.HISTORY, {"sample": b'{"minute": "soon"}'}, id="2-1")
    redis.xadd(keys.HISTORY, {"other": b"{}"}, id="3-1")
    assert sorted(samples(redis)) == [1]


def test_gauges_are_as_they_stand(rig: Rig) -> None:
    at_ms = server_now_ms(rig.redis) - 1000
    rig.append(started("s1", at_ms), video(0, "s1", at_ms, "1"), video(1, "s1", at_ms, "2"), started("s2", at_ms))
    rig.drain()
    sample = taken(rig.redis)
    assert (sample.live, sample.receiving, sample.stopped) == (2, 1, 1)
    assert (sample.firing, sample.critical, sample.unacknowledged, sample.depth) == (0, 0, 0, 0)


def test_what_waits_is_counted_with_its_age(rig: Rig) -> None:
    rig.append(started("s1"), ago_ms=30_000)
    sample = taken(rig.redis)
    assert sample.depth == 1
    assert 29 < sample.oldest < 60


def test_alerts_that_fire_are_counted_by_severity(redis: Redis) -> None:
    gauges = {"alert:r:critical:firing": 2, "alert:r:warning:firing": 3, "alert:r:critical:pending": 5}
    redis.hset(ShardKeys(1).counts, mapping=gauges | {"alerts:unacknowledged": 4})
    sample = taken(redis)
    assert (sample.firing, sample.critical, sample.unacknowledged) == (5, 2, 4)


def test_only_what_was_counted_in_that_minute_is(redis: Redis) -> None:
    minute = last_minute(redis)
    told = {"outcome:applied": 7, "outcome:duplicate": 2, "outcome:unknown": 1, f"lag:{bucket(100)}": 9}
    for counted in range(minute, minute + 3):  # it may end meanwhile
        redis.hset(ShardKeys(0).minute(counted), mapping=told)
        redis.hset(ShardKeys(1).minute(counted), "outcome:applied", 3)
        redis.hset(keys.rejected(counted), "wrong", 4)
    redis.hset(ShardKeys(0).minute(minute - 1), "outcome:applied", 1000)
    sample = taken(redis)
    assert (sample.accepted, sample.duplicate, sample.unknown, sample.rejected) == (13, 2, 1, 4)
    assert sample.lag_p50 == sample.lag_p95 == pytest.approx(0.1, rel=0.13)


def test_without_a_notification_there_is_no_lag(redis: Redis) -> None:
    sample = taken(redis)
    assert (sample.lag_p50, sample.lag_p95, sample.accepted) == (None, None, 0)


def test_a_full_server_takes_no_sample_and_says_so(redis: Redis) -> None:
    redis.config_set("maxmemory", 1)
    with pytest.raises(StoreError, match="minute's figures"):
        sample_once(redis, 2)
    redis.config_set("maxmemory", 0)
    assert samples(redis) == {}


def test_a_sample_that_is_refused_does_not_disturb_the_sweep(rig: Rig, settings: Settings) -> None:
    rig.append(started("s1"))
    rig.redis.delete(*(ShardKeys(shard).pending for shard in range(2)))
    rig.redis.set(keys.HISTORY, "no stream")
    with pytest.raises(StoreError, match="keeping a minute's figures"):
        sample_once(rig.redis, 2)
    rig.redis.delete(keys.SAMPLED)
    assert sweep_once(rig.redis, settings, Waker(rig.redis)) == [rig.keys_of(started("s1")).shard]
    assert Queue(FOLD, connection=rig.redis, serializer=JSONSerializer).count == 1

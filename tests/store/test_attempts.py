"""Attempts at the head of an inbox are counted, so that what kills its workers is found: singly, then set aside."""

from __future__ import annotations

from itertools import count

import pytest
from redis import Redis
from rq.timeouts import JobTimeoutException

from tests.store.build import started
from tests.store.rig import Rig
from webhook.domain.errors import LeaseLost, StoreError
from webhook.store.commit import Commit
from webhook.store.shard import CRASHES, FIRST_ENTRIES, MOST_ENTRIES, Care, Shard
from workers.drain import drain, drain_once

ATTEMPTS = "vigil:{s0}:attempts"


@pytest.fixture
def one(redis: Redis) -> Rig:
    return Rig(redis, 1)


_workers = count()


def begin(rig: Rig) -> Shard:
    """Another worker with the lease, after the one before it died."""
    return rig.shard(0, f"worker {next(_workers)}")


def plant(redis: Redis, tried: int, singles: int) -> None:
    """As if so many workers had died, and so many entries were to be taken singly."""
    redis.hset(ATTEMPTS, mapping={f"by:dead {number}": 1 for number in range(tried)} | {"singles": singles})


def stored(redis: Redis) -> dict[str, int]:
    """How many attempts are counted, and how many entries are to be taken singly, where there are any."""
    fields = redis.hgetall(ATTEMPTS)
    singles = int(fields.pop(b"singles", 0))
    return {name: number for name, number in (("tried", len(fields)), ("singles", singles)) if number}


def test_each_lease_that_is_taken_counts_until_something_is_committed(redis: Redis, one: Rig) -> None:
    for tried in range(1, 5):
        begin(one)
        assert stored(redis) == {"tried": tried}
    begin(one).commit(Commit())
    assert stored(redis)["tried"] == 1


def test_a_lease_that_is_not_taken_does_not_count(redis: Redis, one: Rig) -> None:
    begin(one)
    assert not Shard(redis, 0, "another").acquire()
    assert stored(redis) == {"tried": 1}


def test_care_grows_with_each_third_crash(one: Rig) -> None:
    care = [begin(one).care for _ in range(4 * CRASHES + 1)]
    assert CRASHES == 3
    assert care == [Care.NONE] * 3 + [Care.SINGLE] * 3 + [Care.SET_ASIDE] * 3 + [Care.UNREAD] * 4


def test_after_three_crashes_a_batch_is_one_entry(one: Rig) -> None:
    one.append(*(started(f"s{number}") for number in range(FIRST_ENTRIES)))
    sizes = [len(begin(one).batch(one.limits.dead_ms).received) for _ in range(4)]
    assert sizes == [FIRST_ENTRIES] * 3 + [1]


def test_entries_stay_single_as_far_as_the_killer_can_be(redis: Redis, one: Rig) -> None:
    for _ in range(CRASHES + 1):
        shard = begin(one)
    for left in range(MOST_ENTRIES - 1, -1, -1):
        assert shard.care is Care.SINGLE
        shard.commit(Commit())
        assert stored(redis) == {"tried": 1, **({"singles": left} if left else {})}
    assert shard.care is Care.NONE


def test_in_single_file_three_crashes_are_enough_to_set_the_head_aside(redis: Redis, one: Rig) -> None:
    plant(redis, 0, 7)
    care = [begin(one).care for _ in range(2 * CRASHES + 1)]
    assert care == [Care.SINGLE] * 3 + [Care.SET_ASIDE] * 3 + [Care.UNREAD]


def test_setting_one_aside_goes_on_in_single_file(redis: Redis, one: Rig) -> None:
    plant(redis, CRASHES, 7)
    shard = begin(one)
    assert shard.care is Care.SET_ASIDE
    shard.commit(Commit())
    assert (shard.care, stored(redis)) == (Care.SINGLE, {"tried": 1, "singles": 6})


def test_an_inbox_that_is_empty_forgets_all_attempts(redis: Redis, one: Rig) -> None:
    plant(redis, 5, 7)
    assert begin(one).release()
    assert not redis.exists(ATTEMPTS)


def test_a_release_that_is_refused_forgets_nothing(redis: Redis, one: Rig) -> None:
    one.append(started())
    shard = begin(one)
    assert not shard.release()
    assert stored(redis) == {"tried": 1}


def test_handing_over_keeps_the_single_file(redis: Redis, one: Rig) -> None:
    plant(redis, 5, 7)
    begin(one).hand_over()
    assert stored(redis) == {"tried": 5, "singles": 7}


def test_an_attempt_that_is_forgiven_does_not_count_and_gives_up_the_lease(redis: Redis, one: Rig) -> None:
    begin(one)
    begin(one).forgive()
    assert stored(redis) == {"tried": 1}
    assert Shard(redis, 0, "next").acquire()


def test_a_worker_that_lost_its_lease_takes_back_its_own_attempt_and_leaves_the_lease(redis: Redis, one: Rig) -> None:
    paused, other = begin(one), begin(one)
    paused.forgive()
    assert (stored(redis), one.redis.exists(paused.keys.lease)) == ({"tried": 1}, 1)
    with pytest.raises(LeaseLost):
        paused.commit(Commit())
    other.commit(Commit())
    assert stored(redis) == {"tried": 1}


def test_a_server_that_fails_is_nobodys_crash(redis: Redis, one: Rig) -> None:
    class Failing(Shard):
        def commit(self, commit: Commit) -> None:
            raise StoreError("the server went away")

    one.append(started())
    for _ in range(3 * CRASHES + 1):
        with pytest.raises(StoreError):
            drain(Failing(redis, 0, "failing"), one.limits, lambda: None)
    assert stored(redis) == {}
    assert drain(Shard(redis, 0, "sound"), one.limits, lambda: None) == 1
    assert one.outcomes() == {"applied": 1}


class Late(Shard):
    """Its commit comes when another has the lease."""

    def commit(self, commit: Commit) -> None:
        self._redis.set(self.keys.lease, "another's")
        super().commit(commit)


def test_a_lease_that_was_lost_is_nobodys_crash(redis: Redis, one: Rig) -> None:
    one.append(started())
    for number in range(3 * CRASHES + 1):
        assert drain(Late(redis, 0, f"late {number}"), one.limits, lambda: None) == 0
        redis.delete("vigil:{s0}:lease")
    assert stored(redis) == {}


@pytest.mark.parametrize(("computes", "counted"), [(False, {}), (True, {"tried": 1})])
def test_a_job_whose_time_is_over_counts_where_it_computed_and_not_where_it_waited(
    redis: Redis, one: Rig, monkeypatch: pytest.MonkeyPatch, computes: bool, counted: dict[str, int]
) -> None:
    class Slow(Shard):
        def commit(self, commit: Commit) -> None:
            raise JobTimeoutException

    monkeypatch.setattr("workers.drain.CPU_OF_A_LOOP", 0.0 if computes else 60.0)
    one.append(started())
    with pytest.raises(JobTimeoutException):
        drain(Slow(redis, 0, "slow"), one.limits, lambda: None)
    assert stored(redis) == counted


@pytest.mark.parametrize("act", ["acquire", "forgive", "hand_over", "release", "commit"])
def test_on_a_full_server_attempts_are_counted_all_the_same(redis: Redis, one: Rig, act: str) -> None:
    one.append(started())
    shard = begin(one)
    redis.script_flush()
    redis.config_set("maxmemory", 1)
    if act == "acquire":
        begin(one)
        assert stored(redis) == {"tried": 2}
    elif act == "commit":
        assert drain_once(shard, one.limits) == 1
        assert stored(redis) == {"tried": 1}
        one.check()
    else:
        getattr(shard, act)()
        assert stored(redis) == {"forgive": {}, "hand_over": {}, "release": {"tried": 1}}[act]

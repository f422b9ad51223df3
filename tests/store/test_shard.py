"""Leases and wake-ups: whatever the interleaving, work has somebody at it, or on the way, or the sweep to find it."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as budget
from hypothesis import strategies as st
from redis import Redis

from tests.store.build import arrival, started
from tests.store.rig import Rig, dump
from webhook.domain.errors import LeaseLost
from webhook.store import shard as sharding
from webhook.store.commit import Commit
from webhook.store.inbox import PENDING_MS, Inbox
from webhook.store.shard import LEASE_MS, Shard
from webhook.store.watch import look
from workers import drain as draining
from workers.drain import drain, drain_once

KEY = "default\x1flobby"
NO_WAKE = RuntimeError("nothing was left, so nobody had to be woken")


@pytest.fixture
def inbox(redis: Redis) -> Inbox:
    return Inbox(redis, 1, 10_000)


@pytest.fixture
def one(redis: Redis) -> Rig:
    return Rig(redis, 1)


def never() -> None:
    raise NO_WAKE


def test_a_lease_is_held_by_one_for_five_seconds(redis: Redis) -> None:
    assert Shard(redis, 0, "one").acquire()
    assert not Shard(redis, 0, "two").acquire()
    assert 0 < redis.pttl(Shard(redis, 0, "one").keys.lease) <= LEASE_MS == 5000


def test_leases_of_two_shards_are_held_apart(redis: Redis) -> None:
    assert Shard(redis, 0, "one").acquire()
    assert Shard(redis, 1, "two").acquire()


def test_a_commit_renews_the_lease(redis: Redis, one: Rig) -> None:
    shard = one.shard(0)
    redis.pexpire(shard.keys.lease, 1000)
    shard.commit(Commit())
    assert redis.pttl(shard.keys.lease) > 1000


def test_an_append_between_the_last_read_and_the_release_is_seen(redis: Redis, inbox: Inbox, one: Rig) -> None:
    inbox.append(KEY, arrival(started()))
    shard = one.shard(0)
    drain_once(shard, one.limits)
    assert not inbox.append(KEY, arrival(started("s2"))).wake
    assert not shard.release()
    assert redis.get(shard.keys.lease) == b"rig"
    assert drain_once(shard, one.limits) == 1
    assert shard.release()


def test_an_append_after_the_release_asks_for_a_wake_up(inbox: Inbox, one: Rig) -> None:
    inbox.append(KEY, arrival(started()))
    shard = one.shard(0)
    drain_once(shard, one.limits)
    assert shard.release()
    assert inbox.append(KEY, arrival(started())).wake


def test_a_released_shard_has_neither_lease_nor_pending_wake_up(redis: Redis, inbox: Inbox, one: Rig) -> None:
    inbox.append(KEY, arrival(started()))
    shard = one.shard(0)
    drain_once(shard, one.limits)
    shard.release()
    assert redis.exists(shard.keys.lease, shard.keys.pending) == 0


def test_handing_over_gives_up_the_lease_and_leaves_a_wake_up_pending(redis: Redis, inbox: Inbox, one: Rig) -> None:
    shard = one.shard(0)
    shard.hand_over()
    assert not redis.exists(shard.keys.lease)
    assert 0 < redis.pttl(shard.keys.pending) <= PENDING_MS
    assert not inbox.append(KEY, arrival(started())).wake


def test_a_second_drain_gets_no_lease_and_changes_nothing(redis: Redis, inbox: Inbox, one: Rig) -> None:
    inbox.append(KEY, arrival(started()))
    one.shard(0, "first")
    before = dump(redis)
    assert drain(Shard(redis, 0, "second"), one.limits, never) == 0
    assert dump(redis) == before


@pytest.mark.parametrize("lease", [None, "another's"], ids=["expired", "taken over"])
@pytest.mark.parametrize("act", ["release", "hand_over"])
def test_a_worker_that_lost_its_lease_gives_up_nothing(
    redis: Redis, inbox: Inbox, one: Rig, lease: str | None, act: str
) -> None:
    inbox.append(KEY, arrival(started()))
    shard = one.shard(0)
    redis.delete(shard.keys.lease)
    if lease:
        redis.set(shard.keys.lease, lease)
    before = dump(redis)
    with pytest.raises(LeaseLost, match="shard 0 is another worker's now; nothing was written"):
        getattr(shard, act)()
    assert dump(redis) == before


def test_a_drain_stops_quietly_when_its_lease_was_taken_over(redis: Redis, inbox: Inbox, one: Rig) -> None:
    class Paused(Shard):
        def commit(self, commit: Commit) -> None:
            redis.set(self.keys.lease, "another's")
            super().commit(commit)

    inbox.append(KEY, arrival(started()))
    assert drain(Paused(redis, 0, "paused"), one.limits, never) == 0
    assert redis.get("vigil:{s0}:lease") == b"another's"
    assert redis.xlen("vigil:{s0}:inbox") == 1
    assert not one.has("s1")


def test_a_drain_takes_all_there_is_in_one_slice(inbox: Inbox, one: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draining, "SLICE_SECONDS", 60.0)
    for number in range(sharding.MOST_ENTRIES + 1):
        inbox.append(KEY, arrival(started(f"s{number % 3}", at_ms=1_764_000_000_000 + number)))
    assert drain(Shard(one.redis, 0, "token"), one.limits, never) == sharding.MOST_ENTRIES + 1
    one.check()


def test_with_work_left_at_the_end_of_its_slice_a_drain_hands_over_and_wakes(
    redis: Redis, inbox: Inbox, one: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draining, "SLICE_SECONDS", 0.0)
    monkeypatch.setattr(sharding, "MOST_ENTRIES", 2)
    for number in range(5):
        inbox.append(KEY, arrival(started(f"s{number}")))
    woken: list[tuple[int, int]] = []
    seen = ["vigil:{s0}:lease", "vigil:{s0}:pending"]
    shard = Shard(redis, 0, "token")
    taken = drain(shard, one.limits, lambda: woken.append((redis.exists(seen[0]), redis.exists(seen[1]))))
    assert (taken, woken) == (2, [(0, 1)])


STEPS = ("append", "lose the wake-up", "run a wake-up", "read", "release", "hand over", "kill")


class Actors:
    """A web, workers and their queue, each of which may be interrupted between any two of its steps."""

    def __init__(self, rig: Rig) -> None:
        self.rig, self.redis = rig, rig.redis
        self.queue, self.appended, self.started = 0, 0, 0
        self.worker: Shard | None = None

    def step(self, name: str) -> None:
        getattr(self, name.replace(" ", "_").replace("-", "_"))()

    def append(self) -> None:
        self.appended += 1
        body = started(f"s{self.appended}")
        self.queue += self.rig.inbox.append(KEY, arrival(body)).wake

    def lose_the_wake_up(self) -> None:
        self.queue = 0
        self.redis.delete("vigil:{s0}:pending")  # as its TTL does

    def run_a_wake_up(self) -> None:
        if self.queue:
            self.queue -= 1
            self.started += 1
            shard = Shard(self.redis, 0, f"worker {self.started}")
            self.worker = shard if shard.acquire() else self.worker

    def read(self) -> None:
        if self.worker:
            drain_once(self.worker, self.rig.limits)

    def release(self) -> None:
        if self.worker and self.worker.release():
            self.worker = None

    def hand_over(self) -> None:
        if self.worker:
            self.worker.hand_over()
            self.queue += 1
            self.worker = None

    def kill(self) -> None:
        if self.worker:
            self.redis.delete(self.worker.keys.lease)  # as its TTL does
            self.redis.delete(self.worker.keys.pending)
            self.worker = None

    def somebody_cares(self) -> bool:
        return bool(self.worker or self.queue or look(self.redis, 1).idle or not self.redis.xlen("vigil:{s0}:inbox"))


@budget(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.sampled_from(STEPS), max_size=12))
def test_whatever_the_interleaving_work_has_a_worker_a_wake_up_or_the_sweep(redis: Redis, steps: list[str]) -> None:
    redis.flushall()
    actors = Actors(Rig(redis, 1))
    for name in steps:
        actors.step(name)
    assert actors.somebody_cares()


@budget(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.sampled_from(["append", "run a wake-up", "read", "release", "hand over"]), max_size=14))
def test_without_losses_no_work_waits_for_the_sweep(redis: Redis, steps: list[str]) -> None:
    redis.flushall()
    actors = Actors(Rig(redis, 1))
    for name in steps:
        actors.step(name)
    assert actors.worker or actors.queue or not redis.xlen("vigil:{s0}:inbox")

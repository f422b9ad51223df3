"""The commit: all or nothing, fenced by the lease, in one slot, even on a full server, once whatever crashes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis import Redis
from redis.crc import key_slot

from tests.store.build import exited, poison, snapshot, started, video
from tests.store.rig import Rig, dump
from webhook.domain.errors import LeaseLost, StoreError
from webhook.store.commit import MOST_ARGUMENTS, Commit
from webhook.store.shard import Shard
from workers.drain import drain_once

STORY = [started(), video(0), snapshot(1), snapshot(1, notice_id="copy"), poison(), b"null", video(1), exited()]


class Recording(Shard):
    """A shard that remembers what it was told to commit."""

    committed: list[Commit]

    def commit(self, commit: Commit) -> None:
        self.committed = [commit]
        super().commit(commit)


class Killed(BaseException):
    """The process ends here."""


class DiesBeforeCommit(Shard):
    """A shard whose worker is killed after it has read and folded."""

    def commit(self, commit: Commit) -> None:
        raise Killed


class DiesAfterCommit(Shard):
    """A shard whose worker is killed as soon as its commit was done."""

    def commit(self, commit: Commit) -> None:
        super().commit(commit)
        raise Killed


@pytest.fixture
def one(redis: Redis) -> Rig:
    return Rig(redis, 1)


def fill(rig: Rig) -> None:
    for body in STORY:
        rig.put(body, 1_764_000_001_000, key="lobby")


def some() -> Commit:
    commit = Commit()
    commit.set("vigil:{s0}:session:s9", b"value")
    commit.put("vigil:{s0}:counts", {"state:live": 1})
    commit.trim("vigil:{s0}:inbox", "9999999999999-0")
    return commit


def take_from(redis: Redis, shard: Shard, new: str | None) -> None:
    redis.delete(shard.keys.lease)
    if new:
        redis.set(shard.keys.lease, new)


@pytest.mark.parametrize("new", [None, "another's"], ids=["expired", "taken over"])
def test_without_the_lease_nothing_at_all_is_written(redis: Redis, one: Rig, new: str | None) -> None:
    fill(one)
    shard = one.shard(0)
    take_from(redis, shard, new)
    before = dump(redis)
    with pytest.raises(LeaseLost):
        shard.commit(some())
    assert dump(redis) == before


@pytest.mark.parametrize("new", [None, "another's"], ids=["expired", "taken over"])
def test_a_worker_paused_in_the_middle_of_a_batch_writes_nothing_when_it_wakes_up_late(
    redis: Redis, one: Rig, new: str | None
) -> None:
    class Slept(Shard):
        def commit(self, commit: Commit) -> None:
            take_from(redis, self, new)
            self.before = dump(redis)
            super().commit(commit)

    fill(one)
    late = Slept(redis, 0, "late")
    late.acquire()
    with pytest.raises(LeaseLost):
        drain_once(late, one.limits)
    assert dump(redis) == late.before


def test_with_the_lease_all_of_it_is_written(redis: Redis, one: Rig) -> None:
    fill(one)
    one.shard(0).commit(some())
    assert redis.get("vigil:{s0}:session:s9") == b"value"
    assert redis.hgetall("vigil:{s0}:counts") == {b"state:live": b"1"}
    assert redis.xlen("vigil:{s0}:inbox") == 0


def test_all_keys_of_a_commit_are_in_the_slot_of_the_lease(one: Rig) -> None:
    fill(one)
    for sid in ("{other}", "}{", "{}", "a{s1}b"):
        one.put(started(sid), 1_764_000_001_000, key="lobby")
    shard = Recording(one.redis, 0, "token")
    shard.acquire()
    assert drain_once(shard, one.limits) == len(STORY) + 4
    (commit,) = shard.committed
    touched = {key for key, _ in commit.commands()} | {shard.keys.lease, shard.keys.inbox, shard.keys.pending}
    assert len(touched) > 20
    assert {key_slot(key.encode()) for key in touched} == {key_slot(b"s0")}


@pytest.fixture
def full(redis: Redis) -> Iterator[Redis]:
    """Fills the server: every command that may take memory is refused."""
    yield redis
    redis.config_set("maxmemory", 0)


def fill_up(redis: Redis) -> None:
    redis.config_set("maxmemory", 1)


def test_on_a_full_server_the_commit_succeeds_and_an_append_does_not(full: Redis, one: Rig) -> None:
    fill(one)
    one.append(started())
    shard = one.shard(0)
    full.script_flush()
    fill_up(full)
    with pytest.raises(StoreError, match=r"appending to the inbox of shard 0: OutOfMemory"):
        one.append(started())
    assert drain_once(shard, one.limits) == len(STORY) + 1
    assert shard.release()
    full.config_set("maxmemory", 0)
    one.check()
    assert one.session().state.streams["7"].snapshots.count == 1


def test_on_a_full_server_a_shard_can_be_handed_over(full: Redis, one: Rig) -> None:
    shard = one.shard(0)
    fill_up(full)
    shard.hand_over()
    assert full.exists(shard.keys.pending)


def test_on_a_full_server_a_lease_can_be_taken(full: Redis) -> None:
    fill_up(full)
    assert Shard(full, 0, "token").acquire()


@pytest.mark.parametrize("dying", [DiesBeforeCommit, DiesAfterCommit], ids=["before its commit", "after its commit"])
def test_nothing_is_applied_twice_or_lost_when_a_worker_dies(redis: Redis, one: Rig, dying: type[Shard]) -> None:
    fill(one)
    one.drain()
    undisturbed, outcomes = one.session(), one.outcomes()
    redis.flushall()
    fill(one)
    shard = dying(redis, 0, "dying")
    shard.acquire()
    with pytest.raises(Killed):
        drain_once(shard, one.limits)
    one.drain()
    assert one.session() == undisturbed
    assert one.outcomes() == outcomes


def test_a_worker_that_dies_once_everything_is_loaded_leaves_no_trace(redis: Redis, one: Rig) -> None:
    fill(one)
    shard = DiesBeforeCommit(redis, 0, "dying")
    shard.acquire()
    before = dump(redis)
    with pytest.raises(Killed):
        drain_once(shard, one.limits)
    assert dump(redis) == before


def test_a_commit_with_many_arguments_is_split_and_complete(redis: Redis, one: Rig) -> None:
    many = 3 * MOST_ARGUMENTS + 1
    commit = Commit()
    commit.put("vigil:{s0}:log:x", {f"field {number}": number for number in range(many)})
    for number in range(many):
        commit.score("vigil:{s0}:received", f"member {number}", number)
    assert max(len(command) for _, command in commit.commands()) <= MOST_ARGUMENTS + 1
    shard = one.shard(0)
    shard.commit(commit)
    assert (redis.hlen("vigil:{s0}:log:x"), redis.zcard("vigil:{s0}:received")) == (many, many)
    assert redis.zscore("vigil:{s0}:received", f"member {many - 1}") == many - 1


def test_many_removals_are_split_and_complete(redis: Redis, one: Rig) -> None:
    names = [f"name {number}" for number in range(3 * MOST_ARGUMENTS + 1)]
    redis.zadd("vigil:{s0}:received", dict.fromkeys(names, 1))
    redis.hset("vigil:{s0}:log:x", mapping=dict.fromkeys(names, 1))
    commit = Commit()
    commit.drop("vigil:{s0}:log:x", names)
    for name in names:
        commit.unscore("vigil:{s0}:received", name)
    one.shard(0).commit(commit)
    assert redis.exists("vigil:{s0}:log:x", "vigil:{s0}:received") == 0


def test_what_was_put_and_then_dropped_is_gone(redis: Redis, one: Rig) -> None:
    commit = Commit()
    commit.put("vigil:{s0}:log:x", {"kept": 1, "dropped": 1})
    commit.drop("vigil:{s0}:log:x", ["dropped"])
    commit.score("vigil:{s0}:received", "kept", 1)
    commit.score("vigil:{s0}:received", "dropped", 1)
    commit.unscore("vigil:{s0}:received", "dropped")
    one.shard(0).commit(commit)
    assert redis.hkeys("vigil:{s0}:log:x") == [b"kept"]
    assert redis.zrange("vigil:{s0}:received", 0, -1) == [b"kept"]


def test_what_was_dropped_and_then_put_is_there(redis: Redis, one: Rig) -> None:
    redis.hset("vigil:{s0}:log:x", "field", "old")
    commit = Commit()
    commit.drop("vigil:{s0}:log:x", ["field"])
    commit.put("vigil:{s0}:log:x", {"field": "new"})
    one.shard(0).commit(commit)
    assert redis.hgetall("vigil:{s0}:log:x") == {b"field": b"new"}


def test_only_the_entries_up_to_the_named_one_are_trimmed_from_the_inbox(redis: Redis, one: Rig) -> None:
    for number in range(3):
        redis.xadd("vigil:{s0}:inbox", {"n": number}, id=f"5-{number}")
    commit = Commit()
    commit.trim("vigil:{s0}:inbox", "5-1")
    one.shard(0).commit(commit)
    assert [entry_id for entry_id, _ in redis.xrange("vigil:{s0}:inbox")] == [b"5-2"]


def test_counts_grow_and_shrink_and_expire(redis: Redis, one: Rig) -> None:
    commit = Commit()
    for amount in (5, -2, 0):
        commit.add_to("vigil:{s0}:minute:1", "outcome:applied", amount)
    commit.expire("vigil:{s0}:minute:1", 60)
    one.shard(0).commit(commit)
    assert redis.hgetall("vigil:{s0}:minute:1") == {b"outcome:applied": b"3"}
    assert 0 < redis.ttl("vigil:{s0}:minute:1") <= 60

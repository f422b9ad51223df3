"""Workers that die, as far as Redis can tell: they take the lease, and what they have is never committed."""

from __future__ import annotations

from collections.abc import Callable

from tests.store.rig import Rig
from webhook.domain.arrivals import Kind
from webhook.store.commit import Commit
from webhook.store.notifications import Item, ItemFilter, Notifications
from webhook.store.shard import Batch, Care, Shard
from workers.drain import drain_once


class Killed(BaseException):
    """The worker is gone; nobody catches this."""


class Doomed(Shard):
    """A worker that dies with a batch that holds what kills, at its commit, unless that is set aside by then."""

    kills: Callable[[Batch], bool]
    batches: list[tuple[int, Care]]

    def batch(self, dead_ms: int) -> Batch:
        self.now = super().batch(dead_ms)
        self.batches.append((len(self.now.received), self.now.care))
        return self.now

    def commit(self, commit: Commit) -> None:
        if self.kills(self.now):
            raise Killed
        super().commit(commit)


def holds(mark: bytes, *, until: Care = Care.SET_ASIDE) -> Callable[[Batch], bool]:
    """Kills whoever has a body with this mark, before it is treated with the care `until`."""
    return lambda batch: batch.care < until and any(mark in each.arrival.body for each in batch.received)


def asks(kind: Kind) -> Callable[[Batch], bool]:
    """Kills whoever has an entry of this kind."""
    return lambda batch: batch.care < Care.SET_ASIDE and any(each.arrival.kind is kind for each in batch.received)


def survive(rig: Rig, number: int, kills: Callable[[Batch], bool]) -> tuple[int, list[tuple[int, Care]]]:
    """Drains a shard by workers of which each new one takes over when one has died; how many died, and all batches."""
    died, batches = 0, list[tuple[int, Care]]()
    for _ in range(100):
        shard = Doomed(rig.redis, number, f"worker {died}")
        shard.kills, shard.batches = kills, batches
        assert shard.acquire()
        try:
            drain_until_empty(rig, shard)
        except Killed:
            died += 1
            rig.redis.delete(shard.keys.lease)  # as its TTL does
        else:
            rig.check()
            return died, batches
    raise AssertionError("it kills for ever")


def drain_until_empty(rig: Rig, shard: Shard) -> None:
    for _ in range(10_000):
        drain_once(shard, rig.limits)
        if shard.release():
            return
    raise AssertionError("the shard does not become empty")


def items(rig: Rig, **wanted: str) -> list[Item]:
    """What was received, as the API lists it."""
    return Notifications(rig.redis, rig.shards).all(ItemFilter(**wanted), 500, None).items

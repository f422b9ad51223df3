"""The sweep: each second it looks at every shard and wakes those that have work and nobody at it."""

from __future__ import annotations

from webhook.queues import Waker
from webhook.store.connection import Redis
from webhook.store.watch import look, take_pulse


def sweep_once(redis: Redis, shards: int, waker: Waker) -> list[int]:
    """Wakes the shards that need it; returns them. Writes no session. Raises StoreError."""
    take_pulse(redis)
    idle = look(redis, shards)
    for shard in idle:
        waker.wake(shard)
    return idle

"""The sweep: each second it looks at every shard and sink, and wakes those that have work and nobody at it."""

from __future__ import annotations

from contextlib import suppress

from webhook.domain.errors import StoreError
from webhook.queues import Waker
from webhook.settings import Settings
from webhook.store.connection import Redis
from webhook.store.history import sample_once
from webhook.store.sinks import wake_idle_sinks
from webhook.store.watch import Seen, ask_for_heartbeat, look, take_pulse


def sweep_once(redis: Redis, settings: Settings, waker: Waker) -> list[int]:
    """Wakes the shards, and the configured sinks, that need it; returns the shards. Writes no session.

    Raises StoreError.
    """
    take_pulse(redis)
    seen = look(redis, settings.shards)
    for shard in seen.idle:
        waker.wake(shard)
    for sink in wake_idle_sinks(redis, [sink.name for sink in settings.sinks], settings.shards):
        waker.deliver(sink)
    _beat(redis, settings, seen, waker)
    with suppress(StoreError):  # on a full server the charts have a gap, and that is all
        sample_once(redis, settings.shards)
    return seen.idle


def _beat(redis: Redis, settings: Settings, seen: Seen, waker: Waker) -> None:
    """Whoever waits for the heartbeat hears nothing while Vigil is behind."""
    if settings.heartbeat is not None and seen.well and ask_for_heartbeat(redis, settings.heartbeat.every):
        waker.beat()

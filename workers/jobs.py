"""What RQ calls. Each job names its work by numbers, so losing one, or running one twice, changes nothing."""

from __future__ import annotations

import faulthandler
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from webhook import settings as configuration
from webhook.domain.errors import StoreError
from webhook.queues import Waker
from webhook.store.connection import Redis
from webhook.store.shard import Shard
from webhook.store.watch import begin_sweep
from webhook.wiring import connect_worker, limits
from workers.drain import drain as drain_shard
from workers.sweep import sweep_once

STUCK_AFTER = 12.0  # seconds; longer than any job may take

log = logging.getLogger(__name__)


class _Process:
    """The parts of this worker process, made at its first job, after the fork."""

    def __init__(self) -> None:
        self.settings = configuration.from_environment()
        self.redis: Redis = connect_worker(self.settings)
        self.waker = Waker(self.redis)
        self.limits = limits(self.settings)


@cache
def _process() -> _Process:
    return _Process()


def drain(shard: int) -> None:
    """Drains one shard. With Redis away it does not, and the sweep wakes the next one."""
    with _warned():
        _drain(shard)


def sweep() -> None:
    """Wakes whatever has work and nobody at it. With Redis away it does not; the clock sends another one."""
    process = _process()
    with _warned():
        begin_sweep(process.redis)
        sweep_once(process.redis, process.settings.shards, process.waker)


def drain_all() -> None:
    """Drains each shard once, without any wake-up: what a worker does before it listens for them. Raises StoreError.

    A server that is full refuses what RQ writes, and with it every job; what Vigil commits it does not refuse. So a
    worker that RQ sends away makes room each time it begins.
    """
    for shard in range(_process().settings.shards):
        _drain(shard)


def _drain(shard: int) -> None:
    """Drains one shard. A drain that does not come to an end ends this process, with a traceback."""
    process = _process()
    token = f"{os.getpid()}:{os.urandom(8).hex()}"
    faulthandler.dump_traceback_later(STUCK_AFTER, exit=True)  # RQ's own alarm cannot stop what never leaves C
    try:
        drain_shard(Shard(process.redis, shard, token), process.limits, lambda: process.waker.wake(shard))
    finally:
        faulthandler.cancel_dump_traceback_later()


@contextmanager
def _warned() -> Iterator[None]:
    """Says in a line that Redis was away: RQ would keep a failed job and write a traceback, which help nobody."""
    try:
        yield
    except StoreError as failure:
        log.warning("%s", failure)

"""What RQ calls. Each job only says where to look, so losing one, or running one twice, changes nothing."""

from __future__ import annotations

import faulthandler
import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache, partial

from webhook import settings as configuration
from webhook.domain.errors import ConfigurationError, StoreError
from webhook.queues import Waker
from webhook.store.connection import Redis
from webhook.store.outbox import Outbox
from webhook.store.shard import Shard
from webhook.store.sinks import wake_sinks
from webhook.store.ticks import Ticker
from webhook.store.watch import begin_sweep
from webhook.wiring import connect_worker, limits
from workers import heartbeat
from workers.deliver import deliver as deliver_to
from workers.drain import drain as drain_shard
from workers.pulse import read_pulse
from workers.sinks.making import make_sink
from workers.sinks.sink import Sink
from workers.sweep import sweep_once
from workers.watching import Watch

STUCK_AFTER = 12.0  # seconds; longer than any job may take

log = logging.getLogger(__name__)


class _Process:
    """The parts of this worker process, made at its first job, after the fork."""

    def __init__(self) -> None:
        self.settings = configuration.from_environment()
        self.redis: Redis = connect_worker(self.settings)
        self.waker = Waker(self.redis)
        self.tick = Ticker(self.redis).tick
        self.limits = limits(self.settings)
        pulse = partial(read_pulse, self.redis, self.settings)
        self.watch = Watch(guide=self.settings.guide, pulse=pulse, wake=self.wake_sinks)
        self._sinks: dict[str, Sink] = {}

    def wake_sinks(self, sinks: Iterable[str]) -> None:
        """Has those delivered to that nobody was woken for yet. What fails here the sweep makes good."""
        with _warned():
            for sink in wake_sinks(self.redis, sinks):
                self.waker.deliver(sink)

    def sink(self, name: str) -> Sink | None:
        """The configured sink of that name, made when it is first needed; None where there is none that can work."""
        found = next((sink for sink in self.settings.sinks if sink.name == name), None)
        if found is None:
            log.warning("no sink is called %r; what waits for it is kept until one is configured", name)
        elif name not in self._sinks:
            try:
                self._sinks[name] = make_sink(found, self.settings.public_url)
            except ConfigurationError as mistake:
                log.error("%s; what waits for it is kept", mistake)
        return self._sinks.get(name)


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
        sweep_once(process.redis, process.settings, process.waker)


def deliver(name: str) -> None:
    """Delivers what waits for one sink. With Redis away it does not, and the sweep wakes the next one."""
    process = _process()
    sink = process.sink(name)
    if sink is None:
        return
    with _warned(), _watched() as token:
        outbox = Outbox(process.redis, name, process.settings.shards, token)
        deliver_to(outbox, sink, lambda: process.waker.deliver(name), process.tick)


def beat() -> None:
    """Tells that Vigil is well, where somebody wants to know."""
    wanted = _process().settings.heartbeat
    if wanted is not None:
        with _watched():
            heartbeat.beat(wanted.url)


def drain_all() -> None:
    """Drains each shard once, without any wake-up: what a worker does before it listens for them. Raises StoreError.

    A server that is full refuses what RQ writes, and with it every job; what Vigil commits it does not refuse. So a
    worker that RQ sends away makes room each time it begins.
    """
    for shard in range(_process().settings.shards):
        _drain(shard)


def _drain(shard: int) -> None:
    process = _process()
    with _watched() as token:
        work = Shard(process.redis, shard, token)
        drain_shard(work, process.limits, lambda: process.waker.wake(shard), process.watch, process.tick)


@contextmanager
def _watched() -> Iterator[str]:
    """A token that no other job has. A job that does not come to an end ends this process, with a traceback."""
    faulthandler.dump_traceback_later(STUCK_AFTER, exit=True)  # RQ's own alarm cannot stop what never leaves C
    try:
        yield f"{os.getpid()}:{os.urandom(8).hex()}"
    finally:
        faulthandler.cancel_dump_traceback_later()


@contextmanager
def _warned() -> Iterator[None]:
    """Says in a line that Redis was away: RQ would keep a failed job and write a traceback, which help nobody."""
    try:
        yield
    except StoreError as failure:
        log.warning("%s", failure)

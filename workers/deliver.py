"""Delivers to one sink: seal what is due, claim a batch, send it, settle what became of it, until nothing is left.

Killed between any two of these it leaves nothing undone for long: what was claimed comes back by itself, with the same
id and the same content. So each delivery is made at least once, and more than once only where somebody died, or was
paused, after it was sent and before that was written down.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from math import inf
from random import random
from time import monotonic

from rq.timeouts import JobTimeoutException

from webhook.clock import sleep
from webhook.domain.alerting.delivery import (
    UNFIRED,
    Batch,
    Outcome,
    SinkState,
    after_failure,
    after_success,
    attempted,
    dead,
    delivered,
    is_stale,
    make_batches,
    plainly,
    undelivered,
)
from webhook.domain.errors import DeliveryError, LeaseLost, StoreError
from webhook.store.outbox import Outbox
from webhook.store.sinks import Heads, Place
from webhook.store.ticks import Area, Tick, tell_nobody
from workers.sinks.sink import SECONDS, Sink

log = logging.getLogger(__name__)

SLICE_SECONDS = 1.0
PATIENCE_SECONDS = 1.2  # what is due within so long is waited for: tellings wait a second for company
JOB_SECONDS = 8.7  # an attempt is over by then; RQ ends a job after 9
CLAIMED_MS = 12_000  # after that a batch whose deliverer was killed comes back
PAUSED_SECONDS = 3.0  # who was paused for longer since the lease was renewed does not send: another may be about to
LEAST_SECONDS = 1.0  # with less time left an attempt is not begun
OF_DELIVERIES = (Area.ALERTS, Area.QUEUE)  # what was given up is a dead letter


class Deliverer:
    """Makes one step after the other for one sink, while it holds the lease of `outbox`.

    `chance` gives numbers from 0 to 1. `until` is when the job has to be over, by the monotonic clock in s. What became
    of a batch is told by `tick`.
    """

    def __init__(
        self,
        outbox: Outbox,
        sink: Sink,
        chance: Callable[[], float] = random,
        until: float | None = None,
        tick: Tick = tell_nobody,
    ) -> None:
        self.over = False  # no time is left in this job
        self._outbox, self._sink, self._chance = outbox, sink, chance
        self._until, self._tick = until, tick

    def step(self, now_ms: int) -> int | None:
        """Seals what is due and attempts the batch that is due first. Returns when there is more to do, ms; None for
        never. Raises LeaseLost or StoreError.
        """
        heads = self._outbox.look()
        if heads.state.probe_ms > now_ms:
            return self._rest(heads, now_ms)
        sealed = [place for shard in heads.shards_due(now_ms) for place in self._seal(shard, now_ms)]
        due = [place for place in (*heads.sealed, *sealed) if place.due_ms <= now_ms]
        if not due:
            return now_ms if heads.shards_due(now_ms) else heads.next_ms
        self._attempt(min(due), heads.state, now_ms)
        return now_ms

    def _rest(self, heads: Heads, now_ms: int) -> int | None:
        """While the sink is left alone only what waited for too long is given up."""
        first = min(heads.sealed, default=None)
        if first is None or not is_stale(first.due_ms, now_ms):
            return heads.next_ms
        batch = self._outbox.read(first, now_ms)
        if batch is not None:
            error = f"given up after {batch.attempts} attempts: {batch.error or heads.state.last_error}"
            self._bury(first.shard, batch, error, now_ms)
        return now_ms

    def _seal(self, shard: int, now_ms: int) -> list[Place]:
        due = self._outbox.due(shard, now_ms)
        batches = make_batches(due.tellings, due.unfired, now_ms, self._sink.most)
        return [Place(now_ms, shard, batch.id) for batch in batches if self._outbox.seal(shard, batch)]

    def _attempt(self, place: Place, state: SinkState, now_ms: int) -> None:
        batch = self._outbox.read(place, now_ms)
        if batch is None:
            return
        if batch.given_up_ms is not None:
            self._bury(place.shard, batch, batch.error or UNFIRED, now_ms)
            return
        began = monotonic()
        self.over = self._seconds() < LEAST_SECONDS
        if self.over:
            return
        self._outbox.lease.renew()
        tried = attempted(batch)
        if not self._outbox.claim(place.shard, tried, now_ms + CLAIMED_MS) or monotonic() - began > PAUSED_SECONDS:
            return
        failure = self._send(tried)
        self._settle(place.shard, tried, state, failure, now_ms + int(1000 * (monotonic() - began)))

    def _send(self, batch: Batch) -> DeliveryError | None:
        """Why the sink did not take it; None where it did."""
        try:
            self._sink.send(batch, self._seconds())
        except DeliveryError as failure:
            return failure
        except JobTimeoutException:
            self.over = True
            return DeliveryError(f"no answer within {SECONDS:g} s")
        except Exception as failure:  # a fault of one sink's code must not stop the others
            log.error("sink %s failed in its own code: %s", self._sink.name, plainly(failure))
            return DeliveryError(plainly(failure))
        return None

    def _settle(self, shard: int, batch: Batch, state: SinkState, failure: DeliveryError | None, now_ms: int) -> None:
        if failure is None:
            outcome, after = delivered(batch), after_success(now_ms)
        else:
            outcome = undelivered(batch, failure, now_ms, self._chance())
            after = after_failure(state, failure, now_ms, self._chance())
            log.warning("sink %s, attempt %d: %s (%s)", self._sink.name, batch.attempts, failure, outcome.result)
        self._keep(shard, outcome, after, now_ms)

    def _bury(self, shard: int, batch: Batch, error: str, now_ms: int) -> None:
        self._keep(shard, dead(batch, error, now_ms), None, now_ms)

    def _keep(self, shard: int, outcome: Outcome, after: SinkState | None, now_ms: int) -> None:
        settled = self._outbox.settle(shard, outcome, now_ms)
        if not settled:
            log.warning("sink %s: another worker took over batch %s meanwhile", self._sink.name, outcome.batch.id)
        count = len(outcome.batch.tellings) if settled else 0
        self._outbox.lease.keep(after, outcome.result, count)
        self._tick(OF_DELIVERIES)

    def _seconds(self) -> float:
        """How long the attempt may take."""
        return SECONDS if self._until is None else min(SECONDS, self._until - monotonic())


def deliver(outbox: Outbox, sink: Sink, wake: Callable[[], None], tick: Tick = tell_nobody) -> None:
    """Delivers what is due for at most a slice, and waits for what is due soon.

    Does nothing while another delivers to this sink. With work left at the end it gives up the lease and calls `wake`.
    Pages are told by `tick`.
    Raises StoreError; whatever was not settled is attempted again.
    """
    if not outbox.lease.acquire():
        return
    began = monotonic()
    deliverer = Deliverer(outbox, sink, until=began + JOB_SECONDS, tick=tick)
    try:
        _deliver_slice(outbox, deliverer, wake, began)
    except LeaseLost as lost:
        log.warning("%s", lost)
    except JobTimeoutException:
        log.warning("sink %s: the job's time was over; what was not settled is attempted again", sink.name)
        _let_go(outbox)
    except StoreError:
        _let_go(outbox)
        raise


def _let_go(outbox: Outbox) -> None:
    with suppress(StoreError, LeaseLost):  # it ends by itself then
        outbox.lease.let_go()


def _deliver_slice(outbox: Outbox, deliverer: Deliverer, wake: Callable[[], None], began: float) -> None:
    while True:
        now_ms = outbox.now_ms()
        wait = _seconds_until(deliverer.step(now_ms), now_ms)
        if wait > PATIENCE_SECONDS:
            if outbox.lease.release():
                return
            wait = 0.0  # somebody was woken meanwhile, for what was not there yet
        elapsed = monotonic() - began
        if deliverer.over or elapsed >= SLICE_SECONDS or elapsed + wait > PATIENCE_SECONDS:
            outbox.lease.hand_over()
            wake()
            return
        sleep(wait)


def _seconds_until(next_ms: int | None, now_ms: int) -> float:
    return inf if next_ms is None else max(0.0, (next_ms - now_ms) / 1000)

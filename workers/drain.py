"""Drains one shard: read a batch, fold it, commit it, until nothing is left or the slice is over."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from time import monotonic, process_time

from msgspec import Struct
from msgspec.structs import replace
from rq.timeouts import JobTimeoutException

from webhook.domain.alerting.dossier import SELF, Dossier
from webhook.domain.arrivals import Reading, dead_letter, quarantined
from webhook.domain.errors import LeaseLost, StoreError, VigilError
from webhook.domain.folding import Folding, Known, Limits
from webhook.domain.replaying import Answer
from webhook.store.loading import Lost
from webhook.store.record import Recorder
from webhook.store.shard import Batch, Care, Shard
from webhook.store.ticks import Area, Tick, tell_nobody
from workers.deciding import Asked, decide, look_up
from workers.reading import Input, Looked, Registered, read_in_time
from workers.trimming import expire, forget, trim
from workers.watching import Watch, Watching

log = logging.getLogger(__name__)

BATCH_SECONDS = 0.1
SLICE_SECONDS = 1.0
CPU_OF_A_LOOP = 2.0  # seconds of computing within one job; it takes half of one when it folds all the time
NOBODYS_FAULT = (LeaseLost, StoreError, JobTimeoutException)  # of no notification, and of no session
NOBODY = Watch()
UNREADABLE_MS = 60_000  # until a session that cannot be read is looked at again


class Drained(Struct, frozen=True):
    """How many notifications a batch took, and what its commit changed."""

    taken: int
    areas: frozenset[Area] = frozenset(Area)


def drain(
    shard: Shard, limits: Limits, wake: Callable[[], None], watch: Watch = NOBODY, tick: Tick = tell_nobody
) -> int:
    """Drains `shard` for at most a slice; returns how many notifications it took.

    Does nothing while another holds the lease. With work left at the end it hands the shard over and calls `wake`.
    After each commit it tells by `tick` what that changed.
    Raises StoreError; whatever was not committed stays in the inbox.
    """
    if not shard.acquire():
        return 0
    began = process_time()
    try:
        return _drain_slice(shard, limits, wake, watch, tick)
    except StoreError:
        _forgive(shard)
        raise
    except JobTimeoutException:
        if process_time() - began < CPU_OF_A_LOOP:  # whoever is kept waiting is not at fault, whoever computes may be
            _forgive(shard)
        raise


def _drain_slice(shard: Shard, limits: Limits, wake: Callable[[], None], watch: Watch, tick: Tick) -> int:
    taken, until = 0, monotonic() + SLICE_SECONDS
    try:
        while True:
            taken += drain_once(shard, limits, watch, tick)
            if shard.release():
                return taken
            if monotonic() >= until:
                shard.hand_over()
                wake()
                return taken
    except LeaseLost as lost:
        log.warning("%s", lost)
        _forgive(shard)
        return taken


def drain_once(shard: Shard, limits: Limits, watch: Watch = NOBODY, tick: Tick = tell_nobody) -> int:
    """Folds one batch and commits it; returns its size. Raises LeaseLost or StoreError, with nothing written."""
    batch = shard.batch(limits.dead_ms)
    if not (batch.received or batch.due or batch.expired or (batch.unwatched and watch.pulse)):
        return 0
    drained = _drain_batch(shard, limits, batch, watch)
    tick(drained.areas)
    return drained.taken


def _drain_batch(shard: Shard, limits: Limits, batch: Batch, watch: Watch) -> Drained:
    try:
        return _drain(shard, limits, batch, watch)
    except NOBODYS_FAULT:
        raise
    except Exception:  # a fault that no notification was caught at: of a session's deadlines, or of folding it again
        log.exception("a batch of shard %d failed; its parts are taken one by one", shard.keys.shard)
        return _drain_singly(shard, limits, batch, watch)


def _forgive(shard: Shard) -> None:
    """Takes back what this process tried: it lives, so that has killed nobody."""
    with suppress(StoreError):
        shard.forgive()


def _drain_singly(shard: Shard, limits: Limits, batch: Batch, watch: Watch) -> Drained:
    """The sessions that are due, and the head of the inbox, each by itself.

    A session that fails is looked at again later. A notification that fails becomes a dead letter, unread if need be.
    """
    for session_id in batch.due:
        try:
            _drain(shard, limits, replace(batch, received=[], due=[session_id], expired=[]), watch)
        except NOBODYS_FAULT:
            raise
        except Exception:
            log.exception("the deadlines of session %s cannot be counted; it is looked at again later", session_id)
            recorder = Recorder(shard.keys, limits.retention_ms, batch.now_ms)
            recorder.postpone({session_id: batch.now_ms + UNREADABLE_MS})
            shard.commit(recorder.finish(None))
    head = replace(batch, received=batch.received[:1], due=[], expired=[], full=True)
    return Drained(_drain_head(shard, limits, head, watch) if batch.received else 0)


def _drain_head(shard: Shard, limits: Limits, head: Batch, watch: Watch) -> int:
    error = ""
    for care in (Care.SINGLE, Care.SET_ASIDE, Care.UNREAD):
        try:
            return _drain(shard, limits, replace(head, care=care), watch, error).taken
        except NOBODYS_FAULT:
            raise
        except Exception as failure:
            error = error or f"{type(failure).__name__}: {failure}"
    raise VigilError(f"not even a dead letter can be written to shard {shard.keys.shard}: {error}")


def _drain(shard: Shard, limits: Limits, batch: Batch, watch: Watch, error: str = "") -> Drained:
    """Folds the batch and commits it. `error` is why its head failed."""
    inputs = read_in_time(batch, error, BATCH_SECONDS / 2)
    due = [name for name in (*batch.due, *_looked_at(inputs)) if name != SELF]
    known, lost = _load(shard, inputs, due)
    folding = Folding(known, limits)
    answers: dict[str, Answer] = {}
    taken = _fold(folding, inputs, lost, answers)
    _refold(shard, folding)
    caught_up = taken == len(batch.received) and not batch.full
    folding.settle(due, batch.now_ms, deaf=batch.deaf or not caught_up)
    recorder = _Noting(shard.keys, limits.retention_ms, batch.now_ms)
    trim(shard, folding, recorder)
    watching = _watch(shard, batch, folding, watch, caught_up=caught_up)
    watching.record(recorder)
    forget(shard, folding, recorder)
    expire(shard, batch, folding, recorder)
    recorder.withdraw(folding.withdrawn)
    recorder.answer(answers)
    recorder.unschedule(name for name in due if name not in known.sessions and name not in lost.reasons)
    recorder.postpone(dict.fromkeys((name for name in due if name in lost.reasons), batch.now_ms + UNREADABLE_MS))
    recorder.save(folding, watching.looks, not_before_ms=_postponed_to(batch))
    shard.commit(recorder.finish(batch.received[taken - 1].entry_id if taken else None))
    watch.wake(watching.sinks)
    asked = any(isinstance(of, Looked) for of in inputs)
    return Drained(taken, frozenset(_changed(batch, folding, alerts=asked or recorder.alerts_changed)))


def _changed(batch: Batch, folding: Folding, *, alerts: bool) -> Iterator[Area]:
    if folding.touched or folding.forgotten:
        yield Area.SESSIONS
    if alerts:
        yield Area.ALERTS
    if batch.received or batch.expired:
        yield Area.QUEUE
    if folding.entries:
        yield Area.LOG


class _Noting(Recorder):
    """Also knows whether any alert changed."""

    alerts_changed = False

    def keep_alerts(self, before: Dossier, after: Dossier) -> None:
        self.alerts_changed |= not (before.is_empty and after.is_empty)
        super().keep_alerts(before, after)


def _watch(shard: Shard, batch: Batch, folding: Folding, watch: Watch, *, caught_up: bool) -> Watching:
    watching = Watching(shard, batch, watch)
    watching.look(folding, caught_up=caught_up)
    if batch.unwatched or SELF in batch.due:
        watching.look_at_vigil()
    return watching


def _load(shard: Shard, inputs: list[Input], due: list[str]) -> tuple[Known, Lost]:
    asked = [of for of in inputs if isinstance(of, Asked)]
    dead = look_up(shard, asked)
    readings = [of for of in inputs if isinstance(of, Reading)] + [of.reading for of in asked if of.reading]
    known, lost = shard.load(readings, [*due, *(of.sid for of in inputs if isinstance(of, Registered))])
    known.entries.update(dead)
    return known, lost


def _looked_at(inputs: list[Input]) -> list[str]:
    return [session_id for of in inputs if isinstance(of, Looked) for session_id in of.session_ids]


def _postponed_to(batch: Batch) -> int:
    """While deaf, what is due is looked at again at the end of it, or a second later, not at once and for ever."""
    return max(batch.deaf_until_ms, batch.now_ms + 1000) if batch.deaf else 0


def _fold(folding: Folding, inputs: list[Input], lost: Lost, answers: dict[str, Answer]) -> int:
    """Takes inputs in turn until the batch's time is over; returns how many were taken, at least one.

    `answers` gets what is told to those who asked, by their tickets.
    """
    until = monotonic() + BATCH_SECONDS
    for taken, of in enumerate(inputs, start=1):
        if isinstance(of, Reading):
            _take(folding, of, lost)
        elif isinstance(of, Asked):
            answers[of.request.ticket] = decide(folding, of, lost)
        elif isinstance(of, Looked):  # its sessions are due
            pass
        elif (reason := lost.reasons.get(of.sid)) is not None:
            folding.take(quarantined(of.received.arrival, of.received.received_ms, reason))
        else:
            folding.register(of.registration)
        if monotonic() >= until:
            return taken
    return len(inputs)


def _take(folding: Folding, reading: Reading, lost: Lost) -> None:
    reason = lost.reasons.get(reading.fact.session_id) if reading.fact else None
    if reason is not None:
        folding.take(replace(dead_letter(reading, reason), fact=None))
        return
    try:
        folding.take(reading)
    except JobTimeoutException:  # the job's own time is over, whichever notification it was at
        raise
    except Exception as failure:  # one notification's fault is not its neighbours'
        log.exception("notification %s could not be applied; it is a dead letter now", reading.copy.notice_id)
        _take_as_dead(folding, dead_letter(reading, f"{type(failure).__name__}: {failure}"))


def _take_as_dead(folding: Folding, reading: Reading) -> None:
    try:
        folding.take(reading)
    except JobTimeoutException:  # as above
        raise
    except Exception:  # not even its sequence number can be counted: keep it for a look, that is what must not fail
        folding.take(replace(reading, fact=None))


def _refold(shard: Shard, folding: Folding) -> None:
    for session_id in folding.moved:
        folding.refold(session_id, shard.told_of(session_id))

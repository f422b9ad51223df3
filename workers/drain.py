"""Drains one shard: read a batch, fold it, commit it, until nothing is left or the slice is over."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from time import monotonic, process_time

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from rq.timeouts import JobTimeoutException

from webhook.domain.arrivals import Kind, Reading, dead_letter, quarantined, read
from webhook.domain.errors import LeaseLost, StoreError, VigilError
from webhook.domain.folding import Folding, Known, Limits, Spot
from webhook.domain.log import DEAD, Entry, session_log
from webhook.domain.registration import Registration
from webhook.domain.replaying import Answer
from webhook.store.loading import Lost
from webhook.store.record import Recorder
from webhook.store.shard import CRASHES, Batch, Care, Received, Shard
from workers.deciding import Asked, decide, look_up, read_request

log = logging.getLogger(__name__)

BATCH_SECONDS = 0.1
SLICE_SECONDS = 1.0
CPU_OF_A_LOOP = 2.0  # seconds of computing within one job; it takes half of one when it folds all the time
NOBODYS_FAULT = (LeaseLost, StoreError, JobTimeoutException)  # of no notification, and of no session
DECISIONS = (Kind.REPLAY, Kind.DISCARD)
UNREADABLE_MS = 60_000  # until a session that cannot be read is looked at again


class Registered(Struct, frozen=True):
    """A registration as it came through the inbox."""

    registration: Registration
    received: Received

    @property
    def sid(self) -> str:
        """The session it registers."""
        return self.registration.sid


Input = Reading | Registered | Asked


def drain(shard: Shard, limits: Limits, wake: Callable[[], None]) -> int:
    """Drains `shard` for at most a slice; returns how many notifications it took.

    Does nothing while another holds the lease. With work left at the end it hands the shard over and calls `wake`.
    Raises StoreError; whatever was not committed stays in the inbox.
    """
    if not shard.acquire():
        return 0
    began = process_time()
    try:
        return _drain_slice(shard, limits, wake)
    except StoreError:
        _forgive(shard)
        raise
    except JobTimeoutException:
        if process_time() - began < CPU_OF_A_LOOP:  # whoever is kept waiting is not at fault, whoever computes may be
            _forgive(shard)
        raise


def _drain_slice(shard: Shard, limits: Limits, wake: Callable[[], None]) -> int:
    taken, until = 0, monotonic() + SLICE_SECONDS
    try:
        while True:
            taken += drain_once(shard, limits)
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


def drain_once(shard: Shard, limits: Limits) -> int:
    """Folds one batch and commits it; returns its size. Raises LeaseLost or StoreError, with nothing written."""
    batch = shard.batch(limits.dead_ms)
    if not (batch.received or batch.due or batch.expired):
        return 0
    try:
        return _drain(shard, limits, batch)
    except NOBODYS_FAULT:
        raise
    except Exception:  # a fault that no notification was caught at: of a session's deadlines, or of folding it again
        log.exception("a batch of shard %d failed; its parts are taken one by one", shard.keys.shard)
        return _drain_singly(shard, limits, batch)


def _forgive(shard: Shard) -> None:
    """Takes back what this process tried: it lives, so that has killed nobody."""
    with suppress(StoreError):
        shard.forgive()


def _drain_singly(shard: Shard, limits: Limits, batch: Batch) -> int:
    """The sessions that are due, and the head of the inbox, each by itself; returns how many notifications were taken.

    A session that fails is looked at again later. A notification that fails becomes a dead letter, unread if need be.
    """
    for session_id in batch.due:
        try:
            _drain(shard, limits, replace(batch, received=[], due=[session_id], expired=[]))
        except NOBODYS_FAULT:
            raise
        except Exception:
            log.exception("the deadlines of session %s cannot be counted; it is looked at again later", session_id)
            recorder = Recorder(shard.keys, limits.retention_ms, batch.now_ms)
            recorder.postpone([session_id], batch.now_ms + UNREADABLE_MS)
            shard.commit(recorder.finish(None))
    head = replace(batch, received=batch.received[:1], due=[], expired=[], full=True)
    return _drain_head(shard, limits, head) if batch.received else 0


def _drain_head(shard: Shard, limits: Limits, head: Batch) -> int:
    error = ""
    for care in (Care.SINGLE, Care.SET_ASIDE, Care.UNREAD):
        try:
            return _drain(shard, limits, replace(head, care=care), error)
        except NOBODYS_FAULT:
            raise
        except Exception as failure:
            error = error or f"{type(failure).__name__}: {failure}"
    raise VigilError(f"not even a dead letter can be written to shard {shard.keys.shard}: {error}")


def _drain(shard: Shard, limits: Limits, batch: Batch, error: str = "") -> int:
    """Folds the batch and commits it; returns how many notifications were taken. `error` is why its head failed."""
    inputs = _read_in_time(batch, error)
    known, lost = _load(shard, inputs, batch.due)
    folding = Folding(known, limits)
    answers: dict[str, Answer] = {}
    taken = _fold(folding, inputs, lost, answers)
    _refold(shard, folding)
    caught_up = taken == len(batch.received) and not batch.full
    deaf = batch.deaf or not caught_up
    folding.settle(batch.due, batch.now_ms, deaf=deaf)
    recorder = Recorder(shard.keys, limits.retention_ms, batch.now_ms)
    _trim(shard, folding, recorder)
    _forget(shard, folding, recorder)
    _expire(shard, batch, folding, recorder)
    recorder.withdraw(folding.withdrawn)
    recorder.answer(answers)
    recorder.unschedule(due for due in batch.due if due not in known.sessions and due not in lost.reasons)
    recorder.postpone((due for due in batch.due if due in lost.reasons), batch.now_ms + UNREADABLE_MS)
    recorder.save(folding, not_before_ms=_postponed_to(batch))
    shard.commit(recorder.finish(batch.received[taken - 1].entry_id if taken else None))
    return taken


def _load(shard: Shard, inputs: list[Input], due: list[str]) -> tuple[Known, Lost]:
    asked = [of for of in inputs if isinstance(of, Asked)]
    dead = look_up(shard, asked)
    readings = [of for of in inputs if isinstance(of, Reading)] + [of.reading for of in asked if of.reading]
    known, lost = shard.load(readings, [*due, *(of.sid for of in inputs if isinstance(of, Registered))])
    known.entries.update(dead)
    return known, lost


def _read_in_time(batch: Batch, error: str) -> list[Input]:
    """What the entries say, in turn until half of the batch's time is over; at least one of them."""
    until = monotonic() + BATCH_SECONDS / 2
    inputs = []
    for each in batch.received:
        inputs.append(_set_aside(each, batch.care, error) if batch.care >= Care.SET_ASIDE else _read(each))
        if monotonic() >= until:
            break
    return inputs


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


def _read(received: Received) -> Input:
    arrival = received.arrival
    try:
        if arrival.kind is Kind.REGISTRATION:
            return Registered(msgspec.json.decode(arrival.body, type=Registration), received)
        if arrival.kind in DECISIONS:
            return read_request(received)
        return read(arrival, received.received_ms)
    except JobTimeoutException:  # as above
        raise
    except Exception as failure:
        log.exception("what came at %s could not be read; it is in quarantine now", received.entry_id)
        return quarantined(arrival, received.received_ms, f"{type(failure).__name__}: {failure}")


def _set_aside(received: Received, care: Care, error: str) -> Reading | Asked:
    """The dead letter of an entry whose workers died, or failed by an `error`; not read where that alone may kill."""
    error = error or f"its workers died {care * CRASHES} times in a row while they had it"
    log.error("what came at %s is set aside: %s", received.entry_id, error)
    if care is Care.SET_ASIDE and received.arrival.kind in DECISIONS:
        return read_request(received, error)
    if care is Care.UNREAD or received.arrival.kind is not Kind.NOTIFICATION:
        return quarantined(received.arrival, received.received_ms, error)
    return dead_letter(read(received.arrival, received.received_ms), error)


def _refold(shard: Shard, folding: Folding) -> None:
    for session_id in folding.moved:
        folding.refold(session_id, shard.told_of(session_id))


def _trim(shard: Shard, folding: Folding, recorder: Recorder) -> None:
    overflow = folding.overflow()
    if not overflow:
        return
    stored = shard.least(overflow)
    trimmed = {name: folding.trim(name, count, stored[name]) for name, count in overflow.items()}
    entries = shard.entries(trimmed)
    for name, spots in trimmed.items():
        recorder.drop(name, spots, {key: entry for key, entry in entries.items() if key[0] == name})
        recorder.drop_effects(name, _untold(shard, folding, name, spots, entries))


def _untold(
    shard: Shard, folding: Folding, name: str, spots: list[Spot], entries: Mapping[tuple[str, str], Entry]
) -> list[str]:
    """The effects that went with trimmed entries because no later one tells of them."""
    floors = {entry.effect: spot.floor for spot in spots if (entry := entries.get((name, spot.field))) and entry.effect}
    told = shard.effects(name, list(floors)) | {
        digest: floor for (log_name, digest), floor in folding.effects.items() if log_name == name
    }
    return [digest for digest, floor in floors.items() if told.get(digest, "") <= floor]


def _forget(shard: Shard, folding: Folding, recorder: Recorder) -> None:
    for session in folding.forgotten:
        name = session_log(session.id)
        recorder.forget(session, shard.entries({name: shard.whole_log(name)}))


def _expire(shard: Shard, batch: Batch, folding: Folding, recorder: Recorder) -> None:
    spots = [Spot(0, place) for place in batch.expired]
    spots = [spot for spot in spots if (DEAD, spot.field) not in folding.entries]  # those go with the next batch
    if spots:
        recorder.drop(DEAD, spots, shard.entries({DEAD: spots}))

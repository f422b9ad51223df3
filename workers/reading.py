"""What the entries of an inbox say, each read by itself: a fault of one is not its neighbours'."""

from __future__ import annotations

import logging
from time import monotonic

import msgspec
from msgspec import Struct
from rq.timeouts import JobTimeoutException

from webhook.domain.arrivals import Kind, Reading, dead_letter, quarantined, read
from webhook.domain.registration import Registration
from webhook.store.shard import CRASHES, Batch, Care, Received
from workers.deciding import Asked, read_request

log = logging.getLogger(__name__)

DECISIONS = (Kind.REPLAY, Kind.DISCARD)


class Registered(Struct, frozen=True):
    """A registration as it came through the inbox."""

    registration: Registration
    received: Received

    @property
    def sid(self) -> str:
        """The session it registers."""
        return self.registration.sid


class Looked(Struct, frozen=True):
    """Sessions whose alerts somebody wants to be looked at now."""

    session_ids: list[str]


Input = Reading | Registered | Asked | Looked


def read_in_time(batch: Batch, error: str, seconds: float) -> list[Input]:
    """What the entries say, in turn until `seconds` are over; at least one of them. `error` is why the head failed."""
    until = monotonic() + seconds
    inputs: list[Input] = []
    for each in batch.received:
        inputs.append(_set_aside(each, batch.care, error) if batch.care >= Care.SET_ASIDE else _read(each))
        if monotonic() >= until:
            break
    return inputs


def _read(received: Received) -> Input:
    arrival = received.arrival
    try:
        if arrival.kind is Kind.REGISTRATION:
            return Registered(msgspec.json.decode(arrival.body, type=Registration), received)
        if arrival.kind is Kind.LOOK:
            return Looked(msgspec.json.decode(arrival.body, type=list[str]))
        if arrival.kind in DECISIONS:
            return read_request(received)
        return read(arrival, received.received_ms)
    except JobTimeoutException:  # the job's own time is over, whichever entry it was at
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

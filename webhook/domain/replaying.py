"""Dead letters processed again, or given up, because a person said so."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from webhook.domain.arrivals import Arrival, Reading, read
from webhook.domain.folding import Folding
from webhook.domain.log import DEAD, Entry, Outcome


class Verdict(StrEnum):
    """What became of a dead letter that a person decided on."""

    APPLIED = "applied"  # its session has it now
    KEPT = "kept"  # it is read now, and has no session
    UNCHANGED = "unchanged"  # it had been applied already: nothing changed
    STALE = "stale"  # older than its session's log or the retention: counted, not folded
    FAILED = "failed"  # it is a dead letter still
    MOVED = "moved"  # it belongs to another shard by now, and was posted there again
    DISCARDED = "discarded"
    GONE = "gone"  # there was no such dead letter any more
    PENDING = "pending"  # nobody has come to it yet


class Request(Struct, frozen=True):
    """What a person wants of the dead letter called `field`; the answer is kept under `ticket`.

    `project` is that of its source, as it is configured now.
    """

    ticket: str
    field: str
    project: str = "default"


class Answer(Struct, frozen=True):
    """What became of it, and why where it failed."""

    verdict: Verdict
    detail: str = ""


_VERDICTS = {
    Outcome.APPLIED: Verdict.APPLIED,
    Outcome.UNKNOWN: Verdict.KEPT,
    Outcome.TEST: Verdict.KEPT,
    Outcome.STALE: Verdict.STALE,
    Outcome.DUPLICATE: Verdict.UNCHANGED,
}


def read_again(entry: Entry, project: str) -> Reading:
    """What the dead letter `entry` says to this release, with all its copies and receipts."""
    first = entry.copies[0]
    reading = read(Arrival("", entry.source, project, entry.signature, entry.body), first.received_ms)
    again = replace(reading.entry, copies=entry.copies, receipts=entry.receipts, least_unlisted=entry.least_unlisted)
    return replace(reading, entry=again)


def replay(folding: Folding, field: str, reading: Reading) -> Answer:
    """Folds the dead letter `field`, which says `reading` now, like any notification.

    It is a dead letter no longer unless it fails again. Of what was applied already nothing changes. What applying it
    raises leaves it as it was.
    """
    dead = folding.dead_letter(field)
    if dead is None:
        return Answer(Verdict.GONE)
    if reading.log == DEAD:
        return fail(folding, field, reading.entry.error or "it cannot be read")
    outcome = folding.take_again(reading, heard=dead.heard)
    folding.withdraw(field)
    return Answer(_VERDICTS[outcome])


def fail(folding: Folding, field: str, error: str) -> Answer:
    """The dead letter `field` stays one, for `error`."""
    dead = folding.dead_letter(field)
    if dead is None:
        return Answer(Verdict.GONE)
    folding.amend(field, replace(dead, error=error))
    return Answer(Verdict.FAILED, error)


def discard(folding: Folding, field: str) -> Answer:
    """The dead letter `field` goes. It stays heard: no hole opens in its session's sequence."""
    if folding.dead_letter(field) is None:
        return Answer(Verdict.GONE)
    folding.withdraw(field)
    return Answer(Verdict.DISCARDED)

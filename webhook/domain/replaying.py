"""Dead letters processed again, or given up, because a person said so."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from webhook.domain.arrivals import Arrival, Reading, read
from webhook.domain.facts import Fact
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
    """What the dead letter `entry` says to this release."""
    return read(Arrival("", entry.source, project, entry.signature, entry.body), entry.copies[0].received_ms)


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
    outcome = folding.take_again(_with_all_copies(reading, dead), heard=dead.heard)
    folding.withdraw(field)
    return Answer(Verdict.APPLIED if reading.fact and outcome is Outcome.UNKNOWN else _VERDICTS[outcome])


def _with_all_copies(reading: Reading, dead: Entry) -> Reading:
    """`reading` with the copies and receipts of the dead letter, of which some may have come since it was read.

    What has no time of its own happened at the least notifyMs of them.
    """
    entry = replace(reading.entry, copies=dead.copies, receipts=dead.receipts, least_unlisted=dead.least_unlisted)
    fact: Fact | None = reading.fact
    if fact is None or not fact.timeless or dead.occurred_ms is None:
        return replace(reading, entry=entry)
    at_ms = min(fact.order.at_ms, dead.occurred_ms)
    moved = replace(fact, order=fact.order._replace(at_ms=at_ms))
    return replace(reading, entry=replace(entry, occurred_ms=at_ms), fact=moved)


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

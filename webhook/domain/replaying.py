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

    `project` is that of its source, as it is configured now. `carried` is the dead letter itself where it goes to
    another shard: that one replays it, and the one that has it gives up what was carried.
    """

    ticket: str
    field: str
    project: str = "default"
    carried: Entry | None = None


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


def take_over(folding: Folding, carried: Entry, reading: Reading) -> Answer:
    """Folds `carried`, a dead letter of another shard, which says `reading` now.

    What is here of it already, because it was carried before, changes nothing. It is a dead letter here unless it can
    be applied. Raises what applying it raises.
    """
    news = _news(folding, _with_all_copies(reading, carried))
    if news is None:
        return Answer(Verdict.UNCHANGED)
    outcome = folding.take_again(news, heard=False)  # by no session of this shard
    if news.log == DEAD:
        return Answer(Verdict.FAILED, news.entry.error or "it cannot be read")
    return Answer(Verdict.APPLIED if news.fact and outcome is Outcome.UNKNOWN else _VERDICTS[outcome])


def _news(folding: Folding, reading: Reading) -> Reading | None:
    """`reading` without the copies that are kept already; None where those are all."""
    kept = folding.kept(reading)
    if not kept:
        return reading
    listed = {copy.notice_id for entry in kept for copy in entry.copies}
    copies = tuple(copy for copy in reading.entry.copies if copy.notice_id not in listed)
    if not copies:
        return None
    known = {receipt for entry in kept for receipt in entry.receipts}
    receipts = tuple(receipt for receipt in reading.entry.receipts if receipt not in known)
    entry = replace(reading.entry, copies=copies, receipts=receipts)
    return replace(reading, entry=entry, received_ms=copies[0].received_ms)


def unread(field: str, carried: Entry, error: str) -> Reading:
    """The reading of a dead letter of another shard that is to be one here, too, for `error`, whatever it says."""
    return Reading(DEAD, field, replace(carried, error=error, heard=False), None, carried.copies[0].received_ms)


def give_up(folding: Folding, field: str, carried: Entry) -> Answer:
    """Of the dead letter `field` goes what was `carried` to another shard; what came since stays."""
    dead = folding.dead_letter(field)
    if dead is None or (dead.receipts and set(dead.receipts).isdisjoint(carried.receipts)):  # given up before
        return Answer(Verdict.GONE)
    folding.withdraw(field, left=_without(dead, carried))
    return Answer(Verdict.DISCARDED)


def _without(dead: Entry, carried: Entry) -> Entry | None:
    counted = {copy.notice_id: copy.count for copy in carried.copies}
    copies = tuple(
        replace(copy, count=copy.count - counted.get(copy.notice_id, 0))
        for copy in dead.copies
        if copy.count > counted.get(copy.notice_id, 0)
    )
    if not copies:
        return None
    receipts = tuple(receipt for receipt in dead.receipts if receipt not in carried.receipts)
    least_unlisted = None if dead.least_unlisted == carried.least_unlisted else dead.least_unlisted
    return replace(dead, copies=copies, receipts=receipts, least_unlisted=least_unlisted)


def _with_all_copies(reading: Reading, dead: Entry) -> Reading:
    """`reading` with the copies and receipts of the dead letter, of which some may have come since it was read.

    What has no time of its own happened at the least notifyMs of them. What nobody could read was called by its digest.
    """
    copies = dead.copies
    if dead.outcome is Outcome.QUARANTINED and reading.entry.outcome is not Outcome.QUARANTINED:
        copies = tuple(replace(reading.copy, received_ms=copy.received_ms, count=copy.count) for copy in copies)
    entry = replace(reading.entry, copies=copies, receipts=dead.receipts, least_unlisted=dead.least_unlisted)
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

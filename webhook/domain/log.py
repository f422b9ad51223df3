"""What is kept of each notification: an entry of its session's log, or of the logs of those that have no session."""

from __future__ import annotations

import hashlib
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

MOST_COPIES = 8  # noticeIds that one entry lists
MOST_RECEIPTS = 32  # POSTs that one entry remembers, the last of those that told it

LOOSE = "loose"  # tests, unknown products, stale ones
DEAD = "dead"  # dead letters and quarantined bodies


class Outcome(StrEnum):
    """What became of a notification."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    STALE = "stale"
    TEST = "test"
    UNKNOWN = "unknown"
    QUARANTINED = "quarantined"
    DEAD_LETTER = "dead_letter"


class Copy(Struct, frozen=True, array_like=True):
    """One noticeId under which a fact came, and how often. Times are of its first arrival, ms."""

    notice_id: str
    notified_ms: int
    received_ms: int
    count: int = 1


class Entry(Struct, frozen=True, array_like=True):
    """One fact as it was told: the body of its first arrival and the noticeIds of all its copies."""

    source: str
    product: str
    product_id: int | None
    event_type: int | None
    outcome: Outcome
    session_id: str | None
    channel: str | None
    occurred_ms: int | None
    copies: tuple[Copy, ...]
    body: bytes
    signature: int  # the version of the signature that held, 0 where unsigned posts are allowed
    error: str | None = None
    effect: str | None = None  # the digest of what it told and was counted for
    uids: tuple[str, ...] = ()  # the users it speaks of: who told, whose stream
    least_unlisted: str | None = None  # the least noticeId of those that found no room
    heard: bool = False  # whether its session counts it although it is a dead letter
    receipts: tuple[str, ...] = ()  # of the POSTs that told it: one that comes again, by the spool, is no copy


def session_log(session_id: str) -> str:
    """The name of a session's log."""
    return f"session:{session_id}"


def with_arrival(entry: Entry, arrived: Entry) -> Entry:
    """`entry` with what else arrived of it: the copies, and the POSTs that brought them."""
    told = entry
    for copy in arrived.copies:
        told = with_copy(told, copy)
    return replace(told, receipts=(*entry.receipts, *arrived.receipts)[-MOST_RECEIPTS:])


def with_copy(entry: Entry, copy: Copy) -> Entry:
    """`entry` with one more copy: counted under its noticeId, listed while there is room."""
    for position, known in enumerate(entry.copies):
        if known.notice_id == copy.notice_id:
            counted = replace(known, count=known.count + copy.count)
            return replace(entry, copies=(*entry.copies[:position], counted, *entry.copies[position + 1 :]))
    listed = (*entry.copies, copy) if len(entry.copies) < MOST_COPIES else entry.copies
    least = min(copy.notice_id, least_notice_id(entry))
    return replace(entry, copies=listed, least_unlisted=None if copy in listed else least)


def least_notice_id(entry: Entry) -> str:
    """The least of all noticeIds under which the fact came, listed or not; it stands for the fact in any order."""
    least = min(copy.notice_id for copy in entry.copies)
    return least if entry.least_unlisted is None else min(least, entry.least_unlisted)


def effect_digest(effect: str) -> str:
    """16 hex digits that stand for an effect wherever it is looked up."""
    return hashlib.sha256(effect.encode("utf-8", "surrogatepass")).hexdigest()[:16]

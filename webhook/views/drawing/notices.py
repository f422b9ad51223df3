"""The notifications behind a picture: which row of the list stands for a mark, and what its three times were."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple
from urllib.parse import quote

from msgspec import Struct

from webhook.domain.decoding import event_name
from webhook.domain.log import Copy, Entry, least_notice_id
from webhook.domain.timeline import Window
from webhook.domain.timeline.telling import tell
from webhook.views.drawing.words import SECOND_MS, clock, lasted
from webhook.views.times import rfc3339

MOST_ROWS = 200
LATE_MS = 10 * SECOND_MS  # a notification that took longer came late
OVERTAKEN_MS = SECOND_MS  # and one that something newer preceded by more than that came out of order
BEGUN_BY = {"video": 44, "audio": 43}  # the lanes of a recording whose intervals begin without a mark
BEGINNERS = frozenset(BEGUN_BY.values())
AS_IT_IS = ":/"  # of what a noticeId is made of, what stays readable in a URL

Hole = tuple[int, int]  # sequence numbers that nobody heard, both ends included


class Notice(Struct, frozen=True, kw_only=True):
    """One fact of a session's log, all its copies as one row. Times are ms; received is that of the first copy."""

    id: str
    occurred_ms: int
    notified_ms: int
    received_ms: int
    late: str  # why it bears a clock: `late`, `out of order`, or empty
    event_type: int | None
    name: str | None
    outcome: str
    copies: int
    error: str | None

    @property
    def lag_ms(self) -> int:
        """Received minus occurred."""
        return self.received_ms - self.occurred_ms

    @property
    def instants(self) -> tuple[str, str, str]:
        """When it occurred, was notified and was received, by RFC 3339."""
        return rfc3339(self.occurred_ms), rfc3339(self.notified_ms), rfc3339(self.received_ms)

    @property
    def times(self) -> str:
        """Its three times in one line."""
        told = f"occurred {clock(self.occurred_ms)}, notified {clock(self.notified_ms)}"
        late = f", {self.late}" if self.late else ""
        return f"{told}, received {clock(self.received_ms)} ({lasted(self.lag_ms)} later{late})"


class Row(Struct, frozen=True):
    """One row of the list: a notice with its place among those of who told it, or numbers that are missing there.

    `anchor` is the row's id in the page, empty where a row before has that name already.
    """

    notice: Notice | None
    anchor: str
    sequence: int | None
    teller: str | None
    hole: Hole | None = None


class Told(NamedTuple):
    """One fact of the log: when it occurred, the least noticeId of its copies, and why it bears a clock, if so."""

    occurred_ms: int
    notice_id: str
    entry: Entry
    late: str


class Notices:
    """All that was told of a session, newest first, and those of them that the page lists.

    `total` are in the window, `listed` of them have a row.
    """

    def __init__(self, told: Sequence[Told], window: Window) -> None:
        self._named = {each.notice_id: each for each in told}
        self._begun: dict[tuple[int | None, int, str], str] = {
            (each.entry.event_type, each.occurred_ms, uid): each.notice_id
            for each in told
            if each.entry.event_type in BEGINNERS
            for uid in each.entry.uids
        }
        inside = [each for each in told if window.holds(each.occurred_ms)]
        self._listed, self.total = inside[:MOST_ROWS], len(inside)
        self.listed = len(self._listed)
        self._anchored = {each.notice_id for each in self._listed}

    def called(self, notice_id: str | None) -> Notice | None:
        """The notice of this name."""
        told = None if notice_id is None else self._named.get(notice_id)
        return None if told is None else _notice(told)

    def late(self, notice_id: str | None) -> bool:
        """Whether the notice of this name came late or out of order."""
        told = None if notice_id is None else self._named.get(notice_id)
        return told is not None and bool(told.late)

    def began(self, kind: str, uid: str | None, at_ms: int) -> str | None:
        """The noticeId of what began an interval of a stream's lane."""
        return self._begun.get((BEGUN_BY.get(kind, 0), at_ms, uid or ""))

    def url(self, notice_id: str) -> str:
        """Where the notification can be read: its row in the page, or among all where the page has none."""
        if notice_id in self._anchored:
            return f"#{quote(anchor(notice_id), safe=AS_IT_IS)}"
        return f"/ops/notifications?noticeId={quote(notice_id, safe=AS_IT_IS)}"

    def rows(self, holes: Mapping[str, Sequence[Hole]]) -> Iterator[Row]:
        """The rows of the list. `holes` are those of each who told; each stands below the number that ends it."""
        ends = {(teller, high + 1): (low, high) for teller, found in holes.items() for low, high in found}
        named: set[str] = set()
        for told in self._listed:
            said = tell(told.entry)
            teller, sequence = (said.teller, said.sequence) if said and said.sequence >= 0 else (None, None)
            yield Row(_notice(told), "" if told.notice_id in named else anchor(told.notice_id), sequence, teller)
            named.add(told.notice_id)
            hole = ends.pop((teller, sequence), None) if teller is not None and sequence is not None else None
            if hole:
                yield Row(None, "", None, teller, hole)


def anchor(notice_id: str) -> str:
    """The id of a notification's row in the page."""
    return f"n-{notice_id}"


def notices_of(entries: Iterable[Entry], window: Window) -> Notices:
    """The notices of a session's log, its entries in any order; those in `window` are listed, the newest 200."""
    timed = [(entry.occurred_ms, least_notice_id(entry), entry) for entry in entries if entry.occurred_ms is not None]
    timed.sort(key=itemgetter(0, 1), reverse=True)
    return Notices(list(_told(timed)), window)


def _told(timed: Iterable[tuple[int, str, Entry]]) -> Iterator[Told]:
    """Each with why it bears a clock; they come newest first, so that what overtook one is known by then."""
    soonest_ms = None
    for occurred_ms, notice_id, entry in timed:
        received_ms = _first(entry).received_ms
        overtaken = soonest_ms is not None and received_ms > soonest_ms + OVERTAKEN_MS
        late = "late" if received_ms > occurred_ms + LATE_MS else "out of order" if overtaken else ""
        yield Told(occurred_ms, notice_id, entry, late)
        soonest_ms = received_ms if soonest_ms is None else min(soonest_ms, received_ms)


def _first(entry: Entry) -> Copy:
    """The copy that arrived first."""
    return entry.copies[0] if len(entry.copies) == 1 else min(entry.copies, key=lambda copy: copy.received_ms)


def _notice(told: Told) -> Notice:
    entry, first = told.entry, _first(told.entry)
    return Notice(
        id=told.notice_id,
        occurred_ms=told.occurred_ms,
        notified_ms=first.notified_ms,
        received_ms=first.received_ms,
        late=told.late,
        event_type=entry.event_type,
        name=event_name(entry.product, entry.event_type),
        outcome=entry.outcome.value,
        copies=sum(copy.count for copy in entry.copies),
        error=entry.error,
    )

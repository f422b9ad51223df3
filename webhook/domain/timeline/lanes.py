"""What a timeline is made of, and the sketch in which lanes take shape. All times are event times in ms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

from webhook.domain.timeline.telling import Told

LONGEST_TEXT = 300
SEVERITIES = ("info", "warning", "critical")


class Kind(StrEnum):
    """What a lane shows, in the order in which lanes are drawn."""

    RECORDER = "recorder"
    FAILOVER = "failover"
    LIFE = "life"
    STATE = "state"
    USER = "user"
    VIDEO = "video"
    AUDIO = "audio"
    SNAPSHOTS = "snapshots"
    NOT_RECORDED = "notRecorded"
    UPLOAD = "upload"
    ERRORS = "errors"
    REMARKS = "remarks"
    OTHER = "other"


class Interval(NamedTuple):
    """A state that held from `from_ms` until just before `until_ms`; None while it still holds."""

    from_ms: int
    until_ms: int | None
    state: str


class Says(NamedTuple):
    """What a mark says: one word for its kind, a sentence for people, and info, warning or critical."""

    kind: str
    text: str
    severity: str = "info"


class Mark(NamedTuple):
    """Something that happened at one instant. `notice_id` is the least under which it was told."""

    at_ms: int
    kind: str
    notice_id: str
    text: str
    severity: str


class Lane(Struct, frozen=True):
    """One lane; `uid` is None where it is about the whole session. Intervals are sorted and disjoint, marks sorted."""

    kind: Kind
    uid: str | None
    intervals: Sequence[Interval] = ()
    marks: Sequence[Mark] = ()


Name = tuple[Kind, str | None]
Place = tuple[int, int, str]  # sequence, rank, noticeId
Word = tuple[int, str]  # since when, which state


class Sketch:
    """Lanes while they are drawn. `cut` says that something could not be drawn, because too little is known of it."""

    def __init__(self) -> None:
        self.intervals: dict[Name, list[Interval]] = {}
        self.cut = False
        self._marks: dict[Name, dict[tuple[int, Says], Place]] = {}

    def mark(self, name: Name, told: Told, says: Says, at_ms: int | None = None) -> None:
        """Marks what `told` says, at its event time or at `at_ms`. Told again, it is still one mark."""
        marks = self._marks.setdefault(name, {})
        meaning = (told.at_ms if at_ms is None else at_ms, says)
        place, known = (told.sequence, told.rank, told.notice_id), marks.get(meaning)
        marks[meaning] = place if known is None else _least(known, place)

    def lanes(self) -> Iterator[Lane]:
        """The lanes as they are now."""
        for name in {**self.intervals, **self._marks}:
            yield Lane(*name, self.intervals.get(name, ()), self._sorted(name))

    def _sorted(self, name: Name) -> list[Mark]:
        in_turn = sorted((at_ms, place, says) for (at_ms, says), place in self._marks.get(name, {}).items())
        return [Mark(at_ms, says.kind, place[2], says.text, says.severity) for at_ms, place, says in in_turn]


def chained(words: Iterable[Word], end_ms: int | None) -> list[Interval]:
    """The intervals that words make, sorted by time, each of which holds until the next; the last until `end_ms`.

    A word that another follows in the same instant makes none, the last one always does: one that is said at or after
    the end, or just then, has no length.
    """
    said = list(words)
    following = [at_ms for at_ms, _ in said[1:]]
    held = [Interval(at_ms, until_ms, state) for (at_ms, state), until_ms in zip(said, following, strict=False)]
    last = [Interval(at_ms, closed(at_ms, end_ms), state) for at_ms, state in said[-1:]]
    return merged([*(interval for interval in held if interval.until_ms != interval.from_ms), *last])


def closed(from_ms: int, end_ms: int | None) -> int | None:
    """Until when that holds which began at `from_ms` and of which no end was told, in a session that ended so."""
    return None if end_ms is None else max(from_ms, end_ms)


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """The intervals, sorted already, with equal neighbours made one."""
    joined: list[Interval] = []
    for interval in intervals:
        if joined and (joined[-1].until_ms, joined[-1].state) == (interval.from_ms, interval.state):
            joined[-1] = joined[-1]._replace(until_ms=interval.until_ms)
        else:
            joined.append(interval)
    return joined


def gravest(severities: Iterable[str]) -> str:
    """The gravest of them, info where there are none."""
    return max(severities, key=SEVERITIES.index, default=SEVERITIES[0])


def sentence(head: str, parts: Iterable[str]) -> str:
    """`head: part; part` of those parts that say something, each once, no longer than a mark's text may be."""
    rest = "; ".join(dict.fromkeys(filter(None, parts)))
    return (f"{head}: {rest}" if rest else head)[:LONGEST_TEXT]


def _least(one: Place, other: Place) -> Place:
    return min(one[0], other[0]), min(one[1], other[1]), min(one[2], other[2])

"""Lanes put into a frame: inside the session, inside the window that was asked for, within bounds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from webhook.domain.facets import UP
from webhook.domain.session import Session
from webhook.domain.status import status_of
from webhook.domain.timeline.lanes import Interval, Kind, Lane

MOST_LANES = 200
MOST_INTERVALS = 500  # of a lane
MOST_MARKS = 500  # of a lane
TROUBLE = frozenset({"stopped", "gap", "failed", "not_recorded"})
DRAWN_AT = {kind: place for place, kind in enumerate(Kind)}


class Window(Struct, frozen=True):
    """What part of a session is asked for, ms: `from_ms` included, `until_ms` not; None for all on that side."""

    from_ms: int | None = None
    until_ms: int | None = None

    def holds(self, at_ms: int) -> bool:
        """Whether the instant is in it."""
        return (self.from_ms is None or self.from_ms <= at_ms) and (self.until_ms is None or at_ms < self.until_ms)


class Timeline(Struct, frozen=True):
    """Lanes, those with trouble first. `truncated` says that there was more than is known or shown."""

    from_ms: int | None
    until_ms: int | None
    truncated: bool
    lanes: list[Lane]


class Extent(NamedTuple):
    """From the first event of a session to its end, None while it is up; `last_ms` is what was told last, or the end.

    A lost session ended when its silence became a fact. What is told after the end, as uploads are, goes on to
    `last_ms`.
    """

    first_ms: int
    end_ms: int | None
    last_ms: int | None


def extent_of(session: Session) -> Extent | None:
    """The extent of a session; None where it is only registered."""
    if session.first_ms is None:
        return None
    status = status_of(session)
    if status.state in UP:
        return Extent(session.first_ms, None, None)
    return Extent(session.first_ms, status.since_ms, max(status.since_ms, session.last_ms or session.first_ms))


def framed(session: Session, lanes: Iterable[Lane], window: Window, *, cut: bool = False) -> Timeline:
    """The timeline of these lanes as far as they are in `window`. `cut` says that they lack something already."""
    extent = extent_of(session)
    drawn = [] if extent is None else [_clipped(lane, extent, window) for lane in lanes]
    shown = sorted((lane for lane in drawn if lane.intervals or lane.marks), key=_turn)
    kept = [_bounded(lane) for lane in shown[:MOST_LANES]]
    truncated = cut or session.log_floor is not None or kept != shown
    from_ms = session.first_ms if window.from_ms is None else window.from_ms
    last_ms = extent.last_ms if extent else None
    return Timeline(from_ms, last_ms if window.until_ms is None else window.until_ms, truncated, kept)


def _clipped(lane: Lane, extent: Extent, window: Window) -> Lane:
    intervals = [_within(interval, extent, window) for interval in lane.intervals]
    marks = [mark for mark in lane.marks if window.holds(mark.at_ms)]
    return replace(lane, intervals=[interval for interval in intervals if interval], marks=marks)


def _within(interval: Interval, extent: Extent, window: Window) -> Interval | None:
    """What of the interval is in the session and the window; None where nothing is."""
    if interval.until_ms == interval.from_ms:
        return interval if window.holds(interval.from_ms) else None
    from_ms = max(at_ms for at_ms in (interval.from_ms, extent.first_ms, window.from_ms) if at_ms is not None)
    ends = [at_ms for at_ms in (interval.until_ms, extent.last_ms, window.until_ms) if at_ms is not None]
    until_ms = min(ends, default=None)
    return None if until_ms is not None and until_ms <= from_ms else Interval(from_ms, until_ms, interval.state)


def _turn(lane: Lane) -> tuple[bool, int, bool, str]:
    """Sorts lanes: trouble first, then by kind and uid."""
    in_trouble = any(interval.state in TROUBLE for interval in lane.intervals)
    in_trouble = in_trouble or any(mark.severity == "critical" for mark in lane.marks)
    return not in_trouble, DRAWN_AT[lane.kind], lane.uid is not None, lane.uid or ""


def _bounded(lane: Lane) -> Lane:
    """The lane with the newest of its intervals and marks."""
    return replace(lane, intervals=lane.intervals[-MOST_INTERVALS:], marks=lane.marks[-MOST_MARKS:])

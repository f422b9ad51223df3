"""The text twin of a picture: the intervals of each lane as a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from webhook.views.drawing.lanes import Lane
from webhook.views.drawing.words import lasted, spaced
from webhook.views.times import rfc3339

MOST_ROWS = 300


class Interval(Struct, frozen=True):
    """One row: RFC 3339 times, `until` None while it goes on, and how long it lasted, in words."""

    state: str
    begun: str
    until: str | None
    lasted: str


class Part(Struct, frozen=True):
    """The rows of one lane, the oldest first; `left_out` are those before them that the table has no room for."""

    title: str
    rows: list[Interval]
    left_out: int


class Table(Struct, frozen=True):
    """At most 300 rows; `lanes_left_out` are lanes for which no room was left."""

    parts: list[Part]
    lanes_left_out: int


def table_of(lanes: list[Lane]) -> Table:
    """The table of these lanes; where they are too long the newest intervals of each, the same number of all."""
    filled = [lane for lane in lanes if lane.spans]
    shown = filled[:MOST_ROWS]
    each = MOST_ROWS // max(len(shown), 1)
    return Table([_part(lane, each) for lane in shown], len(filled) - len(shown))


def _part(lane: Lane, most: int) -> Part:
    return Part(lane.title, list(_rows(lane, most)), max(len(lane.spans) - most, 0))


def _rows(lane: Lane, most: int) -> Iterator[Interval]:
    for span in lane.spans[-most:]:
        until: Any = None if span.open else rfc3339(span.until_ms)
        yield Interval(spaced(span.state), rfc3339(span.from_ms), until, lasted(span.until_ms - span.from_ms))

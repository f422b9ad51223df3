"""Which part of a session is drawn, and the links to other parts of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlencode

from msgspec import Struct

from webhook.domain.timeline import Window
from webhook.views.drawing.words import HOUR_MS, MINUTE_MS
from webhook.views.times import rfc3339

QUICK = (("15 min", 15 * MINUTE_MS), ("1 h", HOUR_MS))


class Frame(NamedTuple):
    """The instants between which is drawn, and the present, ms. `first_ms` and `last_ms` are those of the session."""

    from_ms: int
    until_ms: int
    now_ms: int
    first_ms: int
    last_ms: int


class Link(Struct, frozen=True):
    """One link of a row. `query` leads there from the page's own address; `current` where it leads to what is shown."""

    text: str
    query: str
    current: bool = False


def frame_of(first_ms: int | None, last_ms: int | None, window: Window, now_ms: int) -> Frame:
    """What to draw of a session that was heard of from `first_ms` to `last_ms`, None where it goes on, in `window`."""
    ends_ms = now_ms if last_ms is None else last_ms
    begins_ms = ends_ms if first_ms is None else first_ms
    ends_ms = max(ends_ms, begins_ms)
    until_ms = ends_ms if window.until_ms is None else window.until_ms
    from_ms = begins_ms if window.from_ms is None else window.from_ms
    return Frame(min(from_ms, until_ms), max(from_ms, until_ms), now_ms, begins_ms, ends_ms)


def window_links(frame: Frame, window: Window) -> list[Link]:
    """Earlier and later by one length of what is shown, then its last 15 min, its last hour, and all of it."""
    quick = [
        Link(text, _query(frame.last_ms - span_ms, None), _shows(frame, window, span_ms)) for text, span_ms in QUICK
    ]
    return [*_steps(frame), *quick, Link("All", "?", window == Window())]


def _shows(frame: Frame, window: Window, span_ms: int) -> bool:
    """Whether what is shown is the last part of the session, that long but for the time that passed since."""
    return (
        window.until_ms is None
        and window.from_ms is not None
        and 0 <= frame.until_ms - frame.from_ms - span_ms < MINUTE_MS
    )


def _steps(frame: Frame) -> Iterator[Link]:
    length_ms = frame.until_ms - frame.from_ms
    if length_ms and frame.first_ms < frame.from_ms:
        yield Link("← Earlier", _query(frame.from_ms - length_ms, frame.from_ms))
    if length_ms and frame.until_ms < frame.last_ms:
        yield Link("Later →", _query(frame.until_ms, frame.until_ms + length_ms))


def _query(from_ms: int, until_ms: int | None) -> str:
    ends = {} if until_ms is None else {"to": rfc3339(until_ms)}
    return "?" + urlencode({"from": rfc3339(max(from_ms, 0))} | ends)

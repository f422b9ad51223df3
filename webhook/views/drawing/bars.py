"""Intervals of a lane to bars that say what they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from webhook.views.drawing.lanes import NOT_DRAWN, Lane
from webhook.views.drawing.notices import Notices
from webhook.views.drawing.scale import Scale
from webhook.views.drawing.spans import Laid, Span, laid, look_of
from webhook.views.drawing.words import clock, lasted, spaced

UNDRAWN = frozenset({"ended"})  # where nothing goes on, nothing is drawn
MEASURED = frozenset({"gap", "not_recorded"})  # states whose bars bear their length
OUTAGES = frozenset({("video", "stopped")})  # lanes and states whose bars bear it if they have room for it
WORDED = frozenset({"state"})  # lanes whose bars bear their state
ADVICE = "not drawn: choose a shorter part"
ENDS_TOLD = frozenset({"gap", "not_recorded"})  # states that only a notification at their end made known
LETTER = 6.0  # units that one letter of a bar's text takes, at most
PADDING = 6.0


class Bar(Struct, frozen=True):
    """One bar. `text` is empty where there is no room for it; it begins or ends at `text_x` (SVG's `text-anchor`)."""

    x: float
    width: float
    level: str
    style: str
    title: str
    url: str
    text: str = ""
    text_x: float = 0.0
    anchor: str = "middle"


def bars_of(lane: Lane, scale: Scale, notices: Notices, twin_url: str) -> list[Bar]:
    """The bars of a lane, what is worst last. What no notification stands for leads to `twin_url`."""
    drawn = laid((span for span in lane.spans if span.state not in UNDRAWN), scale)
    return list(_texted([_bar(lane, each, notices, twin_url) for each in drawn], drawn, lane, scale))


def _bar(lane: Lane, each: Laid, notices: Notices, twin_url: str) -> Bar:
    look = look_of(each.state)
    told = _notice_id(lane, each.spans[0], notices)
    notice = notices.called(told)
    title = _title(lane, each) + (f"; {notice.times}" if notice else "")
    return Bar(
        each.x, each.width, look.level, look.style, title, twin_url if notice is None else notices.url(notice.id)
    )


def _notice_id(lane: Lane, span: Span, notices: Notices) -> str | None:
    """What made the interval known: the notification that began it, or that ended it where only the end is told."""
    at_ms = span.until_ms if span.state in ENDS_TOLD else span.from_ms
    marked = next((mark.notice_id for mark in lane.marks if mark.at_ms == at_ms and mark.notice_id), None)
    return marked or notices.began(lane.kind, lane.uid, at_ms)


def _title(lane: Lane, each: Laid) -> str:
    state, first, last = spaced(each.state), each.spans[0], each.spans[-1]
    together_ms = sum(span.until_ms - span.from_ms for span in each.spans)
    if len(each.spans) > 1:
        within = f"from {clock(first.from_ms)} to {clock(last.until_ms)}"
        return f"{lane.title}: {state} {len(each.spans)} times {within}, {lasted(together_ms)} together"
    if last.open:
        return f"{lane.title}: {state} since {clock(first.from_ms)}, for {lasted(together_ms)} so far"
    if not together_ms:
        return f"{lane.title}: {state} at {clock(first.from_ms)}, the last that was told"
    return f"{lane.title}: {state} from {clock(first.from_ms)} to {clock(last.until_ms)}, {lasted(together_ms)}"


class Caption(NamedTuple):
    """What a bar bears: `beside` if it may stand next to the bar, `leading` if it stands at the bar's beginning."""

    text: str
    beside: bool = False
    leading: bool = False

    @property
    def width(self) -> float:
        """How many units it takes."""
        return LETTER * len(self.text)


def _texted(bars: Iterable[Bar], drawn: Iterable[Laid], lane: Lane, scale: Scale) -> Iterator[Bar]:
    """The bars with their texts, as far as those do not run into each other."""
    free = scale.left
    for bar, each in zip(bars, drawn, strict=True):
        caption = _caption(lane, each)
        place = _place(bar, caption, free, scale.right) if caption else None
        if caption is None or place is None:
            yield bar
        else:
            x, anchor = place
            yield replace(bar, text=caption.text, text_x=round(x, 1), anchor=anchor)
            text_end = x + (caption.width if anchor == "start" else 0)
            free = (text_end if caption.leading else max(bar.x + bar.width, text_end)) + PADDING


def _caption(lane: Lane, each: Laid) -> Caption | None:
    if each.state == NOT_DRAWN:
        return Caption(ADVICE, leading=True)  # gaps are told all the same, and stand anywhere in it
    if each.state in MEASURED or (lane.kind, each.state) in OUTAGES:
        length_ms = sum(span.until_ms - span.from_ms for span in each.spans)
        return Caption(lasted(length_ms), beside=each.state in MEASURED)
    return Caption(spaced(each.state)) if lane.kind in WORDED else None


def _place(bar: Bar, caption: Caption, free: float, right: float) -> tuple[float, str] | None:
    """Where the text begins, ends or has its middle: inside the bar, else to its right or left; None without room."""
    room, end = caption.width + PADDING, bar.x + bar.width
    if bar.width >= room:
        return (bar.x + PADDING, "start") if caption.leading else (bar.x + bar.width / 2, "middle")
    if not caption.beside:
        return None
    if bar.x >= free and end + room <= right:
        return end + PADDING / 2, "start"
    return (bar.x - PADDING / 2, "end") if bar.x - room >= free else None

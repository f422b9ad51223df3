"""States over time laid onto an axis: merged, never thinner than two units, what is worst on top."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from msgspec import Struct

from webhook.views.drawing.scale import Scale

THINNEST = 2.0


class Span(NamedTuple):
    """A state that held from `from_ms` until just before `until_ms`; it still does where `open`."""

    state: str
    from_ms: int
    until_ms: int
    open: bool = False


class Laid(Struct, frozen=True):
    """Spans of one state that stand together in a picture: where, and which they are, in the order of time."""

    x: float
    width: float
    state: str
    spans: tuple[Span, ...]


class Look(NamedTuple):
    """How a state looks: its hue by level, its surface by style, so that it is told without colour too."""

    level: str  # ok, warn, bad, unknown, ended
    style: str  # solid, outline, hatch


LOOKS: Mapping[str, Look] = {
    "receiving": Look("ok", "solid"),
    "recording": Look("ok", "solid"),
    "live": Look("ok", "solid"),
    "broadcaster": Look("ok", "solid"),
    "communication": Look("ok", "solid"),
    "uploaded": Look("ok", "solid"),
    "ok": Look("ok", "solid"),
    "uploading": Look("ok", "outline"),
    "ending": Look("ok", "outline"),
    "audience": Look("ok", "outline"),
    "ended": Look("ended", "outline"),
    "expected": Look("unknown", "outline"),
    "starting": Look("unknown", "outline"),
    "unknown": Look("unknown", "hatch"),
    "backed_up": Look("warn", "solid"),
    "warn": Look("warn", "solid"),
    "pending": Look("warn", "outline"),
    "lost": Look("warn", "hatch"),
    "not_recorded": Look("bad", "hatch"),
    "gap": Look("bad", "outline"),
    "stopped": Look("bad", "outline"),
    "failed": Look("bad", "solid"),
    "firing": Look("bad", "solid"),
    "bad": Look("bad", "solid"),
}
LEVELS = ("ended", "ok", "unknown", "warn", "bad")  # the worst last
NOT_KNOWN = LOOKS["unknown"]


def look_of(state: str) -> Look:
    """How the state looks; one that nobody foresaw is unknown."""
    return LOOKS.get(state, NOT_KNOWN)


def laid(spans: Iterable[Span], scale: Scale) -> list[Laid]:
    """The spans, sorted by time, as they stand on the axis: the worst level last, so that it is drawn over the rest.

    Spans of one state that touch are one. There are never more of a state than half the units of the axis.
    """
    of_state: dict[str, list[Laid]] = {}
    for span in spans:
        if span.from_ms <= scale.until_ms and span.until_ms >= scale.from_ms:
            _lay(of_state.setdefault(span.state, []), span, scale)
    in_turn = sorted(of_state, key=lambda state: LEVELS.index(look_of(state).level))
    return [each for state in in_turn for each in of_state[state]]


def _lay(row: list[Laid], span: Span, scale: Scale) -> None:
    x = scale.x(span.from_ms)
    end = max(scale.x(span.until_ms), x + THINNEST)
    if row and x <= row[-1].x + row[-1].width:
        before = row.pop()
        x, end, spans = before.x, max(end, before.x + before.width), (*before.spans, span)
    else:
        spans = (span,)
    row.append(Laid(x, round(end - x, 1), span.state, spans))

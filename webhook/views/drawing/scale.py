"""The time axis: where an instant stands, and at which instants the axis is labelled."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from msgspec import Struct

from webhook.views.drawing.words import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, day, moment

MOST_TICKS = 9
LEAST_SPAN_MS = 10 * SECOND_MS
EDGE = 40.0  # closer to an end of the axis than this a label does not stand in the middle of its tick
STEPS_MS = (
    *(count * SECOND_MS for count in (1, 2, 5, 10, 15, 30)),
    *(count * MINUTE_MS for count in (1, 2, 5, 10, 15, 30)),
    *(count * HOUR_MS for count in (1, 2, 3, 6, 12)),
    *(count * DAY_MS for count in (1, 2, 7, 14, 28)),
)


class Scale(NamedTuple):
    """An axis from `from_ms` to `until_ms` that is drawn from `left` to `right`, in units of the picture."""

    from_ms: int
    until_ms: int
    left: float
    right: float

    def x(self, at_ms: int) -> float:
        """Where the instant stands, to a tenth; what lies outside stands at the end that is next to it."""
        at_ms = min(max(at_ms, self.from_ms), self.until_ms)
        share = (at_ms - self.from_ms) / (self.until_ms - self.from_ms)
        return round(self.left + share * (self.right - self.left), 1)


class Tick(Struct, frozen=True):
    """One labelled instant. `day` is empty where the tick before bears it; `anchor` is SVG's `text-anchor`."""

    x: float
    label: str
    day: str
    anchor: str


def scale_of(from_ms: int, until_ms: int, left: float, right: float) -> Scale:
    """The axis for these instants, at least 10 s long."""
    return Scale(from_ms, max(until_ms, from_ms + LEAST_SPAN_MS), left, right)


def ticks_of(scale: Scale) -> list[Tick]:
    """At most nine ticks at round instants in UTC, with the day at the first and wherever it changes."""
    step_ms = _step_ms(scale.until_ms - scale.from_ms)
    instants = list(_instants(scale, step_ms))
    days = pairwise(["", *map(day, instants)])
    return [
        Tick(x := scale.x(at_ms), _label(at_ms, step_ms), today if today != before else "", _anchor(x, scale))
        for at_ms, (before, today) in zip(instants, days, strict=True)
    ]


def _step_ms(span_ms: int) -> int:
    fitting = (step_ms for step_ms in STEPS_MS if span_ms // step_ms < MOST_TICKS)
    return next(fitting, -(-span_ms // (STEPS_MS[-1] * (MOST_TICKS - 1))) * STEPS_MS[-1])


def _instants(scale: Scale, step_ms: int) -> Iterator[int]:
    first = -(-scale.from_ms // step_ms) * step_ms
    return iter(range(first, scale.until_ms + 1, step_ms))


def _label(at_ms: int, step_ms: int) -> str:
    at = moment(at_ms)
    return f"{at:%H:%M}" if step_ms >= MINUTE_MS else f"{at:%H:%M:%S}"


def _anchor(x: float, scale: Scale) -> str:
    if x < scale.left + EDGE:
        return "start"
    return "end" if x > scale.right - EDGE else "middle"

"""Small pictures of figures: sparklines, bars of state, charts of a day. Pure; templates/charts.html prints them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from webhook.views.drawing.scale import Tick, scale_of, ticks_of
from webhook.views.drawing.spans import Span, laid, look_of
from webhook.views.drawing.words import lasted, spaced

__all__ = ["Cell", "Chart", "Course", "Line", "Span", "Sparkline", "StateBar", "chart", "sparkline", "state_bar"]

MARGIN = 2.0  # units, so that a line at the edge is not cut
CHART_WIDTH, CHART_HEIGHT = 480, 150
LEFT, FOOT, TOP = 46.0, 22.0, 8.0  # units of a chart that its labels take
MOST_LINES = 4  # on the other axis of a chart
ROUND = (1, 2, 5, 10)

Point = tuple[float, float]


class Sparkline(Struct, frozen=True):
    """A line without axes: `path` is an SVG path, with a break wherever nothing is known. `title` says it in words."""

    width: int
    height: int
    path: str
    last: float | None
    least: float | None
    greatest: float | None
    title: str


class Cell(Struct, frozen=True):
    """One stretch of a bar of state: ok, warn, bad, unknown or ended; `title` says which state, and how long."""

    x: float
    width: float
    tone: str
    title: str


class StateBar(Struct, frozen=True):
    """How something was over time, at a glance. `title` says it in words."""

    width: int
    cells: list[Cell]
    title: str


class Course(Struct, frozen=True):
    """One figure over time: (ms, value), the value None where none is known."""

    name: str
    points: Sequence[tuple[int, float | None]]


class Line(Struct, frozen=True):
    """One figure of a chart: its path, and its least, mean, greatest and last value in words."""

    name: str
    path: str
    caption: str


class Level(Struct, frozen=True):
    """One labelled height of a chart."""

    y: float
    label: str


class Chart(Struct, frozen=True):
    """Lines over labelled axes, in units of the picture. `title` says all of it in words."""

    width: int
    height: int
    left: float
    foot: float
    ticks: list[Tick]
    levels: list[Level]
    lines: list[Line]
    title: str


def sparkline(values: Sequence[float | None], width: int = 120, height: int = 28, unit: str = "") -> Sparkline:
    """A line through `values`, which are evenly apart, from 0 to the greatest of them, None where none is known."""
    known = [value for value in values if value is not None]
    top = max(known, default=0) or 1
    step = width / max(len(values) - 1, 1)
    points = [
        None if value is None else (round(place * step, 1), _height(value, top, MARGIN, height - MARGIN))
        for place, value in enumerate(values)
    ]
    last = next((value for value in reversed(values) if value is not None), None)
    least, greatest = min(known, default=None), max(known, default=None)
    return Sparkline(width, height, _path(points), last, least, greatest, _extremes(known, unit))


def state_bar(spans: Iterable[Span], from_ms: int, until_ms: int, width: int = 160) -> StateBar:
    """The spans between two instants, none thinner than 2 units; what is worse is drawn over what is better."""
    scale = scale_of(from_ms, until_ms, 0.0, float(width))
    inside = list(_clipped(spans, from_ms, until_ms))
    cells = [
        Cell(
            min(each.x, width - each.width),
            each.width,
            look_of(each.state).level,
            f"{spaced(each.state)} {_long(each.spans)}",
        )
        for each in laid(inside, scale)
    ]
    totals = ", ".join(f"{spaced(state)} {_long(_of(state, inside))}" for state in sorted({it.state for it in inside}))
    return StateBar(width, cells, f"in {lasted(until_ms - from_ms)}: {totals or 'nothing known'}")


def chart(courses: Sequence[Course], from_ms: int, until_ms: int, unit: str = "") -> Chart:
    """The courses over one axis of time, from 0 to a round value that none of them exceeds."""
    scale = scale_of(from_ms, until_ms, LEFT, CHART_WIDTH - MARGIN)
    known = [value for course in courses for _, value in course.points if value is not None]
    heights = _levels(max(known, default=0))
    foot = CHART_HEIGHT - FOOT
    lines = []
    for course in courses:
        points = [
            None if value is None else (scale.x(at_ms), _height(value, heights[-1], TOP, foot))
            for at_ms, value in course.points
        ]
        told = [value for _, value in course.points if value is not None]
        lines.append(Line(course.name, _path(points), _extremes(told, unit)))
    levels = [Level(_height(value, heights[-1], TOP, foot), f"{value:g}{unit and ' ' + unit}") for value in heights]
    title = "; ".join(f"{line.name}: {line.caption}" for line in lines)
    return Chart(CHART_WIDTH, CHART_HEIGHT, LEFT, foot, ticks_of(scale), levels, lines, title)


def _height(value: float, top: float, highest: float, lowest: float) -> float:
    """Where a value stands between the y of nothing and that of `top`."""
    return round(lowest - (lowest - highest) * min(max(value / top, 0), 1), 1)


def _path(points: Iterable[Point | None]) -> str:
    """One stretch of line for each run of points; a point on its own is a dot."""
    runs: list[list[Point]] = [[]]
    for point in points:
        if point is None:
            runs.append([])
        else:
            runs[-1].append(point)
    drawn = (("L".join(f"{x:g} {y:g}" for x, y in run), len(run)) for run in runs if run)
    return "".join(f"M{run}" + ("h0.01" if length == 1 else "") for run, length in drawn)


def _levels(greatest: float) -> list[float]:
    """At most five round heights, 0 the first; the last is at least `greatest`."""
    if greatest <= 0:
        return [0, 1]
    magnitude = 10.0 ** (len(str(int(greatest))) - 2 if greatest >= 1 else -_zeros(greatest))
    step = next(step for digit in (*ROUND, 20, 50, 100) if (step := digit * magnitude) * MOST_LINES >= greatest)
    count = -int(-greatest // step)
    return [round(step * number, 6) for number in range(count + 1)]


def _zeros(share: float) -> int:
    """How many digits after the point a value below 1 needs to have two that count."""
    return next(digits for digits in range(1, 12) if share * 10**digits >= 1) + 1


def _extremes(known: Sequence[float], unit: str) -> str:
    if not known:
        return "nothing known"
    words = {"least": min(known), "mean": sum(known) / len(known), "greatest": max(known), "last": known[-1]}
    return ", ".join(f"{word} {_figure(value, unit)}" for word, value in words.items())


def _figure(value: float, unit: str) -> str:
    return f"{value:.3g}{unit and ' ' + unit}" if value < 1000 else f"{value:,.0f}{unit and ' ' + unit}"


def _clipped(spans: Iterable[Span], from_ms: int, until_ms: int) -> Iterator[Span]:
    """What of the spans is between the two instants."""
    for span in spans:
        begins_ms, ends_ms = max(span.from_ms, from_ms), min(span.until_ms, until_ms)
        if begins_ms <= ends_ms:
            yield span._replace(from_ms=begins_ms, until_ms=ends_ms)


def _of(state: str, spans: Iterable[Span]) -> Iterator[Span]:
    return (span for span in spans if span.state == state)


def _long(spans: Iterable[Span]) -> str:
    """How long they lasted, what overlaps counted once."""
    in_turn = sorted((span.from_ms, span.until_ms) for span in spans)
    ends = [in_turn[0][0]]
    for _, until_ms in in_turn:
        ends.append(max(ends[-1], until_ms))
    held = (until - max(begun, before) for (begun, until), before in zip(in_turn, ends, strict=False))
    return lasted(sum(max(each, 0) for each in held))

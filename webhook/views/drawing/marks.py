"""Marks of a lane to glyphs, and ticks too dense to be told apart to bands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from webhook.views.drawing.lanes import Lane, Mark
from webhook.views.drawing.notices import Notices
from webhook.views.drawing.scale import Scale
from webhook.views.drawing.words import clock, lasted, plain

DENSE = 3.0  # ticks closer than this are a band
CROWDED = 8.0  # glyphs closer than this are one
TICK = 2.0
MOST_TOLD = 4  # of the marks that are one glyph, those whose texts it bears
LONGEST_TEXT = 160
TICKED = frozenset({"snapshot", "progress"})
SEVERITIES = ("info", "warning", "critical")
SHAPES: Mapping[str, str] = {
    "error": "diamond",
    "warning": "diamond",
    "started": "begin",
    "joined": "begin",
    "created": "begin",
    "left": "end",
    "exited": "end",
    "stopped": "end",
    "destroyed": "end",
    "failed": "end",
    "uploaded": "end",
    "backed_up": "end",
    "failover": "failover",
    "acknowledged": "tick",
}
PLAIN_SHAPE = "dot"


class Glyph(Struct, frozen=True):
    """One mark, or several that stand too close: `count` of them, the gravest gives it `severity` and shape."""

    x: float
    shape: str
    severity: str
    title: str
    url: str
    late: bool
    count: int


class Band(Struct, frozen=True):
    """One tick, 2 units wide, or as many as are too dense."""

    x: float
    width: float
    title: str
    url: str
    late: bool


Placed = tuple[float, Mark]


def drawn_marks(
    lane: Lane, scale: Scale, notices: Notices, twin_url: str, apart: float = DENSE
) -> tuple[list[Band], list[Glyph]]:
    """The marks of a lane in the order of time: ticks, those closer than `apart` to the next as bands, then glyphs."""
    ticks: list[Placed] = []
    glyphs: list[Placed] = []
    for mark in lane.marks:
        if scale.from_ms <= mark.at_ms <= scale.until_ms:
            (ticks if mark.kind in TICKED else glyphs).append((scale.x(mark.at_ms), mark))
    return (
        [_band(lane, run, notices, twin_url) for run in _runs(ticks, apart, chained=True)],
        [_glyph(run, notices, twin_url) for run in _runs(glyphs, CROWDED)],
    )


def _runs(placed: Iterable[Placed], apart: float, *, chained: bool = False) -> list[list[Placed]]:
    """The marks in runs of those closer than `apart` to the first of their run; `chained`, to the one before."""
    runs: list[list[Placed]] = []
    for each in placed:
        if runs and each[0] - runs[-1][-1 if chained else 0][0] < apart:
            runs[-1].append(each)
        else:
            runs.append([each])
    return runs


def _glyph(run: Sequence[Placed], notices: Notices, twin_url: str) -> Glyph:
    x, gravest = max(run, key=lambda each: SEVERITIES.index(each[1].severity))
    told = [_told(mark, notices) for _, mark in run[:MOST_TOLD]]
    more = [f"and {len(run) - MOST_TOLD} more"] if len(run) > MOST_TOLD else []
    shape = SHAPES.get(gravest.kind, PLAIN_SHAPE)
    url, late = _url(gravest, notices, twin_url), _late(run, notices)
    return Glyph(x, shape, gravest.severity, "\n".join([*told, *more]), url, late, len(run))


def _told(mark: Mark, notices: Notices) -> str:
    notice = notices.called(mark.notice_id)
    return f"{clock(mark.at_ms)} {plain(mark.text, LONGEST_TEXT)}" + (f"; {notice.times}" if notice else "")


def _band(lane: Lane, run: Sequence[Placed], notices: Notices, twin_url: str) -> Band:
    (x, first), (end, last) = run[0], run[-1]
    if len(run) == 1:
        notice = notices.called(first.notice_id)
        title = f"{clock(first.at_ms)} {first.kind}" + (f"; {notice.times}" if notice else "")
    else:
        each = lasted((last.at_ms - first.at_ms) // (len(run) - 1))
        title = f"{lane.title}: {len(run)} from {clock(first.at_ms)} to {clock(last.at_ms)}, one each {each}"
    width, url = round(end - x + TICK, 1), _url(first, notices, twin_url)
    return Band(round(x - TICK / 2, 1), width, title, url, _late(run, notices))


def _url(mark: Mark, notices: Notices, twin_url: str) -> str:
    return twin_url if mark.notice_id is None else notices.url(mark.notice_id)


def _late(run: Iterable[Placed], notices: Notices) -> bool:
    return any(notices.late(mark.notice_id) for _, mark in run)

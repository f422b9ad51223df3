"""A timeline's view to a drawing: what stands where, in units of the picture. Templates only print it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import Struct

from webhook.views.drawing.bars import Bar, bars_of
from webhook.views.drawing.lanes import Lane, grouped, lanes_of
from webhook.views.drawing.marks import DENSE, Band, Glyph, drawn_marks
from webhook.views.drawing.notices import Notices
from webhook.views.drawing.scale import Scale, Tick, scale_of, ticks_of
from webhook.views.drawing.windows import Frame
from webhook.views.drawing.words import plain

LABELS, PLOT = 170, 790  # units; together the 960 of the picture
INSET = 8.0  # what stands at an end of the axis is not cut
AXIS, FOOT = 34.0, 6.0  # units above the first row and below the last
GROUP_GAP = 5.0
LETTER, BOLD = 6.2, 7.4  # units that a letter of a label takes: what a lane shows, and of whom
LONGEST_TITLE = 22  # letters
ROWS = {  # the height of a row, and that of its bar
    "video": (20.0, 13.0),
    "audio": (13.0, 5.0),
    "snapshots": (19.0, 11.0),
    "notRecorded": (17.0, 9.0),
    "state": (22.0, 15.0),
    "upload": (21.0, 13.0),
}
PLAIN_ROW = (20.0, 10.0)
TWIN_URL = "#intervals"
FOLDED_APART = 12.0  # units; nobody looks at single ticks of what is folded away
_PERCENT = re.compile(r"(\d+(?:\.\d+)?) %")


class Row(Struct, frozen=True):
    """One lane. `y` is its middle and `height` that of its bars; `points` are those of a filling that grows."""

    kind: str
    name: str
    what: str
    title: str
    y: float
    height: float
    bars: list[Bar]
    bands: list[Band]
    glyphs: list[Glyph]
    points: str
    rule_y: float | None  # of the line that parts it from the group above


class Picture(Struct, frozen=True):
    """Rows under an axis. `failovers` and `now_x` are lines through all rows; `now_x` is None where now is outside."""

    height: float
    ticks: list[Tick]
    rows: list[Row]
    failovers: list[float]
    now_x: float | None
    labels: int = LABELS
    plot: int = PLOT


class Drawing(NamedTuple):
    """What is seen at once, what is folded away (None if nothing), and all lanes for the table beside them."""

    shown: Picture
    folded: Picture | None
    lanes: list[Lane]


def draw(view: Mapping[str, Any], frame: Frame, notices: Notices) -> Drawing:
    """The picture of `GET /sessions/{id}/timeline`."""
    lanes = lanes_of(view, frame)
    scale = scale_of(frame.from_ms, frame.until_ms, INSET, PLOT - INSET)
    lines = Lines(scale, frame, lanes)
    groups = grouped(lanes)
    folded = lines.picture(groups.folded, notices, FOLDED_APART) if groups.folded else None
    return Drawing(lines.picture(groups.shown, notices), folded, lanes)


class Lines:
    """What all pictures of one timeline share: the axis, and the lines through all rows."""

    def __init__(self, scale: Scale, frame: Frame, lanes: Iterable[Lane]) -> None:
        self._scale = scale
        self._ticks = ticks_of(scale)
        moved = [mark for lane in lanes if lane.kind == "failover" for mark in lane.marks]
        self._failovers = [scale.x(mark.at_ms) for mark in moved]
        self._now_x = scale.x(frame.now_ms) if scale.from_ms <= frame.now_ms <= scale.until_ms else None

    def picture(self, groups: Sequence[Sequence[Lane]], notices: Notices, apart: float = DENSE) -> Picture:
        """These lanes under the axis; ticks closer than `apart` are bands."""
        rows = [_row(lane, place, self._scale, notices, apart) for lane, place in _placed(groups)]
        foot = max((row.y + _heights(row.kind)[0] / 2 for row in rows), default=AXIS)
        return Picture(foot + FOOT, self._ticks, rows, self._failovers, self._now_x)


class Place(NamedTuple):
    """Where a row is, and how it is named: the first of a group by the group's name, the rest by what they are."""

    y: float
    first: bool
    rule_y: float | None


def _placed(groups: Sequence[Sequence[Lane]]) -> Iterator[tuple[Lane, Place]]:
    top, before = AXIS, ""
    for group in groups:
        parted = top > AXIS and (len(group) > 1 or group[0].kind != before)
        rule_y = round(top + GROUP_GAP / 2, 1) if parted else None
        top, before = top + (GROUP_GAP if parted else 0), group[-1].kind
        for number, lane in enumerate(group):
            height = _heights(lane.kind)[0]
            yield lane, Place(round(top + height / 2, 1), number == 0, None if number else rule_y)
            top += height


def _heights(kind: str) -> tuple[float, float]:
    return ROWS.get(kind, PLAIN_ROW)


def _row(lane: Lane, place: Place, scale: Scale, notices: Notices, apart: float) -> Row:
    what, height = plain(lane.what, LONGEST_TITLE), _heights(lane.kind)[1]
    bands, glyphs = drawn_marks(lane, scale, notices, TWIN_URL, apart)
    return Row(
        lane.kind,
        plain(lane.name, int((LABELS - 12 - LETTER * len(what)) / BOLD)) if place.first else "",
        what,
        lane.title,
        place.y,
        height,
        bars_of(lane, scale, notices, TWIN_URL),
        bands,
        glyphs,
        _filling(lane, scale, place.y, height),
        place.rule_y,
    )


def _filling(lane: Lane, scale: Scale, y: float, height: float) -> str:
    """The points of a surface as high as the share that was uploaded by then; empty where no share was told."""
    told = [(scale.x(mark.at_ms), share) for mark in lane.marks if (share := _share(mark.text)) is not None]
    if lane.kind != "upload" or not told or not lane.spans:
        return ""
    foot = y + height / 2
    end = scale.x(max(span.until_ms for span in lane.spans))
    steps = zip(told, [*(x for x, _ in told[1:]), max(end, told[-1][0])], strict=True)
    corners = [(at, round(foot - share * height, 1)) for (x, share), until in steps for at in (x, until)]
    return " ".join(f"{x:g},{at:g}" for x, at in [(told[0][0], foot), *corners, (corners[-1][0], foot)])


def _share(text: str) -> float | None:
    """The share that a mark of progress tells: its text begins with it."""
    told = _PERCENT.match(text)
    return min(float(told[1]) / 100, 1) if told else None

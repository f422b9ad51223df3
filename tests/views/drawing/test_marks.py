"""Marks: glyphs, ticks, and bands of ticks."""

from typing import Any

import pytest

from tests.views.drawing.drawn import drawing, entry, frame, lane, mark
from webhook.domain.timeline import Window
from webhook.views.drawing import notices_of
from webhook.views.drawing.picture import Row


def row(kind: str, *marks: Any, **more: Any) -> Row:
    (drawn,) = drawing(lane(kind, None, marks=marks), **more).shown.rows
    return drawn


def test_snapshots_are_ticks_and_dense_ones_a_band() -> None:
    sparse = row("snapshots", mark(0), mark(5), mark(10)).bands
    assert [band.width for band in sparse] == [2, 2, 2]
    (band,) = row("snapshots", *(mark(second) for second in range(60))).bands
    assert band.title == "snapshots: 60 from 16:00:00.000 to 16:00:59.000, one each 1 s"


def test_a_hole_among_dense_snapshots_parts_the_band() -> None:
    told = [mark(second) for second in range(300) if not 100 <= second < 130]
    assert len(row("snapshots", *told).bands) == 2


@pytest.mark.parametrize(
    ("kind", "severity", "shape"),
    [
        ("error", "critical", "diamond"),
        ("started", "info", "begin"),
        ("acknowledged", "info", "tick"),
        ("odd", "info", "dot"),
    ],
)
def test_each_kind_has_its_shape_and_the_level_its_severity(kind: str, severity: str, shape: str) -> None:
    (glyph,) = row("errors", mark(5, kind, severity)).glyphs
    assert (glyph.shape, glyph.severity) == (shape, severity)


def test_marks_that_stand_too_close_are_one_as_grave_as_the_gravest() -> None:
    (glyph,) = row("errors", mark(5, "warning"), mark(6, "error", "critical"), *[mark(7, "warning")] * 9).glyphs
    assert (glyph.severity, glyph.count) == ("critical", 11)
    assert glyph.title.splitlines()[:2] == ["16:00:05.000 warning told", "16:00:06.000 error told"]
    assert glyph.title.splitlines()[-1] == "and 7 more"


def test_a_mark_tells_when_it_occurred_was_notified_and_received_and_leads_to_its_row() -> None:
    (glyph,) = row("errors", mark(5, "error"), notices=notices_of([entry(5, "n5", 1)], Window())).glyphs
    times = "occurred 16:00:05.000, notified 16:00:05.100, received 16:00:05.300 (300 ms later)"
    assert (glyph.title, glyph.url) == (f"16:00:05.000 error told; {times}", "#n-n5")


def test_late_notifications_bear_a_clock() -> None:
    told = notices_of([entry(5, "n5", lag=40), entry(300, "n300")], Window())
    late, timely = row("errors", mark(5, "error"), mark(300, "error"), notices=told).glyphs
    assert (late.late, timely.late) == (True, False)


def test_marks_outside_the_frame_are_left_out() -> None:
    assert row("errors", mark(-5, "error"), mark(700, "error"), within=frame(600)).glyphs == []


def test_the_picture_stays_small_however_much_happens() -> None:
    told = row("errors", *(mark(number, "error") for number in range(500)), *(mark(number) for number in range(500)))
    assert len(told.glyphs) + len(told.bands) <= 120

"""Sparklines, bars of state and charts of a day, as data."""

from __future__ import annotations

import pytest

from tests.views.drawing.drawn import at
from webhook.views.charts import Course, Span, chart, sparkline, state_bar


def test_a_sparkline_stands_on_nothing_and_reaches_its_greatest_value() -> None:
    line = sparkline([0, 5, 10], 100, 24)
    assert line.path == "M0 22L50 12L100 2"
    assert (line.last, line.least, line.greatest) == (10, 0, 10)


def test_what_is_not_known_is_a_break_and_never_a_zero() -> None:
    assert sparkline([4, 4, None, 4, None], 100, 24).path == "M0 2L25 2M75 2h0.01"


@pytest.mark.parametrize("values", [[], [None, None]])
def test_a_sparkline_of_nothing_has_no_path_and_says_so(values: list[float | None]) -> None:
    line = sparkline(values)
    assert (line.path, line.last, line.title) == ("", None, "nothing known")


def test_zeros_are_a_line_at_the_foot() -> None:
    assert sparkline([0, 0], 100, 24).path == "M0 22L100 22"


def test_a_sparkline_says_its_figures_in_words() -> None:
    assert sparkline([1, None, 4, 0.25], unit="s").title == "least 0.25 s, mean 1.75 s, greatest 4 s, last 0.25 s"
    assert sparkline([12345]).title.endswith("last 12,345")


def test_a_short_outage_stays_visible_over_what_was_well() -> None:
    bar = state_bar([Span("ok", at(0), at(1800)), Span("bad", at(900), at(901))], at(0), at(1800))
    assert [(cell.tone, cell.x, cell.width) for cell in bar.cells] == [("ok", 0, 160), ("bad", 80, 2)]
    assert bar.title == "in 30 min: bad 1 s, ok 30 min"


def test_a_bar_is_cut_to_its_time() -> None:
    bar = state_bar(
        [Span("ok", at(-500), at(-100)), Span("warn", at(-60), at(60)), Span("ok", at(60), at(9999))], at(0), at(600)
    )
    assert bar.title == "in 10 min: ok 9 min, warn 1 min"
    assert [cell.title for cell in bar.cells] == ["ok 9 min", "warn 1 min"]


def test_what_ends_with_the_bar_is_drawn_inside_of_it() -> None:
    (cell,) = state_bar([Span("bad", at(600), at(600))], at(0), at(600)).cells
    assert cell.x + cell.width == 160


def test_what_overlaps_counts_once() -> None:
    assert state_bar([Span("bad", at(0), at(60)), Span("bad", at(30), at(90))], at(0), at(600)).title.endswith(
        "bad 1 min 30 s"
    )


def test_a_bar_of_nothing_says_so() -> None:
    assert state_bar([], at(0), at(1800)).title == "in 30 min: nothing known"


@pytest.mark.parametrize(
    ("greatest", "labels"),
    [
        (0, ["0", "1"]),
        (0.031, ["0", "0.01", "0.02", "0.03", "0.04"]),
        (1, ["0", "0.5", "1"]),
        (7, ["0", "2", "4", "6", "8"]),
        (123, ["0", "50", "100", "150"]),
        (9999, ["0", "5000", "10000"]),
    ],
)
def test_a_chart_is_labelled_with_few_round_values_that_hold_all(greatest: float, labels: list[str]) -> None:
    drawn = chart([Course("lag", [(at(0), greatest)])], at(0), at(60))
    assert [level.label for level in drawn.levels] == labels


def test_lines_of_a_chart_share_its_axes_and_break_where_nothing_is_known() -> None:
    points = [(at(0), 4.0), (at(30), None), (at(60), 2.0)]
    drawn = chart([Course("p50", points), Course("p95", [(at(0), 8.0), (at(60), 8.0)])], at(0), at(60), "s")
    top, foot = drawn.levels[-1].y, drawn.levels[0].y
    p50, p95 = drawn.lines
    assert p95.path == f"M{drawn.left:g} {top:g}L{drawn.width - 2} {top:g}"
    assert p50.path == f"M{drawn.left:g} {(top + foot) / 2:g}h0.01M{drawn.width - 2} {foot - (foot - top) / 4:g}h0.01"
    assert (
        drawn.title
        == "p50: least 2 s, mean 3 s, greatest 4 s, last 2 s; p95: least 8 s, mean 8 s, greatest 8 s, last 8 s"
    )
    assert [tick.label for tick in drawn.ticks][:2] == ["16:00:00", "16:00:10"]

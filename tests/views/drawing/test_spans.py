"""States over time, laid onto an axis."""

import itertools
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from tests.views.drawing.drawn import at, axis
from webhook.views.drawing.spans import LOOKS, THINNEST, Span, laid, look_of

HOUR = 3600
SCALE = axis(HOUR)


def span(begun: float, until: float, state: str = "stopped") -> Span:
    return Span(state, at(begun), at(until))


def stood(spans: Iterable[Span]) -> list[tuple[str, int]]:
    return [(each.state, len(each.spans)) for each in laid(spans, SCALE)]


def test_a_short_outage_stays_visible() -> None:
    (bar,) = laid([span(1000, 1000.2)], SCALE)
    assert bar.width == THINNEST


def test_the_worst_is_drawn_last_so_that_nothing_covers_it() -> None:
    spans = [span(0, 100, "receiving"), span(100, 100.5), span(100.5, 900, "receiving"), span(900, 999, "unknown")]
    assert [state for state, _ in stood(spans)] == ["receiving", "receiving", "unknown", "stopped"]


def test_equal_spans_that_touch_in_the_picture_are_one() -> None:
    assert stood([span(10, 11), span(12, 13), span(2000, 2001)]) == [("stopped", 2), ("stopped", 1)]


def test_what_is_outside_the_axis_is_left_out() -> None:
    assert stood([span(-20, -10), span(HOUR + 1, HOUR + 2)]) == []


def test_a_state_that_nobody_foresaw_looks_unknown() -> None:
    assert look_of("levitating") == LOOKS["unknown"]


def test_states_of_a_stream_differ_without_colour() -> None:
    styles = [look_of(state).style for state in ("receiving", "stopped", "unknown")]
    assert styles == ["solid", "outline", "hatch"]


@given(st.lists(st.tuples(st.floats(0, HOUR), st.floats(0, 60)), max_size=300))
def test_however_much_happens_bars_of_a_state_neither_overlap_nor_vanish(drawn: list[tuple[float, float]]) -> None:
    spans = sorted(span(begun, min(begun + length, HOUR)) for begun, length in drawn)
    bars = laid(spans, SCALE)
    assert sum(len(bar.spans) for bar in bars) == len(spans)
    assert all(bar.width >= THINNEST for bar in bars)
    assert all(one.x + one.width < other.x + 0.05 for one, other in itertools.pairwise(bars))

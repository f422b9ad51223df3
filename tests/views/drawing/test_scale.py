"""The time axis: to scale, with round ticks."""

import pytest

from tests.views.drawing.drawn import at
from webhook.views.drawing.scale import MOST_TICKS, STEPS_MS, scale_of, ticks_of

DAY, HOUR = 86_400, 3600


def labels(until: float, begun: float = 0) -> list[str]:
    return [tick.label for tick in ticks_of(scale_of(at(begun), at(until), 0, 800))]


def test_an_instant_stands_where_its_share_of_the_time_is() -> None:
    scale = scale_of(at(0), at(100), 10, 110)
    assert [scale.x(at(second)) for second in (0, 25, 50, 100)] == [10, 35, 60, 110]


def test_what_lies_outside_stands_at_the_end() -> None:
    scale = scale_of(at(0), at(100), 10, 110)
    assert (scale.x(at(-1)), scale.x(at(101))) == (10, 110)


def test_an_axis_of_no_length_is_ten_seconds_long() -> None:
    scale = scale_of(at(5), at(5), 0, 100)
    assert (scale.x(at(5)), scale.x(at(15))) == (0, 100)


@pytest.mark.parametrize(
    ("until", "begun", "expected"),
    [
        (10, 0, ["16:00:00", "16:00:02", "16:00:04", "16:00:06", "16:00:08", "16:00:10"]),
        (2703, 63, ["16:05", "16:10", "16:15", "16:20", "16:25", "16:30", "16:35", "16:40", "16:45"]),
        (DAY, 0, ["18:00", "21:00", "00:00", "03:00", "06:00", "09:00", "12:00", "15:00"]),
    ],
)
def test_ticks_stand_at_round_times(until: float, begun: float, expected: list[str]) -> None:
    assert labels(until, begun) == expected


@pytest.mark.parametrize("length", [1, 11, 47, 300, 4000, HOUR * 7, DAY, DAY * 9, DAY * 400, DAY * 4000])
def test_there_are_few_ticks_however_long_the_axis(length: int) -> None:
    assert 1 <= len(labels(length, 0.5)) <= MOST_TICKS + 1


def test_steps_grow_and_each_divides_a_day_or_is_made_of_days() -> None:
    assert list(STEPS_MS) == sorted(STEPS_MS)
    assert all(DAY * 1000 % step == 0 or step % (DAY * 1000) == 0 for step in STEPS_MS)


def test_the_day_is_told_at_the_first_tick_and_where_it_changes() -> None:
    ticks = ticks_of(scale_of(at(0), at(DAY), 0, 800))
    assert [tick.day for tick in ticks] == ["24 Nov", "", "25 Nov", "", "", "", "", ""]


def test_labels_at_the_ends_stay_inside() -> None:
    ticks = ticks_of(scale_of(at(0), at(10), 0, 800))
    assert [tick.anchor for tick in ticks] == ["start", "middle", "middle", "middle", "middle", "end"]

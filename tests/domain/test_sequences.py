from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webhook.domain.sequences import WINDOW, Range, Sequences, hear, missing

numbers = (
    st.integers(0, 60) | st.integers(0, 3 * WINDOW) | st.sampled_from([0, 1, WINDOW - 1, WINDOW, WINDOW + 1, 2**64 - 1])
)


def heard(*numbers: int) -> Sequences:
    sequences = Sequences()
    for number in numbers:
        sequences = hear(sequences, number)
    return sequences


def ranges_of(numbers: set[int]) -> list[Range]:
    """The naive model: sorted disjoint ranges, both ends included."""
    found: list[Range] = []
    for number in sorted(numbers):
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def test_before_anything_was_heard_nothing_is_missing() -> None:
    assert Sequences().highest is None
    assert missing(Sequences()) == []


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ((0,), []),
        ((1,), []),
        ((2,), [(1, 1)]),
        ((0, 1, 2), []),
        ((1, 2, 3), []),
        ((0, 2), [(1, 1)]),
        ((5,), [(1, 4)]),
        ((0, 5), [(1, 4)]),
        ((1, 4, 8), [(2, 3), (5, 7)]),
        ((8, 4, 1), [(2, 3), (5, 7)]),
        ((1, 4, 8, 2, 3), [(5, 7)]),
        ((1, 3, 2), []),
        ((1, 1, 2, 2), []),
        ((WINDOW,), [(1, WINDOW - 1)]),
        ((WINDOW + 1,), [(2, WINDOW)]),
        ((10 * WINDOW,), [(9 * WINDOW + 1, 10 * WINDOW - 1)]),
    ],
)
def test_holes_are_what_lies_below_the_highest_and_was_not_heard(
    numbers: tuple[int, ...], expected: list[Range]
) -> None:
    assert missing(heard(*numbers)) == expected


@pytest.mark.parametrize("first", [0, 1])
def test_a_recorder_counts_from_0_or_from_1_without_a_hole(first: int) -> None:
    sequences = heard(*range(first, 100))
    assert sequences.heard == ((first, 99),)
    assert missing(sequences) == []


def test_a_number_below_the_window_changes_nothing() -> None:
    sequences = heard(WINDOW + 50, 51)
    assert hear(sequences, 50) == sequences
    assert hear(sequences, 0) == sequences
    assert hear(sequences, 52) != sequences


def test_a_number_that_was_heard_changes_nothing() -> None:
    sequences = heard(3, 4, 5, 9)
    assert [hear(sequences, number) for number in (3, 4, 5, 9)] == [sequences] * 4


def test_a_leap_forgets_what_falls_below_the_window() -> None:
    assert heard(*range(10), 5 * WINDOW).heard == ((5 * WINDOW, 5 * WINDOW),)


def test_a_steady_count_stays_one_range_of_the_window() -> None:
    sequences = Sequences(((1, WINDOW),))
    for number in range(WINDOW + 1, WINDOW + 100):
        sequences = hear(sequences, number)
    assert sequences.heard == ((100, WINDOW + 99),)


@settings(max_examples=200)
@given(st.lists(numbers, max_size=40))
def test_in_any_order_it_is_the_set_of_the_numbers_within_the_window(told: list[int]) -> None:
    sequences = heard(*told)
    highest = max(told, default=None)
    kept = {number for number in told if number > (highest or 0) - WINDOW}
    assert sequences.highest == highest
    assert list(sequences.heard) == ranges_of(kept)


@given(st.lists(st.integers(0, 80), max_size=40))
def test_what_is_missing_is_the_rest(told: list[int]) -> None:
    expected = set(range(1, max(told, default=0))) - set(told)
    assert missing(heard(*told)) == ranges_of(expected)


@given(st.lists(numbers, max_size=30))
def test_ranges_are_sorted_disjoint_and_within_the_window(told: list[int]) -> None:
    ranges = heard(*told).heard
    assert all(low <= high for low, high in ranges)
    assert all(earlier[1] + 1 < later[0] for earlier, later in pairwise(ranges))
    assert not ranges or ranges[0][0] > ranges[-1][1] - WINDOW

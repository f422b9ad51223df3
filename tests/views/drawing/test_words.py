"""Durations, clocks and names as a picture bears them."""

import pytest

from tests.store.build import AT_MS
from webhook.views.drawing.words import clock, day, lasted, plain, spaced


@pytest.mark.parametrize(
    ("duration_ms", "words"),
    [
        (-5, "0 ms"),
        (0, "0 ms"),
        (999, "999 ms"),
        (1000, "1 s"),
        (2400, "2.4 s"),
        (20_000, "20 s"),
        (60_000, "1 min"),
        (245_999, "4 min 5 s"),
        (3_600_000, "1 h"),
        (3_605_000, "1 h"),
        (11_520_000, "3 h 12 min"),
        (187_200_000, "2 d 4 h"),
    ],
)
def test_a_duration_is_told_in_its_two_greatest_units(duration_ms: int, words: str) -> None:
    assert lasted(duration_ms) == words


def test_a_clock_has_milliseconds_and_a_day_its_month() -> None:
    assert (clock(AT_MS + 5123), day(AT_MS)) == ("16:00:05.123", "24 Nov")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("\u202egnp.exe", "\N{REPLACEMENT CHARACTER}gnp.exe"),
        ("a\nb\x00c", "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c"),
        ("é☂😀", "é☂😀"),
        ("0123456789abcdef", "01234…cdef"),
    ],
)
def test_a_name_from_outside_is_one_short_line_that_hides_nothing(name: str, shown: str) -> None:
    assert plain(name, 10) == shown


@pytest.mark.parametrize(("word", "words"), [("video_stopped", "video stopped"), ("notRecorded", "not recorded")])
def test_our_own_words_are_spaced(word: str, words: str) -> None:
    assert spaced(word) == words

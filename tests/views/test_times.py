import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.domain.wire import LATEST_MS
from webhook.views.times import parse_rfc3339, rfc3339, rfc3339_or_none, seconds


@pytest.mark.parametrize(
    ("at_ms", "expected"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1, "1970-01-01T00:00:00.001Z"),
        (1_560_408_533_119, "2019-06-13T06:48:53.119Z"),
        (1_582_934_400_000, "2020-02-29T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (-62_135_596_800_000, "0001-01-01T00:00:00.000Z"),
        (LATEST_MS, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_an_instant_is_written_in_utc_with_milliseconds_and_reads_back(at_ms: int, expected: str) -> None:
    assert rfc3339(at_ms) == expected
    assert parse_rfc3339(expected) == at_ms


@given(st.integers(-62_135_596_800_000, LATEST_MS))
def test_every_instant_survives_being_written(at_ms: int) -> None:
    assert parse_rfc3339(rfc3339(at_ms)) == at_ms


@given(st.integers(0, LATEST_MS), st.integers(0, LATEST_MS))
def test_written_instants_sort_like_instants(one_ms: int, other_ms: int) -> None:
    assert (rfc3339(one_ms) < rfc3339(other_ms)) == (one_ms < other_ms)


def test_no_instant_is_written_as_none() -> None:
    assert rfc3339_or_none(None) is None
    assert rfc3339_or_none(0) == "1970-01-01T00:00:00.000Z"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T01:00:00+01:00", 0),
        ("1969-12-31T23:30:00-00:30", 0),
        ("1970-01-01T00:00:01Z", 1000),
        ("1970-01-01T00:00:00.1Z", 100),
        ("1970-01-01T00:00:00.0019Z", 1),
        ("1970-01-01 00:00:00Z", 0),
    ],
)
def test_an_instant_is_read_in_any_zone(text: str, expected: int) -> None:
    assert parse_rfc3339(text) == expected


@pytest.mark.parametrize("text", ["1970-01-01T00:00:00", "1970-01-01"])
def test_a_time_without_a_zone_is_refused_with_advice(text: str) -> None:
    with pytest.raises(ValueError, match="no zone; end it with Z"):
        parse_rfc3339(text)


@pytest.mark.parametrize("text", ["", "now", "1970-13-01T00:00:00Z", "1970-01-01T25:00:00Z", "0"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_rfc3339(text)


@pytest.mark.parametrize(
    ("duration_ms", "expected"), [(0, 0.0), (1, 0.001), (31, 0.031), (-40, -0.04), (5000, 5.0), (None, None)]
)
def test_a_duration_is_in_seconds(duration_ms: int | None, expected: float | None) -> None:
    assert seconds(duration_ms) == expected

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webhook.domain.wire import LATEST_MS, integer, mapping, milliseconds, text

numbers = st.integers() | st.decimals(allow_nan=True, allow_infinity=True) | st.floats()
anything_in_json = st.recursive(
    st.none() | st.booleans() | numbers | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, 0),
        (-7, -7),
        (2**53 + 1, 2**53 + 1),
        (2**64 - 1, 2**64 - 1),
        (-(2**63), -(2**63)),
        (2**64, None),
        (-(2**63) - 1, None),
        (10**20, None),
        pytest.param(10**5000, None, id="too wide to print"),
        ("12", 12),
        ("-12", -12),
        ("0012", 12),
        (str(2**64 - 1), 2**64 - 1),
        (str(-(2**63)), -(2**63)),
        (str(2**64), None),
        (str(-(2**63) - 1), None),
        ("1" * 21, None),
        ("", None),
        ("-", None),
        ("--1", None),
        ("+1", None),
        (" 1", None),
        ("1\n", None),
        ("1_000", None),
        ("1.0", None),
        ("1e3", None),
        ("0x10", None),
        ("²", None),
        ("nan", None),
        (Decimal("1.0"), 1),
        (Decimal("1E+3"), 1000),
        (Decimal("-0.0"), 0),
        (Decimal("1.5"), None),
        (Decimal("18446744073709551615.0"), 2**64 - 1),
        (Decimal("9007199254740993.0"), 2**53 + 1),
        (Decimal("18446744073709551615.00000000000000000000000001"), None),
        (Decimal("1E+19"), 10**19),
        (Decimal("18446744073709551616.0"), None),
        (Decimal("1E+20"), None),
        (Decimal("1E+400"), None),
        (Decimal("1E+999999999999"), None),
        (Decimal("1E-999999999999"), None),
        (Decimal("NaN"), None),
        (Decimal("sNaN"), None),
        (Decimal("-Infinity"), None),
        (True, None),
        (False, None),
        (None, None),
        (1.0, None),
        ([1], None),
        ({"a": 1}, None),
    ],
)
def test_an_integer_is_read_exactly_or_not_at_all(value: Any, expected: int | None) -> None:
    found = integer(value)
    assert found == expected
    assert found is None or type(found) is int


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Testing2", "Testing2"),
        ("", None),
        (" ", " "),
        ("0", "0"),
        ("007", "007"),
        (0, "0"),
        (123, "123"),
        (2**64 - 1, "18446744073709551615"),
        (4294967295, "4294967295"),
        (Decimal("123.0"), "123"),
        (Decimal("1.5"), None),
        (True, None),
        (None, None),
        ([], None),
        ({}, None),
    ],
)
def test_a_name_is_text_or_the_digits_of_an_integer(value: Any, expected: str | None) -> None:
    assert text(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1_560_408_533_119, 1_560_408_533_119),
        (1_560_408_533, 1_560_408_533_000),
        (10**11, 10**11),
        (10**11 - 1, (10**11 - 1) * 1000),
        (1, 1000),
        ("1560408533", 1_560_408_533_000),
        ("1560408533119", 1_560_408_533_119),
        (Decimal("1560408533.119"), 1_560_408_533_119),
        (Decimal("1.560408533119E+12"), 1_560_408_533_119),
        (Decimal("1560408533119.7"), 1_560_408_533_119),
        (LATEST_MS, LATEST_MS),
        (LATEST_MS + 1, None),
        (0, None),
        (-1, None),
        ("0", None),
        (Decimal(0), None),
        (Decimal(-5), None),
        (Decimal("NaN"), None),
        (Decimal("Infinity"), None),
        (Decimal("1E+400"), None),
        (10**20, None),
        ("yesterday", None),
        (True, None),
        (None, None),
        ({}, None),
    ],
)
def test_a_time_is_milliseconds_and_what_is_small_is_seconds(value: Any, expected: int | None) -> None:
    assert milliseconds(value) == expected


@pytest.mark.parametrize(("value", "expected"), [({"a": 1}, {"a": 1}), ([], {}), (None, {}), ("{}", {}), (1, {})])
def test_what_is_no_object_reads_as_an_empty_one(value: Any, expected: dict[str, Any]) -> None:
    assert mapping(value) == expected


@settings(max_examples=150)
@given(anything_in_json)
def test_no_value_of_json_makes_the_readers_raise(value: Any) -> None:
    assert type(integer(value)) in {int, type(None)}
    assert type(text(value)) in {str, type(None)}
    at_ms = milliseconds(value)
    assert at_ms is None or 0 <= at_ms <= LATEST_MS
    assert isinstance(mapping(value), dict)


@given(st.integers(-(2**65), 2**66))
def test_an_integer_of_64_bits_reads_the_same_as_number_as_decimal_and_as_text(number: int) -> None:
    expected = number if -(2**63) <= number < 2**64 else None
    assert [integer(spelt) for spelt in (number, Decimal(number), str(number))] == [expected] * 3
    assert text(number) == (None if expected is None else str(number))

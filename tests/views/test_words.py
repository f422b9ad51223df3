"""The words and tones of pages."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, unquote

import pytest

from webhook.domain.alerting.alerts import AlertState, Severity
from webhook.domain.decoding import BY_NAME
from webhook.domain.log import Outcome
from webhook.domain.states import State
from webhook.views import words

HOSTILE = '<img src=x onerror="alert(1)">/../?#&%'
TONES = {"ok", "warn", "bad", "unknown", "ended", "info", "acked", "silenced"}


@pytest.mark.parametrize(("state", "tone"), [("live", "ok"), ("lost", "warn"), ("failed", "bad"), ("ended", "ended")])
def test_a_state_has_a_tone(state: str, tone: str) -> None:
    assert words.tone(state) == tone


@pytest.mark.parametrize("state", [None, "", "unknown", "what a later release says", HOSTILE])
def test_a_state_that_is_not_known_looks_unknown(state: str | None) -> None:
    assert words.tone(state) == "unknown"


def test_every_tone_is_one_that_has_a_shape() -> None:
    assert set(words.TONES.values()) <= TONES


@pytest.mark.parametrize("state", [*AlertState, *Severity, *State])
def test_no_state_of_sessions_and_alerts_looks_unknown_by_oversight(state: Any) -> None:
    if state.value != "expected":  # nobody has heard of it yet
        assert words.tone(state.value) != "unknown"


def test_no_outcome_but_unknown_looks_unknown() -> None:
    assert [outcome for outcome in Outcome if words.tone(outcome.value) == "unknown"] == [Outcome.UNKNOWN]


@pytest.mark.parametrize(("name", "told"), [("video_stopped", "video stopped"), ("live", "live"), (None, "")])
def test_names_are_written_as_people_do(name: str | None, told: str) -> None:
    assert words.in_words(name) == told


def test_every_product_has_a_name_of_its_own() -> None:
    names = [words.product_name(product) for product in BY_NAME]
    assert len(set(names)) == len(names)
    assert all(name[0].isupper() and "_" not in name for name in names)


@pytest.mark.parametrize(("product", "name"), [("new_thing", "new thing"), (None, "Unknown product")])
def test_a_product_without_one_is_called_by_its_word(product: str | None, name: str) -> None:
    assert words.product_name(product) == name


@pytest.mark.parametrize(
    ("text", "most", "told"), [("abcd", 4, "abcd"), ("abcde", 4, "abc…"), ("", 4, ""), (12345, 4, "123…")]
)
def test_long_text_is_cut_and_never_longer_than_asked(text: object, most: int, told: str) -> None:
    assert words.clipped(text, most) == told
    assert len(words.clipped(text, most)) <= most


@pytest.mark.parametrize(("share", "told"), [(None, words.NONE), (0.0, "0 %"), (0.426, "43 %"), (1.0, "100 %")])
def test_shares_are_percentages(share: float | None, told: str) -> None:
    assert words.percent(share) == told


@pytest.mark.parametrize(
    ("duration", "told"),
    [
        (None, words.NONE),
        (0.0, "0 ms"),
        (0.000414, "0.41 ms"),
        (0.0034, "3.4 ms"),
        (0.031, "31 ms"),
        (-0.25, "-250 ms"),
        (1.0, "1.0 s"),
        (99.94, "99.9 s"),
        (600.0, "10 min"),
    ],
)
def test_lags_are_told_in_the_unit_that_fits(duration: float | None, told: str) -> None:
    assert words.lag(duration) == told


def test_what_has_passed_between_two_times_is_in_seconds() -> None:
    assert words.elapsed("2026-11-22T23:34:05.500Z", "2026-11-22T23:35:05.000Z") == 59.5
    assert words.elapsed("2026-11-22T23:34:05Z", "2026-11-22T23:34:04Z") == -1


@pytest.mark.parametrize(
    ("at", "told"),
    [("2026-11-22T23:34:05.123Z", "23:34:05"), ("2026-11-21T23:34:05.123Z", "2026-11-21 23:34:05")],
)
def test_a_time_has_its_date_where_that_is_not_today(at: str, told: str) -> None:
    assert words.clock(at, "2026-11-22T01:00:00.000Z") == told


@pytest.mark.parametrize("name", ["s1", "rtc:default:a%2Fb", HOSTILE, "é ü", "."])
def test_a_name_is_one_part_of_a_path(name: str) -> None:
    part = words.path_part(name)
    assert not set(part) & set("/?#<>\"'& ")
    assert unquote(part) == name


def test_a_query_keeps_what_is_not_changed_and_leaves_out_what_is_empty() -> None:
    told = words.query({"channel": HOSTILE, "state": "live", "cursor": "x"}, cursor=None, state="", severity="critical")
    assert parse_qs(told.removeprefix("?")) == {"channel": [HOSTILE], "severity": ["critical"]}
    assert not set(told) & set("<>\"' ")


def test_a_query_of_nothing_still_leads_to_the_page_without_one() -> None:
    assert words.query({}) == words.query({"state": None}) == "?"


def test_every_filter_is_a_function_under_its_own_name() -> None:
    assert {name.__name__ for name in words.FILTERS} >= {"tone", "clipped", "path_part", "query", "clock", "lag"}

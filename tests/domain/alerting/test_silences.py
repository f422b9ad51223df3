"""Silences: when they are in force, what they are about, and which would be about everything."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.domain.alerting.matchers import Matcher, Op, parse_matcher
from webhook.domain.alerting.silences import (
    Labelled,
    Silence,
    SilenceState,
    fit_everything,
    named_session,
    silencing,
)

BEGIN, END = 1_000, 5_000
LABELS = {"channel": "lobby", "rule": "video_stopped", "session": "s1", "severity": "warning"}
values = st.sampled_from(["", "a", "b", "ab"])


def silence(*matchers: str, **more: Any) -> Silence:
    told: dict[str, Any] = {
        "id": "s1",
        "starts_ms": BEGIN,
        "ends_ms": END,
        "by": "ann",
        "reason": "maintenance",
        "created_ms": 500,
    }
    return Silence(matchers=tuple(map(parse_matcher, matchers or ("channel=lobby",))), **told | more)


@pytest.mark.parametrize(
    ("now_ms", "state"),
    [
        (BEGIN - 1, SilenceState.PENDING),
        (BEGIN, SilenceState.ACTIVE),
        (END - 1, SilenceState.ACTIVE),
        (END, SilenceState.EXPIRED),
    ],
)
@pytest.mark.parametrize("over", [False, True])
def test_it_is_in_force_from_its_start_until_just_before_its_end(now_ms: int, state: SilenceState, over: bool) -> None:
    assert silence().state(now_ms, over=over) is state
    assert silence().covers(now_ms, over=over) is (state is SilenceState.ACTIVE)


@pytest.mark.parametrize("now_ms", [BEGIN - 1, BEGIN, END - 1, END])
@pytest.mark.parametrize("ends_ms", [END, None])
def test_ended_early_it_is_in_force_no_more(now_ms: int, ends_ms: int | None) -> None:
    ended = silence(ends_ms=ends_ms, expired_ms=2_000)
    assert ended.state(now_ms, over=False) is SilenceState.EXPIRED
    assert not ended.covers(now_ms, over=False)


@pytest.mark.parametrize(
    ("now_ms", "over", "state"),
    [
        (BEGIN - 1, False, SilenceState.PENDING),
        (BEGIN, False, SilenceState.ACTIVE),
        (10**15, False, SilenceState.ACTIVE),
        (BEGIN - 1, True, SilenceState.EXPIRED),
        (BEGIN, True, SilenceState.EXPIRED),
    ],
)
def test_without_an_end_it_is_in_force_until_the_session_is_over(now_ms: int, over: bool, state: SilenceState) -> None:
    until_session_ends = silence("session=s1", ends_ms=None)
    assert until_session_ends.state(now_ms, over=over) is state
    assert until_session_ends.covers(now_ms, over=over) is (state is SilenceState.ACTIVE)


@pytest.mark.parametrize(
    ("matchers", "session_id"),
    [
        (["session=s1"], "s1"),
        (["channel=lobby", "session=s1"], "s1"),
        (["session=", "channel=lobby"], None),
        (["session!=s1"], None),
        (["session=~s1"], None),
        (["channel=lobby"], None),
    ],
)
def test_the_session_that_it_names_is_known(matchers: list[str], session_id: str | None) -> None:
    bound = silence(*matchers, ends_ms=None)
    assert named_session(bound.matchers) == bound.session_id == session_id


def test_by_the_clock_or_ended_it_ends_with_no_session() -> None:
    assert silence("session=s1").session_id is None
    assert silence("session=s1", ends_ms=None, expired_ms=2_000).session_id is None


@pytest.mark.parametrize(
    ("matchers", "fits"),
    [
        (["channel=lobby"], True),
        (["channel=lobby", "rule=~video_.*"], True),
        (["channel=lobby", "rule=~audio_.*"], False),
        (["channel=hall"], False),
        (["uid="], True),
    ],
)
def test_it_is_about_alerts_that_all_matchers_fit(matchers: list[str], fits: bool) -> None:
    assert silence(*matchers).fits(LABELS) is fits
    assert [each.id for each in silencing([silence(*matchers)], LABELS, BEGIN, over=False)] == ["s1"] * fits


def test_those_in_force_that_fit_are_named_in_the_order_of_their_ids() -> None:
    known = [
        silence(id="s3"),
        silence(id="s1"),
        silence(id="s2", starts_ms=BEGIN + 1),
        silence("channel=hall", id="s4"),
        silence("session=s1", id="s0", ends_ms=None),
    ]
    assert [each.id for each in silencing(known, LABELS, BEGIN, over=False)] == ["s0", "s1", "s3"]
    assert [each.id for each in silencing(known, LABELS, BEGIN, over=True)] == ["s1", "s3"]
    assert silencing(known, LABELS, END, over=True) == []


@pytest.mark.parametrize(
    "matchers",
    [
        ["channel!="],
        ["channel=~.*"],
        ["channel=~.+"],
        ["channel=~[^\\n]+"],
        ["session=~.*", "uid!=", 'source!~""'],
        ["rule=~.*_.*|failover"],
        ["severity=~info|warning|critical"],
        ["track=~audio|video"],
        ["chanel="],  # no alert has such a label
        ["chanel!=lobby"],
        ["channel!~^$"],
    ],
)
def test_what_no_alert_can_escape_is_found(matchers: list[str]) -> None:
    assert fit_everything(map(parse_matcher, matchers))


@pytest.mark.parametrize(
    "matchers",
    [
        ["channel=lobby"],
        ["channel!=lobby"],
        ["channel=~.*", "rule=failover"],
        ["channel!~.*"],
        ["channel!~test-.*"],
        ["channel=~[^x].*"],
        ["channel=~[a-z0-9]+"],
        ["channel=~.*lobby.*"],
        ["uid="],
        ["severity=~info|warning"],
        ["severity!=critical"],
        ["rule=~video_.*|audio_.*"],
        ["chanel=lobby"],
        ["track=video"],
        ["project=default"],
        ["source=default"],
    ],
)
def test_what_an_alert_can_escape_is_no_slip(matchers: list[str]) -> None:
    assert not fit_everything(map(parse_matcher, matchers))


def test_labels_that_the_operator_gives_to_sources_are_known() -> None:
    matchers = [parse_matcher("team=")]
    assert fit_everything(matchers)
    assert not fit_everything(matchers, ["team"])


@given(
    st.lists(st.dictionaries(st.sampled_from(["x", "y"]), values), max_size=12),
    st.lists(st.builds(Matcher, st.sampled_from(["x", "y", "z"]), st.sampled_from(Op), values), max_size=4),
)
def test_things_are_found_by_their_labels_as_if_each_was_compared(
    things: list[dict[str, str]], matchers: list[Matcher]
) -> None:
    labelled = Labelled((number, labels) for number, labels in enumerate(things))
    expected = [number for number, labels in enumerate(things) if all(each.fits(labels) for each in matchers)]
    found = labelled.fitting(matchers)
    assert found == expected == labelled.fitting(matchers)

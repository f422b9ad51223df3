"""Matchers: operators, patterns, how they are written and read, and that nothing makes them fail or take long."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.domain.alerting.matchers import (
    LABELS,
    LONGEST,
    LONGEST_TEXT,
    Matcher,
    Op,
    all_fit,
    matcher_of,
    parse_matcher,
    with_known_label,
)

ANY = st.text(st.characters(), max_size=40)  # with lone surrogates and NUL
labels = st.from_regex(r"\A[A-Za-z_][A-Za-z0-9_]{0,63}\Z")


@pytest.mark.parametrize(
    ("text", "value", "fits"),
    [
        ("channel=lobby", "lobby", True),
        ("channel=lobby", "lobby2", False),
        ("channel=lobby", "Lobby", False),
        ("channel!=lobby", "lobby", False),
        ("channel!=lobby", "hall", True),
        ("channel=~lob.*", "lobby", True),
        ("channel!~lob.*", "lobby", False),
        ("channel!~lob.*", "hall", True),
        ("channel=~lob", "lobby", False),  # the whole of it, from the beginning
        ("channel=~obby", "lobby", False),  # to the end
        ("channel!~lob", "lobby", True),
        ("channel=~a|lobby", "lobby", True),
        ("channel=~a|lobby", "a lobby", False),  # whichever alternative
        ("channel=~^lobby$", "lobby", True),
        ("channel=~(?i)LOBBY", "lobby", True),
        (r"channel=~room\d+", "room12", True),
        ("channel=~.*", "", True),
        ("channel=~.*", "two\nlines", True),
        ("channel=~.+", "", False),
        ("channel=~.", "ü", True),  # signs, not bytes
        ("channel=~.", "\x00", True),
        ("channel=~a\x00b", "a\x00b", True),
        ("channel=", "", True),
        ("channel=", "lobby", False),
        ("channel!=", "lobby", True),
        ('channel=" "', " ", True),
        ('channel=" "', "", False),
        ('channel="a\n"', "a\n", True),
        ('channel="a\n"', "a", False),
        ('channel=~"a$"', "a\n", False),
        ("channel=a.c", "abc", False),  # no pattern but where one is asked for
    ],
)
def test_a_value_fits_or_does_not(text: str, value: str, fits: bool) -> None:
    assert parse_matcher(text).fits({"channel": value, "other": "x"}) is fits


@pytest.mark.parametrize(
    ("text", "fits"),
    [("uid=", True), ("uid!=", False), ("uid=~.*", True), ("uid=~.+", False), ("uid!~.+", True), ("uid=1", False),
     ("uid!=1", True)],
)  # fmt: skip
def test_a_label_that_is_missing_is_empty(text: str, fits: bool) -> None:
    matcher = parse_matcher(text)
    assert matcher.fits({}) is matcher.fits({"uid": ""}) is fits


def test_all_have_to_fit_and_none_at_all_fit_everything() -> None:
    both = [parse_matcher("channel=lobby"), parse_matcher("rule=~video_.*")]
    assert all_fit(both, {"channel": "lobby", "rule": "video_stopped"})
    assert not all_fit(both, {"channel": "lobby", "rule": "failover"})
    assert not all_fit(both, {"channel": "hall", "rule": "video_stopped"})
    assert all_fit([], {"channel": "hall"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("channel=lobby", Matcher("channel", Op.EQUAL, "lobby")),
        ('channel="lobby"', Matcher("channel", Op.EQUAL, "lobby")),
        (" channel =~ lob.* ", Matcher("channel", Op.LIKE, "lob.*")),
        ("channel!= main hall ", Matcher("channel", Op.UNEQUAL, "main hall")),
        ('channel!~" main hall "', Matcher("channel", Op.UNLIKE, " main hall ")),
        ("channel=", Matcher("channel", Op.EQUAL, "")),
        ('channel=""', Matcher("channel", Op.EQUAL, "")),
        ('channel="="', Matcher("channel", Op.EQUAL, "=")),
        ('channel=say "a"', Matcher("channel", Op.EQUAL, 'say "a"')),
        (r'channel="say \"a\""', Matcher("channel", Op.EQUAL, 'say "a"')),
        (r'channel="a\\b"', Matcher("channel", Op.EQUAL, r"a\b")),
        (r'channel=~"room\d+"', Matcher("channel", Op.LIKE, r"room\d+")),
        (r"channel=a\\b", Matcher("channel", Op.EQUAL, r"a\\b")),
        ("_a1=x", Matcher("_a1", Op.EQUAL, "x")),
    ],
)
def test_text_is_read(text: str, expected: Matcher) -> None:
    assert parse_matcher(text) == expected


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "is no matcher"),
        ("channel", "is no matcher"),
        ("=lobby", "is no matcher"),
        ("1a=x", "is no matcher"),
        ("ä=x", "is no matcher"),
        ("a b=x", "is no matcher"),
        (f"{'a' * 65}=x", "is no matcher"),
        ("channel>lobby", "is no matcher"),
        ("channel==lobby", "begins as an operator does"),
        ("channel=~~lobby", "begins as an operator does"),
        ('channel="lobby', "do not enclose it"),
        ('channel="', "do not enclose it"),
        ('channel="a"b"', "do not enclose it"),
        ('channel="a\\"', "do not enclose it"),
        ("channel=~(", "is no pattern of RE2"),
        (f"channel={'x' * (LONGEST + 1)}", f"has {LONGEST + 1} characters"),
        (f"channel={' ' * LONGEST_TEXT}x", f"at most {LONGEST_TEXT}"),
    ],
)
def test_text_that_is_no_matcher_is_refused_with_the_reason(text: str, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        parse_matcher(text)


@pytest.mark.parametrize(
    ("label", "op", "value", "word"),
    [
        ("channel", "==", "x", "'==' is no operator; there are = != =~ !~"),
        ("channel", "", "x", "is no operator"),
        ("", "=", "x", "is no label"),
        ("a-b", "=", "x", "is no label"),
        ("a\n", "=", "x", "is no label"),
        ("a" * 65, "=", "x", "is no label"),
        ("channel", "=~", "x" * (LONGEST + 1), "at most 200"),
        ("channel", "!=", "x" * (LONGEST + 1), "at most 200"),
    ],
)
def test_parts_that_make_no_matcher_are_refused_with_the_reason(label: str, op: str, value: str, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        matcher_of(label, op, value)


@pytest.mark.parametrize("op", list(Op))
def test_a_value_of_200_characters_is_the_longest(op: Op) -> None:
    assert Matcher("channel", op, "ü" * LONGEST).problem is None
    assert Matcher("channel", op, "ü" * (LONGEST + 1)).problem is not None


@pytest.mark.parametrize(
    "pattern",
    [r"(?=a)b", r"(?!a)b", r"(?<=a)b", r"(a)\1", r"(?P<x>a)(?P=x)", "(", ")", "[a", "a{2000}", "(a{1000}){1000}",
     "((a{50}){50}){50}", "*", "a**", r"\8", "(?P<>a)", "\ud800"],
)  # fmt: skip
@pytest.mark.parametrize("op", [Op.LIKE, Op.UNLIKE])
def test_a_pattern_that_the_engine_does_not_know_is_refused_and_fits_nothing(pattern: str, op: Op) -> None:
    matcher = Matcher("channel", op, pattern)
    assert "is no pattern of RE2" in str(matcher.problem)
    assert not matcher.fits({"channel": pattern})
    assert not matcher.fits({})
    assert Matcher("channel", Op.EQUAL, pattern).fits({"channel": pattern})  # as it stands it is a value like others


@pytest.mark.parametrize("pattern", ["(a*)*b", "(a+)+b", "(a|a)*b", "(a|aa)+b", "(.*a){12}b", "((a{0,20}){0,20}x)*"])
def test_time_is_linear_whatever_the_pattern(pattern: str) -> None:
    matcher = Matcher("channel", Op.LIKE, pattern)
    assert matcher.problem is None
    assert not matcher.fits({"channel": "a" * 100_000 + "c"})  # an engine that backtracks never comes to an end


def test_long_text_that_is_no_matcher_is_refused_at_once() -> None:
    for text in ('a="' + "\\" * 10_000_000, "a=" + " " * 10_000_000 + "x", " " * 10_000_000, "a" * 10_000_000):
        with pytest.raises(ValueError, match="at most"):
            parse_matcher(text)


@given(
    labels,
    st.sampled_from([Op.EQUAL, Op.UNEQUAL]),
    st.text(st.characters() | st.sampled_from('\\"= \n'), max_size=LONGEST),
)
def test_what_is_written_is_read_again(label: str, op: Op, value: str) -> None:
    matcher = Matcher(label, op, value)
    assert parse_matcher(str(matcher)) == matcher


@given(st.sampled_from(Op), st.text(st.characters() | st.sampled_from('\\"()[]{}*+?|.^$'), max_size=20), ANY)
def test_nothing_makes_it_fail(op: Op, value: str, text: str) -> None:
    matcher = Matcher("channel", op, value)
    fits = matcher.fits({"channel": text})
    if matcher.problem is None:
        opposite = {Op.EQUAL: Op.UNEQUAL, Op.UNEQUAL: Op.EQUAL, Op.LIKE: Op.UNLIKE, Op.UNLIKE: Op.LIKE}[op]
        assert Matcher("channel", opposite, value).fits({"channel": text}) is not fits
        assert parse_matcher(str(matcher)) == matcher


@given(ANY)
def test_reading_any_text_gives_a_usable_matcher_or_says_why_not(text: str) -> None:
    with suppress(ValueError):
        assert parse_matcher(text).problem is None


@pytest.mark.parametrize("label", LABELS)
def test_labels_that_every_alert_has_are_known(label: str) -> None:
    matcher = Matcher(label, Op.EQUAL, "x")
    assert with_known_label(matcher, ()) is matcher


def test_labels_of_sources_are_known_and_others_refused_with_those_that_there_are() -> None:
    matcher = parse_matcher("team=a")
    assert with_known_label(matcher, {"team"}) is matcher
    with pytest.raises(ValueError, match=r"no alert has a label 'taem'; known are channel, .*, source, team, track"):
        with_known_label(parse_matcher("taem=a"), {"team"})


@given(ANY)
def test_dot_star_fits_everything_and_its_opposite_nothing(text: str) -> None:
    assert Matcher("channel", Op.LIKE, ".*").fits({"channel": text})
    assert not Matcher("channel", Op.UNLIKE, ".*").fits({"channel": text})


@pytest.mark.parametrize(
    ("text", "excludes"),
    [
        ("channel!=lobby", True),
        ("channel!=", False),
        ("channel!~lob.*", True),
        ("channel!~.*y", True),
        ("channel!~.*", True),
        ("channel!~", False),
        ("channel!~^$", False),
        (r"channel!~$|\b\B", False),
    ],
)
def test_what_is_not_meant_names_a_value_or_does_not(text: str, excludes: bool) -> None:
    assert parse_matcher(text).excludes_some is excludes

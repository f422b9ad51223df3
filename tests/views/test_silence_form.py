"""The lines of a form for a silence, and where its mistakes are told."""

from __future__ import annotations

import pytest

from webhook.views.silence_form import mistakes_by_field, numbered, with_line


def test_lines_keep_the_numbers_under_which_somebody_finds_them() -> None:
    assert numbered('rule="x"\r\n\r\n  channel=lobby \r\n') == [(1, 'rule="x"'), (3, "channel=lobby")]


def test_a_name_that_holds_a_separator_of_lines_stays_whole() -> None:
    assert numbered('channel="a\u2028b\x85c"') == [(1, 'channel="a\u2028b\x85c"')]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rule=x", 'rule=x\nsession="s1"'),
        ("", 'session="s1"'),
        ("session=s2", "session=s2"),
        ('session =~ "s.*"', 'session =~ "s.*"'),
        ("session!=s2", "session!=s2"),
        ("sessions=s2", 'sessions=s2\nsession="s1"'),
    ],
)
def test_a_line_is_added_where_none_is_about_its_label(text: str, expected: str) -> None:
    assert with_line(text, "session", 'session="s1"') == expected


def test_nothing_is_added_where_there_is_nothing_to_add() -> None:
    assert with_line("rule=x\n", "session", "") == "rule=x\n"


@pytest.mark.parametrize(
    ("path", "field", "message"),
    [
        ("$.matchers[1]", "matchers", "Line 4: is wrong"),
        ("$.matchers", "matchers", "This is wrong"),
        ("$.matchers[7]", "matchers", "This is wrong"),
        ("$.duration", "length", "is wrong"),
        ("$.until", "length", "is wrong"),
        ("$", "length", "is wrong"),
        ("$.reason", "reason", "The reason is wrong"),
        ("$.startsAt", "form", "$.startsAt is wrong"),
    ],
)
def test_each_mistake_is_told_at_its_field(path: str, field: str, message: str) -> None:
    lines = [(1, "rule=x"), (4, "nonsense")]
    assert mistakes_by_field([{"path": path, "message": "is wrong"}], lines) == {field: [message]}

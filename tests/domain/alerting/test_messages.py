"""Alerts in words."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workers.sinks.told import ACTS, HOSTILE, PUBLIC, hostile, telling
from webhook.domain.alerting.alerts import Severity
from webhook.domain.alerting.messages import body, headline, line, plain, title
from webhook.domain.alerting.telling import Transition

FIRED = telling()
OTHER = telling(alert=2, severity=Severity.WARNING, labels={"rule": "video_stopped"})
RESOLVED = telling(Transition.RESOLVED)


@pytest.mark.parametrize(
    ("tellings", "said"),
    [
        ([FIRED], "CRITICAL: recording error in lesson-12"),
        ([OTHER], "WARNING: video stopped in lesson-12"),
        ([telling(Transition.REPEAT)], "Still CRITICAL: recording error in lesson-12"),
        ([telling(Transition.RISE)], "Now CRITICAL: recording error in lesson-12"),
        ([telling(Transition.FLAPPING)], "Flapping, CRITICAL: recording error in lesson-12"),
        ([telling(Transition.ACKNOWLEDGED)], "Acknowledged: recording error in lesson-12"),
        ([RESOLVED], "Resolved: recording error in lesson-12"),
        ([telling(labels={"rule": "not_uploaded"})], "CRITICAL: files not uploaded in lesson-12"),
        ([telling(labels={"channel": "", "session": "c1"})], "CRITICAL: recording error in c1"),
        ([FIRED, OTHER], "2 alerts in lesson-12, one critical"),
        ([OTHER, OTHER], "2 alerts in lesson-12"),
        ([FIRED, FIRED, OTHER, RESOLVED], "4 alerts in lesson-12, 2 critical, one resolved"),
        ([RESOLVED, RESOLVED], "Resolved: 2 alerts in lesson-12"),
        ([FIRED, telling(labels={"channel": "other"})], "2 alerts in 2 channels, 2 critical"),
    ],
)
def test_a_title_says_how_many_how_bad_and_where(tellings: list, said: str) -> None:
    assert title(tellings) == said


def test_a_body_says_what_where_since_when_why_and_what_to_do() -> None:
    assert body([FIRED], PUBLIC).splitlines() == [
        "CRITICAL: recording error. fatal error 47 of the uploader: the disk is full",
        "Where: school, channel lesson-12, session d12fdce9024d37862a8f3a88e387c817, user 123",
        "Since: 2026-11-23 03:00:00 UTC",
        "Cause: No more can be written.",
        "Next step: Make room.",
        "See https://vigil.example.org/ops/alerts/3-00ff-1",
    ]


def test_without_a_public_address_there_is_no_link() -> None:
    assert "See" not in body([FIRED], None)


@pytest.mark.parametrize(
    ("resolution", "said"),
    [
        ("recovered", "it is well again"),
        ("ended", "its session is over"),
        ("retracted", "retracted, a late notification shows that it never was"),
        ("expired", "its time is over"),
    ],
)
def test_a_resolution_says_how_long_it_lasted_and_why_it_went_away(resolution: str, said: str) -> None:
    told = body([telling(Transition.RESOLVED, resolution=resolution)], None).splitlines()
    assert told[2:] == ["Lasted 4 min 5 s, from 2026-11-23 03:00:00 UTC to 2026-11-23 03:04:05 UTC", f"Why: {said}"]


@pytest.mark.parametrize(
    ("lasted_ms", "said"), [(0, "0 s"), (999, "0 s"), (60_000, "1 min 0 s"), (90_061_000, "1 d 1 h"), (-5, "0 s")]
)
def test_durations_are_said_by_their_two_greatest_units(lasted_ms: int, said: str) -> None:
    resolved = telling(Transition.RESOLVED, started_ms=1_000_000, resolved_ms=1_000_000 + lasted_ms)
    assert f"Lasted {said}," in body([resolved], None)


def test_a_repeat_and_a_flapping_alert_say_so() -> None:
    assert "Told again (3): it still fires" in body([telling(Transition.REPEAT, number=3)], None)
    assert "Flapping: it came and went several times" in body([telling(Transition.FLAPPING)], None)


def test_an_acknowledgement_says_who_when_and_what_they_said() -> None:
    said = body([telling(Transition.ACKNOWLEDGED)], None)
    assert "Acknowledged by ann at 2026-11-23 03:04:05 UTC: on it" in said


def test_the_worst_comes_first_and_what_is_resolved_last() -> None:
    blocks = body([RESOLVED, OTHER, FIRED], None).split("\n\n")
    assert [block.split(":")[0] for block in blocks] == ["CRITICAL", "WARNING", "Resolved"]


def test_after_twenty_alerts_the_rest_is_counted() -> None:
    short = [telling(alert=at, summary="s", meaning="", action="", labels={"session": ""}) for at in range(54)]
    said = body(short, None)
    assert said.count("CRITICAL") == 20
    assert said.endswith("\n\nand 34 more")


@pytest.mark.parametrize("most", [3500, 1000, 300, 60, 20])
def test_a_body_is_never_longer_than_there_is_room(most: int) -> None:
    said = body([hostile()] * 40, PUBLIC, most)
    assert len(said) <= most
    assert said.endswith(" more")


def test_a_body_of_one_alert_with_little_room_is_cut() -> None:
    assert body([FIRED], None, 30) == "CRITICAL: recording error. fa\u2026"


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("<img src=x onerror=alert(1)>", "\u2039img src=x onerror=alert(1)\u203a"),
        ("\uff1cscript\uff1e", "\u2039script\u203a"),
        ("@everyone", "(at)everyone"),
        ("\uff20everyone", "(at)everyone"),
        ("[click](http://evil)", "(click)(http:\u2044\u2044evil)"),
        ("a&lt;b", "a+lt;b"),
        ("# head", "\u266f head"),
        ("lesson_12", "lesson_12"),
        ("\u00fcbung_\u00e4", "\u00fcbung_\u00e4"),
        ("__u__ _i_", "--u-- -i-"),
        ("one\r\ntwo\u2028three\x00four", "one two three four"),
        ("a\u202eb\u200bc\ufeffd\ud800e", "abcde"),
        ("C:\\x", "C:\u2216x"),
        ("x" * 200, "x" * 79 + "\u2026"),
    ],
)
def test_words_from_the_wire_are_made_plain(word: str, said: str) -> None:
    assert plain(word) == said


def test_ordinary_words_stay_as_they_are() -> None:
    said = "user 123's camera (front) stopped: 50%, M\u00fcller \u65e5\u672c 12:30; file a-b_c.m3u8!"
    assert plain(said) == said


@pytest.mark.parametrize("transition", list(Transition))
def test_nothing_from_the_wire_acts_in_a_message(transition: Transition) -> None:
    told = hostile(transition)
    said = "\n".join((title([told]), title([told, FIRED]), headline(told), line(told), body([told], None)))
    assert [mark for mark in ACTS if mark in said] == []


def test_no_line_of_a_body_begins_with_a_word_from_the_wire() -> None:
    leads = re.compile(r"CRITICAL: |Where: |Since: |Cause: |Next step: ")
    hostile_lines = body([hostile()], None).splitlines()
    assert [said for said in hostile_lines if not leads.match(said)] == []


@given(st.text(max_size=300))
def test_whatever_the_wire_says_is_one_line_without_markup(text: str) -> None:
    said = plain(text, 100)
    assert len(said) <= 100
    assert said.isprintable()
    assert not set(said) & set("<>&@[]*~|`\\")
    assert "://" not in said


def test_html_that_shows_a_message_as_it_is_has_no_tags() -> None:
    tags: list[str] = []

    class Page(HTMLParser):
        def handle_starttag(self, tag: str, _attrs: object) -> None:
            tags.append(tag)

    page = Page()
    page.feed(plain(HOSTILE, 1000))
    page.close()
    assert tags == []

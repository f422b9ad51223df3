"""Recorders that leave although people are there, web pages that are too much, users who are none."""

import pytest

from tests.build import exited, failed_over, left, notification, started, video
from tests.domain.alerting.watched import (
    FIRED,
    FLAPPING,
    RTC,
    Line,
    Step,
    alert,
    joined,
    quits,
    registered,
    story,
    told,
    watch,
)
from webhook.domain.alerting.alerts import Severity

LIVE = [told(0, started), told(0, video, 0)]
NO_USERS, ASKED = 4, 16
EMPTY, WEB = "recorder_left_empty", "web_recorder_stopped"


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        pytest.param([joined(0), told(100, left, NO_USERS)], [(102, FIRED, EMPTY)], id="RTC sees a user"),
        pytest.param([joined(0), told(100, left, NO_USERS | ASKED)], [(102, FIRED, EMPTY)], id="for two reasons"),
        pytest.param([joined(0), told(100, left, ASKED)], [], id="was asked to"),
        pytest.param([joined(0), quits(90, 1), told(100, left, NO_USERS)], [], id="the user is gone"),
        pytest.param([joined(0, clientType=10), told(100, left, NO_USERS)], [], id="a recorder is no user"),
        pytest.param([joined(0, clientType=28), told(100, left, NO_USERS)], [], id="a player is no user"),
        pytest.param([told(100, left, NO_USERS)], [], id="nothing is known of the channel"),
        pytest.param([joined(0), told(100, left, NO_USERS), quits(100, 1, late=1)], [], id="as is heard at once"),
        pytest.param(
            [joined(0), told(100, left, NO_USERS), quits(200, 1)],
            [(102, FIRED, EMPTY), (200, "ended", EMPTY)],
            id="the user leaves too",
        ),
        pytest.param([joined(0), told(50, failed_over), told(100, left, NO_USERS)], [], id="another one records"),
    ],
)
def test_a_recorder_that_leaves_a_channel_with_people(heard: list[Step], expected: list[Line]) -> None:
    assert story(EMPTY, [*LIVE, *heard], 300) == expected


def test_a_recorder_that_leaves_before_the_end_that_was_expected() -> None:
    gone = [*LIVE, told(100, left, NO_USERS)]
    assert story(EMPTY, gone, 300, known=registered(expected_end=101)) == [(102, FIRED, EMPTY)]
    assert story(EMPTY, gone, 300, known=registered(expected_end=100)) == []
    assert story(EMPTY, gone, 300, known=registered()) == []
    early = alert(EMPTY, gone, 300, known=registered(expected_end=101))
    assert early.summary == "the recorder left an empty channel, before its expected end"
    assert early.severity is Severity.WARNING
    seen = alert(EMPTY, [joined(0), *gone], 300)
    assert seen.summary == "the recorder left an empty channel, where RTC sees 1 people"


@pytest.mark.parametrize(
    ("limit", "summary"),
    [
        ("WebGL", "the page draws more with WebGL than the recorder can"),
        ("odd", "its limit of odd is reached"),
    ],
)
def test_a_web_page_that_is_too_much_is_told_until_the_session_ends(limit: str, summary: str) -> None:
    heard = [*LIVE, told(100, notification, 72, {"limitType": limit})]
    assert alert(WEB, heard, 200).summary == f"the web page is too much for its recorder: {summary}"
    ended = [(102, FIRED, f"{WEB} {limit}"), (200, "ended", f"{WEB} {limit}")]
    assert story(WEB, [*heard, told(200, exited)], 300) == ended


def test_a_web_recorder_that_stops_for_a_reason_fails_its_session_which_is_one_alert() -> None:
    heard = [*LIVE, told(100, notification, 72, {"limitType": "WebGL"})]
    stopped = [*heard, told(200, notification, 71, {"code": 2})]
    assert story(WEB, stopped, 300) == [(102, FIRED, f"{WEB} WebGL"), (200, "ended", f"{WEB} WebGL")]
    assert story("abnormal_exit", stopped, 300) == [(202, FIRED, "abnormal_exit")]


ABNORMAL = "abnormal_user 123"


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        ([quits(100, 999)], [(102, FIRED, ABNORMAL), (160, "expired", ABNORMAL)]),
        ([quits(100, 999, late=57)], [(159, FIRED, ABNORMAL), (160, "expired", ABNORMAL)]),
        ([quits(100, 999, late=60)], []),
        ([quits(100, 10)], []),
        (
            [quits(100, 999), joined(101, seq=3), quits(150, 999, seq=4)],
            [(102, FIRED, ABNORMAL), (210, "expired", ABNORMAL)],
        ),
        (
            [quits(100, 999), joined(190, seq=3), quits(200, 999, seq=4)],
            [
                (102, FIRED, ABNORMAL),
                (160, "expired", ABNORMAL),
                (202, FIRED, ABNORMAL),
                (260, FLAPPING, ABNORMAL),
            ],
        ),
    ],
)
def test_an_abnormal_user_is_told_until_the_time_to_ban(heard: list[Step], expected: list[Line]) -> None:
    assert story("abnormal_user", [joined(0), *heard], 400, about=RTC) == expected


def test_an_abnormal_user_is_told_with_the_advice_to_ban() -> None:
    found = alert("abnormal_user", [joined(0), quits(100, 999)], 120, about=RTC)
    assert found.action.startswith("Ban the user 60 s after this leave")
    assert found.severity is Severity.WARNING


def test_a_channel_has_no_alert_of_a_recordings() -> None:
    watched = watch([joined(0), quits(50, 10), *LIVE, told(100, left, NO_USERS)], 600, about=RTC)
    assert watched.alerts == ()

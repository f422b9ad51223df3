"""video_stopped and audio_stopped: histories, and what fires and goes away at which second."""

import pytest

from tests.build import SUCCESSOR, audio, exited, failed_over, left, started, video
from tests.domain.alerting.watched import FIRED, Line, Step, Watch, alert, joined, ms, quits, story, told, watch
from webhook.domain.alerting.alerts import Severity
from webhook.domain.alerting.policies import Adjustment, adjusted

LIVE = [told(0, started), told(0, video, 0), told(0, audio, 0)]
OTHER = [told(0, video, 0, "456")]
STOP = told(100, video, 1)
V123, V456, ALL = "video_stopped 123", "video_stopped 456", "video_stopped"


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        pytest.param([STOP], [(110, FIRED, V123)], id="fires after 10 s"),
        pytest.param([told(100, video, 1, late=9)], [(111, FIRED, V123)], id="fires 2 s after it was heard"),
        pytest.param([told(100, video, 1, late=-20)], [(90, FIRED, V123)], id="fires by our clock if theirs is ahead"),
        pytest.param([STOP, told(109, video, 0)], [], id="does not fire if the stream resumes within 10 s"),
        pytest.param(
            [STOP, told(130, video, 0)], [(110, FIRED, V123), (130, "recovered", V123)], id="resumes: recovered"
        ),
        pytest.param([STOP, told(140, exited)], [(110, FIRED, V123), (140, "ended", V123)], id="exit: ended"),
        pytest.param([STOP, told(140, left)], [(110, FIRED, V123), (140, "ended", V123)], id="leaving: ended"),
        pytest.param(
            [STOP, told(105, video, 0, late=20)],
            [(110, FIRED, V123), (125, "retracted", V123)],
            id="was resumed in time, as is heard late: retracted",
        ),
        pytest.param([told(90, exited), STOP], [], id="a session that ended holds it back"),
        pytest.param([STOP, told(105, failed_over)], [(195, FIRED, V123)], id="a failover holds it back for 90 s"),
        pytest.param(
            [STOP, told(105, failed_over), told(150, video, 0, recorder=SUCCESSOR)], [], id="a failover explains it"
        ),
        pytest.param([told(5, failed_over), STOP], [(110, FIRED, V123)], id="a failover explains nothing 90 s later"),
        pytest.param(
            [STOP, told(130, video, 0), told(131, video, 1)],
            [(110, FIRED, V123), (130, "recovered", V123), (141, FIRED, V123)],
            id="stops again: another alert",
        ),
        pytest.param(
            [STOP, told(130, video, 0, late=2), told(131, video, 1, late=1)],
            [(110, FIRED, V123), (132, "recovered", V123), (141, FIRED, V123)],
            id="stops again, as is heard at once: another alert",
        ),
        pytest.param(
            [STOP, told(102, video, 0, late=2), told(103, video, 1, late=1)],
            [(113, FIRED, V123)],
            id="resumes and stops again before it fires: it began later",
        ),
    ],
)
def test_a_stopped_video(heard: list[Step], expected: list[Line]) -> None:
    assert story("video_stopped", [*LIVE, *OTHER, *heard], 300) == expected


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        ([told(100, audio, 1)], [(130, FIRED, "audio_stopped 123")]),
        ([told(100, audio, 1), told(129, audio, 0)], []),
        ([told(100, audio, 1), told(120, left)], []),
    ],
)
def test_a_stopped_audio_fires_after_30_s(heard: list[Step], expected: list[Line]) -> None:
    assert story("audio_stopped", [*LIVE, told(0, audio, 0, "456"), *heard], 300) == expected


def test_a_stream_that_stopped_is_not_well_because_its_session_falls_silent() -> None:
    day = 24 * 3600
    silent = [(100 + day + 2, FIRED, "session_silent")]
    assert story("video_stopped", [*LIVE, *OTHER, STOP], 2 * day) == [(110, FIRED, V123)]
    assert story("session_silent", [*LIVE, *OTHER, STOP], 2 * day) == silent


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        pytest.param([STOP, quits(99, 1)], [], id="left of their own accord before"),
        pytest.param([STOP, quits(101, 1, late=3)], [], id="left of their own accord after"),
        pytest.param(
            [STOP, quits(101, 1, late=30)], [(110, FIRED, V123), (131, "retracted", V123)], id="heard of it late"
        ),
        pytest.param([STOP, quits(50, 1), joined(60, seq=3)], [(110, FIRED, V123)], id="left before, and came again"),
        pytest.param(
            [STOP, quits(50, 1), joined(60, seq=3), quits(99, 10, seq=4)], [(110, FIRED, V123)], id="left otherwise"
        ),
        pytest.param([STOP, quits(99, 10)], [(110, FIRED, V123)], id="lost the network"),
        pytest.param([STOP], [(110, FIRED, V123)], id="is there"),
    ],
)
def test_who_left_of_their_own_accord_is_not_missed(heard: list[Step], expected: list[Line]) -> None:
    assert story("video_stopped", [*LIVE, *OTHER, joined(0), *heard], 300) == expected


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        (2, "video of user 123 stopped: timeout"),
        (3, "video of user 123 stopped: kicked"),
        (5, "video of user 123 stopped: other_device"),
        (10, "video of user 123 stopped: network"),
        (12, "video of user 123 stopped: token"),
        (77, "video of user 123 stopped: code_77"),
    ],
)
def test_the_summary_names_the_cause_that_rtc_tells(reason: int, cause: str) -> None:
    found = alert("video_stopped", [*LIVE, *OTHER, joined(0), STOP, quits(99, reason)], 200)
    assert found.summary == cause
    assert found.severity is Severity.WARNING


def test_a_user_who_is_there_or_whom_rtc_does_not_know_stops_for_no_cause_that_is_known() -> None:
    there = alert("video_stopped", [*LIVE, *OTHER, joined(0), STOP], 200)
    assert (there.summary, there.meaning) == ("video of user 123 stopped", "The user is in the channel.")
    unheard = alert("video_stopped", [*LIVE, *OTHER, joined(0, "456"), STOP], 200)
    assert (unheard.summary, unheard.meaning) == ("video of user 123 stopped", "RTC says nothing of this user.")


def test_a_cause_that_is_told_late_changes_what_the_alert_says() -> None:
    watched = Watch()
    for second, said in [*LIVE, *OTHER, joined(0), STOP, quits(99, 12, late=50)]:
        watched.wait(ms(second))
        watched.hear(ms(second), said)
    assert [each.summary for each in watched.open()] == ["video of user 123 stopped: token"]
    assert watched.lines == [(110, FIRED, V123)]


def test_without_rtc_it_is_only_told_for_information_where_the_audio_stopped_too() -> None:
    watching = alert("video_stopped", [*LIVE, *OTHER, STOP], 200)
    assert watching.severity is Severity.WARNING
    gone = alert("video_stopped", [*LIVE, *OTHER, STOP, told(101, audio, 1)], 200)
    assert gone.severity is Severity.INFO
    assert "Enable notifications of RTC channel events" in gone.action
    known = alert("video_stopped", [*LIVE, *OTHER, joined(0), STOP, told(101, audio, 1)], 200)
    assert known.severity is Severity.WARNING
    assert alert("audio_stopped", [*LIVE, STOP, told(101, audio, 1), told(0, audio, 0, "456")], 200).severity == "info"


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        (100, [(110, FIRED, ALL)]),
        (105, [(110, FIRED, ALL)]),
        (160, [(110, FIRED, V123), (160, "expired", V123), (162, FIRED, ALL)]),
        (161, [(110, FIRED, V123), (171, FIRED, V456)]),
    ],
)
def test_streams_that_all_stop_within_60_s_are_one_alert(second: float, expected: list[Line]) -> None:
    assert story("video_stopped", [*LIVE, *OTHER, STOP, told(second, video, 1, "456")], 300) == expected


def test_what_goes_on_in_the_alert_about_all_streams_says_so_and_not_that_it_never_was() -> None:
    watched = watch([*LIVE, *OTHER, STOP, told(160, video, 1, "456")], 300)
    (over,) = [each for each in watched.alerts if not each.is_open]
    assert over.summary == "video of user 123 stopped; it goes on in the alert about all streams"


BOTH = [STOP, told(100, video, 1, "456")]


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        ([told(130, video, 0), told(130, video, 0, "456")], [(110, FIRED, ALL), (130, "recovered", ALL)]),
        ([told(130, video, 0)], [(110, FIRED, ALL), (130, "recovered", ALL), (132, FIRED, V456)]),
        ([told(103, video, 0, late=20)], [(110, FIRED, ALL), (123, "retracted", ALL), (125, FIRED, V456)]),
        ([told(130, exited)], [(110, FIRED, ALL), (130, "ended", ALL)]),
        ([told(101, failed_over)], [(191, FIRED, ALL)]),
        ([told(100, video, 0, "789")], [(110, FIRED, V123), (110, FIRED, V456)]),
    ],
)
def test_one_alert_for_all_goes_away_as_others_do(heard: list[Step], expected: list[Line]) -> None:
    assert story("video_stopped", [*LIVE, *OTHER, *BOTH, *heard], 300) == expected


def test_who_left_of_their_own_accord_does_not_make_one_alert_of_another_stream() -> None:
    rtc_told = [joined(0), joined(0, "456"), quits(100, 1, "456")]
    assert story("video_stopped", [*LIVE, *OTHER, *rtc_told, *BOTH], 300) == [(110, FIRED, V123)]


def test_one_alert_for_all_is_for_information_where_all_of_them_may_have_left() -> None:
    silent = [told(100, audio, 1), told(100, audio, 1, "456")]
    assert alert("video_stopped", [*LIVE, *OTHER, *BOTH], 300).severity is Severity.WARNING
    assert alert("video_stopped", [*LIVE, *OTHER, *BOTH, silent[0]], 300).severity is Severity.WARNING
    gone = alert("video_stopped", [*LIVE, *OTHER, *BOTH, *silent], 300)
    assert gone.severity is Severity.INFO
    assert "Enable notifications of RTC channel events" in gone.action
    there = alert("video_stopped", [*LIVE, *OTHER, *BOTH, *silent, joined(0)], 300)
    assert there.severity is Severity.WARNING


@pytest.mark.parametrize(
    ("explains_for_ms", "expected"),
    [(0, [(110, FIRED, V123)]), (20_000, [(125, FIRED, V123)]), (300_000, [(405, FIRED, V123)])],
)
def test_how_long_a_failover_explains_a_stop_is_for_the_operator_to_say(
    explains_for_ms: int, expected: list[Line]
) -> None:
    policies = adjusted([Adjustment(rule="failover", thresholds={"explains_for": explains_for_ms})])
    heard = [*LIVE, *OTHER, STOP, told(105, failed_over)]
    assert story("video_stopped", heard, 500, policies=policies) == expected


@pytest.mark.parametrize(
    ("within_ms", "expected"),
    [
        (29_999, [(110, FIRED, V123), (140, FIRED, V456)]),
        (30_000, [(110, FIRED, V123), (130, "expired", V123), (132, FIRED, ALL)]),
    ],
)
def test_within_what_time_streams_stop_together_is_for_the_operator_to_say(
    within_ms: int, expected: list[Line]
) -> None:
    policies = adjusted([Adjustment(rule="video_stopped", thresholds={"together_within": within_ms})])
    heard = [*LIVE, *OTHER, STOP, told(130, video, 1, "456")]
    assert story("video_stopped", heard, 300, policies=policies) == expected
    told_together = [each.summary for each in watch(heard, 300, policies=policies).open() if not each.key.uid]
    assert told_together == ["video of all 2 streams stopped within 30 s"] * (within_ms == 30_000)


def test_streams_of_audio_have_a_time_of_their_own() -> None:
    policies = adjusted([Adjustment(rule="video_stopped", thresholds={"together_within": 0})])
    other = told(0, audio, 0, "456")
    heard = [*LIVE, other, told(100, audio, 1), told(130, audio, 1, "456")]
    fired = [line for line in story("audio_stopped", heard, 300, policies=policies) if line[1] == FIRED]
    assert fired[-1][2] == "audio_stopped"

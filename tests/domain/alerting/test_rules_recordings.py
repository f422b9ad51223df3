"""Errors, exits, failovers, starts that do not come, silence and holes: what fires and goes away at which second."""

import pytest

from tests.build import AT_MS, SUCCESSOR, exited, failed_over, left, notification, progressed, snapshot, started, video
from tests.domain.alerting.watched import FIRED, Line, Step, Watch, alert, registered, story, told, watch
from tests.domain.entity import lives
from webhook.domain.alerting.alerts import Severity
from webhook.domain.alerting.policies import Adjustment, Policies, adjusted
from webhook.domain.alerting.subject import Subject
from webhook.domain.states import State

LIVE = [told(0, started), told(0, video, 0)]
DAY = 86_400


def error(second: float, level: int, code: int = 47, module: int = 1) -> Step:
    return told(second, notification, 1, {"module": module, "errorLevel": level, "errorCode": code, "errorMsg": ""})


def beats(*seconds: float) -> list[Step]:
    return [told(second, progressed, round(second) + 1) for second in seconds]


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        pytest.param([error(100, 4)], [(102, FIRED)], id="major"),
        pytest.param([error(100, 3)], [], id="medium"),
        pytest.param([error(100, 4), told(101, video, 1)], [(102, FIRED), (400, "recovered")], id="goes on"),
        pytest.param([error(100, 5), told(101, video, 1)], [(103, FIRED), (400, "recovered")], id="fatal, and goes on"),
        pytest.param([error(100, 5)], [], id="fatal: it failed, of which another rule tells"),
        pytest.param([error(100, 4), told(150, exited)], [(102, FIRED), (150, "ended")], id="ends"),
        pytest.param([error(100, 4), error(101, 4, 51)], [(102, FIRED)], id="two errors are one alert"),
        pytest.param(
            [error(100, 4), told(101, video, 1), error(300, 4), told(302, video, 0)],
            [(102, FIRED), (600, "recovered")],
            id="another error: five minutes from then",
        ),
    ],
)
def test_a_recording_error(heard: list[Step], expected: list[tuple[float, str]]) -> None:
    lines = story("recording_error", [*LIVE, *heard], 1000)
    assert lines == [(second, what, "recording_error") for second, what in expected]


def test_an_error_is_told_with_its_meaning_and_what_to_do() -> None:
    found = alert("recording_error", [*LIVE, error(100, 4)], 200)
    assert found.severity is Severity.CRITICAL
    assert found.summary == "major error 47 of the uploader: files could not be uploaded"
    assert found.meaning == "The storage refused them or could not be reached."


@pytest.mark.parametrize(
    ("heard", "reason"),
    [
        pytest.param([told(100, exited, 1)], "no reason told", id="11"),
        pytest.param([told(99, left, 16), told(100, exited, 1)], "left_channel", id="11 after 41"),
        pytest.param([told(100, left, 0)], "init_failed", id="41, could not start"),
        pytest.param([told(100, notification, 71, {"code": 4})], "page_load_timeout", id="71"),
        pytest.param([told(100, notification, 3, {"status": 20})], "exited_abnormally", id="3"),
        pytest.param([error(100, 5)], "fatal_error, upload_failed", id="fatal"),
    ],
)
def test_an_abnormal_exit_is_told_for_a_day(heard: list[Step], reason: str) -> None:
    expected = [(102, FIRED, "abnormal_exit"), (100 + DAY, "expired", "abnormal_exit")]
    assert story("abnormal_exit", [*LIVE, *heard], 2 * DAY) == expected
    found = alert("abnormal_exit", [*LIVE, *heard], 200)
    assert found.summary == f"cloud_recording failed: {reason}"
    assert found.severity is Severity.CRITICAL


@pytest.mark.parametrize(
    "heard",
    [
        [told(100, exited)],
        [told(100, left, 16)],
        [told(100, notification, 71, {"code": 0})],
        [told(100, notification, 3, {"status": 5})],
        [told(100, failed_over), told(101, exited, 1)],
    ],
    ids=["11", "41", "71", "3", "11 of a recorder that another follows"],
)
def test_a_normal_exit_is_not_told(heard: list[Step]) -> None:
    assert story("abnormal_exit", [*LIVE, *heard], 2 * DAY) == []


def test_a_recording_that_goes_on_after_a_fatal_error_did_not_fail() -> None:
    lines = story("abnormal_exit", [*LIVE, error(100, 5), told(150, video, 0)], 300)
    assert lines == [(102, FIRED, "abnormal_exit"), (150, "recovered", "abnormal_exit")]


@pytest.mark.parametrize(("reason", "fires"), [("Internal Error", True), ("Delete Request", False)])
def test_a_player_that_was_destroyed_for_a_bad_reason_exited_abnormally(reason: str, fires: bool) -> None:
    player = {"id": lives.ID, "channelName": lives.CHANNEL, "status": "running", "name": "p", "createTs": AT_MS // 1000}
    said = {"player": player, "lts": AT_MS, "destroyReason": reason}
    watched = Watch(lives.ID)
    watched.hear(AT_MS, lives.notification(lives.PULL, 3, said))
    watched.wait(AT_MS + 60_000)
    assert watched.lines == ([(2, FIRED, "abnormal_exit")] if fires else [])


def moves(*seconds: float) -> list[Step]:
    return [told(second, failed_over, f"{number + 2}002") for number, second in enumerate(seconds)]


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        (moves(100), [(102, FIRED, "failover"), (700, "expired", "failover")]),
        (moves(100, 400), [(102, FIRED, "failover"), (1000, "expired", "failover")]),
        (
            moves(100, 701),
            [
                (102, FIRED, "failover"),
                (700, "expired", "failover"),
                (703, FIRED, "failover"),
                (1301, "expired", "failover"),
            ],
        ),
        ([told(100, failed_over, late=599)], []),
        (
            [told(100, failed_over), told(200, exited, recorder=SUCCESSOR)],
            [(102, FIRED, "failover"), (700, "expired", "failover")],
        ),
    ],
)
def test_a_failover_is_told_for_ten_minutes(heard: list[Step], expected: list[Line]) -> None:
    assert story("failover", [*LIVE, *heard], 2000) == expected


def test_a_third_failover_is_one_too_many() -> None:
    assert story("failover_repeated", [*LIVE, *moves(100, 200)], 2000) == []
    lines = story("failover_repeated", [*LIVE, *moves(100, 200, 300)], 2000)
    assert lines == [(302, FIRED, "failover_repeated"), (900, "expired", "failover_repeated")]
    assert alert("failover_repeated", [*LIVE, *moves(100, 200, 300)], 400).severity is Severity.CRITICAL
    assert alert("failover", [*LIVE, *moves(100, 200, 300)], 400).severity is Severity.INFO


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        ([], [(90, FIRED, "not_started")]),
        ([told(89, started)], []),
        ([told(95, started)], [(90, FIRED, "not_started"), (95, "recovered", "not_started")]),
        ([told(80, started, late=20)], [(90, FIRED, "not_started"), (100, "retracted", "not_started")]),
        ([told(100, exited, 1)], [(90, FIRED, "not_started"), (100, "recovered", "not_started")]),
    ],
)
def test_a_registered_recording_that_gives_no_sign_of_life(heard: list[Step], expected: list[Line]) -> None:
    assert story("not_started", heard, 300, known=registered()) == expected


def test_a_recording_that_did_not_start_is_critical() -> None:
    assert alert("not_started", [], 100, known=registered()).severity is Severity.CRITICAL


SILENT = "session_silent"


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        pytest.param(beats(0, 60), [(242, FIRED, SILENT)], id="no word for 180 s"),
        pytest.param(beats(0, 60, 239), [(421, FIRED, SILENT)], id="a word in time"),
        pytest.param(
            [*beats(0, 60), told(300, video, 0)],
            [(242, FIRED, SILENT), (300, "recovered", SILENT), (482, FIRED, SILENT)],
            id="speaks again",
        ),
        pytest.param([*beats(0, 60), told(300, exited)], [(242, FIRED, SILENT), (300, "ended", SILENT)], id="exits"),
        pytest.param([*beats(0, 60), told(239, left)], [], id="left"),
        pytest.param([told(0, started)], [], id="has shown nothing that comes regularly"),
    ],
)
def test_a_session_that_falls_silent(heard: list[Step], expected: list[Line]) -> None:
    assert story(SILENT, heard, 500) == expected


def test_a_failover_holds_back_silence_for_90_s() -> None:
    shots = [told(second, snapshot) for second in (0, 5, 10)]
    assert story(SILENT, [*LIVE, *shots], 300) == [(72, FIRED, SILENT)]
    assert story(SILENT, [*LIVE, *shots, told(10, failed_over)], 300) == [(100, FIRED, SILENT)]
    back = told(99, started, recorder=SUCCESSOR)
    assert story(SILENT, [*LIVE, *shots, told(10, failed_over), back], 150) == []


def test_a_session_without_recorders_may_fall_silent_too() -> None:
    said = lives.notification(lives.PULL, 1, {"player": {"id": lives.ID, "status": "running"}, "lts": AT_MS})
    watched = Watch(lives.ID)
    watched.hear(AT_MS, said)
    watched.wait(AT_MS + 2 * DAY * 1000)
    assert watched.lines == [(DAY + 2, FIRED, SILENT)]


HOLE = "notifications_missing 1001"


def numbered(*numbers: int, start: float = 0, every: float = 10) -> list[Step]:
    return [told(start + place * every, video, 0, sequence=number) for place, number in enumerate(numbers)]


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        pytest.param(numbered(1, 2, 3), [], id="none"),
        pytest.param(numbered(1, 3), [(130, FIRED, HOLE)], id="fires after 120 s"),
        pytest.param(numbered(1, 3, *range(4, 60)), [(130, FIRED, HOLE)], id="fires while others arrive"),
        pytest.param([*numbered(1, 3), told(5, video, 0, sequence=2, late=124)], [], id="closed in time"),
        pytest.param(
            [*numbered(1, 3), told(5, video, 0, sequence=2, late=195)],
            [(130, FIRED, HOLE), (200, "recovered", HOLE)],
            id="closed",
        ),
        pytest.param(
            [*numbered(1, 3), told(5, video, 0, sequence=2, late=95), *numbered(5, start=50)],
            [(170, FIRED, HOLE)],
            id="another hole: 120 s from then",
        ),
        pytest.param(
            [*numbered(1, 3), told(5, video, 0, sequence=2, late=195), *numbered(5, start=190)],
            [(130, FIRED, HOLE), (200, "recovered", HOLE), (310, FIRED, HOLE)],
            id="closed, and another one is open",
        ),
        pytest.param([*numbered(1, 3), told(150, exited)], [(130, FIRED, HOLE), (150, "ended", HOLE)], id="ends"),
        pytest.param([*numbered(1, 3), told(100, exited)], [], id="ended before"),
    ],
)
def test_holes_in_what_a_recorder_numbered(heard: list[Step], expected: list[Line]) -> None:
    assert story("notifications_missing", heard, 400) == expected


def test_holes_are_named() -> None:
    found = alert("notifications_missing", numbered(1, 3, 7), 200)
    assert found.summary == "notifications 2, 4 to 6 of recorder 1001 have not arrived"
    assert found.severity is Severity.INFO


def test_a_subject_knows_whether_its_session_runs_ends_or_is_over() -> None:
    def asked(*steps: Step) -> tuple[State, bool, bool, bool]:
        subject: Subject = watch(steps, 300).subject()
        return subject.status.state, subject.is_running, subject.is_ending, subject.is_over

    assert asked(*LIVE) == (State.LIVE, True, False, False)
    assert asked(*beats(0)) == (State.LOST, True, False, False)
    assert asked(*LIVE, told(1, left)) == (State.ENDING, False, True, False)
    assert asked(*LIVE, told(1, exited)) == (State.ENDED, False, True, True)


def wanting(rule: str, **thresholds: int) -> dict[str, Policies]:
    return {"policies": adjusted([Adjustment(rule=rule, thresholds=thresholds)])}


@pytest.mark.parametrize(("recovers_after_ms", "second"), [(60_000, 160), (300_000, 400), (600_000, 700)])
def test_after_what_time_a_recording_has_recovered_is_for_the_operator_to_say(
    recovers_after_ms: int, second: int
) -> None:
    heard = [*LIVE, error(100, 4), told(101, video, 1)]
    lines = story("recording_error", heard, 1000, **wanting("recording_error", recovers_after=recovers_after_ms))
    assert lines == [(102, FIRED, "recording_error"), (second, "recovered", "recording_error")]


def test_how_long_an_abnormal_exit_is_told_is_for_the_operator_to_say() -> None:
    lines = story("abnormal_exit", [*LIVE, told(100, exited, 1)], DAY, **wanting("abnormal_exit", shown_for=3_600_000))
    assert lines == [(102, FIRED, "abnormal_exit"), (3700, "expired", "abnormal_exit")]


def test_how_long_a_failover_is_told_is_for_the_operator_to_say() -> None:
    heard = [*LIVE, *moves(100, 200, 300)]
    lines = story("failover", heard, 2000, **wanting("failover", shown_for=60_000))
    assert lines[:2] == [(102, FIRED, "failover"), (160, "expired", "failover")]
    repeated = story("failover_repeated", heard, 2000, **wanting("failover", shown_for=60_000))
    assert repeated == [(302, FIRED, "failover_repeated"), (900, "expired", "failover_repeated")]


@pytest.mark.parametrize(("count", "second"), [(1, 102), (2, 202), (3, 302)])
def test_how_many_failovers_are_too_many_is_for_the_operator_to_say(count: int, second: int) -> None:
    how = wanting("failover_repeated", count=count, shown_for=400_000)
    lines = story("failover_repeated", [*LIVE, *moves(100, 200, 300)], 2000, **how)
    assert lines == [(second, FIRED, "failover_repeated"), (700, "expired", "failover_repeated")]
    assert (
        story("failover_repeated", [*LIVE, *moves(100, 200, 300)], 2000, **wanting("failover_repeated", count=4)) == []
    )


@pytest.mark.parametrize(("explains_for_ms", "second"), [(0, 72), (90_000, 100), (120_000, 130)])
def test_how_long_a_failover_explains_silence_is_for_the_operator_to_say(explains_for_ms: int, second: int) -> None:
    shots = [told(at, snapshot) for at in (0, 5, 10)]
    how = wanting("failover", explains_for=explains_for_ms)
    assert story(SILENT, [*LIVE, *shots, told(10, failed_over)], 300, **how) == [(second, FIRED, SILENT)]

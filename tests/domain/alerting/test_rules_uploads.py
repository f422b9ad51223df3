"""Uploads, snapshots and what is made of files: what fires and goes away at which second."""

import pytest

from tests.build import backed_up, exited, left, notification, progressed, snapshot, started, uploaded, video
from tests.domain.alerting.watched import FIRED, Line, Step, alert, registered, story, told
from webhook.domain.alerting.alerts import Severity
from webhook.domain.alerting.policies import Adjustment, adjusted

LIVE = [told(0, started), told(0, video, 0)]
STALLED, FAILED, BACKUP, NONE = "upload_stalled", "upload_failed", "upload_in_backup", "not_uploaded"


def beats(*progress: int, start: float = 0) -> list[Step]:
    return [told(start + 60 * place, progressed, share) for place, share in enumerate(progress)]


def said(second: float, event_type: int, late: float = 0, **details: object) -> Step:
    return told(second, notification, event_type, details, late=late)


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        pytest.param(beats(1, 2, 3, 4, 5, 6), [(600, FIRED, STALLED)], id="no word for 5 min"),
        pytest.param(beats(1, 2, 2, 2, 2, 2, 2), [(360, FIRED, STALLED)], id="the same for 5 min"),
        pytest.param(beats(1, 2, 2, 2, 2, 2, 3), [(660, FIRED, STALLED)], id="progress in time"),
        pytest.param(
            beats(1, 2, 2, 2, 2, 2, 2, 3),
            [(360, FIRED, STALLED), (420, "recovered", STALLED), (720, FIRED, STALLED)],
            id="progress, and none again",
        ),
        pytest.param([*beats(1), *beats(10_000, start=60)], [], id="all of it"),
        pytest.param([*beats(1, 1), said(100, 30)], [(400, FIRED, STALLED)], id="begins anew"),
        pytest.param(
            [*beats(1), told(400, uploaded, "a")], [(300, FIRED, STALLED), (400, "recovered", STALLED)], id="stored"
        ),
        pytest.param(
            [*beats(1), told(290, uploaded, "a", late=20)],
            [(300, FIRED, STALLED), (310, "retracted", STALLED)],
            id="was stored in time",
        ),
    ],
)
def test_an_upload_that_stands_still(heard: list[Step], expected: list[Line]) -> None:
    assert story(STALLED, [*LIVE, *heard], 800) == expected


@pytest.mark.parametrize(
    "failing",
    [
        said(100, 1, module=1, errorLevel=3, errorCode=32),
        said(100, 1, module=1, errorLevel=3, errorCode=47),
        said(100, 1, module=1, errorLevel=3, errorCode=51),
        said(100, 1, module=2, errorLevel=3, errorCode=50),
        said(100, 30, status=1),
        told(100, uploaded, status=1),
    ],
    ids=["32", "47", "51", "50", "30", "31"],
)
def test_an_upload_that_fails(failing: Step) -> None:
    assert story(FAILED, [*LIVE, failing], 300) == [(102, FIRED, FAILED)]
    stored = [(102, FIRED, FAILED), (200, "recovered", FAILED)]
    assert story(FAILED, [*LIVE, failing, told(200, uploaded, "a")], 300) == stored
    assert story(FAILED, [*LIVE, failing, told(150, exited), told(200, uploaded, "a")], 300) == stored
    assert story(FAILED, [*LIVE, failing, told(150, exited)], 300) == [(102, FIRED, FAILED)]
    assert alert(FAILED, [*LIVE, failing], 200).severity is Severity.CRITICAL


def test_files_in_the_backup_are_told_until_they_are_in_the_storage() -> None:
    backed = [*LIVE, told(90, exited), told(100, backed_up, "a")]
    assert story(BACKUP, backed, 900) == [(102, FIRED, BACKUP)]
    arrived = [*backed, told(500, uploaded, "a")]
    assert story(BACKUP, arrived, 900) == [(102, FIRED, BACKUP), (500, "recovered", BACKUP)]
    assert alert(BACKUP, backed, 200).severity is Severity.INFO


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        pytest.param([told(100, exited)], [(1000, FIRED, NONE)], id="11"),
        pytest.param([told(100, left)], [(1000, FIRED, NONE)], id="41"),
        pytest.param([told(100, exited, 1)], [(1000, FIRED, NONE)], id="11, abnormal"),
        pytest.param([told(100, left), told(700, exited)], [(1000, FIRED, NONE)], id="41, and 11 later"),
        pytest.param([told(100, left), told(1100, exited)], [(1000, FIRED, NONE)], id="41, and 11 much later"),
        pytest.param([told(100, exited), told(999, uploaded, "a")], [], id="31 in time"),
        pytest.param([told(50, uploaded, "a"), told(100, exited)], [], id="31 before"),
        pytest.param([told(100, exited), told(999, backed_up, "a")], [], id="32 in time"),
        pytest.param(
            [told(100, exited), told(1200, uploaded, "a")], [(1000, FIRED, NONE), (1200, "recovered", NONE)], id="31"
        ),
        pytest.param(
            [told(100, exited), told(900, uploaded, "a", late=200)],
            [(1000, FIRED, NONE), (1100, "retracted", NONE)],
            id="31 late",
        ),
        pytest.param([], [], id="neither 11 nor 41"),
    ],
)
def test_files_that_are_not_stored(heard: list[Step], expected: list[Line]) -> None:
    assert story(NONE, [*LIVE, *heard], 2000) == expected


SHOTS = [told(second, snapshot) for second in (0, 5, 10)]


def test_a_session_that_only_took_snapshots_has_no_files_to_store() -> None:
    assert story(NONE, [*LIVE, *SHOTS, told(100, exited)], 2000) == []
    fired = [(1000, FIRED, NONE)]
    assert story(NONE, [*LIVE, *SHOTS, told(20, progressed), told(100, exited)], 2000) == fired
    assert story(NONE, [*LIVE, *SHOTS, told(100, exited)], 2000, known=registered(records=True)) == fired
    assert story(NONE, [*LIVE, told(100, exited)], 2000, known=registered(records=False)) == []
    assert story(NONE, [*LIVE, told(100, exited)], 2000, known=registered()) == fired
    assert alert(NONE, [*LIVE, told(100, exited)], 1200).severity is Severity.CRITICAL


OVERDUE = "snapshot_overdue 123"


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        pytest.param(SHOTS, [(27, FIRED, OVERDUE)], id="none for three learned intervals"),
        pytest.param([*SHOTS, told(24, snapshot)], [(41, FIRED, OVERDUE)], id="in time"),
        pytest.param([*SHOTS, told(26, snapshot)], [(43, FIRED, OVERDUE)], id="before it fires"),
        pytest.param(
            [*SHOTS, told(40, snapshot)],
            [(27, FIRED, OVERDUE), (40, "recovered", OVERDUE), (57, FIRED, OVERDUE)],
            id="the next one",
        ),
        pytest.param(
            [*SHOTS, told(40, video, 1)], [(27, FIRED, OVERDUE), (40, "recovered", OVERDUE)], id="the video stops"
        ),
        pytest.param([*SHOTS, told(40, exited)], [(27, FIRED, OVERDUE), (40, "ended", OVERDUE)], id="ends"),
        pytest.param([*SHOTS, told(11, video, 1)], [], id="stopped"),
        pytest.param([*SHOTS, told(11, video, 1), told(20, video, 0)], [(37, FIRED, OVERDUE)], id="resumed"),
        pytest.param(SHOTS[:2], [], id="no interval is known"),
    ],
)
def test_snapshots_that_do_not_come(heard: list[Step], expected: list[Line]) -> None:
    assert story("snapshot_overdue", [*LIVE, *heard], 59) == expected


def test_a_registered_interval_needs_no_snapshot_to_learn_from() -> None:
    known = registered(capture_interval=20, takes_snapshots=True)
    assert story("snapshot_overdue", LIVE, 300, known=known) == [(62, FIRED, OVERDUE)]
    assert story("snapshot_overdue", [*LIVE, *SHOTS], 300, known=known) == [(72, FIRED, OVERDUE)]
    assert story("snapshot_overdue", [told(0, started)], 300, known=known) == []


def test_snapshots_do_not_come_again_because_their_session_falls_silent() -> None:
    assert story("snapshot_overdue", [*LIVE, *SHOTS], 300) == [(27, FIRED, OVERDUE)]
    assert alert("snapshot_overdue", [*LIVE, *SHOTS], 300).severity is Severity.WARNING


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        ([said(100, 81, result="all_success")], []),
        ([said(100, 81, result="fail")], [(102, FIRED)]),
        ([said(100, 81, result="partial_success", uids=["1", "2"])], [(102, FIRED)]),
        ([said(100, 1001, result="partial_success")], [(102, FIRED)]),
        ([said(100, 1001, result="total_success")], []),
        ([said(100, 81, result="odd")], []),
        ([said(100, 80), said(200, 81, result="fail")], [(202, FIRED)]),
        ([said(100, 81, result="fail"), said(200, 81, result="all_success")], [(102, FIRED), (200, "recovered")]),
        ([said(100, 81, result="fail"), said(200, 1001, result="total_success")], [(102, FIRED), (200, "recovered")]),
        ([told(90, exited), said(100, 81, result="fail")], [(102, FIRED)]),
        (
            [told(90, exited), said(100, 81, result="fail"), said(200, 81, result="all_success")],
            [(102, FIRED), (200, "recovered")],
        ),
    ],
)
def test_transcoding_that_fails(heard: list[Step], expected: list[tuple[float, str]]) -> None:
    lines = story("transcode_failed", [*LIVE, *heard], 300)
    assert lines == [(second, what, "transcode_failed") for second, what in expected]


def test_downloads_that_fail_are_told_until_the_session_ends() -> None:
    failing = [*LIVE, said(100, 90, vendor=1, region=2, bucket="b", fileName="a.ts")]
    ended = [(102, FIRED, "download_failed a.ts"), (200, "ended", "download_failed a.ts")]
    assert story("download_failed", [*failing, told(200, exited)], 300) == ended
    assert story("download_failed", [*LIVE, told(90, exited), failing[-1]], 300) == []
    assert alert("download_failed", failing, 200).meaning == "Agora names 1, 2, b."


def test_publishing_is_told_of_from_the_loss_of_the_connection_until_it_goes_on() -> None:
    url = "rtmp://live.example/app/p"
    lost, back = said(100, 100, rtmpUrl=url, status="disconnected"), said(200, 100, rtmpUrl=url, status="publishing")
    name = alert("rtmp_disconnected", [*LIVE, lost], 200).key.uid
    fired = (102, FIRED, f"rtmp_disconnected {name}")
    assert story("rtmp_disconnected", [*LIVE, back], 300) == []
    assert story("rtmp_disconnected", [*LIVE, lost, back], 300) == [fired, (200, "recovered", fired[2])]
    assert story("rtmp_disconnected", [*LIVE, lost, told(200, exited)], 300) == [fired, (200, "ended", fired[2])]


@pytest.mark.parametrize(("intervals", "second"), [(1, 17), (3, 27), (6, 42)])
def test_how_many_snapshots_may_be_missed_is_for_the_operator_to_say(intervals: int, second: int) -> None:
    policies = adjusted([Adjustment(rule="snapshot_overdue", thresholds={"intervals": intervals})])
    assert story("snapshot_overdue", [*LIVE, *SHOTS], 59, policies=policies) == [(second, FIRED, OVERDUE)]
    found = alert("snapshot_overdue", [*LIVE, *SHOTS], 59, policies=policies)
    assert found.summary == f"no snapshot of user 123 for {intervals} intervals of 5 s"

"""The state of a recording and how it ended (contract.md, section 4). Times in tables are seconds."""

from itertools import permutations
from random import Random
from typing import Any

import pytest

from tests.domain.recording.told import AT_MS, NEW, Notification, fold, snapshot, told
from webhook.domain.events import Reception
from webhook.domain.recording.state import Recording
from webhook.domain.recording.status import (
    LONGEST_SILENCE_MS,
    latest_recorder,
    latest_uid,
    reception,
    silence_ms,
    upload_progress,
    video_counts,
)
from webhook.domain.states import Exit
from webhook.domain.status import exit_of, status_of

SLICE = {"streamUid": "123", "startUtcMs": AT_MS}


def started(second: float, **payload: Any) -> Notification:
    return told(40, {"status": 0}, second, **payload)


def video(state: int, second: float, stream: str = "123", **payload: Any) -> Notification:
    return told(44, {"streamUid": stream, "state": state}, second, **payload)


def beat(second: float, progress: int = 4200, **payload: Any) -> Notification:
    return told(33, {"progress": progress}, second, **payload)


def failed_over(second: float, new_uid: str = NEW, **payload: Any) -> Notification:
    return told(12, {"newUid": new_uid}, second, **payload)


def left(second: float, code: int = 16, **payload: Any) -> Notification:
    return told(41, {"leaveCode": code}, second, **payload)


def exited(second: float, status: int = 0, **payload: Any) -> Notification:
    return told(11, {"exitStatus": status}, second, **payload)


def uploaded(second: float, status: int = 0, **payload: Any) -> Notification:
    return told(31, {"status": status}, second, **payload)


def backed_up(second: float, status: int = 0, **payload: Any) -> Notification:
    return told(32, {"status": status}, second, **payload)


def error(second: float, code: int | None = 110, level: int = 5, module: int = 0, **payload: Any) -> Notification:
    return told(1, {"module": module, "errorLevel": level, "errorCode": code}, second, **payload)


def reported(second: float, code: int, **payload: Any) -> Notification:
    return told(3, {"status": code}, second, **payload)


def web_started(second: float, **payload: Any) -> Notification:
    return told(70, {}, second, **payload)


def web_stopped(second: float, code: int = 0, **payload: Any) -> Notification:
    return told(71, {"code": code}, second, **payload)


def orders(said: list[Notification]) -> list[list[Notification]]:
    """Every order of a few notifications, some of many."""
    if len(said) < 6:
        return [list(order) for order in permutations(said)]
    return [Random(seed).sample(said, len(said)) for seed in range(60)]


STATES: list[tuple[str, list[Notification], str, float]] = [
    ("a recorder that started", [started(3)], "starting", 3),
    ("an uploader that started", [told(30, {"status": 0}, 3)], "starting", 3),
    ("a failover alone", [failed_over(3)], "starting", 3),
    ("an unknown type alone", [told(46, {}, 3)], "starting", 3),
    ("a type beyond the table", [told(999, {}, 3)], "starting", 3),
    ("high availability", [told(13, {}, 3)], "starting", 3),
    ("a warning", [told(2, {"module": 1, "warnCode": 31}, 3)], "starting", 3),
    ("an error that is not fatal", [error(3, 52, 4, 2)], "starting", 3),
    ("an error that lacks what it needs", [told(1, {}, 3)], "starting", 3),
    ("a status", [reported(3, 4)], "starting", 3),
    (
        "transcoding, publishing, files on demand",
        [told(80, {}, 3), told(61, {}, 4), told(81, {"result": "fail"}, 5)],
        "starting", 3,
    ),
    ("an upload that finished alone", [uploaded(3)], "starting", 3),
    ("starting since the first fact", [started(3), told(46, {}, 1)], "starting", 1),
    ("a playlist", [started(0), told(4, {"fileList": "a"}, 3)], "live", 3),
    ("a playlist told twice", [told(4, {"fileList": "a"}, 3), told(4, {"fileList": "a"}, 4)], "live", 3),
    ("a playlist without its name", [told(4, {}, 3)], "live", 3),
    ("a heartbeat", [started(0), beat(3)], "live", 3),
    ("a slice", [started(0), told(42, SLICE, 3)], "live", 3),
    ("a slice that lacks its start", [started(0), told(42, {}, 3)], "live", 3),
    ("an audio stream", [started(0), told(43, {"streamUid": "1", "state": 1}, 3)], "live", 3),
    ("a video stream", [started(0), video(1, 3)], "live", 3),
    ("a snapshot", [started(0), snapshot(3)], "live", 3),
    ("a snapshot whose name says nothing", [started(0), told(45, {"fileName": "odd"}, 3)], "live", 3),
    ("a web recorder", [started(0), web_started(3)], "live", 3),
    (
        "a web recorder's limits are no sign of it",
        [told(72, {"limitType": "WebGL"}, 3), told(73, {"reason": "x"}, 4)],
        "starting", 3,
    ),
    ("live since the first sign", [video(0, 5), snapshot(9), beat(3)], "live", 3),
    ("a recorder that left", [video(0, 1), left(5)], "ending", 5),
    ("a recorder that could not start", [left(5, 0)], "ending", 5),
    ("ending since it first left", [left(5), left(7)], "ending", 5),
    ("left once more after the upload", [left(10), uploaded(15), left(16)], "ended", 15),
    ("left before the leave that was heard, and uploaded between", [left(16), uploaded(15), left(10)], "ended", 15),
    ("uploaded again long after the backup", [left(10), backed_up(15), uploaded(3600)], "ended", 15),
    ("uploaded before and after the leave", [uploaded(4), left(10), uploaded(12), backed_up(14)], "ended", 12),
    ("a web page that left after its stop was uploaded", [web_stopped(10), uploaded(15), left(20)], "ended", 15),
    ("streams after the leave", [left(5), video(1, 6), told(43, {"streamUid": "1", "state": 0}, 7)], "ending", 5),
    ("upload before the leave", [uploaded(4), left(5)], "ending", 5),
    ("upload after the leave", [left(5), uploaded(8)], "ended", 8),
    ("backup after the leave", [left(5), backed_up(8)], "ended", 8),
    ("upload at the instant of the leave", [left(5), uploaded(5, sequence=9)], "ended", 5),
    ("progress after the leave", [left(5), beat(8)], "ending", 5),
    ("a normal exit", [video(0, 1), exited(5)], "ended", 5),
    ("an exit before the leave is heard", [exited(5), left(6)], "ended", 5),
    ("an abnormal exit", [video(0, 1), exited(5, 1)], "failed", 5),
    ("exit, then upload", [left(4), exited(5), uploaded(9)], "ended", 5),
    ("abnormal exit, then upload", [left(4), exited(5, 1), uploaded(9)], "failed", 5),
    ("streams after leave and exit", [left(4), exited(5), video(1, 6)], "ended", 5),
    ("the later of two exits", [exited(5, 1), exited(6)], "ended", 6),
    ("the later exit, told first", [exited(6, 1), exited(5)], "failed", 6),
    ("old recorder's abnormal exit", [video(0, 1), failed_over(5), exited(7, 1)], "live", 1),
    ("old recorder's leave, then upload", [video(0, 1), failed_over(5), left(6), uploaded(7)], "live", 1),
    ("new recorder's exit", [video(0, 1), failed_over(5), exited(9, uid=NEW)], "ended", 9),
    ("new recorder's leave and any upload", [failed_over(5), left(8, uid=NEW), uploaded(9)], "ended", 9),
    (
        "two failovers, the later told first",
        [failed_over(9, "3003"), failed_over(5), exited(12, uid=NEW), beat(3)],
        "live", 3,
    ),
    ("without a failover the recorder heard last", [exited(5), video(0, 6, uid=NEW)], "live", 6),
    (
        "what ends without a recorder's uid ends the latest recorder",
        [video(0, 1), exited(5, uid="")],
        "ended", 5,
    ),
    ("an abnormal end without any recorder's uid", [exited(5, 1, uid="")], "failed", 5),
    ("a leave without a recorder's uid, then the upload", [video(0, 1), left(5, uid=""), uploaded(8)], "ended", 8),
    ("a leave, and one more without a uid", [left(5), left(7, uid=""), left(3, uid="")], "ending", 5),
    ("a web page's stop and a status without a uid", [web_stopped(6, 3, uid=""), reported(7, 20, uid="")], "failed", 6),
    ("an end without a uid before a failover", [exited(5, uid=""), failed_over(6), video(0, 7, uid=NEW)], "live", 7),
    ("the status of an abnormal exit", [video(0, 1), reported(5, 20)], "failed", 5),
    ("a later status", [video(0, 1), reported(5, 20), reported(6, 5)], "live", 1),
    ("an earlier status", [video(0, 1), reported(6, 20), reported(5, 5)], "failed", 6),
    ("the status of the old recorder", [beat(1), reported(5, 20), failed_over(6)], "live", 1),
    ("abnormal status, then normal exit", [reported(5, 20), exited(7)], "failed", 5),
    ("a web page that stopped as asked", [web_started(1), web_stopped(5)], "ending", 5),
    ("a web page that stopped and was uploaded", [web_started(1), web_stopped(5), uploaded(7)], "ended", 7),
    ("a web page that was uploaded and stopped", [web_started(1), web_stopped(7), uploaded(5)], "ending", 7),
    ("a web page that stopped, then the leave", [web_stopped(5), left(6), uploaded(6)], "ended", 6),
    (
        "a web page that stopped after the upload, which follows the leave",
        [left(4), uploaded(5), web_stopped(6)],
        "ended", 5,
    ),
    ("a web page that stopped and exited", [web_started(1), web_stopped(5), exited(7)], "ended", 7),
    *(
        (f"a web page that stopped with {code}", [web_started(1), web_stopped(5, code)], "failed", 5)
        for code in range(1, 7)
    ),
    ("a web page that stopped with an unknown code", [web_stopped(5, 99)], "failed", 5),
    ("a web page of the old recorder", [web_started(1), web_stopped(5, 3), failed_over(6)], "live", 1),
    ("a web page that stopped twice", [web_stopped(5, 3), web_stopped(6, 0)], "ending", 6),
    ("abnormal stop, then exit and upload", [web_stopped(5, 3), exited(7), uploaded(8)], "failed", 5),
    ("a fatal error alone", [error(5)], "failed", 5),
    ("a fatal error of which only the level is told", [error(5, None)], "failed", 5),
    ("a fatal error after all signs of life", [started(1), video(0, 3), error(5)], "failed", 5),
    ("a fatal error at the instant of a sign of life", [beat(5), error(5)], "failed", 5),
    ("a fatal error between two signs of life", [beat(2), error(5), beat(6)], "live", 2),
    ("a fatal error, then a heartbeat", [error(5), beat(6)], "live", 6),
    ("a fatal error, then a start", [error(5), started(6)], "starting", 5),
    ("a fatal error, then a slice", [error(5), told(42, SLICE, 6)], "live", 6),
    ("a fatal error, then audio", [error(5), told(43, {"streamUid": "1", "state": 0}, 6)], "live", 6),
    ("a fatal error, then video", [error(5), video(1, 6)], "live", 6),
    ("a fatal error, then a snapshot", [error(5), snapshot(6)], "live", 6),
    ("a fatal error, then the other recorder's video", [error(5), video(1, 6, uid=NEW)], "live", 6),
    (
        "a fatal error, then what is no sign of life",
        [error(5), uploaded(6), failed_over(7), told(4, {"fileList": "a"}, 8), left(9)],
        "failed", 5,
    ),
    ("a fatal error, then a normal exit", [video(0, 1), error(5), exited(6)], "failed", 5),
    ("the later of two fatal errors", [error(5), beat(6), error(7)], "failed", 7),
    ("a fatal error that twenty others follow", [error(5), *(error(6 + at, 9, 2) for at in range(20))], "failed", 5),
    ("the first of several failures", [reported(6, 20), error(7), exited(8, 1), web_stopped(9, 5)], "failed", 6),
]  # fmt: skip


@pytest.mark.parametrize(("said", "expected", "since"), [case[1:] for case in STATES], ids=[case[0] for case in STATES])
def test_the_state_follows_from_what_was_said_in_any_order(
    said: list[Notification], expected: str, since: float
) -> None:
    found = {
        (status.state.value, (status.since_ms - AT_MS) / 1000)
        for order in orders(said)
        for status in [status_of(fold(*order))]
    }
    assert found == {(expected, since)}


@pytest.mark.parametrize(
    ("said", "normal", "second", "reasons"),
    [
        ([exited(5)], True, 5, ()),
        ([exited(5, 1)], False, 5, ()),
        ([left(4, 24), exited(5)], True, 5, ("ignore", "left_channel")),
        ([left(4, 0), exited(5, 1)], False, 5, ("init_failed",)),
        ([left(4, 4), left(6), exited(5)], True, 5, ("left_channel",)),
        ([left(4, 4), uploaded(6)], True, 6, ("no_users",)),
        ([exited(5, 1), failed_over(6), exited(9, uid=NEW)], True, 9, ()),
        ([left(4, 2), failed_over(6), exited(9, uid=NEW)], True, 9, ()),
        ([web_stopped(5), uploaded(6)], True, 6, ()),
        ([web_stopped(5, 1)], False, 5, ("max_recording_hour",)),
        ([web_stopped(5, 99)], False, 5, ("code_99",)),
        ([reported(5, 20)], False, 5, ("exited_abnormally",)),
        ([error(5)], False, 5, ("fatal_error", "token_refused")),
        ([error(5, 47, 5, 1)], False, 5, ("fatal_error", "upload_failed")),
        ([error(5, None)], False, 5, ("fatal_error",)),
        (
            [left(4, 0), exited(9, 1), reported(8, 20), error(7), web_stopped(6, 2)],
            False,
            6,
            ("init_failed", "capability_limit", "exited_abnormally", "fatal_error", "token_refused"),
        ),
    ],
)
def test_an_ended_recording_says_how_when_and_why(
    said: list[Notification], normal: bool, second: int, reasons: tuple[str, ...]
) -> None:
    assert {exit_of(fold(*order)) for order in orders(said)} == {Exit(normal, AT_MS + second * 1000, reasons)}


@pytest.mark.parametrize(
    "said",
    [
        [started(1)],
        [told(46, uid="")],
        [left(4)],
        [web_stopped(4)],
        [error(4), beat(5)],
        [left(4, 2), exited(5), failed_over(6)],
    ],
)
def test_a_recording_that_goes_on_has_no_exit(said: list[Notification]) -> None:
    assert {exit_of(fold(*order)) for order in orders(said)} == {None}


UPLOADER, SERVICE = {"module": 1, "level": 3}, {"module": 2, "level": 3}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([started(1)], ("none", 0.0)),
        ([told(30, {"status": 0}, 1)], ("uploading", 0.0)),
        ([told(30, {"status": 1}, 1)], ("failed", 0.0)),
        ([told(30, {"status": 1}, 1), beat(2)], ("uploading", 0.42)),
        ([beat(1), beat(2, 9000)], ("uploading", 0.9)),
        ([beat(2), beat(1, 9000)], ("uploading", 0.42)),
        ([beat(1), uploaded(2)], ("uploaded", 1.0)),
        ([beat(3), uploaded(2)], ("uploading", 0.42)),
        ([beat(2, sequence=1), uploaded(2, sequence=1)], ("uploaded", 1.0)),
        ([backed_up(1), uploaded(2)], ("uploaded", 1.0)),
        ([backed_up(2), uploaded(1)], ("backed_up", 1.0)),
        ([uploaded(1, 1)], ("failed", 0.0)),
        ([backed_up(1, 1)], ("failed", 0.0)),
        ([exited(1), uploaded(5)], ("uploaded", 1.0)),
        *(([beat(1), error(2, code, **UPLOADER)], ("failed", 0.42)) for code in (32, 47, 51)),
        ([beat(1), error(2, 50, **SERVICE)], ("failed", 0.42)),
        ([error(2, 50, **SERVICE)], ("failed", 0.0)),
        ([beat(1), error(2, 52, **SERVICE)], ("uploading", 0.42)),
        ([beat(1), error(2, 50, **UPLOADER)], ("uploading", 0.42)),
        ([beat(1), error(2, 47, **SERVICE)], ("uploading", 0.42)),
        ([beat(1), error(2, 110)], ("uploading", 0.42)),
        ([beat(1), told(2, {"module": 1, "warnCode": 32}, 2)], ("uploading", 0.42)),
        ([error(2, 47, **UPLOADER), beat(3)], ("uploading", 0.42)),
        ([error(2, 47, **UPLOADER), uploaded(3)], ("uploaded", 1.0)),
        ([error(2, 47, **UPLOADER), backed_up(3)], ("backed_up", 1.0)),
        ([uploaded(1), error(2, 47, **UPLOADER)], ("failed", 0.0)),
        ([beat(1), error(2, 47, **UPLOADER), beat(3, 9000), error(4, 51, **UPLOADER)], ("failed", 0.9)),
    ],
)
def test_the_upload_goes_on_by_itself_to_its_latest_word(said: list[Notification], expected: tuple[str, float]) -> None:
    found = set()
    for order in orders(said):
        known = recording(*order)
        found.add((known.upload[3] if known.upload else "none", upload_progress(known)))
    assert found == {expected}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([told(43, {"streamUid": "123", "state": 0}, 1)], (Reception.UNKNOWN, None)),
        ([video(0, 1)], (Reception.RECEIVING, 1)),
        ([video(0, 1), video(1, 2)], (Reception.STOPPED, 2)),
        ([video(1, 2), video(0, 1)], (Reception.STOPPED, 2)),
        ([video(1, 1, sequence=3), video(0, 1, sequence=4)], (Reception.RECEIVING, 1)),
        ([video(0, 7, uid=NEW), video(1, 9), failed_over(5)], (Reception.RECEIVING, 7)),
        ([video(1, 1), failed_over(5), started(6, uid=NEW)], (Reception.STOPPED, 1)),
        ([video(0, 1), video(1, 2, uid="")], (Reception.RECEIVING, 1)),
    ],
)  # fmt: skip
def test_a_video_is_what_the_newest_recorder_that_spoke_of_it_said_last(
    said: list[Notification], expected: tuple[Reception, float | None]
) -> None:
    found = set()
    for order in orders(said):
        known = recording(*order)
        state, since_ms = reception(known, known.streams["123"].video)
        found.add((state, None if since_ms is None else (since_ms - AT_MS) / 1000))
    assert found == {expected}


def test_words_of_a_speaker_without_a_uid_stand_where_nobody_else_spoke() -> None:
    known = recording(video(0, 1, uid=""), video(1, 2, uid=""))
    assert reception(known, known.streams["123"].video) == (Reception.STOPPED, AT_MS + 2000)


def test_the_latest_recorder_is_the_one_that_the_latest_failover_named() -> None:
    said = [started(1), failed_over(5), failed_over(9, "3003"), started(60, uid="9999")]
    assert {latest_uid(recording(*order)) for order in orders(said)} == {"3003"}


def test_before_any_recorder_was_heard_nobody_is_the_latest() -> None:
    known = recording(told(46, uid=""))
    assert latest_uid(known) is None
    assert latest_recorder(known).exited is None


@pytest.mark.parametrize(
    ("said", "expected_s"),
    [
        ([started(1)], LONGEST_SILENCE_MS / 1000),
        ([beat(1), snapshot(1), snapshot(2)], 180),
        ([video(0, 0), *(snapshot(at) for at in (0, 30, 60))], 90),
        ([video(0, 0), *(snapshot(at) for at in (0, 5, 10))], 60),
        ([video(1, 0), *(snapshot(at) for at in (0, 30, 60))], LONGEST_SILENCE_MS / 1000),
        ([video(0, 0), snapshot(0), snapshot(30)], LONGEST_SILENCE_MS / 1000),
    ],
)
def test_silence_is_measured_by_what_the_recording_used_to_say(said: list[Notification], expected_s: float) -> None:
    assert silence_ms(recording(*said)) == expected_s * 1000


def test_videos_are_counted_by_their_reception() -> None:
    counts = video_counts(recording(video(0, 1, "1"), video(1, 1, "2"), video(1, 1, "3"), snapshot(1, "4")))
    assert counts == {Reception.RECEIVING: 1, Reception.STOPPED: 2, Reception.UNKNOWN: 1}


def test_two_sessions_of_one_channel_share_nothing() -> None:
    assert status_of(fold(video(0, 1), exited(5, sid="another"))).state.value == "live"


def recording(*said: Notification) -> Recording:
    found = fold(*said).state
    assert isinstance(found, Recording)
    return found

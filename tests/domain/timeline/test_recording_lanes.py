"""Small recordings, and the lanes they have."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from tests.domain.recording.told import NEW, OLD, SID, snapshot, told
from tests.domain.timeline.drawn import (
    AT_MS,
    Log,
    Notification,
    Spans,
    lane,
    names,
    second,
    spans,
    timeline_of,
    told_in,
)
from webhook.domain.deadlines import settle
from webhook.domain.timeline import Window, timeline

START, LEFT, EXIT = told(40, {"status": 0}), told(41, {"leaveCode": 16}, 60), told(11, {"exitStatus": 0}, 61)


def video(state: int, at: float, uid: str = "123", by: str = OLD, sequence: int = 1) -> Notification:
    return told(44, {"streamUid": uid, "state": state}, at, uid=by, sequence=sequence)


def nobodys(state: int, at: float) -> Notification:
    return told(44, {"streamUid": "123", "state": state}, at, uid=...)


def lost(from_second: float, until_second: float, uid: str = "123", track: str = "video") -> Notification:
    times = {"discontinueUtcMs": AT_MS + int(from_second * 1000), "startUtcMs": AT_MS + int(until_second * 1000)}
    return told(42, {"streamUid": uid, "trackType": track} | times, until_second)


def of(state: str, *times: float | None) -> Spans:
    pairs = list(zip(times[::2], times[1::2], strict=True))
    return [(from_second or 0.0, until_second, state) for from_second, until_second in pairs]


CASES: dict[str, tuple[list[Notification], str, str | None, Spans]] = {
    "a recorder records from its start": ([START], "recorder", OLD, of("recording", 0, None)),
    "until it leaves": ([START, LEFT, EXIT], "recorder", OLD, of("recording", 0, 60)),
    "until it exits": ([START, EXIT], "recorder", OLD, of("recording", 0, 61)),
    "until the web page stops": ([START, told(71, {"code": 0}, 9)], "recorder", OLD, of("recording", 0, 9)),
    "its start may be told late": (
        [video(0, 1), told(40, {"status": 0}, 3)],
        "recorder",
        OLD,
        of("recording", 3, None),
    ),
    "else it began when it was heard": ([video(0, 1), LEFT, EXIT], "recorder", OLD, of("recording", 1, 60)),
    "one that is replaced ends there": (
        [START, told(12, {"newUid": NEW}, 20)],
        "recorder",
        OLD,
        of("recording", 0, 20),
    ),
    "who replaces begins when named": (
        [START, told(12, {"newUid": NEW}, 20)],
        "recorder",
        NEW,
        of("recording", 20, None),
    ),
    "even if it was heard before": (
        [START, video(0, 18, by=NEW), told(12, {"newUid": NEW}, 20)],
        "recorder",
        NEW,
        of("recording", 20, None),
    ),
    "one that exits after it was replaced recorded until then": (
        [START, told(12, {"newUid": NEW}, 20), told(11, {"exitStatus": 0}, 25)],
        "recorder",
        OLD,
        of("recording", 0, 25),
    ),
    "one that left before it started has no length": (
        [told(41, {"leaveCode": 16}, 3), told(40, {}, 5)],
        "recorder",
        OLD,
        of("recording", 5, 5),
    ),
    "an abnormal end ends it too": (
        [START, told(12, {"newUid": NEW}, 20), told(40, {}, 21, uid=NEW), told(11, {"exitStatus": 1}, 30, uid=NEW)],
        "recorder",
        NEW,
        of("recording", 21, 30),
    ),
    "a fatal error ends the session and what is open": (
        [START, told(1, {"errorLevel": 5, "errorCode": 110}, 2)],
        "recorder",
        OLD,
        of("recording", 0, 2),
    ),
    "video is received until it stops": (
        [video(0, 1), video(1, 5), video(0, 9)],
        "video",
        "123",
        [(1, 5, "receiving"), (5, 9, "stopped"), (9, None, "receiving")],
    ),
    "equal neighbours are one": ([video(0, 1), video(0, 5)], "video", "123", of("receiving", 1, None)),
    "what lasts no time is left out": (
        [video(0, 1), video(1, 5, sequence=2), video(0, 5, sequence=3)],
        "video",
        "123",
        of("receiving", 1, None),
    ),
    "at one instant the sequence decides": (
        [video(1, 5, sequence=9), video(0, 5, sequence=8)],
        "video",
        "123",
        of("stopped", 5, None),
    ),
    "the session's end closes it": ([START, video(0, 1), EXIT], "video", "123", of("receiving", 1, 61)),
    "a word after the end is still the last": (
        [START, video(0, 1), EXIT, video(1, 70)],
        "video",
        "123",
        [(1, 70, "receiving"), (70, 70, "stopped")],
    ),
    "audio is a lane of its own": (
        [video(0, 1), told(43, {"streamUid": "123", "state": 1}, 2)],
        "audio",
        "123",
        of("stopped", 2, None),
    ),
    "an older recorder's word counts until a newer one speaks": (
        [
            START,
            told(12, {"newUid": NEW}, 2),
            video(0, 3),
            video(1, 4, by=NEW),
            video(0, 5),
            video(0, 6, by=NEW),
            video(1, 7),
        ],
        "video",
        "123",
        [(3, 4, "receiving"), (4, 6, "stopped"), (6, None, "receiving")],
    ),
    "newer is who took over, not who has the greater uid": (
        [START, video(1, 1), told(12, {"newUid": "0002"}, 2), video(0, 3, by="0002"), video(1, 4)],
        "video",
        "123",
        [(1, 3, "stopped"), (3, None, "receiving")],
    ),
    "a word of nobody counts until a recorder speaks": (
        [nobodys(1, 1), video(0, 2), nobodys(1, 3)],
        "video",
        "123",
        [(1, 2, "stopped"), (2, None, "receiving")],
    ),
    "a long pause between captures is a gap": (
        [snapshot(at) for at in (0, 5, 10, 25, 30)],
        "snapshots",
        "123",
        of("gap", 10, 25),
    ),
    "twice the interval is none": ([snapshot(at) for at in (0, 5, 10, 20, 25)], "snapshots", "123", []),
    "two captures tell no interval": ([snapshot(0), snapshot(50)], "snapshots", "123", []),
    "a pause without video is no gap": (
        [*(snapshot(at) for at in (0, 5, 10, 40, 45, 50)), video(1, 12), video(0, 38)],
        "snapshots",
        "123",
        [],
    ),
    "but what is left of it may be one": (
        [*(snapshot(at) for at in (0, 5, 10, 15, 50, 55)), video(0, 0), video(1, 28), video(0, 38)],
        "snapshots",
        "123",
        of("gap", 15, 28, 38, 50),
    ),
    "video that stays stopped explains the rest": (
        [*(snapshot(at) for at in (0, 5, 10, 15, 50)), video(1, 16)],
        "snapshots",
        "123",
        [],
    ),
    "what was stopped before and after explains nothing": (
        [*(snapshot(at) for at in (4, 9, 14, 40, 45)), video(1, 1), video(0, 2), video(1, 50), video(0, 52)],
        "snapshots",
        "123",
        of("gap", 14, 40),
    ),
    "what was lost before a slice": ([START, lost(3, 8)], "notRecorded", "123", of("not_recorded", 3, 8)),
    "losses of both tracks are one time": (
        [START, lost(3, 8), lost(5, 9, track="audio"), lost(12, 13), lost(6, 7)],
        "notRecorded",
        "123",
        of("not_recorded", 3, 9, 12, 13),
    ),
    "a loss before the session is none of it": (
        [told(40, {}, 5), lost(3, 8)],
        "notRecorded",
        "123",
        of("not_recorded", 5, 8),
    ),
    "an upload begins and succeeds after the end": (
        [START, told(30, {"status": 0}, 1), told(33, {"progress": 42}, 30), LEFT, EXIT, told(31, {"status": 0}, 70)],
        "upload",
        None,
        [(1, 70, "uploading"), (70, 70, "uploaded")],
    ),
    "one that did not start failed": ([START, told(30, {"status": 1}, 1)], "upload", None, of("failed", 1, None)),
    "a backup is another end": ([START, told(32, {}, 3)], "upload", None, of("backed_up", 3, None)),
    "31 with a status failed": ([START, told(31, {"status": 1}, 3)], "upload", None, of("failed", 3, None)),
    "at one instant the sequence decides of uploads too": (
        [
            told(33, {"progress": 1}, 4, sequence=8),
            told(1, {"module": 1, "errorCode": 47, "errorLevel": 3}, 4, sequence=9),
        ],
        "upload",
        None,
        of("failed", 4, None),
    ),
    "an upload's error fails it": (
        [START, told(33, {"progress": 1}, 1), told(1, {"module": 1, "errorCode": 47, "errorLevel": 3}, 4)],
        "upload",
        None,
        [(1, 4, "uploading"), (4, None, "failed")],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_lanes_of_recordings(case: str) -> None:
    said, kind, uid, expected = CASES[case]
    assert spans(lane(timeline_of(*said), kind, uid)) == expected


MARKS: list[tuple[int, Any, str, str | None, str, str, str]] = [
    (40, {"status": 0}, "recorder", OLD, "started", "info", "the recorder is in the channel"),
    (40, {"status": 1}, "recorder", OLD, "started", "critical", "the recorder did not start as it should"),
    (
        *(41, {"leaveCode": 20}, "recorder", OLD, "left", "info"),
        "the recorder left: nobody was left in the channel; the recorder left because it was asked to",
    ),
    (41, {"leaveCode": 0}, "recorder", OLD, "left", "critical", "the recorder left: the recorder could not start"),
    (41, {"leaveCode": 64}, "recorder", OLD, "left", "info", "the recorder left: code_64"),
    (11, {"exitStatus": 0}, "recorder", OLD, "exited", "info", "the recording service is done with the session"),
    (11, {"exitStatus": 1}, "recorder", OLD, "exited", "critical", "the recording service exited abnormally"),
    (
        *(71, {"code": 0, "message": "bye"}, "recorder", OLD, "stopped", "info"),
        "the recorder of the web page stopped: the recorder stopped as asked; bye",
    ),
    (
        *(71, {"code": 4}, "recorder", OLD, "stopped", "critical"),
        "the recorder of the web page stopped: the page did not load in time",
    ),
    (3, {"status": 5}, "recorder", OLD, "status", "info", "a call did not fit the service's state: the first file is"),
    (
        3,
        {"status": 20},
        "recorder",
        OLD,
        "status",
        "critical",
        "a call did not fit the service's state: the service ex",
    ),
    (70, {}, "recorder", OLD, "web_recorder", "info", "the recorder of the web page started"),
    (12, {"newUid": NEW}, "failover", None, "failover", "info", "the service moved to another server; 2002 records"),
    (30, {"status": 0}, "upload", None, "started", "info", "the upload started"),
    (30, {"status": 3}, "upload", None, "started", "critical", "the upload did not start"),
    (31, {}, "upload", None, "uploaded", "info", "all files are in the customer's storage"),
    (32, {}, "upload", None, "backed_up", "warning", "all files are stored, at least one of them in Agora's backup"),
    (31, {"status": 9}, "upload", None, "failed", "critical", "the upload ended without success"),
    (33, {"progress": 4205}, "upload", None, "progress", "info", "42.05 % of what was recorded is uploaded"),
    (33, {"progress": 10000}, "upload", None, "progress", "info", "100 % of what was recorded is uploaded"),
    (
        *(1, {"module": 1, "errorLevel": 5, "errorCode": 47, "errorMsg": "disk"}, "errors", None, "error", "critical"),
        "fatal error of the uploader: files could not be uploaded (code 47); disk",
    ),
    (1, {"errorLevel": 3}, "errors", None, "error", "warning", "medium error of the unknown: no code was told"),
    (
        *(1, {"module": 2, "errorCode": 52}, "errors", None, "error", "critical"),
        "unknown error of the service: the recording did not start in time (code 52)",
    ),
    (
        *(2, {"module": 1, "warnCode": 31}, "errors", None, "warning", "warning"),
        "warning of the uploader: files are uploaded to the storage once more (code 31)",
    ),
    (4, {"fileList": "a.m3u8"}, "remarks", None, "first_file", "info", "the first playlist is written: a.m3u8"),
    (4, {}, "remarks", None, "first_file", "info", "the first playlist is written"),
    (13, {}, "remarks", None, "high_availability", "info", "high availability is registered"),
    (
        60,
        {"aliVodInfo": {"videoId": "v1"}},
        "remarks",
        None,
        "vod",
        "info",
        "handing the files to video on demand: sta",
    ),
    (61, {}, "remarks", None, "vod", "info", "handing the files to video on demand: triggered"),
    (
        *(72, {"limitType": "WebGL"}, "remarks", None, "web_limit", "warning"),
        "the page reached a limit: the page draws more with WebGL than the recorder can",
    ),
    (72, {"limitType": "odd"}, "remarks", None, "web_limit", "info", "the page reached a limit: odd"),
    (
        73,
        {"reason": "audio_silence"},
        "remarks",
        None,
        "web_reload",
        "warning",
        "the page was loaded again: the page h",
    ),
    (80, {}, "remarks", None, "transcoder", "info", "transcoding: the files are being transcoded"),
    (81, {"result": "fail"}, "remarks", None, "transcoder", "critical", "transcoding: no file was transcoded"),
    (
        *(1001, {"result": "total_success"}, "remarks", None, "postponed_transcoding", "info"),
        "postponed transcoding is over: every file was transcoded",
    ),
    (
        *(90, {"fileName": "a.ts;b.ts"}, "remarks", None, "download", "warning"),
        "files could not be fetched for transcoding: a.ts, b.ts",
    ),
    (
        *(100, {"rtmpUrl": "rtmp://live.example/app", "status": "onhold"}, "remarks", None, "publishing", "warning"),
        "publishing: sending is paused; rtmp://live.example/",
    ),
    (
        45,
        {"fileName": "odd.jpg"},
        "snapshots",
        None,
        "snapshot",
        "info",
        "odd.jpg, whose name does not say of whom and",
    ),
    (34, {"odd": 1}, "other", None, "unrecognised", "info", "a notification of type 34, called undocumented_34, which"),
    (999, {"odd": 1}, "other", None, "unrecognised", "info", "a notification of type 999, which no table knows"),
]


@pytest.mark.parametrize("row", MARKS, ids=lambda row: f"{row[0]}-{row[4]}-{row[5]}-{row[6][-12:]}")
def test_marks_of_recordings_say_it_in_words(row: tuple[int, Any, str, str | None, str, str, str]) -> None:
    event_type, details, kind, uid, word, severity, text = row
    said = told(event_type, details, 7) | {"noticeId": "n7"}
    (mark,) = lane(timeline_of(told(40, {}, 0, uid="0"), said), kind, uid).marks
    assert (second(mark.at_ms), mark.kind, mark.severity, mark.notice_id) == (7, word, severity, "n7")
    assert mark.text.startswith(text)


def test_a_mark_shows_the_least_of_all_names_under_which_it_was_told() -> None:
    copies = [START | {"noticeId": name} for name in ("m", "b", "x")]
    (mark,) = lane(timeline_of(*copies), "recorder", OLD).marks
    assert mark.notice_id == "b"


def test_a_snapshot_that_is_told_twice_is_one_mark_at_its_capture() -> None:
    again = snapshot(5, sequence=77, sendts=AT_MS + 9000) | {"noticeId": "0"}
    drawn = timeline_of(snapshot(5, sendts=AT_MS + 6000), again)
    (mark,) = lane(drawn, "snapshots", "123").marks
    assert (second(mark.at_ms), mark.notice_id) == (5, "0")
    assert mark.text.endswith(f"{SID}_Testing2__uid_s_123__uid_e_video_20251124160005000.jpg")


def test_a_recorder_without_a_name_has_its_marks_in_a_lane_of_nobody() -> None:
    nameless = lane(timeline_of(told(40, {}, uid=...)), "recorder")
    assert (spans(nameless), len(nameless.marks)) == ([], 1)


def test_what_comes_after_a_gap_in_recording_says_how_long_it_lasted() -> None:
    drawn = timeline_of(lost(3, 8), lost(9, 9.5, track=""))
    assert told_in(lane(drawn, "notRecorded", "123")) == [
        (8, "resumed", "video is recorded again after 5 s"),
        (9.5, "resumed", "the stream is recorded again after 0.5 s"),
    ]


def test_a_slice_that_lost_nothing_draws_nothing() -> None:
    drawn = timeline_of(told(42, {"streamUid": "1", "startUtcMs": AT_MS, "discontinueUtcMs": AT_MS}))
    assert names(drawn) == ["recorder:1001"]


def test_a_dead_letter_draws_nothing_but_its_recorder_was_heard() -> None:
    drawn = timeline_of(told(44, {"state": 7}, 2))
    assert names(drawn) == ["recorder:1001"]
    assert spans(lane(drawn, "recorder", OLD)) == [(2, None, "recording")]


def test_a_session_that_fell_silent_ended_when_its_silence_became_a_fact() -> None:
    log = Log([START, video(0, 1)])
    lost_session = settle(log.session, log.session.last_received_ms + 25 * 3_600_000)
    (interval,) = lane(timeline(lost_session, log.entries, Window()), "video", "123").intervals
    assert interval.until_ms == lost_session.lost_ms


def test_a_session_that_was_only_registered_has_no_lanes() -> None:
    expected = replace(Log([START]).session, first_ms=None, last_ms=None)
    drawn = timeline(expected, [], Window())
    assert (drawn.from_ms, drawn.until_ms, drawn.truncated, drawn.lanes) == (None, None, False, [])

"""What each documented type of Cloud Recording says, however its fields are spelt."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.recording.told import AT_MS, NEW, OLD, body, event_of, fact_of, told
from webhook.domain.arrivals import Arrival, read
from webhook.domain.envelope import masked_body, parse
from webhook.domain.errors import Undecodable
from webhook.domain.events import Reception, Track, Undecoded, Unrecognised
from webhook.domain.facts import Event
from webhook.domain.filenames import LONGEST_NAME
from webhook.domain.log import Outcome
from webhook.domain.products.recording import EVENTS, RECORDING
from webhook.domain.products.table import EventType
from webhook.domain.recording.events import (
    NOT_TOLD,
    FailedOver,
    FirstFileWritten,
    LeaveReason,
    ProblemReported,
    RecordedFile,
    RecorderLeft,
    RecorderStarted,
    Remarked,
    SessionExited,
    Severity,
    SliceStarted,
    SnapshotTaken,
    StatusReported,
    StreamChanged,
    Topic,
    UploadFinished,
    UploadProgressed,
    UploadStarted,
    WebRecorderStopped,
)
from webhook.domain.recording.reading import LONGEST_WORDS, quoted

SHOT = "sid_c__uid_s_123__uid_e_video_20190611073246073.jpg"
SHOT_MS = 1_560_238_366_073
FILE = {
    "fileName": "a.m3u8",
    "trackType": "audio",
    "uid": 7,
    "mixedAllUser": False,
    "isPlayable": True,
    "sliceStartTime": AT_MS,
}
READ = RecordedFile("a.m3u8", "audio", "7", True, AT_MS)
BARE = RecordedFile("b.mp4", "", "", False, None)
WHOLE = {
    **dict.fromkeys(("errorCode", "warnCode", "status", "exitStatus", "progress", "leaveCode", "state", "code"), 0),
    **dict.fromkeys(("newUid", "streamUid", "fileName", "limitType", "reason", "result", "rtmpUrl"), "x"),
    "startUtcMs": AT_MS,
}  # what all types together need
SLICE = {"startUtcMs": AT_MS + 9, "discontinueUtcMs": AT_MS, "streamUid": "123", "trackType": "video"}
RECEIVING, STOPPED = Reception.RECEIVING, Reception.STOPPED
ERROR, WARNING = Severity.ERROR, Severity.WARNING

DECODED: list[tuple[int, Any, Event]] = [
    (1, {"module": 0, "errorLevel": 1, "errorCode": 9}, ProblemReported(ERROR, "recorder", "debug", 9, "")),
    (1, {"module": 1, "errorLevel": 2, "errorCode": 47}, ProblemReported(ERROR, "uploader", "minor", 47, "")),
    (1, {"module": 2, "errorLevel": 3, "errorCode": 50}, ProblemReported(ERROR, "service", "medium", 50, "")),
    (1, {"module": 6, "errorLevel": 4, "errorCode": 9}, ProblemReported(ERROR, "web_recorder", "major", 9, "")),
    (
        1,
        {"module": 2, "errorLevel": 5, "errorCode": 110, "errorMsg": "", "stat": 0},
        ProblemReported(ERROR, "service", "fatal", 110, ""),
    ),
    (
        1,
        {"module": "1", "errorLevel": "5", "errorCode": "32", "errorMsg": "bad key"},
        ProblemReported(ERROR, "uploader", "fatal", 32, "bad key"),
    ),
    (1, {"errorCode": 9}, ProblemReported(ERROR, "unknown", "unknown", 9, "")),
    (1, {"errorLevel": 5}, ProblemReported(ERROR, "unknown", "fatal", NOT_TOLD, "")),
    (1, {"module": 9, "errorLevel": 8, "errorCode": 9}, ProblemReported(ERROR, "code_9", "code_8", 9, "")),
    (1, {"errorCode": 9, "errorMsg": ["x"]}, ProblemReported(ERROR, "unknown", "unknown", 9, "")),
    (1, {"errorCode": 9, "errorMsg": "m" * 999}, ProblemReported(ERROR, "unknown", "unknown", 9, "m" * LONGEST_WORDS)),
    (2, {"module": 1, "warnCode": 31}, ProblemReported(WARNING, "uploader", "", 31, "")),
    (2, {"module": 0, "warnCode": "7"}, ProblemReported(WARNING, "recorder", "", 7, "")),
    (2, {"warnCode": 32.0}, ProblemReported(WARNING, "unknown", "", 32, "")),
    *((3, {"status": code, "recordingMode": 1, "fileList": "x"}, StatusReported(code)) for code in (*range(9), 20)),
    (3, {"status": "5"}, StatusReported(5)),
    (4, {"fileList": "a.m3u8"}, FirstFileWritten("a.m3u8")),
    (4, {"fileList": ["a.m3u8", "b"]}, FirstFileWritten("a.m3u8")),
    (4, {"fileList": [None, FILE]}, FirstFileWritten("a.m3u8")),
    (4, {"fileList": ""}, FirstFileWritten(None)),
    (4, {"fileList": 7}, FirstFileWritten(None)),
    (4, {}, FirstFileWritten(None)),
    (11, {"exitStatus": 0}, SessionExited(True)),
    (11, {"exitStatus": 1}, SessionExited(False)),
    (11, {"exitStatus": "0"}, SessionExited(True)),
    (12, {"newUid": "2002"}, FailedOver("2002")),
    (12, {"newUid": 2**31 + 5}, FailedOver("2147483653")),
    (13, {}, Remarked(Topic.HIGH_AVAILABILITY, "registered")),
    (13, None, Remarked(Topic.HIGH_AVAILABILITY, "registered")),
    (30, {"status": 0}, UploadStarted(True)),
    (30, {"status": "1"}, UploadStarted(False)),
    (30, {}, UploadStarted(True)),
    (30, {"status": None}, UploadStarted(True)),
    (30, {"status": "bad"}, UploadStarted(False)),
    (31, {"status": 0, "fileList": [FILE]}, UploadFinished(True, False, (READ,))),
    (31, {"fileList": [FILE | {"unknown": [1]}, {"filename": "b.mp4"}]}, UploadFinished(True, False, (READ, BARE))),
    (31, {"fileList": [None, 1, {}, {"fileName": ["x"]}]}, UploadFinished(True, False, ())),
    (31, {"fileList": [{"fileName": "x" * 2000}]}, UploadFinished(True, False, ())),
    (31, {"fileList": "b.mp4"}, UploadFinished(True, False, (BARE,))),
    (31, {"fileList": ["b.mp4"]}, UploadFinished(True, False, (BARE,))),
    (31, {"fileList": {"filename": "b.mp4"}}, UploadFinished(True, False, (BARE,))),
    (31, {"status": 1}, UploadFinished(False, False, ())),
    (31, {}, UploadFinished(True, False, ())),
    (32, {"status": 0, "fileList": [FILE]}, UploadFinished(True, True, (READ,))),
    (33, {"progress": 0}, UploadProgressed(0.0)),
    (33, {"progress": "4200"}, UploadProgressed(0.42)),
    (33, {"progress": 10_000}, UploadProgressed(1.0)),
    (33, {"progress": 10_001}, UploadProgressed(1.0)),
    (33, {"progress": -1}, UploadProgressed(0.0)),
    (34, {"anything": 1}, Unrecognised()),
    (40, {"status": 0}, RecorderStarted(True)),
    (40, {"status": 1}, RecorderStarted(False)),
    (41, {"leaveCode": 0}, RecorderLeft(LeaveReason.INIT_FAILED)),
    (41, {"leaveCode": 2}, RecorderLeft(LeaveReason.SIGINT)),
    (41, {"leaveCode": 4}, RecorderLeft(LeaveReason.NO_USERS)),
    (41, {"leaveCode": 8}, RecorderLeft(LeaveReason.IGNORE)),
    (41, {"leaveCode": "16"}, RecorderLeft(LeaveReason.LEFT_CHANNEL)),
    (41, {"leaveCode": 24}, RecorderLeft(LeaveReason.LEFT_CHANNEL | LeaveReason.IGNORE)),
    (41, {"leaveCode": 80}, RecorderLeft(LeaveReason.LEFT_CHANNEL)),
    (41, {"leaveCode": 64}, RecorderLeft(LeaveReason(64))),
    (42, SLICE, SliceStarted("123", "video", AT_MS + 9, AT_MS)),
    (42, SLICE | {"discontinueUtcMs": AT_MS + 9}, SliceStarted("123", "video", AT_MS + 9, None)),
    (42, SLICE | {"discontinueUtcMs": AT_MS + 10}, SliceStarted("123", "video", AT_MS + 9, None)),
    (42, SLICE | {"discontinueUtcMs": str(AT_MS)}, SliceStarted("123", "video", AT_MS + 9, AT_MS)),
    (42, SLICE | {"mixedAllUser": True, "streamUid": None}, SliceStarted("0", "video", AT_MS + 9, AT_MS)),
    (42, SLICE | {"mixedAllUser": True, "streamUid": 5}, SliceStarted("5", "video", AT_MS + 9, AT_MS)),
    (42, {"startUtcMs": AT_MS, "streamUid": "1"}, SliceStarted("1", "", AT_MS, None)),
    (43, {"streamUid": "123", "state": 0, "UtcMs": AT_MS}, StreamChanged("123", Track.AUDIO, RECEIVING)),
    (43, {"streamUid": 123, "state": "1"}, StreamChanged("123", Track.AUDIO, STOPPED)),
    (44, {"streamUid": "0", "state": 0}, StreamChanged("0", Track.VIDEO, RECEIVING)),
    (44, {"streamUid": "123", "state": 1.0}, StreamChanged("123", Track.VIDEO, STOPPED)),
    (45, {"fileName": SHOT}, SnapshotTaken("123", SHOT, SHOT_MS)),
    (45, {"fileName": f"a/bak3_{SHOT}"}, SnapshotTaken("123", f"a/bak3_{SHOT}", SHOT_MS, 3)),
    (45, {"fileName": "odd.jpg"}, SnapshotTaken(None, "odd.jpg", None)),
    (46, {}, Unrecognised()),
    (47, None, Unrecognised()),
    (60, {"aliVodInfo": {"videoId": "v1"}}, Remarked(Topic.VOD, "started", "v1")),
    (60, {"aliVodInfo": "v1"}, Remarked(Topic.VOD, "started")),
    (60, {}, Remarked(Topic.VOD, "started")),
    (61, {}, Remarked(Topic.VOD, "triggered")),
    (70, {"recorderStartTime": AT_MS}, Remarked(Topic.WEB_RECORDER, str(AT_MS), "started")),
    (70, {"recorderStartTime": str(AT_MS // 1000)}, Remarked(Topic.WEB_RECORDER, str(AT_MS), "started")),
    (70, {}, Remarked(Topic.WEB_RECORDER, "", "started")),
    *((71, {"code": code, "message": "m"}, WebRecorderStopped(code, "m", ())) for code in range(7)),
    (
        71,
        {"code": "1", "message": "over", "details": "4 hours", "fileList": [{"filename": "b.mp4"}]},
        WebRecorderStopped(1, "over: 4 hours", (BARE,)),
    ),
    (71, {"code": 0, "message": None, "details": {}}, WebRecorderStopped(0, "", ())),
    *((72, {"limitType": limit}, Remarked(Topic.WEB_LIMIT, "reached", limit)) for limit in ("resolution", "WebGL")),
    (72, {"limitType": "bandwidth"}, Remarked(Topic.WEB_LIMIT, "reached", "bandwidth")),
    (73, {"reason": "audio_silence"}, Remarked(Topic.WEB_RELOAD, "reloaded", "audio_silence")),
    (73, {"reason": "page_load_timeout"}, Remarked(Topic.WEB_RELOAD, "reloaded", "page_load_timeout")),
    (80, {}, Remarked(Topic.TRANSCODER, "started")),
    (
        81,
        {"result": "all_success", "uids": ["1", 2, None]},
        Remarked(Topic.TRANSCODER, "all_success", items=("1", "2")),
    ),
    (81, {"result": "partial_success", "uids": "1"}, Remarked(Topic.TRANSCODER, "partial_success", items=("1",))),
    (81, {"result": "fail"}, Remarked(Topic.TRANSCODER, "fail")),
    (
        90,
        {"vendor": 1, "region": 2, "bucket": "b", "fileName": "a;b"},
        Remarked(Topic.DOWNLOAD, "failed", "a;b", ("1", "2", "b")),
    ),
    (90, {}, Remarked(Topic.DOWNLOAD, "failed", "", ("", "", ""))),
    *(
        (
            100,
            {"rtmpUrl": "rtmp://x/app/***0a1b", "status": word},
            Remarked(Topic.PUBLISHING, word, "rtmp://x/app/***0a1b"),
        )
        for word in ("connecting", "publishing", "onhold", "disconnected")
    ),
    *(
        (1001, {"result": word, "fileList": [FILE]}, Remarked(Topic.POSTPONED_TRANSCODING, word, files=(READ,)))
        for word in ("total_success", "partial_success", "failed")
    ),
    (1001, {"result": "failed"}, Remarked(Topic.POSTPONED_TRANSCODING, "failed")),
]


@pytest.mark.parametrize(("event_type", "details", "expected"), DECODED)
def test_details_become_the_event_that_they_state(event_type: int, details: Any, expected: Event) -> None:
    assert event_of(event_type, details) == expected


def test_that_table_has_a_row_for_every_type() -> None:
    assert {row[0] for row in DECODED} == EVENTS.keys()


@pytest.mark.parametrize(
    ("event_type", "details", "error"),
    [
        (1, {}, "details.errorCode and details.errorLevel are both missing"),
        (1, {"errorCode": "x", "errorLevel": True}, "details.errorCode and details.errorLevel are both missing"),
        (1, None, "details.errorCode and details.errorLevel are both missing"),
        (2, {"module": 1}, "details.warnCode is None, not an integer"),
        (2, {"warnCode": 10**19}, "details.warnCode is a int, not an integer"),
        (3, {"status": "ready"}, "details.status is 'ready', not an integer"),
        (11, {"exitStatus": True}, "details.exitStatus is True, not an integer"),
        (12, {"newUid": 1.5}, "details.newUid is '1.5', not a name"),
        (12, {"newUid": ["2"]}, "details.newUid is a list, not a name"),
        (33, {"progress": 0.5}, "details.progress is '0.5', not an integer"),
        (41, {"leaveCode": -2}, "details.leaveCode is -2, not a bit mask"),
        (41, {"leaveCode": "x" * 99}, f"details.leaveCode is '{'x' * 40}', not an integer"),
        (42, {"streamUid": "1"}, "details.startUtcMs is None, not a time"),
        (42, {"startUtcMs": -1, "streamUid": "1"}, "details.startUtcMs is -1, not a time"),
        (42, {"startUtcMs": AT_MS}, "details.streamUid is None, not a name"),
        (42, {"startUtcMs": AT_MS, "mixedAllUser": 1}, "details.streamUid is None, not a name"),
        (43, {"streamUid": "1", "state": 2}, "details.state is 2; known are 0 (receiving) and 1 (not receiving)"),
        (44, {"state": 0}, "details.streamUid is None, not a name"),
        (44, {"streamUid": "x" * 1025, "state": 0}, "details.streamUid has 1025 characters; at most 1024 are a name"),
        (45, {"fileName": ""}, "details.fileName is '', not a name"),
        (71, {"message": "ok"}, "details.code is None, not an integer"),
        (72, {}, "details.limitType is None, not a name"),
        (73, {"reason": {}}, "details.reason is a dict, not a name"),
        (81, {"uids": ["1"]}, "details.result is None, not a name"),
        (100, {"rtmpUrl": "rtmp://x/a"}, "details.status is None, not a name"),
        (100, {"status": "onhold"}, "details.rtmpUrl is None, not a name"),
        (1001, {"fileList": []}, "details.result is None, not a name"),
    ],
)
def test_without_what_its_type_needs_a_notification_says_what_is_missing(
    event_type: int, details: Any, error: str
) -> None:
    assert event_of(event_type, details) == Undecoded(error)


def test_a_name_of_the_greatest_length_is_one() -> None:
    assert event_of(12, {"newUid": "x" * LONGEST_NAME}) == FailedOver("x" * LONGEST_NAME)


@pytest.mark.parametrize(
    ("event_type", "name"), [(34, "undocumented_34"), (46, "undocumented_46"), (47, "undocumented_47")]
)
def test_types_without_documentation_are_kept_as_unknown_under_a_name(event_type: int, name: str) -> None:
    found = read(Arrival("", "default", "default", 2, body(told(event_type, {"odd": [1]}))), AT_MS)
    assert found.entry.outcome is Outcome.UNKNOWN
    assert RECORDING.events[event_type].name == name


def test_names_and_ranks_are_those_of_the_documentation_with_terminal_types_last() -> None:
    assert {number: row.name for number, row in EVENTS.items()} == {
        1: "cloud_recording_error",
        2: "cloud_recording_warning",
        3: "cloud_recording_status_update",
        4: "cloud_recording_file_infos",
        11: "session_exit",
        12: "session_failover",
        13: "high_availability_registered",
        30: "uploader_started",
        31: "uploaded",
        32: "backuped",
        33: "uploading_progress",
        34: "undocumented_34",
        40: "recorder_started",
        41: "recorder_leave",
        42: "recorder_slice_start",
        43: "recorder_audio_stream_state_changed",
        44: "recorder_video_stream_state_changed",
        45: "recorder_snapshot_file",
        46: "undocumented_46",
        47: "undocumented_47",
        60: "vod_started",
        61: "vod_triggered",
        70: "web_recorder_started",
        71: "web_recorder_stopped",
        72: "web_recorder_capability_limit",
        73: "web_recorder_reload",
        80: "transcoder_started",
        81: "transcoder_completed",
        90: "download_failed",
        100: "rtmp_publish_status",
        1001: "postpone_transcode_final_result",
    }
    assert sorted(EVENTS, key=lambda number: EVENTS[number].rank)[-5:] == [71, 41, 32, 31, 11]
    ranks = [row.rank for row in EVENTS.values() if row.decode(WHOLE) != Unrecognised()]
    assert ranks == sorted(set(ranks))


@pytest.mark.parametrize(("event_type", "details", "expected"), DECODED)
def test_every_documented_field_is_known_and_others_are_drift(event_type: int, details: Any, expected: Event) -> None:
    known = EVENTS[event_type].fields
    assert "msgName" in known
    assert {*(details or {})} <= known or event_type == 34
    assert "anything" not in known


def test_the_fields_of_the_payload_are_known() -> None:
    assert told(40)["payload"].keys() | {"serviceScene"} == RECORDING.fields


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"sequence": 7}, (AT_MS, 7, 10)),
        ({"sequence": "7"}, (AT_MS, 7, 10)),
        ({"sequence": 7.0}, (AT_MS, 7, 10)),
        ({"sequence": ...}, (AT_MS, -1, 10)),
        ({"sequence": -3}, (AT_MS, -1, 10)),
        ({"sequence": 2**64 - 1}, (AT_MS, 2**64 - 1, 10)),
        ({"sequence": 2**64}, (AT_MS, -1, 10)),
        ({"sequence": 7, "sendts": ...}, (AT_MS + 30, 7, 10)),
        ({"sequence": 7, "sendts": AT_MS // 1000}, (AT_MS, 7, 10)),
    ],
)
def test_a_place_in_the_order_is_read_however_it_is_spelt(payload: dict[str, Any], expected: tuple[int, ...]) -> None:
    assert fact_of(told(40, {"status": 0}, **payload)).order == expected


@pytest.mark.parametrize(
    ("details", "at_ms"),
    [
        ({"UtcMs": AT_MS - 4}, AT_MS - 4),
        ({"utcMs": AT_MS - 4}, AT_MS - 4),
        ({"UtcMs": None, "utcMs": str(AT_MS - 4)}, AT_MS - 4),
        ({"UtcMs": "soon"}, AT_MS),
        ({}, AT_MS),
    ],
)
@pytest.mark.parametrize("event_type", [43, 44])
def test_a_stream_changes_at_its_own_time_in_either_spelling(event_type: int, details: Any, at_ms: int) -> None:
    fact = fact_of(told(event_type, details | {"streamUid": "1", "state": 0}))
    assert (fact.order.at_ms, fact.timeless) == (at_ms, False)


def test_the_clock_of_streams_is_none_of_other_types() -> None:
    assert fact_of(told(40, {"UtcMs": AT_MS - 4})).order.at_ms == AT_MS


@pytest.mark.parametrize(
    ("uid", "teller"),
    [(OLD, OLD), (2**32, "4294967296"), ("", None), (None, None), ("x" * 256, "x" * 256), ("x" * 257, None)],
)
def test_who_speaks_is_a_uid_of_bounded_length(uid: Any, teller: str | None) -> None:
    assert fact_of(told(40, uid=uid)).teller == teller


def test_only_a_snapshot_is_counted_once_by_its_file() -> None:
    assert fact_of(told(45, {"fileName": SHOT})).effect == SHOT
    assert fact_of(told(12, {"newUid": NEW})).effect is None


@pytest.mark.parametrize("details", [[], "x", 1, None, True])
def test_details_that_are_no_object_read_as_empty(details: Any) -> None:
    assert fact_of(told(40) | {"payload": told(40)["payload"] | {"details": details}}).event == RecorderStarted(True)


@pytest.mark.parametrize(
    "details",
    [
        {"rtmpUrl": "rtmp://user:pass@live.example/app/secret-key?token=abc", "status": "onhold"},
        {"rtmpUrl": "rtmps://live.example/app/" + "k" * 900, "status": "connecting", "token": "abc"},
    ],
)
def test_what_is_masked_says_the_same_and_holds_no_credential(details: Any) -> None:
    raw = body(told(100, details))
    kept = masked_body(raw, parse(raw))
    first, again = (read(Arrival("", "default", "default", 2, each), AT_MS) for each in (raw, kept))
    assert kept != raw
    assert first.fact == again.fact
    assert "secret-key" not in repr(first.fact)
    assert "abc" not in repr(first.fact)


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
    | st.sampled_from(["5", "1.5", "0", AT_MS, str(AT_MS), "a;b", "rtmp://x/y/z", SHOT]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["fileName", "videoId", "x"]), inner),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_details_make_a_decoder_raise_anything_but_undecodable(data: st.DataObject) -> None:
    row = EVENTS[data.draw(st.sampled_from(sorted(EVENTS)))]
    names = st.sampled_from(sorted(row.fields)) | st.text(max_size=4)
    details = json.loads(json.dumps(data.draw(st.dictionaries(names, values, max_size=6))), parse_float=Decimal)
    found = outcome(row, details)
    assert found == outcome(row, details)
    assert not isinstance(found, str) or len(found) < 200


def outcome(row: EventType, details: Any) -> Event | str:
    """The event, or what is missing."""
    try:
        return row.decode(details)
    except Undecodable as mistake:
        return str(mistake)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("x" * 99, f"'{'x' * 40}'"),
        (Decimal("1E+400"), "'1E+400'"),
        (None, "None"),
        (True, "True"),
        (-7, "-7"),
        pytest.param(10**6000, "a int", id="more digits than can be written"),
        ([[[1]]], "a list"),
        ({"a": 1}, "a dict"),
    ],
)
def test_a_wrong_value_is_quoted_shortly_and_always(value: Any, expected: str) -> None:
    assert quoted(value) == expected

"""What the API shows of a recording (contract.md, section 4)."""

from random import Random
from typing import Any

import pytest

from tests.domain.recording.told import AT_MS, NEW, OLD, SID, Notification, digits, shown, snapshot, told, view_of
from webhook.domain.recording.state import MOST_FILES

FILE = {"fileName": "a.m3u8", "trackType": "audio", "uid": "7", "isPlayable": True, "sliceStartTime": AT_MS}
STARTED = told(40, {"status": 0})


def stamp(second: int) -> str:
    return f"2025-11-24T16:00:{second:02}.000Z"


def detail(*said: Notification) -> dict[str, Any]:
    """The detail of the session, which must not depend on the order."""
    assert shown(said) == shown(said[::-1])
    found: dict[str, Any] = view_of(*said)["detail"]
    return found


def test_a_recording_of_which_little_is_known_shows_empty_shapes() -> None:
    view = view_of(STARTED)
    assert view["errors"] == view["warnings"] == view["notRecorded"] == view["streams"] == []
    assert view["upload"] == {"state": "none", "progress": 0.0, "files": [], "filesCount": 0}
    assert (view["detail"], view["failovers"], view["exit"]) == ({}, 0, None)


def test_an_error_is_shown_in_words_with_what_to_do() -> None:
    said = told(1, {"module": 1, "errorLevel": 5, "errorCode": 47, "errorMsg": "denied", "stat": 0}, 5)
    (error,) = view_of(STARTED, said)["errors"]
    assert list(error) == ["at", "module", "level", "code", "message", "meaning", "action"]
    assert error["at"] == stamp(5)
    assert (error["module"], error["level"], error["code"], error["message"]) == ("uploader", "fatal", 47, "denied")
    assert error["meaning"] == "files could not be uploaded"
    assert error["action"].startswith("Check the bucket")


def test_an_error_of_which_no_code_was_told_says_so() -> None:
    (error,) = view_of(told(1, {"errorLevel": 2}))["errors"]
    assert (error["code"], error["meaning"], error["action"]) == (None, "no code was told", "")


def test_an_undocumented_error_says_that_it_is() -> None:
    (error,) = view_of(told(1, {"module": 0, "errorLevel": 2, "errorCode": 7777}))["errors"]
    assert (error["code"], error["meaning"]) == (7777, "code 7777, which Agora does not document")


def test_a_warning_is_shown_alike_but_without_a_level() -> None:
    (warning,) = view_of(told(2, {"module": 1, "warnCode": 31}, 5))["warnings"]
    assert warning == {
        "at": stamp(5),
        "module": "uploader",
        "code": 31,
        "message": "",
        "meaning": "files are uploaded to the storage once more",
        "action": "Nothing while it is rare; if it goes on, check that the storage can be reached.",
    }


def test_errors_and_warnings_are_sorted_by_their_time() -> None:
    said = [told(kind, {"errorCode": at, "warnCode": at}, at) for kind in (1, 2) for at in range(6)]
    view = view_of(*Random(1).sample(said, len(said)))
    assert [error["code"] for error in view["errors"]] == [warning["code"] for warning in view["warnings"]]
    assert [error["at"] for error in view["errors"]] == [stamp(at) for at in range(6)]


def slice_started(began: int, ended: int, uid: str = "123", track: str = "video") -> Notification:
    times = {"startUtcMs": AT_MS + began * 1000, "discontinueUtcMs": AT_MS + ended * 1000}
    return told(42, {**times, "streamUid": uid, "trackType": track, "mixedAllUser": False}, began)


def test_what_was_not_recorded_is_shown_as_sorted_intervals_each_once() -> None:
    said = [slice_started(9, 7), slice_started(5, 3, "456", "audio"), slice_started(9, 9), slice_started(2, 4)]
    again = slice_started(9, 7)
    again["payload"] |= {"uid": NEW, "sequence": 77}
    assert view_of(*said, again)["notRecorded"] == [
        {"from": stamp(3), "until": stamp(5), "uid": "456", "track": "audio"},
        {"from": stamp(7), "until": stamp(9), "uid": "123", "track": "video"},
    ]


def shots(*seconds: int) -> dict[str, Any]:
    (stream,) = view_of(*(snapshot(second) for second in seconds))["streams"]
    found: dict[str, Any] = stream["snapshots"]
    return found


def test_snapshots_are_counted_with_their_latest_and_the_learned_interval() -> None:
    name = f"shots/{SID}_Testing2__uid_s_123__uid_e_video_{digits(20)}.jpg"
    assert shots(10, 5, 15, 20) == {"count": 4, "lastAt": stamp(20), "lastFile": name, "interval": 5.0, "gaps": []}


@pytest.mark.parametrize(
    ("seconds", "gaps"),
    [
        ((0, 5), []),
        ((0, 5, 10, 20), []),
        ((0, 5, 10, 21), [(10, 21)]),
        ((0, 11, 16, 21, 32, 37), [(0, 11), (21, 32)]),
        ((0, 40), []),
    ],
)
def test_pauses_longer_than_twice_the_interval_are_gaps(seconds: tuple[int, ...], gaps: list[tuple[int, int]]) -> None:
    assert shots(*seconds)["gaps"] == [{"from": stamp(first), "until": stamp(last)} for first, last in gaps]


def test_the_same_file_told_twice_is_one_snapshot() -> None:
    view = view_of(snapshot(5), snapshot(5, sequence=77, sendts=AT_MS + 6000))
    assert view["streams"][0]["snapshots"]["count"] == 1


def test_recorders_are_a_lineage_from_migration_to_migration() -> None:
    said = [
        STARTED,
        told(12, {"newUid": NEW}, 5),
        told(12, {"newUid": NEW}, 6, uid=NEW),
        told(40, {"status": 0}, 7, uid=NEW),
        told(12, {"newUid": "3003"}, 9, uid=NEW),
        told(41, {"leaveCode": 20}, 11, uid=NEW),
        told(70, {}, 12, uid="3003"),
        told(71, {"code": 1}, 20, uid="3003"),
    ]
    view = view_of(*said)
    assert view["recorders"] == [
        {"uid": OLD, "from": stamp(0), "until": stamp(6), "leaveReasons": []},
        {"uid": NEW, "from": stamp(7), "until": stamp(11), "leaveReasons": ["no_users", "left_channel"]},
        {"uid": "3003", "from": stamp(9), "until": stamp(20), "leaveReasons": []},
    ]
    assert view["failovers"] == 2
    assert view["sequence"][NEW] == {"highest": 12, "missing": [[1, 6], [9, 9], [11, 11]]}


def test_a_recorder_that_exited_without_leaving_was_there_until_then() -> None:
    assert view_of(STARTED, told(11, {"exitStatus": 0}, 9))["recorders"][0]["until"] == stamp(9)


def test_a_recorder_that_left_and_exited_was_there_until_the_first_of_them() -> None:
    said = [STARTED, told(41, {"leaveCode": 16}, 8), told(11, {"exitStatus": 0}, 9)]
    assert view_of(*said)["recorders"][0]["until"] == stamp(8)


def test_files_of_uploads_web_pages_and_transcoding_are_one_list_by_name() -> None:
    said = [
        told(31, {"fileList": [FILE]}, 1),
        told(32, {"fileList": [{"fileName": "a.m3u8"}]}, 2),
        told(71, {"code": 0, "fileList": [{"filename": "c.mp4"}]}, 3),
        told(1001, {"result": "total_success", "fileList": ["b.mp4"]}, 4),
        told(31, {"fileList": []}, 5),
    ]
    assert shown(said) == shown(said[::-1])
    upload = view_of(*said)["upload"]
    assert upload["files"][0] == {
        "fileName": "a.m3u8",
        "trackType": "audio",
        "uid": "7",
        "isPlayable": True,
        "startedAt": stamp(0),
    }
    assert upload["files"][1] == {
        "fileName": "b.mp4",
        "trackType": None,
        "uid": None,
        "isPlayable": False,
        "startedAt": None,
    }
    assert [file["fileName"] for file in upload["files"]] == ["a.m3u8", "b.mp4", "c.mp4"]
    assert (upload["state"], upload["progress"], upload["filesCount"]) == ("uploaded", 1.0, 3)


def test_a_long_list_of_files_is_cut_but_counted_each_name_once() -> None:
    names = [f"{number:03}" for number in range(MOST_FILES + 20)]
    upload = view_of(told(31, {"fileList": [*names, *names]}))["upload"]
    assert [file["fileName"] for file in upload["files"]] == names[:MOST_FILES]
    assert upload["filesCount"] == MOST_FILES + 20


def test_the_count_is_of_the_longest_list_whatever_came_first() -> None:
    said = [
        told(31, {"fileList": [f"{number:03}" for number in range(MOST_FILES + 20)]}, 1),
        told(32, {"fileList": ["000"]}, 2),
    ]
    assert [view_of(*order)["upload"]["filesCount"] for order in (said, said[::-1])] == [MOST_FILES + 20] * 2


def test_a_recorder_that_started_again_is_there_since_it_first_did() -> None:
    said = [told(40, {"status": 0}, 3), told(40, {"status": 0}, 5), told(13, {}, 1)]
    assert [view_of(*order)["recorders"][0]["from"] for order in (said, said[::-1])] == [stamp(3)] * 2


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([told(70)], "web"),
        ([told(72, {"limitType": "WebGL"}), snapshot(1)], "web"),
        ([told(73, {"reason": "x"})], "web"),
        ([told(71, {"code": 0})], "web"),
        ([snapshot(1), told(44, {"streamUid": "0", "state": 0})], "individual"),
        ([told(44, {"streamUid": 0, "state": 0})], "mix"),
        ([told(44, {"streamUid": "123", "state": 0})], None),
        ([told(80)], None),
    ],
)
def test_the_mode_is_told_by_what_only_one_mode_says(said: list[Notification], expected: str | None) -> None:
    assert detail(*said).get("mode") == expected


def test_the_first_file_is_the_earliest() -> None:
    said = [told(4, {"fileList": "b"}, 3), told(4, {"fileList": "a"}, 5), told(4, {}, 1)]
    assert detail(*said) == {"firstFile": {"fileName": "b", "at": stamp(3)}}


def test_the_highest_failover_that_a_file_name_counts_is_shown() -> None:
    assert detail(snapshot(1), snapshot(2))["mode"] == "individual"
    assert "failoverNames" not in detail(snapshot(1))
    assert detail(snapshot(3, prefix="bak0_"))["failoverNames"] == "bak0"
    assert detail(snapshot(1, prefix="bak2_"), snapshot(3, prefix="bak1_"), snapshot(4))["failoverNames"] == "bak2"


def test_failovers_are_as_many_as_recorders_were_named_or_file_names_count() -> None:
    named = [told(12, {"newUid": NEW}, 1), told(12, {"newUid": "3003"}, 2)]
    assert view_of(*named)["failovers"] == 2
    assert view_of(snapshot(3))["failovers"] == 0
    assert view_of(snapshot(3, prefix="bak0_"))["failovers"] == 1
    assert view_of(named[0], snapshot(3, prefix="bak2_"))["failovers"] == 3
    assert view_of(*named, snapshot(3, prefix="bak0_"))["failovers"] == 2


def test_the_status_that_was_reported_last_is_shown_in_words() -> None:
    assert detail(told(3, {"status": 5}, 1), told(3, {"status": 6}, 2, uid=""), told(3, {"status": 4}, 0)) == {
        "status": {"code": 6, "name": "recording_stopped", "meaning": "the recording has stopped", "at": stamp(2)}
    }


def test_high_availability_is_shown_once_registered() -> None:
    assert detail(told(13, {}, 2)) == {"highAvailability": {"state": "registered", "at": stamp(2)}}


def test_a_web_recorder_shows_its_start_its_stop_its_limits_and_its_reloads() -> None:
    said = [
        told(70, {"recorderStartTime": AT_MS + 1000}, 2),
        told(72, {"limitType": "resolution"}, 3),
        told(72, {"limitType": "resolution"}, 4),
        told(72, {"limitType": "heat"}, 5),
        told(73, {"reason": "audio_silence"}, 6),
        told(71, {"code": 1, "message": "max_recording_hour", "details": "4 hours"}, 7),
    ]
    assert detail(*said) == {
        "mode": "web",
        "webRecorder": {
            "startedAt": stamp(1),
            "stopped": {
                "code": 1,
                "reason": "max_recording_hour",
                "meaning": "the longest time that was allowed for the recording is over",
                "action": "Raise maxRecordingHour for pages that run longer.",
                "message": "max_recording_hour: 4 hours",
                "at": stamp(7),
            },
            "limits": [
                {"limitType": "heat", "at": stamp(5)},
                {
                    "limitType": "resolution",
                    "meaning": "the page's video is larger than the recorder can play smoothly",
                    "at": stamp(4),
                },
            ],
            "reloads": [
                {
                    "reason": "audio_silence",
                    "meaning": "the page had been silent, so it was loaded again",
                    "at": stamp(6),
                }
            ],
        },
    }


def test_a_web_recorder_that_does_not_tell_its_start_started_when_it_said_so() -> None:
    assert detail(told(70, {}, 2))["webRecorder"] == {"startedAt": stamp(2)}


def test_publishing_is_shown_by_address_with_the_stream_key_masked() -> None:
    said = [
        told(100, {"rtmpUrl": "rtmp://b.example/app/second", "status": "publishing"}, 3),
        told(100, {"rtmpUrl": "rtmp://a.example/app/first", "status": "connecting"}, 1),
        told(100, {"rtmpUrl": "rtmp://a.example/app/first", "status": "disconnected"}, 5),
    ]
    one, other = detail(*said)["publishing"]
    assert one["url"].startswith("rtmp://a.example/app/***")
    assert (one["status"], one["at"]) == ("disconnected", stamp(5))
    assert one["meaning"] == "the server at the address is not connected any more"
    assert (other["status"], other["at"]) == ("publishing", stamp(3))
    assert b"second" not in shown(said)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (
            [told(80, {}, 1)],
            {"latest": {"state": "started", "meaning": "the files are being transcoded", "at": stamp(1)}},
        ),
        (
            [told(80, {}, 1), told(81, {"result": "partial_success", "uids": ["1", "2"]}, 1, sequence=2)],
            {
                "latest": {
                    "state": "partial_success",
                    "meaning": "only some of the files were transcoded",
                    "at": stamp(1),
                    "uids": ["1", "2"],
                }
            },
        ),
        (
            [told(80, {}, 1), told(81, {"result": "odd"}, 1, sequence=2)],
            {"latest": {"state": "odd", "at": stamp(1)}},
        ),
        (
            [told(1001, {"result": "failed"}, 3)],
            {"final": {"state": "failed", "meaning": "no file was transcoded", "at": stamp(3)}},
        ),
    ],
)
def test_transcoding_is_shown_by_its_latest_word_and_its_final_result(
    said: list[Notification], expected: dict[str, Any]
) -> None:
    assert detail(*said) == {"transcoding": expected}


def test_started_and_completed_at_one_instant_is_completed() -> None:
    said = [told(81, {"result": "fail"}, 1), told(80, {}, 1)]
    assert detail(*said)["transcoding"]["latest"]["state"] == "fail"


def test_failed_downloads_are_shown_with_their_files_and_place() -> None:
    said = [
        told(90, {"vendor": 1, "region": 2, "bucket": "b", "fileName": "y;x"}, 1),
        told(90, {"fileName": "c"}, 2),
        told(90, {}, 3),
    ]
    assert detail(*said)["failedDownloads"] == [
        {"files": [], "vendor": "", "region": "", "bucket": "", "at": stamp(3)},
        {"files": ["c"], "vendor": "", "region": "", "bucket": "", "at": stamp(2)},
        {"files": ["y", "x"], "vendor": "1", "region": "2", "bucket": "b", "at": stamp(1)},
    ]


def test_files_on_demand_are_shown_by_id() -> None:
    said = [
        told(60, {"aliVodInfo": {"videoId": "v2"}}, 1),
        told(60, {"aliVodInfo": {"videoId": "v1"}}, 2),
        told(60, {}, 2),
        told(61, {}, 3),
    ]
    assert detail(*said) == {"vod": {"state": "triggered", "at": stamp(3), "videoIds": ["v1", "v2"]}}
    assert detail(said[0])["vod"] == {"state": "started", "at": stamp(1), "videoIds": ["v2"]}


def test_all_that_was_remarked_stands_in_one_order() -> None:
    said = [
        told(13),
        told(3, {"status": 5}),
        told(60),
        told(80),
        told(90),
        told(4, {"fileList": "a"}),
        snapshot(1, prefix="bak0_"),
        told(100, {"rtmpUrl": "rtmp://x/a/k", "status": "onhold"}),
        told(70),
    ]
    names = [
        "mode",
        "firstFile",
        "failoverNames",
        "status",
        "highAvailability",
        "webRecorder",
        "publishing",
        "transcoding",
        "failedDownloads",
        "vod",
    ]
    for seed in range(10):
        assert list(view_of(*Random(seed).sample(said, len(said)))["detail"]) == names

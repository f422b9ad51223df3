from typing import Any

import pytest

from webhook.samples import post_processing as later
from webhook.samples import recording as tell
from webhook.samples import web_recording as web
from webhook.samples.post_processing import Storage, Transcoded
from webhook.samples.recording import Payload, Speaker

BY = Speaker("a_b", "sid", "4000000000", 7, 1_764_000_000_123)

# what is built, its serviceType, its details
BUILT: list[tuple[Payload, int, dict[str, Any]]] = [
    (
        tell.error(BY, 110, 5, module=0),
        0,
        {
            "msgName": "cloud_recording_error",
            "module": 0,
            "errorLevel": 5,
            "errorCode": 110,
            "stat": 0,
            "errorMsg": "",
        },
    ),
    (tell.warning(BY, 32, module=0), 0, {"msgName": "cloud_recording_warning", "module": 0, "warnCode": 32}),
    (
        tell.status_updated(BY, 20, "f.m3u8", recording_mode=1),
        0,
        {"msgName": "cloud_recording_status_update", "status": 20, "recordingMode": 1, "fileList": "f.m3u8"},
    ),
    (tell.file_infos(BY, "f.m3u8"), 2, {"msgName": "cloud_recording_file_infos", "fileList": "f.m3u8"}),
    (tell.session_exit(BY, tell.ABNORMAL), 0, {"msgName": "session_exit", "exitStatus": 1}),
    (tell.failover(BY, "9"), 0, {"msgName": "session_failover", "newUid": "9"}),
    (tell.high_availability_registered(BY), 0, {"msgName": "high_availability_registered"}),
    (tell.uploader_started(BY, 1), 2, {"msgName": "uploader_started", "status": 1}),
    (tell.uploaded(BY, None), 2, {"msgName": "uploaded", "status": 0}),
    (tell.uploaded(BY, [], status=1), 2, {"msgName": "uploaded", "status": 1, "fileList": []}),
    (tell.backed_up(BY, iter([{}])), 2, {"msgName": "backuped", "status": 0, "fileList": [{}]}),
    (tell.backed_up(BY, None, status=1), 2, {"msgName": "backuped", "status": 1}),
    (tell.uploading(BY, 10_000), 2, {"msgName": "uploading_progress", "progress": 10_000}),
    (tell.recorder_started(BY, 1), 1, {"msgName": "recorder_started", "status": 1}),
    (tell.recorder_left(BY, 24), 1, {"msgName": "recorder_leave", "leaveCode": 24}),
    (
        tell.slice_started(BY, "12", 5_000, lost_since_ms=2_000, track="audio"),
        1,
        {
            "msgName": "recorder_slice_start",
            "startUtcMs": 5_000,
            "discontinueUtcMs": 2_000,
            "mixedAllUser": False,
            "streamUid": "12",
            "trackType": "audio",
        },
    ),
    (
        tell.slice_started(BY, tell.MIXED, 5_000, track="audio_and_video"),
        1,
        {
            "msgName": "recorder_slice_start",
            "startUtcMs": 5_000,
            "discontinueUtcMs": 5_000,
            "mixedAllUser": True,
            "streamUid": "0",
            "trackType": "audio_and_video",
        },
    ),
    (
        tell.audio_changed(BY, "12", tell.RECEIVING, 5_000),
        1,
        {"msgName": "recorder_audio_stream_state_changed", "streamUid": "12", "state": 0, "UtcMs": 5_000},
    ),
    (
        tell.video_changed(BY, "12", tell.NOT_RECEIVING, 5_000, clock="utcMs"),
        1,
        {"msgName": "recorder_video_stream_state_changed", "streamUid": "12", "state": 1, "utcMs": 5_000},
    ),
    (tell.snapshot(BY, "p/f.jpg"), 1, {"msgName": "recorder_snapshot_file", "fileName": "p/f.jpg"}),
    (later.vod_started(BY, "v"), 4, {"msgName": "vod_started", "aliVodInfo": {"videoId": "v"}}),
    (later.vod_triggered(BY), 4, {"msgName": "vod_triggered"}),
    (
        web.web_recorder_started(BY, 5_000),
        6,
        {"msgName": "web_recorder_started", "recorderStartTime": 5_000},
    ),
    (
        web.web_recorder_stopped(BY, 1, [web.web_file("f.mp4", 5_000)], "four hours are over"),
        6,
        {
            "msgName": "web_recorder_stopped",
            "code": 1,
            "message": "max_recording_hour",
            "details": "four hours are over",
            "fileList": [{"filename": "f.mp4", "sliceStartTime": 5_000}],
        },
    ),
    (
        web.web_capability_exceeded(BY, "bandwidth"),
        6,
        {"msgName": "web_recorder_capability_limit", "limitType": "bandwidth"},
    ),
    (
        web.web_page_reloaded(BY, "page_load_timeout"),
        6,
        {"msgName": "web_recorder_reload", "reason": "page_load_timeout"},
    ),
    (later.transcoder_started(BY), 7, {"msgName": "transcoder_started"}),
    (
        later.transcoder_completed(BY, "fail", [Transcoded("12", "fail", "f.mp4")]),
        7,
        {
            "msgName": "transcoder_completed",
            "result": "fail",
            "uids": [{"uid": "12", "result": "fail", "fileList": [{"fileName": "f.mp4"}]}],
        },
    ),
    (
        later.download_failed(BY, ["a.ts", "b.ts"], Storage(2, 3, "b")),
        8,
        {"msgName": "download_failed", "vendor": 2, "region": 3, "bucket": "b", "fileName": "a.ts;b.ts"},
    ),
    (
        web.rtmp_published(BY, "rtmp://a/b", "disconnected"),
        6,
        {"msgName": "rtmp_publish_status", "rtmpUrl": "rtmp://a/b", "status": "disconnected"},
    ),
    (
        later.transcoding_finished(BY, "failed", ["f.mp4"]),
        0,
        {"msgName": "postpone_transcode_final_result", "result": "failed", "fileList": [{"fileName": "f.mp4"}]},
    ),
]


@pytest.mark.parametrize(("payload", "service_type", "details"), BUILT, ids=[each[2]["msgName"] for each in BUILT])
def test_a_builder_tells_what_it_is_given(payload: Payload, service_type: int, details: dict[str, Any]) -> None:
    assert payload == {
        "cname": "a_b",
        "uid": "4000000000",
        "sid": "sid",
        "sequence": 7,
        "sendts": 1_764_000_000_123,
        "serviceType": service_type,
        "details": details,
    }


def test_the_scene_is_told_where_there_is_one() -> None:
    by = Speaker("a_b", "sid", "1", 0, 0, scene="mix_record")
    assert tell.recorder_started(by)["serviceScene"] == "mix_record"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (0, "ok"),
        (1, "max_recording_hour"),
        (2, "capability_limit"),
        (3, "start_engine_failed"),
        (4, "page_load_timeout"),
        (5, "access_url_failed"),
        (6, "recorder_error"),
    ],
)
def test_a_web_recorder_that_stopped_says_why(code: int, message: str) -> None:
    details = web.web_recorder_stopped(BY, code)["details"]
    assert (details["code"], details["message"], details["fileList"]) == (code, message, [])
    assert isinstance(details["details"], str)


@pytest.mark.parametrize(
    ("entry", "name", "track", "uid"),
    [
        (tell.video_file(BY, "12", 5_000), "sid_a-b__uid_s_12__uid_e_video.m3u8", "video", "12"),
        (tell.audio_file(BY, "12", 5_000), "sid_a-b__uid_s_12__uid_e_audio.m3u8", "audio", "12"),
        (tell.mixed_file(BY, 5_000), "sid_a-b.m3u8", "audio_and_video", "0"),
    ],
)
def test_a_file_is_named_by_the_convention(entry: Payload, name: str, track: str, uid: str) -> None:
    assert entry == {
        "fileName": name,
        "trackType": track,
        "uid": uid,
        "mixedAllUser": uid == "0",
        "isPlayable": True,
        "sliceStartTime": 5_000,
    }

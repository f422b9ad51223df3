from typing import Any

import pytest

from webhook.samples import (
    conversational_ai,
    media_gateway,
    media_pull,
    media_push,
    rtc,
    speech_to_text,
    speech_to_text_v5,
    transcoding,
)
from webhook.samples.wire import Payload

AT_MS, AT_S = 1_764_000_123_456, 1_764_000_123
BEGUN_MS, BEGUN_S = 1_764_000_000_456, 1_764_000_000

USER = rtc.User("hall", 4_000_000_000, rtc.LINUX, rtc.CLOUD_RECORDER, "ann")
GUEST = rtc.User("hall", 12)
PLAYER = media_pull.Player("p1", "hall", 31, BEGUN_MS, "name", "rtmp://a/b", "t")
CONVERTER = media_push.Converter("c1", "hall", BEGUN_MS, "name", "rtmp://a/b", (12, 13))
RAW = media_push.Converter("c1", "hall", BEGUN_MS, uids=(12,), raw=True)
INGEST = media_gateway.Ingest("g1", "hall", "32", BEGUN_MS, "k", digits=2)
AGENT = conversational_ai.Agent("a1", "hall", BEGUN_MS, name="name", labels={"x": "y"})
AGENT_IN_MS = conversational_ai.Agent("a1", "hall", BEGUN_MS, in_ms=True)
SCRIBE = speech_to_text.Agent("s1", "hall", BEGUN_MS)
TASK = speech_to_text_v5.Task("t1", "ha_ll", "1", "2")
TRANSCODER = transcoding.Transcoder("t2", "hall", BEGUN_MS, (12, 13), 33, "i1")

# what is built, and what its payload says among other things, by dotted path; None means absent
BUILT: list[tuple[Payload, dict[str, Any]]] = [
    (rtc.channel_created("hall", AT_MS), {"channelName": "hall", "ts": AT_S, "uid": None, "clientSeq": None}),
    (rtc.channel_destroyed("hall", AT_MS, 12), {"channelName": "hall", "ts": AT_S, "lastUid": 12, "clientSeq": None}),
    (
        rtc.joined(USER, 2**64 - 1, AT_MS),
        {
            "channelName": "hall",
            "uid": 4_000_000_000,
            "platform": 6,
            "clientType": 10,
            "clientSeq": 2**64 - 1,
            "ts": AT_S,
            "account": "ann",
            "reason": None,
        },
    ),
    (rtc.joined(GUEST, 1, AT_MS), {"platform": 7, "clientType": None, "account": None}),
    (rtc.left(USER, 2, AT_MS, duration_s=60, reason=999), {"clientSeq": 2, "duration": 60, "reason": 999, "ts": AT_S}),
    (rtc.left(GUEST, 2, AT_MS, duration_s=60), {"uid": 12, "reason": 1}),
    (rtc.role_changed(USER, 3, AT_MS), {"clientSeq": 3, "account": "ann", "platform": None, "clientType": None}),
    (
        media_pull.created(PLAYER, AT_MS, "success"),
        {
            "player.id": "p1",
            "player.channelName": "hall",
            "player.uid": 31,
            "player.createTs": BEGUN_S,
            "player.name": "name",
            "player.streamUrl": "rtmp://a/b",
            "player.token": "t",
            "player.status": "success",
            "lts": AT_MS,
        },
    ),
    (media_pull.destroyed(PLAYER, AT_MS), {"destroyReason": "Delete Request", "player.token": None}),
    (media_pull.destroyed(PLAYER, AT_MS, "Idle Timeout"), {"destroyReason": "Idle Timeout", "player.id": "p1"}),
    (media_pull.status_changed(PLAYER, AT_MS, "failed"), {"player.status": "failed", "lts": AT_MS}),
    (
        media_push.created(CONVERTER, AT_MS, "running"),
        {
            "converter.id": "c1",
            "converter.name": "name",
            "converter.createTs": BEGUN_S,
            "converter.updateTs": AT_S,
            "converter.rtmpUrl": "rtmp://a/b",
            "converter.state": "running",
            "converter.transcodeOptions.rtcChannel": "hall",
            "converter.transcodeOptions.audioOptions.rtcStreamUids": [12, 13],
            "converter.rawOptions": None,
            "lts": AT_S,
        },
    ),
    (
        media_push.created(RAW, AT_MS),
        {
            "converter.rawOptions.rtcChannel": "hall",
            "converter.rawOptions.rtcStreamUid": 12,
            "converter.transcodeOptions": None,
            "converter.state": "connecting",
        },
    ),
    (
        media_push.configuration_changed(CONVERTER, AT_MS, "failed"),
        {"converter.rtmpUrl": "rtmp://a/b", "converter.state": "failed", "converter.transcodeOptions": None},
    ),
    (
        media_push.state_changed(CONVERTER, AT_MS, "failed"),
        {"converter.state": "failed", "converter.rtmpUrl": None, "fields": "id,createTs,updateTs,state"},
    ),
    (
        media_push.destroyed(CONVERTER, AT_MS, "Internal Error"),
        {"destroyReason": "Internal Error", "converter.id": "c1", "converter.state": None},
    ),
    (
        media_gateway.connected(INGEST),
        {
            "sid": "g1",
            "rtcInfo.channel": "hall",
            "rtcInfo.uid": "32",
            "streamKey": "k",
            "beginAt": "2025-11-24T16:00:00.45Z",
            "endAt": None,
        },
    ),
    (
        media_gateway.disconnected(INGEST, AT_MS, media_gateway.Traffic(1, 2, 3, 4)),
        {
            "endAt": "2025-11-24T16:02:03.45Z",
            "streamStats.inputAudioBytes": 1,
            "streamStats.inputVideoBytes": 2,
            "streamStats.outputAudioBytes": 3,
            "streamStats.outputVideoBytes": 4,
        },
    ),
    (media_gateway.aborted(INGEST, 9), {"errorCode": 9, "reason": "network"}),
    (media_gateway.aborted(INGEST, 1, "why"), {"errorCode": 1, "reason": "why", "endAt": None}),
    (media_gateway.profile_updated(INGEST, 640, 360), {"videoProfile.width": 640, "videoProfile.height": 360}),
    (
        conversational_ai.joined(AGENT),
        {"agent_id": "a1", "name": "name", "channel": "hall", "start_ts": BEGUN_S, "labels.x": "y", "stop_ts": None},
    ),
    (conversational_ai.joined(AGENT_IN_MS), {"start_ts": BEGUN_MS, "labels": None}),
    (
        conversational_ai.left(AGENT, AT_MS, "FAILED", "RTC connection error"),
        {"stop_ts": AT_S, "status": "FAILED", "message": "RTC connection error"},
    ),
    (conversational_ai.left(AGENT_IN_MS, AT_MS), {"stop_ts": AT_MS, "status": "STOPPED", "message": "OK"}),
    (
        conversational_ai.history(AGENT, AT_MS, [("user", "hi")]),
        {"contents": [{"role": "user", "content": "hi"}], "stop_ts": AT_S},
    ),
    (conversational_ai.token_expiring(AGENT), {"start_ts": BEGUN_S, "stop_ts": None}),
    (
        conversational_ai.failed(AGENT, [conversational_ai.Fault("tts", 500, "no", 2)]),
        {"errors": [{"module": "tts", "turn_id": 2, "code": 500, "message": "no"}], "stop_ts": None},
    ),
    (
        conversational_ai.failed(AGENT, [conversational_ai.Fault("sip", 50, "no")]),
        {"errors": [{"module": "sip", "turn_id": "", "code": 50, "message": "no"}]},
    ),
    (conversational_ai.measured(AGENT, AT_MS, [{"turn_id": 1}]), {"metrics": [{"turn_id": 1}]}),
    (
        conversational_ai.turns_finished(AGENT, AT_MS, 250, truncated=True),
        {"total_turn_count": 250, "is_truncated": True, "turns.0.turn_id": 250, "turns.0.end.end_at": AT_MS},
    ),
    (
        conversational_ai.call_changed(AGENT, "HANGUP", AT_MS),
        {"state": "HANGUP", "report_ms": AT_MS, "channel": "hall", "start_ts": None},
    ),
    (speech_to_text.joined(SCRIBE), {"agent_id": "s1", "channel": "hall", "start_ts": BEGUN_S, "stop_ts": None}),
    (
        speech_to_text.left(SCRIBE, AT_MS, "FAILED", "Fatal ASR error"),
        {"start_ts": BEGUN_S, "stop_ts": AT_S, "status": "FAILED", "message": "Fatal ASR error"},
    ),
    (
        speech_to_text_v5.file_infos(TASK, AT_MS, "f.m3u8"),
        {
            "taskId": "t1",
            "cname": "ha_ll",
            "subBotUid": "1",
            "pubBotUid": "2",
            "sequence": 0,
            "sendts": AT_S,
            "sid": None,
            "details.msgName": "cloud_recording_file_infos",
            "details.fileList": "f.m3u8",
        },
    ),
    (
        speech_to_text_v5.uploader_started(TASK, AT_MS, 1),
        {"details.msgName": "uploader_started", "details.status": 1, "sendts": AT_S},
    ),
    (
        speech_to_text_v5.uploaded(TASK, AT_MS, [speech_to_text_v5.text_file(TASK, "en-US", BEGUN_MS)], 1),
        {
            "details.msgName": "uploaded",
            "details.status": 1,
            "details.fileList.0.fileName": "en-US_t1_ha-ll.m3u8",
            "details.fileList.0.sliceStartTime": BEGUN_MS,
        },
    ),
    (
        speech_to_text_v5.backed_up(TASK, AT_MS, [], 1),
        {"details.msgName": "backuped", "details.status": 1, "details.fileList": []},
    ),
    (
        speech_to_text_v5.uploading(TASK, AT_MS, 5),
        {"details.msgName": "uploading_progress", "details.progress": 5, "sequence": 0},
    ),
    (
        transcoding.started(TRANSCODER, 4, AT_MS),
        {
            "taskId": "t2",
            "instanceId": "i1",
            "sequence": 4,
            "sendts": AT_MS,
            "serviceScene": "rtsc/cloud-transcoder",
            "details.event": "cloud_transcoder_started",
            "details.transcoder.inputs.1.rtcUid": 13,
            "details.transcoder.inputs.1.rtcChannel": "hall",
            "details.transcoder.outputs.0.rtcUid": 33,
            "details.transcoder.outputs.0.rtcChannel": "hall",
        },
    ),
    (
        transcoding.stopped(TRANSCODER, 5, AT_MS, "Idle timeout"),
        {"sequence": 5, "details.event": "cloud_transcoder_stopped", "details.stopReason": "Idle timeout"},
    ),
    (
        transcoding.state_changed(TRANSCODER, 6, AT_MS, "failed"),
        {"details.event": "cloud_transcoder_status", "details.state": "failed", "details.transcoder": None},
    ),
    (
        transcoding.updated(TRANSCODER, 7, AT_MS, "paused"),
        {
            "details.event": "cloud_transcoder_updated",
            "details.state": "paused",
            "details.transcoder.inputs.0.rtcUid": 12,
        },
    ),
]


@pytest.mark.parametrize(("payload", "says"), BUILT)
def test_a_builder_tells_what_it_is_given(payload: Payload, says: dict[str, Any]) -> None:
    assert {path: at(payload, path) for path in says} == says


def at(payload: Payload, path: str) -> Any:
    value: Any = payload
    for key in path.split("."):
        value = value[int(key)] if isinstance(value, list) else value.get(key)
    return value


@pytest.mark.parametrize("code", range(1, 11))
def test_every_error_code_of_the_gateway_has_a_reason(code: int) -> None:
    payload = media_gateway.aborted(INGEST, code)
    assert payload["errorCode"] == code
    assert payload["reason"]

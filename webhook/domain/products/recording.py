"""Cloud Recording, product 3 (agora-notifications.md, section 4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from webhook.domain.envelope import Envelope
from webhook.domain.events import Track
from webhook.domain.products.table import EventType, Product
from webhook.domain.recording import decoders
from webhook.domain.recording.events import SnapshotTaken
from webhook.domain.wire import integer, mapping, milliseconds, name, text

LONGEST_UID = 256
LARGEST_SEQUENCE = 2**64 - 1  # the widest counter that Agora sends
EVENT_CLOCKS = ("UtcMs", "utcMs")  # [field] both spellings
PAYLOAD_FIELDS = frozenset(
    {"cname", "uid", "sid", "sequence", "sendts", "serviceType", "serviceScene", "details"}  # [field] serviceScene
)


def _fields(*names: str) -> frozenset[str]:
    return frozenset({"msgName", *names})


EVENTS: dict[int, EventType] = {
    34: EventType("undocumented_34", 0, decoders.unrecognised, fields=_fields()),
    46: EventType("undocumented_46", 0, decoders.unrecognised, fields=_fields()),
    47: EventType("undocumented_47", 0, decoders.unrecognised, fields=_fields()),
    13: EventType("high_availability_registered", 5, decoders.high_availability, fields=_fields()),
    3: EventType(
        "cloud_recording_status_update", 6, decoders.status, fields=_fields("status", "recordingMode", "fileList")
    ),
    40: EventType("recorder_started", 10, decoders.recorder_started, fields=_fields("status")),
    30: EventType("uploader_started", 11, decoders.upload_started, fields=_fields("status")),
    70: EventType("web_recorder_started", 12, decoders.web_recorder_started, fields=_fields("recorderStartTime")),
    80: EventType("transcoder_started", 13, decoders.transcoder_started, fields=_fields()),
    60: EventType("vod_started", 14, decoders.vod_started, fields=_fields("aliVodInfo")),
    42: EventType(
        "recorder_slice_start",
        19,
        decoders.slice_started,
        fields=_fields("startUtcMs", "discontinueUtcMs", "mixedAllUser", "streamUid", "trackType"),
    ),
    43: EventType(
        "recorder_audio_stream_state_changed",
        20,
        decoders.stream_changed(Track.AUDIO),
        EVENT_CLOCKS,
        _fields("streamUid", "state", *EVENT_CLOCKS),
    ),
    44: EventType(
        "recorder_video_stream_state_changed",
        21,
        decoders.stream_changed(Track.VIDEO),
        EVENT_CLOCKS,
        _fields("streamUid", "state", *EVENT_CLOCKS),
    ),
    45: EventType("recorder_snapshot_file", 22, decoders.snapshot_taken, fields=_fields("fileName")),
    33: EventType("uploading_progress", 23, decoders.upload_progressed, fields=_fields("progress")),
    4: EventType("cloud_recording_file_infos", 24, decoders.first_file, fields=_fields("fileList")),
    72: EventType("web_recorder_capability_limit", 25, decoders.web_limit, fields=_fields("limitType")),
    73: EventType("web_recorder_reload", 26, decoders.web_reload, fields=_fields("reason")),
    100: EventType("rtmp_publish_status", 27, decoders.publish_changed, fields=_fields("rtmpUrl", "status")),
    90: EventType(
        "download_failed", 28, decoders.download_failed, fields=_fields("vendor", "region", "bucket", "fileName")
    ),
    12: EventType("session_failover", 30, decoders.failed_over, fields=_fields("newUid")),
    2: EventType("cloud_recording_warning", 34, decoders.warning, fields=_fields("module", "warnCode")),
    1: EventType(
        "cloud_recording_error",
        35,
        decoders.error,
        fields=_fields("module", "errorLevel", "errorCode", "stat", "errorMsg"),
    ),
    61: EventType("vod_triggered", 36, decoders.vod_triggered, fields=_fields()),
    81: EventType("transcoder_completed", 37, decoders.transcoder_completed, fields=_fields("result", "uids")),
    1001: EventType(
        "postpone_transcode_final_result", 38, decoders.postponed_transcoding, fields=_fields("result", "fileList")
    ),
    71: EventType(
        "web_recorder_stopped",
        39,
        decoders.web_recorder_stopped,
        fields=_fields("code", "message", "details", "fileList"),
    ),
    41: EventType("recorder_leave", 40, decoders.recorder_left, fields=_fields("leaveCode")),
    32: EventType("backuped", 50, decoders.backed_up, fields=_fields("status", "fileList")),
    31: EventType("uploaded", 51, decoders.uploaded, fields=_fields("status", "fileList")),
    11: EventType("session_exit", 60, decoders.session_exited, fields=_fields("exitStatus")),
}


def _session_id(envelope: Envelope, project: str) -> str | None:
    return text(envelope.payload.get("sid")) or envelope.sid or None


def _channel(envelope: Envelope) -> str | None:
    return name(envelope.payload.get("cname"))


def _details(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    return mapping(payload.get("details"))


def _teller(envelope: Envelope) -> str | None:
    return name(envelope.payload.get("uid"))


def _sequence(envelope: Envelope) -> int | None:
    number = integer(envelope.payload.get("sequence"))
    return number if number is not None and 0 <= number <= LARGEST_SEQUENCE else None


def _occurred_ms(envelope: Envelope) -> int | None:
    row = EVENTS.get(envelope.event_type)
    clock = row.clock if row else ()
    details = mapping(envelope.payload.get("details"))
    own = (milliseconds(details.get(key)) for key in clock)
    return next(filter(None, own), None) or milliseconds(envelope.payload.get("sendts"))


def _effect(event: object) -> str | None:
    return event.file if isinstance(event, SnapshotTaken) else None


RECORDING = Product(
    name="cloud_recording",
    product_id=3,
    events=EVENTS,
    session_id=_session_id,
    channel=_channel,
    teller=_teller,
    occurred_ms=_occurred_ms,
    sequence=_sequence,
    effect=_effect,
    content=_details,
    fields=PAYLOAD_FIELDS,
)

"""Payloads of Cloud Transcoding (agora-notifications.md, section 8), recognised by SERVICE_SCENE. Times are in ms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from webhook.samples.cast import BEGUN_BEFORE_MS, CHANNEL, PUBLISHER
from webhook.samples.wire import Payload, Sample

PRODUCT_ID = 99  # the number is not documented; Vigil knows none of this value, so the shape has to tell
SERVICE_SCENE = "rtsc/cloud-transcoder"


class Transcoder(Struct, frozen=True):
    """A transcoder: which users of a channel it mixes into which other one there, since `created_ms`."""

    task_id: str
    channel: str
    created_ms: int
    input_uids: tuple[int, ...] = (PUBLISHER,)
    output_uid: int = 700_003
    instance_id: str = "instance-of-a-sample"


def started(by: Transcoder, sequence: int, sent_ms: int) -> Payload:
    """Type 110: the transcoder runs."""
    details = {"state": "Transcoder success", "transcoder": _configuration(by)}
    return _told(by, sequence, sent_ms, "cloud_transcoder_started", **details)


def stopped(by: Transcoder, sequence: int, sent_ms: int, reason: str = "Stop request") -> Payload:
    """Type 111: the transcoder is gone, for `reason`."""
    return _told(by, sequence, sent_ms, "cloud_transcoder_stopped", stopReason=reason, updateTs=sent_ms)


def state_changed(by: Transcoder, sequence: int, sent_ms: int, state: str) -> Payload:
    """Type 112: the transcoder is in `state`, such as running."""
    return _told(by, sequence, sent_ms, "cloud_transcoder_status", state=state, updateTs=sent_ms)


def updated(by: Transcoder, sequence: int, sent_ms: int, state: str = "running") -> Payload:
    """Type 113: the transcoder mixes as `by` says from now on."""
    details = {"state": state, "updateTs": sent_ms, "transcoder": _configuration(by)}
    return _told(by, sequence, sent_ms, "cloud_transcoder_updated", **details)


def _told(by: Transcoder, sequence: int, sent_ms: int, event: str, /, **details: Any) -> Payload:
    return {
        "taskId": by.task_id,
        "instanceId": by.instance_id,
        "sequence": sequence,
        "sendts": sent_ms,
        "serviceScene": SERVICE_SCENE,
        "details": {"event": event, "createTs": by.created_ms} | details,
    }


def _configuration(by: Transcoder) -> Payload:
    return {"inputs": [_end(by, uid) for uid in by.input_uids], "outputs": [_end(by, by.output_uid)]}


def _end(by: Transcoder, uid: int) -> Payload:
    return {"rtcChannel": by.channel, "rtcUid": uid, "audio": True, "video": True}


def _transcoder(at_ms: int) -> Transcoder:
    return Transcoder("d40b7a83e2c94f51b6087e9d1f3c25a6", CHANNEL, at_ms - BEGUN_BEFORE_MS)


SAMPLES: Mapping[int, Sample] = {
    110: lambda at_ms: started(_transcoder(at_ms), 0, at_ms),
    112: lambda at_ms: state_changed(_transcoder(at_ms), 1, at_ms, "running"),
    113: lambda at_ms: updated(_transcoder(at_ms), 2, at_ms),
    111: lambda at_ms: stopped(_transcoder(at_ms), 3, at_ms),
}

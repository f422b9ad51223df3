"""Payloads of web page recording, productId 3, types 70 to 73 and 100 (agora-notifications.md, section 4)."""

from __future__ import annotations

from collections.abc import Iterable

from webhook.samples.recording import Payload, Speaker, told

WEB_RECORDER = 6  # serviceType
STOP_MESSAGES = (
    "ok",
    "max_recording_hour",
    "capability_limit",
    "start_engine_failed",
    "page_load_timeout",
    "access_url_failed",
    "recorder_error",
)


def web_recorder_started(by: Speaker, at_ms: int) -> Payload:
    """Type 70: the page is recorded since `at_ms`; recorderStartTime in ms."""
    return told(by, WEB_RECORDER, "web_recorder_started", recorderStartTime=at_ms)


def web_recorder_stopped(by: Speaker, code: int, files: Iterable[Payload] = (), text: str | None = None) -> Payload:
    """Type 71: the recording of the page stopped; `code` is the position in STOP_MESSAGES, 0 being as asked.

    Its `details` is a string: `text`, else the message in words.
    """
    message = STOP_MESSAGES[code]
    words = message.replace("_", " ") if text is None else text
    told_files = {"code": code, "message": message, "details": words, "fileList": list(files)}
    return told(by, WEB_RECORDER, "web_recorder_stopped", **told_files)


def web_file(name: str, begun_ms: int) -> Payload:
    """One entry of the fileList of 71, which spells `filename`; sliceStartTime in ms."""
    return {"filename": name, "sliceStartTime": begun_ms}


def web_capability_exceeded(by: Speaker, limit_type: str) -> Payload:
    """Type 72: the page needs more than can be recorded; `limit_type` resolution, WebGL or bandwidth."""
    return told(by, WEB_RECORDER, "web_recorder_capability_limit", limitType=limit_type)


def web_page_reloaded(by: Speaker, reason: str) -> Payload:
    """Type 73: the page was loaded again; `reason` audio_silence or page_load_timeout."""
    return told(by, WEB_RECORDER, "web_recorder_reload", reason=reason)


def rtmp_published(by: Speaker, rtmp_url: str, status: str) -> Payload:
    """Type 100: the push of the page to a CDN; `status` connecting, publishing, onhold or disconnected."""
    return told(by, WEB_RECORDER, "rtmp_publish_status", rtmpUrl=rtmp_url, status=status)

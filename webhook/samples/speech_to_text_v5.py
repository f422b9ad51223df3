"""Payloads of Real-Time STT v5 and v6 (agora-notifications.md, section 8), recognised by subBotUid and taskId.

`sendts` is in seconds, and every event has the sequence 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from webhook.samples.cast import BEGUN_BEFORE_MS, CHANNEL
from webhook.samples.recording import COMPLETE, UPLOADER, channel_in_names
from webhook.samples.wire import Payload, Sample, seconds

PRODUCT_ID = 98  # the number is not documented; Vigil knows none of this value, so the shape has to tell


class Task(Struct, frozen=True):
    """A transcription task in a channel, with the bots that listen and speak for it."""

    task_id: str
    cname: str
    sub_bot_uid: str = "700004"
    pub_bot_uid: str = "700005"


def file_infos(task: Task, sent_ms: int, file_name: str) -> Payload:
    """Type 4: the first M3U8 is written. Its fileList is a string."""
    return _told(task, sent_ms, "cloud_recording_file_infos", fileList=file_name)


def uploader_started(task: Task, sent_ms: int, status: int = 0) -> Payload:
    """Type 30: the uploader runs."""
    return _told(task, sent_ms, "uploader_started", status=status)


def uploaded(task: Task, sent_ms: int, files: Iterable[Payload], status: int = 0) -> Payload:
    """Type 31: every file is in the customer's storage."""
    return _told(task, sent_ms, "uploaded", status=status, fileList=list(files))


def backed_up(task: Task, sent_ms: int, files: Iterable[Payload], status: int = 0) -> Payload:
    """Type 32: at least one file went to Agora's backup."""
    return _told(task, sent_ms, "backuped", status=status, fileList=list(files))


def uploading(task: Task, sent_ms: int, progress: int) -> Payload:
    """Type 33: `progress` from 0 to 10000."""
    return _told(task, sent_ms, "uploading_progress", progress=progress)


def text_file(task: Task, language: str, begun_ms: int) -> Payload:
    """One entry of a fileList: the text in `language`; sliceStartTime in ms."""
    return {"fileName": f"{language}_{_playlist(task)}", "trackType": "audio", "sliceStartTime": begun_ms}


def _playlist(task: Task) -> str:
    return f"{task.task_id}_{channel_in_names(task.cname)}.m3u8"


def _told(task: Task, sent_ms: int, name: str, /, **details: Any) -> Payload:
    return {
        "cname": task.cname,
        "taskId": task.task_id,
        "subBotUid": task.sub_bot_uid,
        "pubBotUid": task.pub_bot_uid,
        "sequence": 0,
        "sendts": seconds(sent_ms),
        "serviceType": UPLOADER,
        "serviceScene": "Real-Time STT",
        "details": {"msgName": name} | details,
    }


_TASK = Task("71e4c09f5b2d4836a8d3f60b17c9e254", CHANNEL)


def _files(at_ms: int) -> list[Payload]:
    return [text_file(_TASK, language, at_ms - BEGUN_BEFORE_MS) for language in ("en-US", "de-DE")]


SAMPLES: Mapping[int, Sample] = {
    4: lambda at_ms: file_infos(_TASK, at_ms, _playlist(_TASK)),
    30: lambda at_ms: uploader_started(_TASK, at_ms),
    31: lambda at_ms: uploaded(_TASK, at_ms, _files(at_ms)),
    32: lambda at_ms: backed_up(_TASK, at_ms, _files(at_ms)),
    33: lambda at_ms: uploading(_TASK, at_ms, COMPLETE),
}

"""Real-Time STT (agora-notifications.md, section 8): agents of v7, product 20, and tasks of v5 and v6.

The number of v5 and v6 is not documented: their payloads, shaped as those of recordings, are recognised by `subBotUid`
and `taskId`. There `sendts` is in seconds and every `sequence` is 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from webhook.domain.entity.agents import NAMELESS, agent_id, channel_of_agent, joined, left
from webhook.domain.entity.events import Happened, Problem
from webhook.domain.entity.fields import told, word
from webhook.domain.envelope import Envelope
from webhook.domain.products.agent_terms import BACKED_UP, UPLOADED, UPLOADER
from webhook.domain.products.table import EventType, Product
from webhook.domain.states import State
from webhook.domain.wire import integer, mapping, milliseconds, text

NAME = "speech_to_text"
FULL_PROGRESS = 10_000


def _joined(payload: Mapping[str, Any]) -> Happened:
    return joined(payload, ())


def _left(payload: Mapping[str, Any]) -> Happened:
    return left(NAME, payload, ())


def _occurred_ms(envelope: Envelope) -> int | None:
    row = AGENT_EVENTS.get(envelope.event_type)
    return next((milliseconds(envelope.payload.get(key)) for key in (row.clock if row else ())), None)


def _uploader_started(details: Mapping[str, Any]) -> Happened:
    status = _status(details)
    started = Happened(kind="uploader_started", phase=State.LIVE, begins=True)
    return started if status == 0 else replace(started, phase=State.FAILED, precedence=1, problems=(_problem(status),))


def _file_begun(details: Mapping[str, Any]) -> Happened:
    file = word(details.get("fileList"))
    return Happened(kind="file_begun", phase=State.LIVE, properties=told(upload_file=file, upload_status="uploading"))


def _progressed(details: Mapping[str, Any]) -> Happened:
    progress = integer(details.get("progress"))
    share = None if progress is None else min(max(progress / FULL_PROGRESS, 0.0), 1.0)
    properties = told(upload_progress=share, upload_status="uploading")
    return Happened(kind="upload_progressed", phase=State.LIVE, properties=properties)


def _stored(reason: str) -> Callable[[Mapping[str, Any]], Happened]:
    def decode(details: Mapping[str, Any]) -> Happened:
        status, files = _status(details), details.get("fileList")
        count = len(files) if isinstance(files, list) else None
        return Happened(
            kind="stored",
            phase=State.ENDED,
            final=True,
            abnormal=status != 0,
            reason=reason,
            properties=told(upload_files=count, upload_status=reason.replace(" ", "_")),
            problems=() if status == 0 else (_problem(status),),
        )

    return decode


def _status(details: Mapping[str, Any]) -> int | None:
    return integer(details.get("status", 0))


def _problem(status: int | None) -> Problem:
    return Problem(UPLOADER, status, "")


def _details(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    return mapping(payload.get("details"))


def _task_id(envelope: Envelope, project: str) -> str | None:
    # without its channel it would be routed by its id, and its session split over two shards
    return text(envelope.payload.get("taskId")) if _channel(envelope) else None


def _channel(envelope: Envelope) -> str | None:
    return text(envelope.payload.get("cname"))


def _sent_ms(envelope: Envelope) -> int | None:
    return milliseconds(envelope.payload.get("sendts"))


def _recognises(payload: Mapping[str, Any]) -> bool:
    return "subBotUid" in payload and "taskId" in payload


AGENT_FIELDS = frozenset({"agent_id", "channel", "start_ts", "stop_ts", "status", "message"})
TASK_FIELDS = frozenset(
    {
        *("cname", "taskId", "subBotUid", "pubBotUid", "sequence", "sendts", "serviceType", "serviceScene", "details"),
    }
)
DETAILS = frozenset({"msgName", "status", "fileList", "progress"})

AGENT_EVENTS: dict[int, EventType] = {
    101: EventType("agent_joined", 10, _joined, ("start_ts",)),
    102: EventType("agent_left", 60, _left, ("stop_ts",)),
}
TASK_EVENTS: dict[int, EventType] = {
    30: EventType("uploader_started", 10, _uploader_started, (), DETAILS),
    4: EventType("file_infos", 20, _file_begun, (), DETAILS),
    33: EventType("uploading_progress", 21, _progressed, (), DETAILS),
    32: EventType("backuped", 50, _stored(BACKED_UP), (), DETAILS),
    31: EventType("uploaded", 51, _stored(UPLOADED), (), DETAILS),
}

SPEECH_TO_TEXT = Product(
    name=NAME,
    product_id=20,
    events=AGENT_EVENTS,
    session_id=agent_id,
    channel=channel_of_agent,
    occurred_ms=_occurred_ms,
    fields=AGENT_FIELDS,
    nameless=NAMELESS,
)
SPEECH_TO_TEXT_TASKS = Product(
    name=NAME,
    product_id=None,
    events=TASK_EVENTS,
    session_id=_task_id,
    channel=_channel,
    occurred_ms=_sent_ms,
    content=_details,
    recognises=_recognises,
    fields=TASK_FIELDS,
    nameless="payload.taskId and payload.cname, which name a task and where it belongs, are not both there",
)

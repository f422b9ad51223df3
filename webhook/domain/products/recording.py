"""Cloud Recording, product 3 (agora-notifications.md, section 4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from webhook.domain import events
from webhook.domain.envelope import Envelope
from webhook.domain.errors import Undecodable
from webhook.domain.events import Event, Reception, RecordedFile, Track
from webhook.domain.filenames import parse_snapshot
from webhook.domain.products.table import EventType, Product
from webhook.domain.wire import integer, mapping, milliseconds, text

FULL_PROGRESS = 10_000
RECEPTIONS = {0: Reception.RECEIVING, 1: Reception.STOPPED}
EVENT_CLOCKS = ("UtcMs", "utcMs")


def _recorder_started(details: Mapping[str, Any]) -> Event:
    return events.RecorderStarted(_normal(details, "status"))


def _recorder_left(details: Mapping[str, Any]) -> Event:
    return events.RecorderLeft(_need_integer(details, "leaveCode"))


def _session_exited(details: Mapping[str, Any]) -> Event:
    return events.SessionExited(_need_integer(details, "exitStatus") == 0)


def _failed_over(details: Mapping[str, Any]) -> Event:
    return events.FailedOver(_need_text(details, "newUid"))


def _stream_changed(track: Track) -> Callable[[Mapping[str, Any]], Event]:
    def decode(details: Mapping[str, Any]) -> Event:
        state = _need_integer(details, "state")
        if state not in RECEPTIONS:
            raise Undecodable(f"details.state is {state}; known are 0 (receiving) and 1 (not receiving)")
        return events.StreamChanged(_need_text(details, "streamUid"), track, RECEPTIONS[state])

    return decode


def _snapshot_taken(details: Mapping[str, Any]) -> Event:
    file = _need_text(details, "fileName")
    name = parse_snapshot(file)
    return events.SnapshotTaken(name.uid, file, name.taken_ms) if name else events.SnapshotTaken(None, file, None)


def _upload_progressed(details: Mapping[str, Any]) -> Event:
    share = _need_integer(details, "progress") / FULL_PROGRESS
    return events.UploadProgressed(min(max(share, 0.0), 1.0))


def _upload_started(details: Mapping[str, Any]) -> Event:
    return events.UploadStarted(_normal(details, "status"))


def _upload_finished(*, backed_up: bool) -> Callable[[Mapping[str, Any]], Event]:
    def decode(details: Mapping[str, Any]) -> Event:
        listed = details.get("fileList")
        files = tuple(filter(None, map(_file, listed))) if isinstance(listed, list) else ()
        return events.UploadFinished(_normal(details, "status"), backed_up, files)

    return decode


def _file(item: Any) -> RecordedFile | None:
    fields = mapping(item)
    name = text(fields.get("fileName")) or text(fields.get("filename"))
    if name is None:
        return None
    return RecordedFile(
        name,
        text(fields.get("trackType")) or "",
        text(fields.get("uid")) or "",
        fields.get("isPlayable") is True,
        milliseconds(fields.get("sliceStartTime")),
    )


def _normal(details: Mapping[str, Any], key: str) -> bool:
    return integer(details.get(key, 0)) == 0


def _need_integer(details: Mapping[str, Any], key: str) -> int:
    number = integer(details.get(key))
    if number is None:
        raise Undecodable(f"details.{key} is {str(details.get(key))[:40]!r}, not an integer")
    return number


def _need_text(details: Mapping[str, Any], key: str) -> str:
    value = text(details.get(key))
    if value is None:
        raise Undecodable(f"details.{key} is {str(details.get(key))[:40]!r}, not a name")
    return value


def _session_id(envelope: Envelope) -> str | None:
    return text(envelope.payload.get("sid")) or envelope.sid or None


def _channel(envelope: Envelope) -> str | None:
    return text(envelope.payload.get("cname"))


def _teller(envelope: Envelope) -> str | None:
    return text(envelope.payload.get("uid"))


def _sequence(envelope: Envelope) -> int | None:
    number = integer(envelope.payload.get("sequence"))
    return number if number is not None and number >= 0 else None


def _occurred_ms(envelope: Envelope) -> int | None:
    row = EVENTS.get(envelope.event_type)
    details = mapping(envelope.payload.get("details"))
    own = (milliseconds(details.get(key)) for key in (row.clock if row else ()))
    return next((at_ms for at_ms in own if at_ms is not None), None) or milliseconds(envelope.payload.get("sendts"))


def _effect(event: Event) -> str | None:
    return event.file if isinstance(event, events.SnapshotTaken) else None


EVENTS: dict[int, EventType] = {
    40: EventType("recorder_started", 10, _recorder_started),
    30: EventType("uploader_started", 11, _upload_started),
    43: EventType("recorder_audio_stream_state_changed", 20, _stream_changed(Track.AUDIO), EVENT_CLOCKS),
    44: EventType("recorder_video_stream_state_changed", 21, _stream_changed(Track.VIDEO), EVENT_CLOCKS),
    45: EventType("recorder_snapshot_file", 22, _snapshot_taken),
    33: EventType("uploading_progress", 23, _upload_progressed),
    12: EventType("session_failover", 30, _failed_over),
    41: EventType("recorder_leave", 40, _recorder_left),
    32: EventType("backuped", 50, _upload_finished(backed_up=True)),
    31: EventType("uploaded", 51, _upload_finished(backed_up=False)),
    11: EventType("session_exit", 60, _session_exited),
}

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
)

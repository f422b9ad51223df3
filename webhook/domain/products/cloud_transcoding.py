"""Cloud Transcoding, recognised by its serviceScene (agora-notifications.md, section 8). Times are in ms.

Its number is not documented. What an event says stands under `details`; two of the four types name no channel.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from webhook.domain.entity.events import Happened, Properties
from webhook.domain.entity.fields import Phases, first, in_state, need_word, told, word
from webhook.domain.envelope import Envelope
from webhook.domain.products.entity_terms import ends_abnormally
from webhook.domain.products.table import EventType, Product
from webhook.domain.states import State
from webhook.domain.wire import integer, mapping, milliseconds, text

NAME = "cloud_transcoding"
SERVICE_SCENE = "rtsc/cloud-transcoder"
ENDS = ("inputs", "outputs")
PHASES: Phases = {
    "transcoder success": (State.LIVE, 1),
    "running": (State.LIVE, 2),
    "failed": (State.FAILED, 3),  # not documented, but it can mean nothing else
}


def _started(details: Mapping[str, Any]) -> Happened:
    happened = _in_state("started", details, word(details.get("state")))
    return replace(happened, phase=happened.phase or State.LIVE, begins=True)


def _state_changed(details: Mapping[str, Any]) -> Happened:
    return _in_state("state_changed", details, need_word(details, "state", "details."))


def _updated(details: Mapping[str, Any]) -> Happened:
    return _in_state("updated", details, word(details.get("state")))


def _stopped(details: Mapping[str, Any]) -> Happened:
    reason = word(details.get("stopReason"))
    return Happened(
        kind="stopped",
        phase=State.ENDED,
        began_ms=milliseconds(details.get("createTs")),
        final=True,
        abnormal=ends_abnormally(NAME, reason),
        reason=reason,
    )


def _in_state(kind: str, details: Mapping[str, Any], state: str | None) -> Happened:
    happened = in_state(kind, state, PHASES, _properties(mapping(details.get("transcoder"))))
    return replace(happened, began_ms=milliseconds(details.get("createTs")))


def _properties(transcoder: Mapping[str, Any]) -> Properties:
    inputs, outputs = (_ends(transcoder, ends) for ends in ENDS)
    channels = told(input_channels=_joined(inputs, "rtcChannel"), output_channels=_joined(outputs, "rtcChannel"))
    return channels + told(input_uids=_joined(inputs, "rtcUid"), output_uids=_joined(outputs, "rtcUid"))


def _joined(ends: Iterable[Mapping[str, Any]], key: str) -> str | None:
    return word(", ".join(sorted({name for each in ends if (name := first(each, key))})))


def _ends(transcoder: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    listed = transcoder.get(key)
    return [mapping(item) for item in listed] if isinstance(listed, list) else []


def _details(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    return mapping(payload.get("details"))


def _session_id(envelope: Envelope, project: str) -> str | None:
    return text(envelope.payload.get("taskId"))


def _channel(envelope: Envelope) -> str | None:
    transcoder = mapping(_details(envelope.payload).get("transcoder"))
    named = (first(end, "rtcChannel") for ends in ENDS for end in _ends(transcoder, ends))
    return next(filter(None, named), None)


def _occurred_ms(envelope: Envelope) -> int | None:
    updated_ms = milliseconds(_details(envelope.payload).get("updateTs"))
    return milliseconds(envelope.payload.get("sendts")) or updated_ms


def _sequence(envelope: Envelope) -> int | None:
    number = integer(envelope.payload.get("sequence"))
    return number if number is not None and number >= 0 else None


def _recognises(payload: Mapping[str, Any]) -> bool:
    return payload.get("serviceScene") == SERVICE_SCENE


FIELDS = frozenset({"taskId", "instanceId", "sequence", "sendts", "serviceScene", "details"})
DETAILS = frozenset({"event", "state", "stopReason", "createTs", "updateTs", "transcoder"})

EVENTS: dict[int, EventType] = {
    110: EventType("cloud_transcoder_started", 10, _started, (), DETAILS),
    113: EventType("cloud_transcoder_updated", 20, _updated, (), DETAILS),
    112: EventType("cloud_transcoder_status", 30, _state_changed, (), DETAILS),
    111: EventType("cloud_transcoder_stopped", 60, _stopped, (), DETAILS),
}

CLOUD_TRANSCODING = Product(
    name=NAME,
    product_id=None,
    events=EVENTS,
    session_id=_session_id,
    channel=_channel,
    occurred_ms=_occurred_ms,
    sequence=_sequence,
    content=_details,
    recognises=_recognises,
    fields=FIELDS,
    routes_by_channel=False,
    nameless="payload.taskId names no transcoder",
)

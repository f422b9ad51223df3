"""Media Push, product 5: RTMP converters (agora-notifications.md, section 8).

`lts` is documented in ms and shown in seconds. Only the first event need name the channel.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from webhook.domain.entity.events import Happened, Properties
from webhook.domain.entity.fields import Phases, first, in_state, need_word, told, word
from webhook.domain.envelope import Envelope
from webhook.domain.products.entity_terms import ends_abnormally
from webhook.domain.products.table import EventType, Product
from webhook.domain.states import State
from webhook.domain.wire import mapping, milliseconds, text

NAME = "media_push"
PHASES: Phases = {"connecting": (State.LIVE, 1), "running": (State.LIVE, 2), "failed": (State.FAILED, 3)}
OPTIONS = ("transcodeOptions", "rawOptions")


def _created(payload: Mapping[str, Any]) -> Happened:
    happened = _in_state("created", payload, word(_converter(payload).get("state")))
    return replace(happened, phase=happened.phase or State.LIVE, begins=True)


def _configured(payload: Mapping[str, Any]) -> Happened:
    return _in_state("configured", payload, word(_converter(payload).get("state")))


def _state_changed(payload: Mapping[str, Any]) -> Happened:
    return _in_state("state_changed", payload, need_word(_converter(payload), "state", "converter."))


def _destroyed(payload: Mapping[str, Any]) -> Happened:
    reason = word(payload.get("destroyReason"))
    return Happened(
        kind="destroyed",
        phase=State.ENDED,
        began_ms=_began_ms(payload),
        final=True,
        abnormal=ends_abnormally(NAME, reason),
        reason=reason,
        properties=_properties(payload),
    )


def _in_state(kind: str, payload: Mapping[str, Any], state: str | None) -> Happened:
    return replace(in_state(kind, state, PHASES, _properties(payload)), began_ms=_began_ms(payload))


def _properties(payload: Mapping[str, Any]) -> Properties:
    converter = _converter(payload)
    return told(name=word(converter.get("name")), url=word(converter.get("rtmpUrl")))


def _began_ms(payload: Mapping[str, Any]) -> int | None:
    return milliseconds(_converter(payload).get("createTs"))


def _converter(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    return mapping(payload.get("converter"))


def _session_id(envelope: Envelope, project: str) -> str | None:
    return text(_converter(envelope.payload).get("id"))


def _channel(envelope: Envelope) -> str | None:
    converter = _converter(envelope.payload)
    named = (first(mapping(converter.get(options)), "rtcChannel") for options in OPTIONS)
    return next(filter(None, named), None)


def _occurred_ms(envelope: Envelope) -> int | None:
    updated_ms = milliseconds(_converter(envelope.payload).get("updateTs"))
    return milliseconds(envelope.payload.get("lts")) or updated_ms


FIELDS = frozenset({"converter", "lts", "xRequestId", "fields", "destroyReason"})

EVENTS: dict[int, EventType] = {
    1: EventType("converter_created", 10, _created),
    2: EventType("converter_configuration_changed", 20, _configured),
    3: EventType("converter_state_changed", 30, _state_changed),
    4: EventType("converter_destroyed", 60, _destroyed),
}

MEDIA_PUSH = Product(
    name=NAME,
    product_id=5,
    events=EVENTS,
    session_id=_session_id,
    channel=_channel,
    occurred_ms=_occurred_ms,
    fields=FIELDS,
    routes_by_channel=False,
    nameless="payload.converter.id names no converter",
)

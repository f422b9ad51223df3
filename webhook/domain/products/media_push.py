"""Media Push, product 5: RTMP converters (agora-notifications.md, section 8).

`lts` is documented in ms and shown in seconds. Only the first event need name the channel.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from webhook.domain.entity.events import Properties
from webhook.domain.entity.fields import Phases, first, told, word
from webhook.domain.envelope import Envelope
from webhook.domain.products.streaming import Streaming
from webhook.domain.products.table import EventType, Product
from webhook.domain.states import State
from webhook.domain.wire import mapping, milliseconds

NAME = "media_push"
PHASES: Phases = {"connecting": (State.LIVE, 1), "running": (State.LIVE, 2), "failed": (State.FAILED, 3)}
OPTIONS = ("transcodeOptions", "rawOptions")


def _properties(converter: Mapping[str, Any]) -> Properties:
    return told(name=word(converter.get("name")), url=word(converter.get("rtmpUrl")))


CONVERTER = Streaming(NAME, "converter", "state", PHASES, _properties)


def _channel(envelope: Envelope) -> str | None:
    converter = CONVERTER.of(envelope.payload)
    named = (first(mapping(converter.get(options)), "rtcChannel") for options in OPTIONS)
    return next(filter(None, named), None)


def _occurred_ms(envelope: Envelope) -> int | None:
    updated_ms = milliseconds(CONVERTER.of(envelope.payload).get("updateTs"))
    return milliseconds(envelope.payload.get("lts")) or updated_ms


FIELDS = frozenset({"converter", "lts", "xRequestId", "fields", "destroyReason"})

EVENTS: dict[int, EventType] = {
    1: EventType("converter_created", 10, CONVERTER.created),
    2: EventType("converter_configuration_changed", 20, CONVERTER.configured),
    3: EventType("converter_state_changed", 30, CONVERTER.changed),
    4: EventType("converter_destroyed", 60, CONVERTER.destroyed),
}

MEDIA_PUSH = Product(
    name=NAME,
    product_id=5,
    events=EVENTS,
    session_id=CONVERTER.session_id,
    channel=_channel,
    occurred_ms=_occurred_ms,
    fields=FIELDS,
    routes_by_channel=False,
    nameless="payload.converter.id names no converter",
)

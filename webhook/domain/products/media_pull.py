"""Media Pull, product 4: cloud players (agora-notifications.md, section 8). `lts` is in ms, `createTs` in seconds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from webhook.domain.entity.events import Properties
from webhook.domain.entity.fields import Phases, told, word
from webhook.domain.envelope import Envelope
from webhook.domain.products.streaming import Streaming
from webhook.domain.products.table import EventType, Product
from webhook.domain.states import State
from webhook.domain.wire import milliseconds, text

NAME = "media_pull"
PHASES: Phases = {
    "connecting": (State.LIVE, 1),
    "success": (State.LIVE, 2),
    "running": (State.LIVE, 3),
    "stopped": (State.ENDED, 4),
    "failed": (State.FAILED, 5),
}


def _properties(player: Mapping[str, Any]) -> Properties:
    return told(name=word(player.get("name")), uid=word(player.get("uid")), url=word(player.get("streamUrl")))


PLAYER = Streaming(NAME, "player", "status", PHASES, _properties)


def _channel(envelope: Envelope) -> str | None:
    return text(PLAYER.of(envelope.payload).get("channelName"))


def _occurred_ms(envelope: Envelope) -> int | None:
    return milliseconds(envelope.payload.get("lts"))


FIELDS = frozenset({"player", "lts", "xRequestId", "fields", "destroyReason"})

EVENTS: dict[int, EventType] = {
    1: EventType("player_created", 10, PLAYER.created),
    4: EventType("player_status_changed", 30, PLAYER.changed),
    3: EventType("player_destroyed", 60, PLAYER.destroyed),
}

MEDIA_PULL = Product(
    name=NAME,
    product_id=4,
    events=EVENTS,
    session_id=PLAYER.session_id,
    channel=_channel,
    occurred_ms=_occurred_ms,
    fields=FIELDS,
    routes_by_channel=False,
    nameless="payload.player.id names no player",
)

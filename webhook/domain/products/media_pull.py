"""Media Pull, product 4: cloud players (agora-notifications.md, section 8). `lts` is in ms, `createTs` in seconds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from webhook.domain.entity.events import Happened, Properties
from webhook.domain.entity.fields import Phases, in_state, need_word, told, word
from webhook.domain.envelope import Envelope
from webhook.domain.products.entity_terms import ends_abnormally
from webhook.domain.products.table import EventType, Product
from webhook.domain.states import State
from webhook.domain.wire import mapping, milliseconds, text

NAME = "media_pull"
PHASES: Phases = {
    "connecting": (State.LIVE, 1),
    "success": (State.LIVE, 2),
    "running": (State.LIVE, 3),
    "stopped": (State.ENDED, 4),
    "failed": (State.FAILED, 5),
}


def _created(payload: Mapping[str, Any]) -> Happened:
    happened = _in_state("created", payload, word(_player(payload).get("status")))
    return replace(happened, phase=happened.phase or State.LIVE, begins=True)


def _status_changed(payload: Mapping[str, Any]) -> Happened:
    return _in_state("status_changed", payload, need_word(_player(payload), "status", "player."))


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


def _in_state(kind: str, payload: Mapping[str, Any], status: str | None) -> Happened:
    return replace(in_state(kind, status, PHASES, _properties(payload)), began_ms=_began_ms(payload))


def _properties(payload: Mapping[str, Any]) -> Properties:
    player = _player(payload)
    return told(name=word(player.get("name")), uid=word(player.get("uid")), url=word(player.get("streamUrl")))


def _began_ms(payload: Mapping[str, Any]) -> int | None:
    return milliseconds(_player(payload).get("createTs"))


def _player(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    return mapping(payload.get("player"))


def _session_id(envelope: Envelope, project: str) -> str | None:
    return text(_player(envelope.payload).get("id"))


def _channel(envelope: Envelope) -> str | None:
    return text(_player(envelope.payload).get("channelName"))


def _occurred_ms(envelope: Envelope) -> int | None:
    return milliseconds(envelope.payload.get("lts"))


FIELDS = frozenset({"player", "lts", "xRequestId", "fields", "destroyReason"})

EVENTS: dict[int, EventType] = {
    1: EventType("player_created", 10, _created),
    4: EventType("player_status_changed", 30, _status_changed),
    3: EventType("player_destroyed", 60, _destroyed),
}

MEDIA_PULL = Product(
    name=NAME,
    product_id=4,
    events=EVENTS,
    session_id=_session_id,
    channel=_channel,
    occurred_ms=_occurred_ms,
    fields=FIELDS,
    routes_by_channel=False,
    nameless="payload.player.id names no player",
)

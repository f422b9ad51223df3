"""What agents of all kinds have in common: who they are, where, and how they come and go (section 8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from webhook.domain.entity.events import Happened, Properties
from webhook.domain.entity.fields import told, word
from webhook.domain.envelope import Envelope
from webhook.domain.products.entity_terms import ends_abnormally
from webhook.domain.states import State
from webhook.domain.wire import milliseconds, text

FAILED = "failed"
NAMELESS = "payload.agent_id and payload.channel, which name an agent and where it belongs, are not both there"


def agent_id(envelope: Envelope, project: str) -> str | None:
    """The agent's id, which the envelope may bear too; None where no channel is named.

    Every documented event names the channel, by which agents are routed. Without it a notification would be routed by
    the agent's id, and its session split over two shards.
    """
    return (text(envelope.payload.get("agent_id")) or envelope.sid) if channel_of_agent(envelope) else None


def channel_of_agent(envelope: Envelope) -> str | None:
    """The channel the agent is in."""
    return text(envelope.payload.get("channel"))


def of_agent(kind: str, payload: Mapping[str, Any], properties: Properties) -> Happened:
    """A remark of an agent, with what all of its events tell."""
    return Happened(kind=kind, began_ms=milliseconds(payload.get("start_ts")), properties=properties)


def joined(payload: Mapping[str, Any], properties: Properties) -> Happened:
    """The agent's beginning."""
    return replace(of_agent("joined", payload, properties + told(state="joined")), phase=State.LIVE, begins=True)


def left(product: str, payload: Mapping[str, Any], properties: Properties) -> Happened:
    """The agent's end: its status says whether it failed, else the reason does."""
    status, reason = word(payload.get("status")), word(payload.get("message"))
    failed = status.lower() == FAILED if status else ends_abnormally(product, reason)
    return Happened(
        kind="left",
        phase=State.FAILED if failed else State.ENDED,
        began_ms=milliseconds(payload.get("start_ts")),
        final=True,
        abnormal=failed,
        reason=reason,
        properties=properties,
    )

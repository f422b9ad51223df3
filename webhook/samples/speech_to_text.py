"""Payloads of Real-Time STT v7, productId 20 (agora-notifications.md, section 8). Times are in seconds."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from webhook.samples.cast import BEGUN_BEFORE_MS, CHANNEL
from webhook.samples.wire import Payload, Sample, seconds

PRODUCT_ID = 20
STOPPED, FAILED = "STOPPED", "FAILED"


class Agent(Struct, frozen=True):
    """A transcription agent in a channel since `started_ms`."""

    agent_id: str
    channel: str
    started_ms: int


def joined(agent: Agent) -> Payload:
    """Type 101: the agent is in the channel."""
    return {"agent_id": agent.agent_id, "channel": agent.channel, "start_ts": seconds(agent.started_ms)}


def left(agent: Agent, stopped_ms: int, status: str = STOPPED, message: str = "OK") -> Payload:
    """Type 102: the agent left at `stopped_ms`; `status` STOPPED or FAILED, `message` says why."""
    return joined(agent) | {"stop_ts": seconds(stopped_ms), "status": status, "message": message}


_ID = "2f8d61b9c40e4a7395b1e0d7c6a3f852"

SAMPLES: Mapping[int, Sample] = {
    101: lambda at_ms: joined(Agent(_ID, CHANNEL, at_ms)),
    102: lambda at_ms: left(Agent(_ID, CHANNEL, at_ms - BEGUN_BEFORE_MS), at_ms),
}

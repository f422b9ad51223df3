"""Payloads of Conversational AI, productId 17 (agora-notifications.md, section 8).

`start_ts` and `stop_ts` are in seconds or in ms, as the agent says; `report_ms` is in ms.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from webhook.samples.cast import BEGUN_BEFORE_MS, CHANNEL
from webhook.samples.wire import Payload, Sample, seconds

PRODUCT_ID = 17
STOPPED, FAILED = "STOPPED", "FAILED"
INBOUND_CALL, OUTBOUND_CALL = 201, 202


class Agent(Struct, frozen=True):
    """An agent in a channel since `started_ms`; `in_ms` says that start_ts and stop_ts are told in ms."""

    agent_id: str
    channel: str
    started_ms: int
    in_ms: bool = False
    name: str = "agent-of-a-sample"
    labels: Mapping[str, str] = {}


class Fault(Struct, frozen=True):
    """What one module of an agent could not do. `turn_id` is a number, or an empty string where no turn began."""

    module: str
    code: int
    message: str
    turn_id: int | str = ""


def joined(agent: Agent) -> Payload:
    """Type 101: the agent is in the channel."""
    return _agent(agent) | _started(agent)


def left(agent: Agent, stopped_ms: int, status: str = STOPPED, message: str = "OK") -> Payload:
    """Type 102: the agent left at `stopped_ms`; `status` STOPPED or FAILED, `message` says why."""
    return joined(agent) | _stopped(agent, stopped_ms) | {"status": status, "message": message}


def history(agent: Agent, stopped_ms: int, said: Iterable[tuple[str, str]]) -> Payload:
    """Type 103: all that was said, each by its role (user or assistant)."""
    contents = [{"role": role, "content": content} for role, content in said]
    return joined(agent) | _stopped(agent, stopped_ms) | {"contents": contents}


def token_expiring(agent: Agent) -> Payload:
    """Type 104: the agent's token is about to expire. It has no time of its own."""
    return joined(agent) | {"message": "Token is about to expire"}


def failed(agent: Agent, faults: Iterable[Fault]) -> Payload:
    """Type 110: modules of the agent failed. It has no time of its own."""
    errors = [{"module": it.module, "turn_id": it.turn_id, "code": it.code, "message": it.message} for it in faults]
    return joined(agent) | {"errors": errors}


def measured(agent: Agent, stopped_ms: int, turns: Iterable[Mapping[str, int]]) -> Payload:
    """Type 111: how long the parts of each turn took, in ms; entries may lack any part but `turn_id`."""
    return joined(agent) | _stopped(agent, stopped_ms) | {"metrics": [dict(turn) for turn in turns]}


def turns_finished(agent: Agent, stopped_ms: int, count: int, *, truncated: bool = False) -> Payload:
    """Type 112: `count` turns are over, the last of them told in full; its times are in ms."""
    turn = {"agent_id": agent.agent_id, "channel": agent.channel, "turn_id": count}
    begun = {"start_at": agent.started_ms, "type": "voice_input"}
    ended = {"end_at": stopped_ms, "type": "ok"}
    turns = [turn | {"start": begun, "end": ended, "metrics": {"e2e_latency_ms": 1_400}}]
    total = {"total_turn_count": count, "is_truncated": truncated, "turns": turns}
    return joined(agent) | _stopped(agent, stopped_ms) | total


def call_changed(agent: Agent, state: str, at_ms: int) -> Payload:
    """Types 201 and 202: the call is at START, CALLING, RINGING, ANSWERED, TRANSFERED or HANGUP since `at_ms`."""
    return _agent(agent) | {"state": state, "report_ms": at_ms}


def _agent(agent: Agent) -> Payload:
    who = {"agent_id": agent.agent_id, "name": agent.name, "channel": agent.channel}
    return who | ({"labels": dict(agent.labels)} if agent.labels else {})


def _started(agent: Agent) -> Payload:
    return {"start_ts": _told(agent, agent.started_ms)}


def _stopped(agent: Agent, stopped_ms: int) -> Payload:
    return {"stop_ts": _told(agent, stopped_ms)}


def _told(agent: Agent, at_ms: int) -> int:
    return at_ms if agent.in_ms else seconds(at_ms)


_ID = "E5H1QX7P0VN94ZKD2R8TC3WMBA"
_SAID = (("assistant", "Good evening. How can I help?"), ("user", "When do the doors open?"))
_TURNS = ({"turn_id": 1, "tts_ttfb": 70}, {"turn_id": 2, "asr_ttlw": 210, "llm_ttfb": 460, "tts_ttfb": 90})
_FAULT = Fault("llm", 503, "the model does not answer", 2)


def _agent_since(started_ms: int, *, in_ms: bool = False) -> Agent:
    return Agent(_ID, CHANNEL, started_ms, in_ms, labels={"campaign": "campaign-of-a-sample"})


def _begun(at_ms: int, *, in_ms: bool = False) -> Agent:
    return _agent_since(at_ms - BEGUN_BEFORE_MS, in_ms=in_ms)


SAMPLES: Mapping[int, Sample] = {
    101: lambda at_ms: joined(_agent_since(at_ms)),
    102: lambda at_ms: left(_begun(at_ms), at_ms),
    103: lambda at_ms: history(_begun(at_ms), at_ms, _SAID),
    104: lambda at_ms: token_expiring(_begun(at_ms)),
    110: lambda at_ms: failed(_begun(at_ms), [_FAULT]),
    111: lambda at_ms: measured(_begun(at_ms), at_ms, _TURNS),
    112: lambda at_ms: turns_finished(_begun(at_ms, in_ms=True), at_ms, 12),
    INBOUND_CALL: lambda at_ms: call_changed(_begun(at_ms), "RINGING", at_ms),
    OUTBOUND_CALL: lambda at_ms: call_changed(_begun(at_ms), "CALLING", at_ms),
}

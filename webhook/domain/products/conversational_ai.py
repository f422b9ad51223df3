"""Conversational AI, product 17: agents (agora-notifications.md, section 8).

`start_ts` and `stop_ts` are in seconds or in ms. What was said in a conversation stays in the log and is not looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from webhook.domain.entity.agents import NAMELESS, agent_id, channel_of_agent, joined, left, of_agent
from webhook.domain.entity.events import Happened, Problem, Properties
from webhook.domain.entity.fields import labels, need_word, told, word
from webhook.domain.entity.state import MOST_TROUBLES
from webhook.domain.envelope import Envelope
from webhook.domain.products.agent_terms import AGENT, CALL_STATES, LATENCIES, TOKEN
from webhook.domain.products.table import EventType, Product
from webhook.domain.wire import integer, mapping, milliseconds

NAME = "conversational_ai"
ORDER_OF_CALL = {name: place for place, name in enumerate(CALL_STATES, 1)}


def _joined(payload: Mapping[str, Any]) -> Happened:
    return joined(payload, _told(payload))


def _left(payload: Mapping[str, Any]) -> Happened:
    return left(NAME, payload, _told(payload))


def _history(payload: Mapping[str, Any]) -> Happened:
    said = payload.get("contents")
    count = told(history_messages=len(said) if isinstance(said, list) else None)
    return of_agent("history_told", payload, _told(payload) + count)


def _token_expiring(payload: Mapping[str, Any]) -> Happened:
    told_problem = Problem(TOKEN, None, word(payload.get("message")) or "", warning=True)
    return replace(of_agent("token_expiring", payload, _told(payload)), problems=(told_problem,))


def _failed(payload: Mapping[str, Any]) -> Happened:
    listed = payload.get("errors")
    errors = listed[:MOST_TROUBLES] if isinstance(listed, list) else []
    problems = tuple(_problem(mapping(error)) for error in errors or [payload])
    return replace(of_agent("module_failed", payload, _told(payload)), problems=problems)


def _problem(error: Mapping[str, Any]) -> Problem:
    return Problem(word(error.get("module")) or AGENT, integer(error.get("code")), word(error.get("message")) or "")


def _measured(payload: Mapping[str, Any]) -> Happened:
    listed = payload.get("metrics")
    turns = [mapping(item) for item in listed] if isinstance(listed, list) else []
    means = tuple((f"metrics.{part}", mean) for part in LATENCIES if (mean := _mean(turns, part)) is not None)
    return of_agent("measured", payload, _told(payload) + told(metrics_turns=len(turns)) + means)


def _mean(turns: list[dict[str, Any]], part: str) -> int | None:
    found = [number for turn in turns if (number := integer(turn.get(part))) is not None]
    return round(sum(found) / len(found)) if found else None


def _turns_finished(payload: Mapping[str, Any]) -> Happened:
    count = told(turns_total=integer(payload.get("total_turn_count")))
    return of_agent("turns_finished", payload, _told(payload) + count)


def _call_changed(direction: str) -> Callable[[Mapping[str, Any]], Happened]:
    def decode(payload: Mapping[str, Any]) -> Happened:
        state = need_word(payload, "state", "")
        happened = of_agent("call_changed", payload, _told(payload) + told(call_direction=direction, call_state=state))
        return replace(happened, precedence=ORDER_OF_CALL.get(state.lower(), 0))

    return decode


def _told(payload: Mapping[str, Any]) -> Properties:
    return told(name=word(payload.get("name"))) + labels(payload.get("labels"))


def _occurred_ms(envelope: Envelope) -> int | None:
    row = EVENTS.get(envelope.event_type)
    return next((milliseconds(envelope.payload.get(key)) for key in (row.clock if row else ())), None)


FIELDS = frozenset(
    {
        *("agent_id", "name", "channel", "start_ts", "stop_ts", "labels", "status", "message", "contents", "errors"),
        *("turn_id", "metrics", "total_turn_count", "is_truncated", "turns", "state", "report_ms"),
    }
)

EVENTS: dict[int, EventType] = {
    101: EventType("agent_joined", 10, _joined, ("start_ts",)),
    201: EventType("inbound_call_state", 20, _call_changed("inbound"), ("report_ms",)),
    202: EventType("outbound_call_state", 21, _call_changed("outbound"), ("report_ms",)),
    104: EventType("agent_token_expiring", 30, _token_expiring),
    110: EventType("agent_error", 31, _failed),
    103: EventType("agent_history", 40, _history, ("stop_ts",)),
    111: EventType("agent_metrics", 41, _measured, ("stop_ts",)),
    112: EventType("agent_turns_finished", 42, _turns_finished, ("stop_ts",)),
    102: EventType("agent_left", 60, _left, ("stop_ts",)),
}

CONVERSATIONAL_AI = Product(
    name=NAME,
    product_id=17,
    events=EVENTS,
    session_id=agent_id,
    channel=channel_of_agent,
    occurred_ms=_occurred_ms,
    fields=FIELDS,
    nameless=NAMELESS,
)

"""Sinks, and the deliveries that were given up, as the API shows them."""

from __future__ import annotations

from typing import Any

from webhook.domain.alerting.delivery import SinkState
from webhook.store.dead_deliveries import DeadDelivery, Replayed, SinkFigures
from webhook.views.times import rfc3339_or_none

View = dict[str, Any]


def sink_view(name: str, kind: str, figures: SinkFigures) -> View:
    """One item of `GET /sinks`. `nextAttemptAt` is None where nothing waits."""
    state = figures.state
    return {
        "name": name,
        "kind": kind,
        "state": _word(state),
        "failures": state.failures,
        "failingSince": rfc3339_or_none(state.failing_since_ms),
        "lastError": state.last_error,
        "lastSuccessAt": rfc3339_or_none(state.last_success_ms),
        "nextAttemptAt": rfc3339_or_none(figures.next_ms),
        "waiting": figures.waiting,
        "dead": figures.dead,
        "delivered": figures.delivered,
    }


def dead_delivery_view(letter: DeadDelivery) -> View:
    """One item of `GET /sinks/{name}/dead`."""
    batch = letter.batch
    return {
        "id": letter.id,
        "error": batch.error,
        "givenUpAt": rfc3339_or_none(batch.given_up_ms),
        "attempts": batch.attempts,
        "alerts": [
            {"id": telling.alert_id, "transition": telling.transition.value, "summary": telling.summary}
            for telling in batch.tellings
        ],
    }


def replayed_view(replayed: Replayed) -> View:
    """What became of one that was asked to be attempted again."""
    return {"id": replayed.id, "verdict": replayed.fate.value, "detail": replayed.detail}


def _word(state: SinkState) -> str:
    """`idle` is a sink that was never told of anything."""
    if state.failures:
        return "failing"
    return "idle" if state.last_success_ms is None else "ok"

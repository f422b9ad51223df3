"""Alerts as the API shows them (contract.md, section 4)."""

from __future__ import annotations

from typing import Any

from webhook.domain.alerting.telling import Ack
from webhook.store.known_alerts import Delivery, KnownAlert
from webhook.views.times import rfc3339, rfc3339_or_none

View = dict[str, Any]


def alert_view(known: KnownAlert) -> View:
    """One item of `GET /alerts`. `silencedBy` names the silences that keep it quiet now."""
    alert = known.found.alert
    return {
        "id": known.found.id,
        "rule": alert.key.rule,
        "severity": alert.severity.value,
        "state": alert.state.value,
        "resolution": alert.resolution.value if alert.resolution else None,
        "labels": known.found.labels,
        "summary": alert.summary,
        "meaning": alert.meaning,
        "action": alert.action,
        "startedAt": rfc3339(alert.started_ms),
        "firedAt": rfc3339_or_none(alert.fired_ms),
        "resolvedAt": rfc3339_or_none(alert.resolved_ms),
        "acknowledged": _acknowledged(known.ack),
        "silencedBy": list(known.silenced_by),
        "deliveries": [_delivery(delivery) for delivery in known.deliveries],
        "episode": alert.episode,
        "flapping": alert.flapping_until_ms is not None,
    }


def _acknowledged(ack: Ack | None) -> View | None:
    return None if ack is None else {"by": ack.by, "at": rfc3339(ack.at_ms), "note": ack.note}


def _delivery(delivery: Delivery) -> View:
    return {
        "sink": delivery.sink,
        "at": rfc3339(delivery.note.at_ms),
        "transition": delivery.transition,
        "reason": delivery.note.reason,
        "result": delivery.note.result.value,
        "attempt": delivery.note.attempt,
        "error": delivery.note.error,
    }

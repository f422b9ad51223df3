"""A telling as machines read it: every field, in the words of the API."""

from __future__ import annotations

from typing import Any

from webhook.domain.alerting.messages import link
from webhook.domain.alerting.telling import Telling
from webhook.views.times import rfc3339, rfc3339_or_none


def facts_of(telling: Telling, public_url: str | None) -> dict[str, Any]:
    """Everything that is known, as JSON can say it. Words from the wire are as they came: escape what you show."""
    ack = telling.acknowledged
    return {
        "key": telling.key,
        "id": telling.alert_id,
        "transition": telling.transition.value,
        "number": telling.number,
        "rule": telling.rule,
        "severity": telling.severity.value,
        "firstSeverity": telling.first_severity.value,
        "labels": telling.labels,
        "group": telling.group,
        "summary": telling.summary,
        "meaning": telling.meaning,
        "action": telling.action,
        "startedAt": rfc3339(telling.started_ms),
        "firedAt": rfc3339_or_none(telling.fired_ms),
        "resolvedAt": rfc3339_or_none(telling.resolved_ms),
        "resolution": telling.resolution,
        "flapping": telling.flapping,
        "acknowledged": {"by": ack.by, "at": rfc3339(ack.at_ms), "note": ack.note} if ack else None,
        "decidedAt": rfc3339(telling.decided_ms),
        "sink": telling.sink,
        "url": link(public_url, telling) if public_url else None,
    }

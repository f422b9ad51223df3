"""Prometheus Alertmanager: alerts as it knows them, pushed to its API v2."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from webhook.domain.alerting.delivery import MOST_TELLINGS, Batch
from webhook.domain.alerting.messages import LONGEST_SENTENCE, link, plain
from webhook.domain.alerting.telling import Telling, Transition
from webhook.views.times import rfc3339
from workers.sinks.posting import post_json
from workers.sinks.sink import SECONDS

PATH = "/api/v2/alerts"
# Alertmanager resolves what is not sent again in 5 min, while Vigil says a thing once, repeats it after hours, and is
# silent once somebody has it: the end is set far away, and each repeat moves it on.
HELD_MS = 30 * 24 * 3_600_000
# What ends in Alertmanager's future is firing to it, and goes on until the end that was told before: 30 days. So an
# end lies far enough back that it is past by a clock that is behind ours, too.
SURELY_PAST_MS = 60_000
_ILLEGAL = re.compile(r"[^A-Za-z0-9_]")


class AlertmanagerSink:
    """Posts each batch as one array. What was posted before may come again: labels tell alerts apart."""

    most = MOST_TELLINGS

    def __init__(self, name: str, url: str, public_url: str | None) -> None:
        self.name = name
        self._url, self._public_url = url.rstrip("/") + PATH, public_url

    def send(self, batch: Batch, seconds: float = SECONDS) -> None:
        """Return once it answered 2xx. It does not know acknowledgements, so none are sent. Raises DeliveryError."""
        told = [each for each in batch.tellings if each.transition is not Transition.ACKNOWLEDGED]
        if told:
            alerts = [alert_of(each, self._public_url) for each in told]
            post_json(self._url, json.dumps(alerts).encode(), {}, seconds)


def alert_of(telling: Telling, public_url: str | None) -> dict[str, Any]:
    """One alert as `POST /api/v2/alerts` takes it. Labels, its identity, are as they are; texts are plain."""
    starts_ms, ends_ms = _span(telling)
    alert = {
        "labels": legal(_labels(telling)),
        "annotations": {
            "summary": plain(telling.summary, LONGEST_SENTENCE),
            "description": plain(telling.meaning, LONGEST_SENTENCE),
            "action": plain(telling.action, LONGEST_SENTENCE),
            "severity": telling.severity.value,  # as it is now
            "vigil_id": telling.alert_id,
            "vigil_key": telling.key,
        },
        "startsAt": rfc3339(starts_ms),
        "endsAt": rfc3339(ends_ms),
    }
    return {**alert, "generatorURL": link(public_url, telling)} if public_url else alert


def _span(telling: Telling) -> tuple[int, int]:
    """When it starts and ends, ms. The end of what is resolved is a minute early, and so, where it was shorter than
    that, is its start: Alertmanager refuses what ends before it starts.
    """
    if telling.transition is not Transition.RESOLVED:
        return telling.started_ms, telling.decided_ms + HELD_MS
    ends_ms = (telling.resolved_ms or telling.decided_ms) - SURELY_PAST_MS
    return min(telling.started_ms, ends_ms), ends_ms


def _labels(telling: Telling) -> dict[str, str]:
    """The labels, with the severity that was told first: another one would make it another alert, never resolved."""
    return {**telling.labels, "severity": telling.first_severity.value, "alertname": telling.rule}


def legal(labels: Mapping[str, str]) -> dict[str, str]:
    """Labels with names that Prometheus allows, without empty ones, which mean the same as none there."""
    return {_legal_name(name): value for name, value in labels.items() if value}


def _legal_name(name: str) -> str:
    legal_name = _ILLEGAL.sub("_", name) or "_"
    return f"_{legal_name}" if legal_name[0].isdigit() else legal_name

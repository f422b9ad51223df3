"""The first screen: five figures with their last hour, what waits for somebody, and the sessions that run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from webhook.domain.alerting.alerts import Alert, Severity
from webhook.domain.alerting.dossier import Dossier
from webhook.domain.session import Session
from webhook.store.history import Sample
from webhook.store.overview import Overview, Running
from webhook.views.alerts import alert_view
from webhook.views.charts import Span, Sparkline, sparkline, state_bar
from webhook.views.sessions import session_view
from webhook.views.times import rfc3339, rfc3339_or_none

View = dict[str, Any]
MINUTE_MS = 60_000
HOUR = 60  # minutes
BAR_MS = 30 * 60_000
TONE = {Severity.INFO: "ok", Severity.WARNING: "warn", Severity.CRITICAL: "bad"}
Measure = Callable[[Sample], float | None]
MEASURES: dict[str, Measure] = {
    "live": lambda sample: sample.live,
    "stopped": lambda sample: sample.stopped,
    "firing": lambda sample: sample.firing,
    "lag": lambda sample: sample.lag_p95,
    "depth": lambda sample: sample.depth,
    "accepted": lambda sample: sample.accepted,
    "duplicate": lambda sample: sample.duplicate,
    "rejected": lambda sample: sample.rejected,
    "unknown": lambda sample: sample.unknown,
}


def overview_view(found: Overview, now_ms: int) -> View:
    """The alerts that wait, and the sessions that run, as the status API shows them, with a bar of the last 30 min."""
    return {
        "alerts": [alert_view(known) for known in found.alerts],
        "sessions": [_running(running, now_ms) for running in found.sessions],
    }


def courses(samples: Mapping[int, Sample], now_ms: int) -> dict[str, Sparkline]:
    """What each figure was in the last hour, a value a minute, by its name."""
    last = now_ms // MINUTE_MS - 1
    minutes = range(last - HOUR + 1, last + 1)
    return {
        name: sparkline([_measured(samples, measure, minute) for minute in minutes], unit="s" if name == "lag" else "")
        for name, measure in MEASURES.items()
    }


def change(samples: Mapping[int, Sample], figure: str, value: float | None, now_ms: int) -> str:
    """How a figure differs from its mean in the hour before the last, in words; empty where that is not known."""
    last = now_ms // MINUTE_MS - 1 - HOUR
    measured = (_measured(samples, MEASURES[figure], minute) for minute in range(last - HOUR + 1, last + 1))
    known = [each for each in measured if each is not None]
    if value is None or not known:
        return ""
    differs = value - sum(known) / len(known)
    if abs(differs) < max(0.5, 0.05 * value):
        return "as an hour ago"
    return f"{abs(differs):.0f} {'more' if differs > 0 else 'fewer'} than an hour ago"


def spans(session: Session, dossier: Dossier | None, now_ms: int) -> list[Span]:
    """How the session was in the last 30 min: as well as its gravest alert let it be, later spans over earlier ones."""
    begun_ms = max(now_ms - BAR_MS, session.first_ms or now_ms)
    alerts = sorted(dossier.alerts if dossier else (), key=lambda alert: list(Severity).index(alert.severity))
    return [Span("ok", begun_ms, now_ms), *_fired(alerts, begun_ms, now_ms)]


def _fired(alerts: Iterable[Alert], begun_ms: int, now_ms: int) -> Iterable[Span]:
    for alert in alerts:
        from_ms, until_ms = max(alert.started_ms, begun_ms), min(alert.resolved_ms or now_ms, now_ms)
        if alert.fired_ms is not None and from_ms < until_ms:
            yield Span(TONE[alert.severity], from_ms, until_ms)


def _running(running: Running, now_ms: int) -> View:
    session, view = running.session, session_view(running.session)
    streams: Sequence[View] = view["streams"]
    begun_ms = session.first_ms
    return {
        **{name: view[name] for name in ("id", "product", "channel", "state", "alerts", "lastEventAt")},
        "startedAt": rfc3339_or_none(begun_ms),
        "heardAt": rfc3339(session.last_received_ms),
        "streams": {
            word: sum(stream["video"] == word for stream in streams) for word in ("receiving", "stopped", "unknown")
        },
        "bar": state_bar(spans(session, running.dossier, now_ms), now_ms - BAR_MS, now_ms),
    }


def _measured(samples: Mapping[int, Sample], measure: Measure, minute: int) -> float | None:
    sample = samples.get(minute)
    return None if sample is None else measure(sample)

"""The summary as the API shows it: one sentence, then the figures behind it (contract.md, section 4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from webhook.domain.alerting.alerts import Severity
from webhook.domain.states import State
from webhook.store.lags import percentile
from webhook.store.summary import Figures

PERCENTILES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}
RECEPTIONS = ("receiving", "stopped", "unknown")
ACCEPTED = ("applied", "duplicate", "stale", "test", "unknown", "quarantined", "dead_letter")


def summary_view(figures: Figures, workers: int) -> dict[str, Any]:
    """`GET /summary`. Lags are seconds; lags and counts of notifications are of the last 5 min."""
    streams = {name: figures.gauges[f"streams:{name}"] for name in RECEPTIONS}
    return {
        "verdict": verdict(figures, workers),
        "sessions": {state.value: figures.gauges[f"state:{state.value}"] for state in State},
        "products": _under("product:", figures.gauges),
        "streams": streams,
        "alerts": {
            "pending": figures.pending,
            "firing": {severity.value: count for severity, count in figures.firing.items()},
            "unacknowledged": figures.gauges["alerts:unacknowledged"],
        },
        "lag": {name: _rounded(percentile(figures.recent.lags, share)) for name, share in PERCENTILES.items()},
        "inbox": {"depth": figures.inbox_depth, "oldestAge": figures.inbox_oldest_ms / 1000},
        "spool": {"depth": figures.spooled.depth, "oldestAge": _age(figures.spooled.oldest_ms, figures.now_ms)},
        "deadLetters": figures.dead_letters,
        "workers": workers,
        "notifications": {
            "accepted": sum(figures.recent.outcomes[outcome] for outcome in ACCEPTED),
            "duplicate": figures.recent.outcomes["duplicate"],
            "rejected": sum(figures.recent.rejected.values()),
            "unknown": figures.recent.outcomes["unknown"],
        },
    }


def verdict(figures: Figures, workers: int) -> str:
    """One sentence: what is wrong, gravest first, or that nothing is."""
    troubles = [
        sentence
        for sentence in (
            "No worker is alive" if not workers else "",
            _firing(figures.firing),
            _count(figures.gauges["state:failed"], "session failed", "sessions failed"),
            _count(figures.gauges["state:lost"], "session fell silent", "sessions fell silent"),
            _count(figures.gauges["streams:stopped"], "stream stopped", "streams stopped"),
            _count(figures.spooled.depth, "notification waits in a spool", "notifications wait in spools"),
            _count(figures.dead_letters, "dead letter", "dead letters"),
            _count(sum(figures.recent.rejected.values()), "post refused in 5 min", "posts refused in 5 min"),
        )
        if sentence
    ]
    if troubles:
        return ", ".join(troubles)
    live = sum(figures.gauges[f"state:{state.value}"] for state in (State.STARTING, State.LIVE, State.ENDING))
    return {0: "No session is running", 1: "The one session is fine"}.get(live, f"All {live} sessions are fine")


def _firing(firing: Mapping[Severity, int]) -> str:
    """How many alerts fire, and how many of them are of the gravest kind there is."""
    total = sum(firing.values())
    gravest = max((severity for severity, count in firing.items() if count), key=list(Severity).index, default=None)
    if gravest is None:
        return ""
    if firing[gravest] == total:
        return _count(total, f"{gravest.value} alert fires", f"{gravest.value} alerts fire")
    return f"{total} alerts fire, {firing[gravest]} {gravest.value}"


def _age(since_ms: int | None, now_ms: int) -> float:
    return 0 if since_ms is None else max(0, now_ms - since_ms) / 1000


def _rounded(lag: float | None) -> float | None:
    return None if lag is None else round(lag, 3)


def _count(number: int, one: str, many: str) -> str:
    return "" if number == 0 else f"{number} {one if number == 1 else many}"


def _under(prefix: str, gauges: Counter[str]) -> dict[str, int]:
    named = {name.removeprefix(prefix): count for name, count in gauges.items() if name.startswith(prefix)}
    return dict(sorted(named.items()))

"""What the pages about alerts show beside the items of the status API."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from webhook.domain.alerting.matchers import LONGEST, Matcher, Op
from webhook.domain.alerting.silences import Silence
from webhook.store.alerts import FullAlert
from webhook.views.alerts import alert_view
from webhook.views.silences import UNTIL_SESSION_ENDS
from webhook.views.times import rfc3339, rfc3339_or_none
from webhook.views.words import path_part, query

View = dict[str, Any]
AROUND_MS = 5 * 60_000  # of an alert, on the timeline of its session


def alert_page(full: FullAlert) -> View:
    """One alert, the silences that keep it quiet, and the part of its session's timeline that it is in."""
    view = alert_view(full.alert)
    return {
        "alert": view,
        "silences": [_silence(silence) for silence in full.silences],
        "timeline": _timeline(full),
    }


def meant(labels: Mapping[str, str], projects: Collection[str]) -> str:
    """Matchers, one a line, for what somebody most likely means who silences an alert with these labels.

    That is its rule in its channel, of its user where it is about one; in its session where no line can name a channel.
    """
    place = "channel" if matcher_line("channel", labels.get("channel", "")) else "session"
    names = ("rule", *(("project",) if len(projects) > 1 else ()), place, "uid")
    return "\n".join(line for name in names if (line := matcher_line(name, labels.get(name, ""))))


def matcher_line(label: str, value: str) -> str:
    """A matcher as somebody writes it; empty where there is no value, or none that a line can hold."""
    fits = value.isprintable() and len(value) <= LONGEST
    return str(Matcher(label, Op.EQUAL, value)) if value and fits else ""


def _silence(silence: Silence) -> View:
    return {
        "id": silence.id,
        "by": silence.by,
        "reason": silence.reason,
        "endsAt": rfc3339_or_none(silence.ends_ms),
        "until": UNTIL_SESSION_ENDS if silence.ends_ms is None else None,
    }


def _timeline(full: FullAlert) -> str | None:
    """Where its session shows it; None where it is about no session."""
    found = full.alert.found
    session_id, alert = found.labels.get("session"), found.alert
    if not session_id:
        return None
    until = None if alert.resolved_ms is None else rfc3339(alert.resolved_ms + AROUND_MS)
    window = query({"from": rfc3339(max(0, alert.started_ms - AROUND_MS)), "to": until})
    return f"/ops/sessions/{path_part(session_id)}{window}#timeline"

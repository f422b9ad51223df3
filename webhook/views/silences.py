"""Silences as the API shows them."""

from __future__ import annotations

from typing import Any

from webhook.domain.alerting.matchers import Matcher
from webhook.domain.alerting.silences import Silence, SilenceState
from webhook.views.times import rfc3339, rfc3339_or_none

UNTIL_SESSION_ENDS = "session_end"


def silence_view(silence: Silence, state: SilenceState, mutes: int) -> dict[str, Any]:
    """One item of `GET /silences`. `mutes` is the number of firing alerts that nobody is told of because of it."""
    return {
        "id": silence.id,
        "matchers": [matcher_view(matcher) for matcher in silence.matchers],
        "startsAt": rfc3339(silence.starts_ms),
        "endsAt": rfc3339_or_none(silence.ends_ms),
        "until": UNTIL_SESSION_ENDS if silence.ends_ms is None else None,
        "by": silence.by,
        "reason": silence.reason,
        "createdAt": rfc3339(silence.created_ms),
        "state": state.value,
        "expiredAt": rfc3339_or_none(silence.expired_ms),
        "mutes": mutes,
    }


def matcher_view(matcher: Matcher) -> dict[str, str]:
    """A matcher in its parts, as a body may name it."""
    return {"label": matcher.label, "op": matcher.op.value, "value": matcher.value}

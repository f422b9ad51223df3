"""What the answers of receivers mean: whether the same would be refused again, and when to try next."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from webhook.clock import now_ms
from webhook.domain.errors import DeliveryError

REFUSED = frozenset({400, 413, 414, 422})  # this very message, whenever it comes
MISLED = frozenset({401, 403, 404, 405, 407, 410})  # by an address or a credential that somebody has to mend
BUSY = frozenset({408, 425, 429, 503})
_SECONDS = re.compile(r"\d{1,9}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def refusal(status: int, retry_after: str | None = None) -> DeliveryError:
    """What to raise for an answer with another status than 2xx. `retry_after` is its header, if it has one."""
    if status in REFUSED:
        return DeliveryError(f"the receiver refuses this message: HTTP {status}", permanent=True)
    seconds = seconds_to_wait(retry_after)
    told = f"; it asks to be tried again in {seconds:.0f} s" if seconds is not None else ""
    return DeliveryError(f"HTTP {status}: {_meaning(status)}{told}", retry_after=seconds)


def seconds_to_wait(retry_after: str | None) -> float | None:
    """After how many seconds a Retry-After header asks to be tried again; None where it is absent or makes no sense."""
    text = (retry_after or "").strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - _EPOCH) / timedelta(seconds=1) - now_ms() / 1000)


def _meaning(status: int) -> str:
    if 300 <= status < 400:
        return "a redirect, which is not followed; write the final address into the sink's settings"
    if status in MISLED:
        return "the address or the credentials are wrong; mend the sink's settings"
    if status in BUSY:
        return "the receiver has no time now"
    return "the receiver failed" if status >= 500 else "an answer that is not expected"

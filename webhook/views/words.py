"""The words and the tones of pages: what a state, a rule or a product is called, and how grave it looks."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

from webhook.views.times import parse_rfc3339

# how each state looks; a state is always told by its word and its shape as well
TONES = {
    "starting": "ok",
    "live": "ok",
    "receiving": "ok",
    "uploaded": "ok",
    "uploading": "ok",
    "applied": "ok",
    "ok": "ok",
    "delivered": "ok",
    "resolved": "ok",
    "ending": "ok",
    "backed_up": "warn",
    "lost": "warn",
    "warning": "warn",
    "stale": "warn",
    "failing": "warn",
    "pending": "warn",
    "acknowledged": "acked",
    "silenced": "silenced",
    "stopped": "bad",
    "failed": "bad",
    "critical": "bad",
    "firing": "bad",
    "dead": "bad",
    "dead_letter": "bad",
    "quarantined": "bad",
    "quarantine": "bad",
    "ended": "ended",
    "none": "ended",
    "expired": "ended",
    "idle": "ended",
    "duplicate": "ended",
    "test": "ended",
    "info": "info",
}
NONE = "\N{EN DASH}"
PRODUCTS = {
    "rtc": "RTC channel",
    "cloud_recording": "Cloud recording",
    "media_pull": "Media pull",
    "media_push": "Media push",
    "media_gateway": "Media gateway",
    "cloud_transcoding": "Cloud transcoding",
    "conversational_ai": "Conversational AI",
    "speech_to_text": "Speech to text",
}


def tone(state: str | None) -> str:
    """The tone of a state: ok, warn, bad, unknown, ended, info, acked or silenced."""
    return TONES.get(state or "", "unknown")


def in_words(name: str | None) -> str:
    """A name of the API as people write it: `video_stopped` is `video stopped`."""
    return (name or "").replace("_", " ")


def product_name(product: str | None) -> str:
    """What Agora calls the product."""
    return PRODUCTS.get(product or "", in_words(product) or "Unknown product")


def clipped(text: Any, most: int = 80) -> str:
    """The text, cut where it is longer than `most` characters."""
    whole = str(text)
    return whole if len(whole) <= most else whole[: most - 1] + "…"


def percent(share: float | None) -> str:
    """A share from 0 to 1 as a percentage; a dash where there is none."""
    return NONE if share is None else f"{share * 100:.0f} %"


def lag(duration: float | None) -> str:
    """A lag in seconds, in the unit that fits; a dash where there is none."""
    if duration is None:
        return NONE
    if abs(duration) < 1:
        return f"{duration * 1000:{'.0f' if abs(duration) >= 0.01 else '.2g'}} ms"
    return f"{duration:.1f} s" if abs(duration) < 100 else f"{duration / 60:.0f} min"


def elapsed(since: str, until: str) -> float:
    """The seconds from one time of the API to another."""
    return (parse_rfc3339(until) - parse_rfc3339(since)) / 1000


def clock(at: str, now: str) -> str:
    """A time of the API in UTC, to the second; with its date where that is not the date of `now`."""
    return at[11:19] if at[:10] == now[:10] else f"{at[:10]} {at[11:19]}"


def path_part(name: str) -> str:
    """A name as one part of a path."""
    return quote(name, safe="")


def query(arguments: dict[str, Any], **changes: Any) -> str:
    """A query string of the arguments with some changed; those that are None or empty are left out."""
    asked = {name: value for name, value in {**arguments, **changes}.items() if value not in (None, "")}
    return f"?{urlencode(asked)}" if asked else "?"


FILTERS = (tone, in_words, product_name, clipped, percent, lag, elapsed, clock, path_part, query)

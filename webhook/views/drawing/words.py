"""Names, instants and durations as a person reads them in a picture."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

SECOND_MS, MINUTE_MS, HOUR_MS, DAY_MS = 1000, 60_000, 3_600_000, 86_400_000
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
LONGEST_NAME = 80
UNITS = ((DAY_MS, "d"), (HOUR_MS, "h"), (MINUTE_MS, "min"), (SECOND_MS, "s"))

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# what turns the direction of all that follows it, or cannot be seen
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


def moment(at_ms: int) -> datetime:
    """The instant in UTC."""
    return _EPOCH + timedelta(milliseconds=at_ms)


def clock(at_ms: int) -> str:
    """The time of day to the millisecond, `12:00:05.123`."""
    seconds, millis = divmod(at_ms % DAY_MS, SECOND_MS)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{millis:03}"


def day(at_ms: int) -> str:
    """The day, `24 Nov`, the same in every locale."""
    at = moment(at_ms)
    return f"{at.day} {MONTHS[at.month - 1]}"


def lasted(duration_ms: int) -> str:
    """A duration in its two greatest units, `4 min 5 s`; below 10 s to the tenth, below 1 s in ms."""
    if duration_ms < SECOND_MS:
        return f"{max(duration_ms, 0)} ms"
    if duration_ms < 10 * SECOND_MS:
        return f"{duration_ms / SECOND_MS:.1f} s".replace(".0 s", " s")
    parts: list[str] = []
    rest = duration_ms
    for unit_ms, unit in UNITS:
        count, rest = divmod(rest, unit_ms)
        if parts or count:
            parts.append(f"{count} {unit}" if count else "")
    return " ".join(filter(None, parts[:2]))


def plain(name: str, most: int = LONGEST_NAME) -> str:
    """A name that came from outside on one line: nothing in it is unseen, and it is cut in its middle at `most`."""
    seen = _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", name)
    if len(seen) <= most:
        return seen
    tail = (most - 1) // 2
    return f"{seen[: most - 1 - tail]}…{seen[len(seen) - tail :]}"


def spaced(word: str) -> str:
    """One of our own words as people write it: `video_stopped` and `notRecorded` in two."""
    return _HUMP.sub(" ", word).replace("_", " ").lower()

"""Times and durations as the API writes them (contract.md)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def rfc3339(at_ms: int) -> str:
    """An instant in UTC with milliseconds, `2026-11-22T23:34:05.123Z`."""
    moment = _EPOCH + timedelta(milliseconds=at_ms)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def rfc3339_or_none(at_ms: int | None) -> str | None:
    """The same, None where there is no instant."""
    return None if at_ms is None else rfc3339(at_ms)


def seconds(duration_ms: int | None) -> float | None:
    """A duration in seconds, None where there is none."""
    return None if duration_ms is None else duration_ms / 1000


def parse_rfc3339(text: str) -> int:
    """The instant in ms since the epoch. Raises ValueError where `text` is no RFC 3339 time with a zone."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("the time has no zone; end it with Z")
    return (moment - _EPOCH) // timedelta(milliseconds=1)

"""How bodies spell moments and leave out what is absent (agora-notifications.md, sections 3 and 7)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

Payload = dict[str, Any]
Sample = Callable[[int], Payload]  # from the moment of the event, ms since 1970

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def seconds(at_ms: int) -> int:
    """Whole seconds since 1970, of milliseconds."""
    return at_ms // 1000


def moment(at_ms: int) -> datetime:
    """The aware UTC time of milliseconds since 1970."""
    return EPOCH + timedelta(milliseconds=at_ms)


def rfc3339(at_ms: int, digits: int = 3) -> str:
    """`2025-11-24T16:00:00.123Z`, of milliseconds since 1970; `digits` of the fraction are written, 0 to 3."""
    fraction = f".{at_ms % 1000:03d}"[: digits + 1] if digits else ""
    return f"{moment(at_ms):%Y-%m-%dT%H:%M:%S}{fraction}Z"


def present(**fields: Any) -> Payload:
    """Those of `fields` that are not None."""
    return {name: value for name, value in fields.items() if value is not None}

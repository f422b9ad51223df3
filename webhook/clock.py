"""The only reader of the clock: edges take time from here and pass it down as an argument."""

from __future__ import annotations

import time


def now_ms() -> int:
    """The wall clock, in whole milliseconds since 1970 (UTC)."""
    return time.time_ns() // 1_000_000


def sleep(seconds: float) -> None:
    """Return after `seconds`; at once where they are zero or less."""
    if seconds > 0:
        time.sleep(seconds)

"""Durations and sizes as people write them."""

from __future__ import annotations

import re
from typing import Any

DURATION_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
SIZE_UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30}


def seconds(raw: Any) -> int:
    """The seconds of a duration such as 7d or 90m; a bare number is seconds. Raises ValueError."""
    match = re.fullmatch(r"(\d+)([smhd]?)", str(raw))
    if not match:
        raise ValueError("a duration is a number with s, m, h or d, such as 7d or 90m")
    return int(match[1]) * DURATION_UNITS[match[2] or "s"]


def size(raw: Any) -> int:
    """The bytes of a size such as 1GiB, 256 MiB or 10MB; a bare number is bytes. Raises ValueError."""
    match = re.fullmatch(r"(\d+)\s*([A-Za-z]*)", str(raw).strip())
    if not match or match[2].lower() not in SIZE_UNITS:
        raise ValueError("a size is a whole number of bytes, or one with a unit, such as 256MiB, 1GiB or 10MB")
    return int(match[1]) * SIZE_UNITS[match[2].lower()]

"""A histogram of lags in buckets that grow by a quarter: percentiles come out within 12 % whatever their size."""

from __future__ import annotations

import math
from collections.abc import Mapping

GROWTH = 1.25


def bucket(lag_ms: int) -> int:
    """The number of the bucket that holds `lag_ms`; 0 holds everything below a millisecond."""
    return 0 if lag_ms < 1 else 1 + int(math.log(lag_ms) / math.log(GROWTH))


def percentile(counts: Mapping[int, int], share: float) -> float | None:
    """The lag in seconds that `share` of the counted ones do not exceed: the middle of its bucket. None without any."""
    wanted = share * sum(counts.values())
    passed = 0
    for number in sorted(counts):
        passed += counts[number]
        if counts[number] and passed >= wanted:
            return _middle_ms(number) / 1000
    return None


def _middle_ms(number: int) -> float:
    return 0.0 if number == 0 else GROWTH ** (number - 0.5)

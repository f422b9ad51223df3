"""A circuit breaker: while Redis fails nobody waits for it, and one prober finds out when it is back."""

from __future__ import annotations

MOST_FAILURES = 3  # in a row, until it opens


class Breaker:
    """Opens after a few failures in a row; closed again by a success. Safe to share between greenlets."""

    def __init__(self) -> None:
        self._failures = 0
        self.reason: Exception | None = None

    @property
    def is_open(self) -> bool:
        """Whether Redis is to be left alone by all but the prober."""
        return self._failures >= MOST_FAILURES

    def failed(self, reason: Exception) -> None:
        """Counts a failure."""
        self._failures += 1
        self.reason = reason

    def succeeded(self) -> None:
        """Redis is well."""
        self._failures = 0
        self.reason = None

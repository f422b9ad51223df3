"""Saying that something does not work: when it begins, now and then while it lasts, and when it is over."""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import monotonic

SAID_EVERY = 30.0  # seconds, while it lasts

log = logging.getLogger(__name__)


class Trouble:
    """One kind of trouble of one process, as the log shows it."""

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._say_at: float | None = None  # None while all is well

    def goes_on(self, what: str) -> None:
        """Logs `what`, unless that was done within the last seconds."""
        if self._say_at is None or self._now() >= self._say_at:
            log.warning("%s", what)
            self._say_at = self._now() + SAID_EVERY

    def is_over(self, how: str) -> None:
        """Logs `how` it ended, once."""
        if self._say_at is not None:
            log.warning("%s", how)
            self._say_at = None

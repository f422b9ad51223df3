"""What is known of a session: a header that all products share, and the state of its family.

Every field is a maximum, a minimum, a set or a guarded count. That shape is what makes status independent of order:
whichever way round two facts come, the greater one wins.
"""

from __future__ import annotations

from msgspec import Struct

from webhook.domain.entity.state import Entity
from webhook.domain.recording.state import Recording
from webhook.domain.registration import Registration
from webhook.domain.rtc.state import Channel

VERSION = 2

FamilyState = Recording | Channel | Entity


class Session(Struct, frozen=True, array_like=True):
    """One session's projection. It stays small however long the session runs; its log is kept beside it."""

    version: int
    id: str
    product: str
    project: str
    source: str | None  # None while it is only registered
    channel: str | None
    first_ms: int | None  # least event time; None while it is only registered
    last_ms: int | None  # greatest event time
    last_received_ms: int
    state: FamilyState
    lost_ms: int | None = None  # the silence deadline, once it has passed
    received: int = 0
    duplicates: int = 0
    stale: int = 0
    logged: int = 0  # entries in the log
    log_floor: str | None = None  # the greatest place that was trimmed from the log
    revision: int = 0
    registration: Registration | None = None
    alerts: tuple[str, ...] = ()  # ids of those that fire; written by whoever evaluates the rules

    @property
    def activity_ms(self) -> int:
        """The time by which lists are sorted: of the last event, else of the registration, else of receiving."""
        if self.last_ms is not None:
            return self.last_ms
        return self.registration.registered_ms if self.registration else self.last_received_ms

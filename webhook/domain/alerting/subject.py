"""What rules look at: one session, what RTC says of its channel, and now."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec import Struct

from webhook.domain.alerting.alerts import Finding
from webhook.domain.recording.state import Recording
from webhook.domain.rtc.state import Channel
from webhook.domain.session import Session
from webhook.domain.states import OVER, State, Status
from webhook.domain.status import status_of


class Subject(Struct, frozen=True):
    """One session as rules see it. `channel` is None where nothing was heard from RTC of its channel."""

    session: Session
    status: Status
    channel: Channel | None
    now_ms: int

    @property
    def recording(self) -> Recording | None:
        """What is special to a recording, None for other sessions."""
        return self.session.state if isinstance(self.session.state, Recording) else None

    @property
    def is_running(self) -> bool:
        """Whether the session is live, or was when it fell silent: what was wrong then is not well now."""
        return self.status.state in (State.LIVE, State.LOST)

    @property
    def is_over(self) -> bool:
        """Whether the session ended or failed."""
        return self.status.state in OVER

    @property
    def is_ending(self) -> bool:
        """Whether it did, or its recorder has left: nothing that concerns what it records can recover any more."""
        return self.is_over or self.status.state is State.ENDING


Rule = Callable[[Subject], Iterator[Finding]]


def subject_of(session: Session, channel: Channel | None, now_ms: int) -> Subject:
    """`session` as rules see it at `now_ms`."""
    return Subject(session, status_of(session), channel, now_ms)

"""What rules look at: one session, what else is known of its channel, and now."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec import Struct

from webhook.domain.alerting.alerts import Finding
from webhook.domain.alerting.policies import DEFAULTS, Policies
from webhook.domain.recording.events import LeaveReason
from webhook.domain.recording.state import Recording
from webhook.domain.recording.status import latest_recorder
from webhook.domain.rtc.state import Channel
from webhook.domain.session import Session
from webhook.domain.states import OVER, State, Status
from webhook.domain.status import exit_of, status_of

NOT_YET = frozenset({State.EXPECTED, State.STARTING})


class Subject(Struct, frozen=True):
    """One session as rules see it. `channel` is None where nothing was heard from RTC of its channel, `present` are the
    uids of those who are there;
    `successor_ms` is when the next session of its channel began, None where there was none.
    """

    session: Session
    status: Status
    channel: Channel | None
    present: frozenset[str]
    now_ms: int
    successor_ms: int | None
    policies: Policies

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


class Surroundings(Struct, frozen=True):
    """What is known around a session, as `Subject` has it."""

    channel: Channel | None = None
    present: frozenset[str] = frozenset()
    successor_ms: int | None = None


def subject_of(session: Session, around: Surroundings, now_ms: int, policies: Policies = DEFAULTS) -> Subject:
    """`session` as rules see it at `now_ms`."""
    return Subject(session, status_of(session), around.channel, around.present, now_ms, around.successor_ms, policies)


def ended_badly_ms(session: Session) -> int | None:
    """Since when a session is over in a way that the next session of its channel makes good; None where it is not.

    A recorder that left for such a reason was gone by then, whenever it says that it exited.
    """
    over = exit_of(session)
    failed_ms = over.at_ms if over is not None and not over.normal else None
    return min((at_ms for at_ms in (failed_ms, _left_badly_ms(session)) if at_ms is not None), default=None)


def _left_badly_ms(session: Session) -> int | None:
    recording = session.state if isinstance(session.state, Recording) else None
    left = latest_recorder(recording).left if recording else None
    if left is None:
        return None
    failed = left[2] == LeaveReason.INIT_FAILED  # the one reason that is no bit of the mask
    return left[0] if failed or left[2] & LeaveReason.NO_USERS else None


def succeeds(session: Session, earlier: Session, since_ms: int) -> bool:
    """Whether `session` is one that was begun in place of `earlier`, which was over at `since_ms`, and came to life."""
    same = (session.product, session.project, session.channel) == (earlier.product, earlier.project, earlier.channel)
    later = session.first_ms is not None and session.first_ms > since_ms
    return same and later and session.id != earlier.id and status_of(session).state not in NOT_YET

"""When silence becomes a fact, and when a session is forgotten. All times are milliseconds by the server's clock."""

from __future__ import annotations

from msgspec.structs import replace

from webhook.domain.families import family_of
from webhook.domain.session import Session
from webhook.domain.states import OVER, State
from webhook.domain.status import status_of


def silence_deadline_ms(session: Session) -> int | None:
    """When silence makes the session lost; None before it began to speak, and once it is ending or over."""
    state = status_of(session).state
    if state in OVER or state in (State.ENDING, State.EXPECTED):
        return None
    return session.last_received_ms + family_of(session.state).silence_ms(session.state)


def settle(session: Session, now_ms: int, *, deaf: bool = False) -> Session:
    """The session with every deadline up to `now_ms` counted, and none after it.

    While `deaf`, silence proves nothing, so no session becomes lost; one that was lost before stays so.
    """
    state = family_of(session.state).settle(session.state, now_ms)
    deadline = silence_deadline_ms(session)
    passed = deadline if deadline is not None and deadline <= now_ms else None
    lost_ms = None if deaf and passed != session.lost_ms else passed
    if state is session.state and lost_ms == session.lost_ms:
        return session
    return replace(session, state=state, lost_ms=lost_ms)


def forget_ms(session: Session, retention_ms: int) -> int | None:
    """When a session that is ending, over or lost is forgotten: `retention_ms` after its last word; else None."""
    expected_to_speak = session.lost_ms is None and silence_deadline_ms(session) is not None
    return None if expected_to_speak else session.last_received_ms + retention_ms


def next_deadline_ms(session: Session, retention_ms: int) -> int:
    """When the session has to be looked at again, even if nothing more is heard of it."""
    silence = silence_deadline_ms(session) if session.lost_ms is None else None
    common = silence if silence is not None else session.last_received_ms + retention_ms
    own = family_of(session.state).deadline_ms(session.state)
    return common if own is None else min(common, own)

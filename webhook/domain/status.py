"""The state of a session, whatever its product."""

from __future__ import annotations

from webhook.domain.families import family_of
from webhook.domain.session import Session
from webhook.domain.states import Exit, State, Status


def status_of(session: Session) -> Status:
    """The state of `session` and since when."""
    if session.first_ms is None:
        return Status(State.EXPECTED, session.activity_ms)
    return family_of(session.state).status(session.state, session.first_ms, session.lost_ms)


def exit_of(session: Session) -> Exit | None:
    """How the session ended, or None while it has not, or nobody told."""
    return family_of(session.state).exit(session.state)

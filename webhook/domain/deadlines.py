"""When silence becomes a fact, and when a session is forgotten. All times are milliseconds by the server's clock."""

from __future__ import annotations

from msgspec.structs import replace

from webhook.domain.events import Reception
from webhook.domain.session import Session
from webhook.domain.status import OVER, State, reception, snapshot_interval_ms, status_of

HEARTBEAT_SILENCE_MS = 180_000  # a 33 comes once a minute, so three in a row are missing
LEAST_SNAPSHOT_SILENCE_MS = 60_000
LONGEST_SILENCE_MS = 24 * 3_600_000
SNAPSHOTS_MISSED = 3


def silence_ms(session: Session) -> int:
    """How long the session may be silent before it counts as lost."""
    recording = session.state
    if recording.heartbeat:
        return HEARTBEAT_SILENCE_MS
    intervals = [
        interval
        for stream in recording.streams.values()
        if reception(recording, stream.video)[0] is Reception.RECEIVING
        and (interval := snapshot_interval_ms(stream.snapshots)) is not None
    ]
    if intervals:
        return min(max(SNAPSHOTS_MISSED * min(intervals), LEAST_SNAPSHOT_SILENCE_MS), LONGEST_SILENCE_MS)
    return LONGEST_SILENCE_MS


def silence_deadline_ms(session: Session) -> int | None:
    """When silence makes the session lost; None once it is ending or over."""
    state = status_of(session).state
    if state in OVER or state is State.ENDING:
        return None
    return session.last_received_ms + silence_ms(session)


def settle(session: Session, now_ms: int, *, deaf: bool = False) -> Session:
    """The session with every silence deadline up to `now_ms` counted, and none after it.

    While `deaf`, silence proves nothing, so no session becomes lost; one that was lost before stays so.
    """
    deadline = silence_deadline_ms(session)
    passed = deadline if deadline is not None and deadline <= now_ms else None
    lost_ms = None if deaf and passed != session.lost_ms else passed
    return session if lost_ms == session.lost_ms else replace(session, lost_ms=lost_ms)


def forget_ms(session: Session, retention_ms: int) -> int | None:
    """When a session that is ending, over or lost is forgotten: `retention_ms` after its last word; else None."""
    expected_to_speak = session.lost_ms is None and silence_deadline_ms(session) is not None
    return None if expected_to_speak else session.last_received_ms + retention_ms


def next_deadline_ms(session: Session, retention_ms: int) -> int:
    """When the session has to be looked at again, even if nothing more is heard of it."""
    silence = silence_deadline_ms(session) if session.lost_ms is None else None
    return silence if silence is not None else session.last_received_ms + retention_ms

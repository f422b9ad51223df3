"""The state of a session, worked out from its marks (contract.md, section 4): the first that holds."""

from __future__ import annotations

from enum import StrEnum
from statistics import median_low

from msgspec import Struct

from webhook.domain.events import LeaveReason, Reception
from webhook.domain.session import Recorder, Recording, Session, Snapshots, StreamMark


class State(StrEnum):
    """The states of a session, in words that all products share."""

    EXPECTED = "expected"
    STARTING = "starting"
    LIVE = "live"
    LOST = "lost"
    ENDING = "ending"
    ENDED = "ended"
    FAILED = "failed"


OPEN = frozenset({State.EXPECTED, State.STARTING, State.LIVE, State.ENDING})
OVER = frozenset({State.ENDED, State.FAILED})


class Status(Struct, frozen=True):
    """A state and the event time, in ms, since which it holds."""

    state: State
    since_ms: int


class Exit(Struct, frozen=True):
    """How the latest recorder ended. `reasons` are those of its leaving, empty where no 41 was heard."""

    normal: bool
    at_ms: int
    reasons: tuple[str, ...]


def status_of(session: Session) -> Status:
    """The state of `session` and since when."""
    latest = latest_recorder(session.state)
    return (
        _over(session.state, latest)
        or _ending(latest)
        or _lost(session)
        or _live(session.state)
        or Status(State.STARTING, session.first_ms)
    )


def latest_recorder(recording: Recording) -> Recorder | None:
    """The recorder that the latest failover named, else the one heard of first by its latest beginning."""
    uid = latest_uid(recording)
    return None if uid is None else recording.recorders[uid]


def latest_uid(recording: Recording) -> str | None:
    """The uid of the latest recorder, or None before any was heard."""
    return max(recording.recorders, key=lambda uid: (*lineage(recording.recorders[uid]), uid), default=None)


def lineage(recorder: Recorder) -> tuple[bool, int]:
    """Sorts recorders by when they took over: one that a failover named follows all that none did."""
    named = recorder.named_ms is not None
    return named, recorder.named_ms if recorder.named_ms is not None else recorder.first_ms


def exit_of(session: Session) -> Exit | None:
    """How the session ended, once its latest recorder's exit was heard."""
    latest = latest_recorder(session.state)
    if latest is None or latest.exited is None:
        return None
    at_ms, _, abnormal = latest.exited
    return Exit(not abnormal, at_ms, leave_reasons(latest))


def leave_reasons(recorder: Recorder) -> tuple[str, ...]:
    """Why the recorder left, in words; empty while it is there."""
    if recorder.left is None:
        return ()
    code = recorder.left[2]
    if code == LeaveReason.INIT_FAILED:
        return ("init_failed",)
    known = tuple(str(reason.name).lower() for reason in LeaveReason if reason and code & reason)
    return known or (f"code_{code}",)


def reception(recording: Recording, marks: dict[str, StreamMark]) -> tuple[Reception, int | None]:
    """The state of a track and its event time in ms: the latest word of the newest recorder that spoke of it."""
    speakers = [(lineage(recorder), uid) for uid, recorder in recording.recorders.items() if uid in marks]
    if speakers:
        at_ms, _, state = marks[max(speakers)[1]]
    elif marks:
        at_ms, _, state = max(marks.values())
    else:
        return Reception.UNKNOWN, None
    return Reception(state), at_ms


def snapshot_interval_ms(snapshots: Snapshots) -> int | None:
    """The learned capture interval: the median of the recent gaps; None before two gaps were seen."""
    gaps = [later - earlier for earlier, later in zip(snapshots.recent, snapshots.recent[1:], strict=False)]
    return median_low(gaps) if len(gaps) > 1 else None


def _over(recording: Recording, latest: Recorder | None) -> Status | None:
    if latest is None:
        return None
    if latest.exited is not None:
        at_ms, _, abnormal = latest.exited
        return Status(State.FAILED if abnormal else State.ENDED, at_ms)
    if latest.left is not None and recording.stored is not None and recording.stored[0] >= latest.left[0]:
        return Status(State.ENDED, recording.stored[0])
    return None


def _ending(latest: Recorder | None) -> Status | None:
    return Status(State.ENDING, latest.left[0]) if latest is not None and latest.left is not None else None


def _lost(session: Session) -> Status | None:
    return Status(State.LOST, session.lost_ms) if session.lost_ms is not None else None


def _live(recording: Recording) -> Status | None:
    return Status(State.LIVE, recording.live_ms) if recording.live_ms is not None else None

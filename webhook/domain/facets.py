"""Under which names a session is found, and what it adds to the gauges: both follow from its projection alone."""

from __future__ import annotations

from collections import Counter

from webhook.domain.events import Reception
from webhook.domain.session import Session
from webhook.domain.status import State, reception, status_of

ALL = "all"
STOPPED = "stopped"
UP = frozenset({State.STARTING, State.LIVE, State.ENDING})  # whose streams count as expected


def indexes(session: Session) -> set[str]:
    """The names of the indexes that list the session."""
    names = {ALL, of_state(status_of(session).state)}
    if session.channel is not None:
        names.add(of_channel(session.project, session.channel))
    if video_counts(session)[Reception.STOPPED] and status_of(session).state in UP:
        names.add(STOPPED)
    return names


def of_state(state: State) -> str:
    """The index of the sessions in `state`."""
    return f"state:{state.value}"


def of_channel(project: str, channel: str) -> str:
    """The index of the sessions of one channel of a project."""
    return f"channel:{project}:{channel}"


def gauges(session: Session) -> Counter[str]:
    """What the session adds to each gauge: its state, its product while not over, its streams while it is up."""
    state = status_of(session).state
    amounts = Counter({f"state:{state.value}": 1, f"product:{session.product}": 1})
    if state in UP:
        amounts.update({f"streams:{reception.value}": count for reception, count in video_counts(session).items()})
    return amounts


def video_counts(session: Session) -> Counter[Reception]:
    """How many of the session's streams are in each state of reception, by their video."""
    recording = session.state
    return Counter(reception(recording, stream.video)[0] for stream in recording.streams.values())

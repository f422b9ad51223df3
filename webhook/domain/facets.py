"""Under which names a session is found, and what it adds to the gauges: both follow from its projection alone."""

from __future__ import annotations

from msgspec import Struct

from webhook.domain.decoding import routes_by_channel
from webhook.domain.events import Reception
from webhook.domain.families import family_of
from webhook.domain.session import Session
from webhook.domain.states import State
from webhook.domain.status import status_of

ALL = "all"
STOPPED = "stopped"
RUNNING = "running"
ALERTING = "alerting"
UP = frozenset({State.STARTING, State.LIVE, State.ENDING})  # whose streams count as expected


class Facets(Struct, frozen=True):
    """The names of the indexes that list a session, and what it adds to each gauge."""

    indexes: frozenset[str]
    gauges: dict[str, int]


def facets(session: Session) -> Facets:
    """What `session` is found by and counted as: its state, its product, and, while it is up, its streams."""
    state = status_of(session).state
    names = [ALL, of_state(state), *([ALERTING] if session.alerts else [])]
    gauges = {f"state:{state.value}": 1, f"product:{session.product}": 1}
    at_home = session.channel is not None and routes_by_channel(session.product)
    if session.alerts and session.channel is not None and at_home:
        names.append(of_alerting_channel(session.project, session.channel))
    if session.channel is not None:
        names.append((of_channel if at_home else of_channel_elsewhere)(session.project, session.channel))
    if state in UP:
        names.append(RUNNING)
        if session.channel is not None:
            names.append((of_running_channel if at_home else of_running_elsewhere)(session.project, session.channel))
        counts = family_of(session.state).video_counts(session.state)
        names += [STOPPED] if counts[Reception.STOPPED] else []
        gauges |= {f"streams:{reception.value}": count for reception, count in counts.items()}
    return Facets(frozenset(names), gauges)


def indexes(session: Session) -> frozenset[str]:
    """The names of the indexes that list the session."""
    return facets(session).indexes


def gauges(session: Session) -> dict[str, int]:
    """What the session adds to each gauge."""
    return facets(session).gauges


def of_state(state: State) -> str:
    """The index of the sessions in `state`."""
    return f"state:{state.value}"


def of_channel(project: str, channel: str) -> str:
    """The index of the sessions of one channel of a project."""
    return f"channel:{project}:{channel}"


def of_channel_elsewhere(project: str, channel: str) -> str:
    """The index of the sessions of one channel whose product is not folded in the shard of its channel."""
    return f"elsewhere:{project}:{channel}"


def of_running_channel(project: str, channel: str) -> str:
    """The index of the sessions of one channel that are up."""
    return f"running:{project}:{channel}"


def of_alerting_channel(project: str, channel: str) -> str:
    """The index of the sessions of one channel that have alerts which fire."""
    return f"alerting:{project}:{channel}"


def of_running_elsewhere(project: str, channel: str) -> str:
    """The index of the sessions that `of_channel_elsewhere` lists and that are up."""
    return f"running-elsewhere:{project}:{channel}"

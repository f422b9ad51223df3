"""Sessions as they happen to scripts: what Agora tells of each, and what must be known of it in the end."""

from __future__ import annotations

from webhook.simulation.channel import telling as channel
from webhook.simulation.channel.model import Call
from webhook.simulation.entity import telling as entity
from webhook.simulation.names import DEFAULT_PROJECT
from webhook.simulation.recording import telling as recording
from webhook.simulation.recording.model import Recording
from webhook.simulation.scenario import Actor
from webhook.simulation.truth import Script


def write(actor: Actor, starts_ms: int, project: str = DEFAULT_PROJECT) -> Script:
    """The script of a session of `project` in a simulation that starts at `starts_ms`, ms since 1970.

    The same arguments give the same script. Ids depend on `starts_ms` too, so that a seed played twice against one
    server makes new sessions.
    """
    if isinstance(actor, Recording):
        return recording.write(actor, starts_ms)
    return channel.write(actor, starts_ms, project) if isinstance(actor, Call) else entity.write(actor, starts_ms)

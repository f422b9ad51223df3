"""A session and its log to a timeline: a pure function, independent of the order of arrival as both of them are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import webhook.domain.timeline.channels as channels
import webhook.domain.timeline.entities as entities
import webhook.domain.timeline.recordings as recordings
from webhook.domain.decoding import event_name
from webhook.domain.entity.state import Entity
from webhook.domain.events import Unrecognised
from webhook.domain.log import Entry
from webhook.domain.recording.state import Recording
from webhook.domain.rtc.state import Channel
from webhook.domain.session import Session
from webhook.domain.timeline.framing import Extent, Timeline, Window, extent_of, framed
from webhook.domain.timeline.lanes import Kind, Says, Sketch
from webhook.domain.timeline.telling import Told, tell

Draw = Callable[[Sketch, Any, Extent, Sequence[Told]], None]
FAMILIES: dict[type, Draw] = {Recording: recordings.draw, Channel: channels.draw, Entity: entities.draw}


def timeline(session: Session, entries: Iterable[Entry], window: Window) -> Timeline:
    """The lanes of `session` as its log tells them, as far as they are in `window`. Never raises.

    `entries` are those of its log, in any order. Lanes of another origin, such as alerts, are to join those of the
    sketch before they are framed.
    """
    sketch, extent = Sketch(), extent_of(session)
    if extent is not None:
        told = [said for said in map(tell, entries) if said is not None]
        FAMILIES[type(session.state)](sketch, session.state, extent, told)
        _draw_unrecognised(sketch, told)
    return framed(session, sketch.lanes(), window, cut=sketch.cut)


def _draw_unrecognised(sketch: Sketch, all_told: Iterable[Told]) -> None:
    for told in all_told:
        if isinstance(told.event, Unrecognised):
            called = event_name(told.product, told.event_type)
            name = f", called {called}" if called else ""
            says = Says("unrecognised", f"a notification of type {told.event_type}{name}, which no table knows")
            sketch.mark((Kind.OTHER, None), told, says)

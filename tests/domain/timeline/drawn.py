"""What notifications, taken the way that they take in operation, make of a session, its log and its timeline."""

from __future__ import annotations

import json
from collections.abc import Iterable
from random import Random
from typing import Any

import msgspec

from webhook.domain.arrivals import Arrival, read
from webhook.domain.folding import Folding, Known, Limits
from webhook.domain.log import Entry, session_log
from webhook.domain.session import Session
from webhook.domain.timeline import Lane, Timeline, Window, timeline
from webhook.views.timeline import timeline_view

Notification = dict[str, Any]
Spans = list[tuple[float, float | None, str]]

AT_MS = 1_764_000_000_000  # 2025-11-24T16:00:00.000Z
RECEIVED_MS = AT_MS + 3_600_000
LIMITS = Limits(log_per_session=4096, retention_ms=7 * 86_400_000)
ALL = Window()


class Log:
    """A store of batches: what is known after each of them."""

    def __init__(self, *batches: Iterable[Notification]) -> None:
        self.known = Known()
        for batch in batches:
            self.take(batch)

    def take(self, batch: Iterable[Notification]) -> None:
        """Folds one batch."""
        known = self.known
        folding = Folding(Known(dict(known.sessions), dict(known.entries), dict(known.effects)), LIMITS)
        for said in batch:
            folding.take(read(Arrival("", "default", "default", 2, json.dumps(said).encode()), RECEIVED_MS))
        for session_id in folding.moved:
            folding.refold(session_id, known.entries)
        known.sessions.update({key: folding.sessions[key] for key in folding.touched})
        known.entries.update(folding.entries)
        known.effects.update(folding.effects)

    @property
    def session(self) -> Session:
        """The only session that there is."""
        (only,) = self.known.sessions.values()
        return only

    @property
    def entries(self) -> list[Entry]:
        """The log of that session."""
        return [entry for (log, _), entry in self.known.entries.items() if log == session_log(self.session.id)]

    def timeline(self, window: Window = ALL) -> Timeline:
        """The timeline of that session."""
        return timeline(self.session, self.entries, window)


def timeline_of(*said: Notification, window: Window = ALL) -> Timeline:
    """The timeline of one session that is told in one batch."""
    return Log(said).timeline(window)


def lane(drawn: Timeline, kind: str, uid: str | None = None) -> Lane:
    """The lane called so."""
    (found,) = [each for each in drawn.lanes if (each.kind, each.uid) == (kind, uid)]
    return found


def names(drawn: Timeline) -> list[str]:
    """The lanes in their order: the kind, and the uid where there is one."""
    return [each.kind + (f":{each.uid}" if each.uid is not None else "") for each in drawn.lanes]


def spans(of: Lane) -> Spans:
    """The intervals of a lane in seconds after the beginning of tests."""
    return [(second(it.from_ms), None if it.until_ms is None else second(it.until_ms), it.state) for it in of.intervals]


def told_in(of: Lane) -> list[tuple[float, str, str]]:
    """The marks of a lane: second, kind, text."""
    return [(second(mark.at_ms), mark.kind, mark.text) for mark in of.marks]


def second(at_ms: int) -> float:
    """Seconds since the beginning of tests."""
    return (at_ms - AT_MS) / 1000


def shown(drawn: Timeline) -> bytes:
    """The timeline as the API answers it."""
    return msgspec.json.encode(timeline_view(drawn))


def shuffled(said: list[Notification], random: Random) -> list[list[Notification]]:
    """`said` in any order, cut into batches anywhere."""
    batches: list[list[Notification]] = [[]]
    for each in random.sample(said, len(said)):
        if random.random() < 0.2:
            batches.append([])
        batches[-1].append(each)
    return batches

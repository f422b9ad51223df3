"""The live feed, `/ops/live`: server-sent events that say where something changed, so that pages read it again.

An event for each area, its data a revision; `store` with `away` or `back` when Redis goes or comes; `alive` where
nothing else was said for a while, since a page hears no comments.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from time import monotonic
from typing import Any
from weakref import WeakSet

from flask import Response, current_app, request

from webhook.routes.answers import problem
from webhook.routes.dashboard import blueprint
from webhook.store.ticks import Area, Heard, Listener

EXTENSION = "vigil.live"
MOST_FEEDS = 64  # a process
LASTS = 600.0  # seconds of a feed; its page opens another one
ALIVE_AFTER = 5.0  # seconds without any other event
LOOK_EVERY = 1.0  # seconds from one look whether the page is still there to the next
THROTTLE = 1.0  # seconds from one event of an area to the next
RETRY_MS, NEXT_FEED_MS = 3_000, 100  # until a page comes back: to a feed that broke, to one that has lasted
TRY_AGAIN = 60  # seconds until a page for which there was no room should ask again
ESTABLISHED = 1  # of a TCP connection; any other state means that its client has closed it, or the network has


class Live:
    """The feeds that are open in this process. They hear by `listener`, and measure time, in seconds, by `now`."""

    def __init__(self, listener: Listener, now: Callable[[], float] = monotonic) -> None:
        self.listener, self.now = listener, now
        self._feeds: WeakSet[Feed] = WeakSet()  # an answer that nobody ever reads leaves it, too

    def open_feeds(self) -> int:
        """How many are open."""
        return len(self._feeds)

    def open(self, has_left: Callable[[], bool] = lambda: False) -> Feed | None:
        """A feed, which ends when its page `has_left`; None where MOST_FEEDS are open."""
        if self.open_feeds() >= MOST_FEEDS:
            return None
        feed = Feed(self, has_left)
        self._feeds.add(feed)
        return feed

    def close(self, feed: Feed) -> None:
        """Makes room for another one."""
        self._feeds.discard(feed)


class Feed:
    """What one page hears. It keeps no events but the latest revisions, however slowly they are read."""

    def __init__(self, live: Live, has_left: Callable[[], bool]) -> None:
        self._live, self._has_left = live, has_left

    def __iter__(self) -> Iterator[str]:
        yield f"retry: {RETRY_MS}\n\n"
        now, wait = self._live.now, self._live.listener.wait
        heard, began = wait(-1, 0.0), now()
        pace, until = Pace(heard, began), began + LASTS
        while now() < until and not self._has_left():
            events = pace.due(heard, now())
            if events:
                yield "".join(f"event: {name}\ndata: {value}\n\n" for name, value in events)
            heard = wait(heard.number, pace.patience(heard, now()))
        yield f"retry: {NEXT_FEED_MS}\n\n"

    def close(self) -> None:
        """Called by whoever serves it, when it has ended or cannot be sent any more."""
        self._live.close(self)


class Pace:
    """When a page is told what: each area at most once in THROTTLE seconds, the latest revision in the end."""

    def __init__(self, heard: Heard, now: float) -> None:
        self._told: dict[Area, int] = dict(heard.revisions)
        self._told_at = dict.fromkeys(Area, now - THROTTLE)
        self._reached: bool | None = None
        self._spoke_at = now

    def due(self, heard: Heard, now: float) -> list[tuple[str, str | int]]:
        """The events to send at `now`, which then count as sent."""
        events: list[tuple[str, str | int]] = []
        if heard.reached is not None and heard.reached != self._reached:
            self._reached = heard.reached
            events.append(("store", "back" if heard.reached else "away"))
        for area in self._changed(heard.revisions):
            if now - self._told_at[area] >= THROTTLE:
                self._told[area], self._told_at[area] = heard.revisions[area], now
                events.append((area.value, heard.revisions[area]))
        if not events and now - self._spoke_at >= ALIVE_AFTER:
            events.append(("alive", 1))
        if events:
            self._spoke_at = now
        return events

    def patience(self, heard: Heard, now: float) -> float:
        """Seconds until there may be something to do without anything new."""
        throttled = [self._told_at[area] + THROTTLE for area in self._changed(heard.revisions)]
        return max(0.0, min(now + LOOK_EVERY, self._spoke_at + ALIVE_AFTER, *throttled) - now)

    def _changed(self, revisions: Mapping[Area, int]) -> list[Area]:
        return [area for area in Area if revisions[area] != self._told[area]]


@blueprint.get("/live")
def feed() -> Response:
    """The feed; 503 where as many are open as may be, and the page asks for itself every few seconds."""
    opened = _live().open(_leaving(request.environ.get("gunicorn.socket")))
    if opened is None:
        answer = problem(503, "Too many feeds", f"{MOST_FEEDS} pages are fed by this process, as many as may be")
        answer.headers["Retry-After"] = str(TRY_AGAIN)
        return answer
    answer = Response(opened, mimetype="text/event-stream")
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Accel-Buffering"] = "no"  # nginx would keep events back
    return answer


def open_feeds() -> int:
    """How many feeds this process has open."""
    return _live().open_feeds()


def _live() -> Live:
    live: Live = current_app.extensions[EXTENSION]
    return live


def _leaving(connection: Any) -> Callable[[], bool]:
    """Whether the client has closed its connection, which else would be noticed by the second write after it."""
    if connection is None or connection.family == socket.AF_UNIX or not hasattr(socket, "TCP_INFO"):
        return lambda: False
    return lambda: connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != ESTABLISHED

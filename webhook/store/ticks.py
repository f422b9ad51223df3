"""Ticks: that something was saved, told by whoever saved it to the pages that are open.

A tick names areas, not what changed there: whoever hears it reads again. Losing one is no harm, pages read again each
minute anyway.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from enum import StrEnum
from time import monotonic
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from redis import Redis

from webhook.clock import sleep
from webhook.domain.errors import StoreError
from webhook.store import keys
from webhook.store.connection import store_errors

log = logging.getLogger(__name__)

QUIET = 0.2  # seconds after a tick in which its sender tells nothing more of the same area
SETTLING = 0.25  # seconds from a tick until it is passed on; longer than QUIET, so what its sender kept back is saved
LISTEN_TIMEOUT = 2.0  # seconds to connect and to answer
PING_AFTER, GIVEN_UP_AFTER = 2.0, 5.0  # seconds in which the server said nothing
LINGER = 10.0  # seconds that the connection outlives the last who waited
AGAIN_AFTER = 0.5  # seconds from a failure to the next try


class Area(StrEnum):
    """What pages are about."""

    SESSIONS = "sessions"
    ALERTS = "alerts"
    QUEUE = "queue"  # inboxes and dead letters
    LOG = "log"  # notifications


Tick = Callable[[Collection[Area]], None]


def tell_nobody(areas: Collection[Area]) -> None:
    """Nothing, where no page is told."""


class Ticker:
    """Tells pages what one process saved, each area at most once in QUIET seconds of `now`."""

    def __init__(self, redis: Redis, now: Callable[[], float] = monotonic) -> None:
        self._redis, self._now = redis, now
        self._told_at: dict[Area, float] = {}
        self._fails = False

    def tick(self, areas: Collection[Area]) -> None:
        """Call it after the save. It costs next to nothing most times, a round trip else, and never raises."""
        now = self._now()
        due = [area for area in areas if now - self._told_at.get(area, -QUIET) >= QUIET]
        if due:
            self._told_at |= dict.fromkeys(due, now)
            self._publish(due)

    def _publish(self, areas: Iterable[Area]) -> None:
        try:
            with store_errors("telling pages what changed"):
                self._redis.publish(keys.TICKS, " ".join(sorted(areas)))
            self._fails = False
        except StoreError as failure:
            if not self._fails:
                log.warning("%s; pages notice by themselves within a minute", failure)
            self._fails = True


class Heard(Struct, frozen=True):
    """What a listener knows. `number` differs whenever anything else does, and a revision grows with each change.

    `reached` says whether Redis is, None while nobody knows.
    """

    number: int
    revisions: Mapping[Area, int]
    reached: bool | None


class Listener:
    """Hears ticks for all pages of one process, by one connection of its own, which it has only while somebody waits.

    `connect` makes a client. It listens in a thread, which gunicorn's worker makes a greenlet.
    """

    def __init__(self, connect: Callable[[], Redis]) -> None:
        self._connect = connect
        self._changed = threading.Condition()
        self._heard = Heard(0, dict.fromkeys(Area, 0), None)
        self._wanted_until = 0.0
        self._thread: threading.Thread | None = None
        self._fails = False

    def wait(self, number: int, seconds: float) -> Heard:
        """What is known, as soon as its number is not `number`, and after `seconds` in any case."""
        with self._changed:
            self._wanted_until = max(self._wanted_until, monotonic() + seconds + LINGER)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True, name="ticks")
                self._thread.start()
            self._changed.wait_for(lambda: self._heard.number != number, seconds)
            return self._heard

    def _run(self) -> None:
        while self._is_wanted():
            try:
                self._listen()
                return
            except StoreError as failure:
                self._lose(str(failure))
            except Exception as fault:  # without it every page would be told nothing until this process ends
                log.exception("listening for ticks failed")
                self._lose(str(fault))
            sleep(AGAIN_AFTER)

    def _is_wanted(self) -> bool:
        """Whether somebody waits, or did lately. The thread that hears that nobody does has to end."""
        with self._changed:
            wanted = monotonic() < self._wanted_until
            if not wanted:
                self._thread = None
                self._know(reached=None)
            return wanted

    def _listen(self) -> None:
        """Returns once nobody waits any more. Raises StoreError."""
        with store_errors("listening for ticks"), self._connect() as redis, redis.pubsub() as messages:
            messages.subscribe(keys.TICKS)
            ears = _Ears(messages)
            while self._is_wanted():
                kind, areas = ears.listen()
                if kind == "subscribe":
                    self._fails = False
                    self._know(reached=True)
                if areas:
                    self._grow(areas)

    def _lose(self, why: str) -> None:
        if not self._fails:
            log.warning("%s; pages are told that they are stale", why)
        self._fails = True
        self._know(reached=False)

    def _grow(self, areas: Iterable[Area]) -> None:
        before = self._heard.revisions
        self._know(revisions={**before, **{area: before[area] + 1 for area in areas}})

    def _know(self, **more: Any) -> None:
        with self._changed:
            after = replace(self._heard, **more)
            if after != self._heard:
                self._heard = replace(after, number=after.number + 1)
                self._changed.notify_all()


class _Ears:
    """A subscription that is alive: ticks are gathered until they have settled, and a silent server is asked."""

    def __init__(self, messages: Any) -> None:
        self._messages = messages
        self._areas: set[Area] = set()
        self._settled_at = 0.0
        self._heard_at = self._asked_at = monotonic()

    def listen(self) -> tuple[str | None, set[Area]]:
        """The kind of message that came within a second, and the areas of ticks that have settled.

        Raises StoreError, or RedisError, when the connection is lost or the server says nothing any more.
        """
        wait = max(0.0, self._settled_at - monotonic()) if self._areas else 1.0
        message = self._messages.get_message(timeout=wait)
        now = monotonic()
        if message is None:
            self._ask(now)
        else:
            self._heard_at = now
        if message is not None and message["type"] == "message":
            self._gather(message["data"], now)
        return (message["type"] if message else None), self._settled(now)

    def _ask(self, now: float) -> None:
        if now - self._heard_at > GIVEN_UP_AFTER:
            raise StoreError(f"listening for ticks: the server has said nothing for {GIVEN_UP_AFTER:g} s")
        if now - max(self._heard_at, self._asked_at) > PING_AFTER:
            self._asked_at = now
            self._messages.ping()

    def _gather(self, told: bytes, now: float) -> None:
        if not self._areas:
            self._settled_at = now + SETTLING
        self._areas.update(Area(name) for name in told.decode().split() if name in _NAMES)  # a later release's others

    def _settled(self, now: float) -> set[Area]:
        if not self._areas or now < self._settled_at:
            return set()
        settled, self._areas = self._areas, set()
        return settled


_NAMES = frozenset(area.value for area in Area)

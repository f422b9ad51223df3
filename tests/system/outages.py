"""A stack before servers of the tests' own, and a load whose every answer is remembered."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from redis import Redis

from tests.store.build import raw, started
from tests.store.rig import Rig
from tests.system.stack import SHARDS, Stack, read_answer
from tests.waiting import wait_for
from webhook.domain.states import State
from webhook.domain.status import status_of
from webhook.simulation.agora import INGEST_PATH

APPLIED_WITHIN = 60.0  # seconds
ROOMS, THREADS = 20, 8
FOR_EVER = "36500d"  # the times of tests are long ago


def external(directory: Path, url: str, **environment: str) -> Stack:
    """A stack that has no server of its own."""
    directory.mkdir()
    return Stack(directory, REDIS_URL=url, VIGIL_RETENTION=FOR_EVER, VIGIL_SPOOL_MIN_FREE_BYTES="0", **environment)


def spool_files(vigil: Stack) -> list[str]:
    """The segments in its spool."""
    return sorted(path.name for path in (vigil.var / "spool").iterdir() if not path.name.startswith("id"))


class Load:
    """Starts of sessions, each of its own, posted to `vigil` at `rate` a second: what was answered, and how late."""

    def __init__(self, vigil: Stack, name: str, count: int, rate: float = 200.0) -> None:
        self.vigil, self.rate = vigil, rate
        self.sids = [f"{name}{number}" for number in range(count)]
        self.answers: Counter[str] = Counter()
        self.took_s: list[float] = []
        self._connections: dict[int, HTTPConnection] = {}
        self._lock = threading.Lock()
        self._begins = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """While this goes on it posts; at the end all was posted."""
        self._begins = time.monotonic()
        with ThreadPoolExecutor(THREADS) as threads:
            posts = [threads.submit(self._post, number) for number in range(len(self.sids))]
            yield
            for post in posts:
                post.result(timeout=60)
        for connection in self._connections.values():
            connection.close()

    def run(self) -> None:
        """Posts all."""
        with self.running():
            pass

    def wait_for(self, count: int, seconds: float = 30) -> None:
        """Returns when so many were answered, which may take `seconds`."""
        wait_for(lambda: self.answers.total() >= count, seconds, "posting does not get on")

    def assert_acknowledged(self) -> None:
        """Every post was answered 200."""
        assert self.answers == {"200": len(self.sids)}

    def assert_applied(self, redis: Redis) -> None:
        """Each is applied, once, in time, and no session counts as lost."""
        rig = Rig(redis, SHARDS)
        wait_for(lambda: set(self.sids) <= set(rig.ids()), APPLIED_WITHIN, "not all that was acknowledged is applied")
        wait_for(lambda: rig_is_idle(redis), 10, "the inboxes do not become empty")
        sessions = [rig.session(sid) for sid in self.sids]
        assert Counter((session.received, session.duplicates) for session in sessions) == {(1, 0): len(sessions)}
        assert all(status_of(session).state is not State.LOST for session in sessions)

    def body(self, number: int) -> bytes:
        """What is posted."""
        return raw(started(self.sids[number], cname=f"room{number % ROOMS}"))

    @property
    def latest_s(self) -> float:
        """How long the slowest answer took, in seconds."""
        return max(self.took_s)

    def _post(self, number: int) -> None:
        wait = self._begins + number / self.rate - time.monotonic()
        if wait > 0:
            threading.Event().wait(wait)
        body = self.body(number)
        began = time.monotonic()
        answer = self._ask(body)
        with self._lock:
            self.answers[answer] += 1
            self.took_s.append(time.monotonic() - began)

    def _ask(self, body: bytes) -> str:
        connection = self._connections.setdefault(threading.get_ident(), self.vigil.connect())
        try:
            connection.request("POST", INGEST_PATH, body, self.vigil.signed(body))
            return str(read_answer(connection).status)
        except (OSError, HTTPException) as failure:
            connection.close()
            return type(failure).__name__


def rig_is_idle(redis: Redis) -> bool:
    """Whether nothing waits in any inbox."""
    return not any(redis.xlen(key) for key in redis.scan_iter("vigil:*:inbox"))

"""Agora's side of the wire: signs, posts over kept connections and resends by its rule (agora-notifications.md, 1)."""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from urllib.parse import urlsplit

import msgspec
import urllib3
from msgspec import Struct

from webhook.domain.signature import signed_headers
from webhook.samples import envelope
from webhook.simulation.plan import Posting

INGEST_PATH = "/webhooks/agora"
DEFAULT_SOURCE = "default"
HOPELESS = {"status 401": "the signature does not fit", "status 404": "no source is there"}  # whatever comes next
OK = 200
WAIT_AT_MOST_S = 1.0  # between looks at the agenda
SLACK_MS = 50  # how much lateness is made up for under a rate, so that a coarse clock does not lower it


class Clock(Struct, frozen=True):
    """Where time comes from: the wall clock in ms, and a way to let seconds pass."""

    now_ms: Callable[[], int]
    sleep: Callable[[float], None]


class Target(Struct, frozen=True):
    """Whom Agora notifies: the full address and the secret of its Console."""

    url: str
    secret: str


class Manners(Struct, frozen=True):
    """Agora's rule: how long it waits for an answer, and how long before each resend; then it drops.

    `rate` caps the attempts per second, None being no cap; `threads` is how many connections are kept.
    """

    timeout_s: float = 10.0
    pauses_s: tuple[float, ...] = (0.0, 2.0, 8.0)
    rate: float | None = None
    threads: int = 16


class Attempt(Struct, frozen=True, order=True):
    """One try at a posting, in order of `due_ms` (real, since 1970). `number` counts from 1."""

    due_ms: int
    place: int
    number: int
    notified_ms: int  # of the attempt before, 0 where there was none


class Unwelcome(Exception):
    """The caller erred: the address or the secret is wrong, so that nothing that is posted can be acknowledged."""


class Report(Struct):
    """What became of the postings. `dropped` names the last answer beside each; `attempts` counts every post."""

    acknowledged: list[Posting] = []
    dropped: list[tuple[Posting, str]] = []
    attempts: int = 0


def ingest_address(url: str, source: str = DEFAULT_SOURCE) -> str:
    """The address to post to: `url` itself where it has a path, else its ingest of the source called so."""
    own = "" if source == DEFAULT_SOURCE else f"/{source}"
    return url if urlsplit(url).path.strip("/") else url.rstrip("/") + INGEST_PATH + own


def site_address(url: str) -> str:
    """The scheme and host of `url`."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


class Agora:
    """Delivers postings to one target. `deliver` is for one thread at a time."""

    def __init__(self, target: Target, clock: Clock, manners: Manners | None = None) -> None:
        self._target = target
        self._clock = clock
        self._manners = manners or Manners()
        self._pool = urllib3.PoolManager(maxsize=self._manners.threads, block=True)
        self._postings: list[Posting] = []
        self._agenda: list[Attempt] = []
        self._running: dict[Future[str | None], Attempt] = {}
        self._next_free_ms = 0.0
        self._report = Report()

    def deliver(self, postings: Iterable[Posting], settled: Callable[[int], object] = lambda count: None) -> Report:
        """What became of `postings`, each posted when due and resent by the rule until acknowledged or dropped.

        Raises Unwelcome, instead of resending all of them, where an answer says that none can be acknowledged.
        `settled` is called with the number of postings settled since it was last called.
        """
        begun_ms = self._clock.now_ms()
        self._postings, self._report = list(postings), Report()
        self._agenda = [Attempt(begun_ms + each.due_ms, place, 1, 0) for place, each in enumerate(self._postings)]
        heapq.heapify(self._agenda)
        with ThreadPoolExecutor(self._manners.threads) as threads:
            while self._agenda or self._running:
                settled(self._step(threads))
        return self._report

    def _step(self, threads: ThreadPoolExecutor) -> int:
        wait_s = self._until_next_s()
        if wait_s <= 0:
            self._start(threads)
            return self._settle(0)
        if self._running:
            return self._settle(wait_s)
        self._clock.sleep(wait_s)
        return 0

    def _until_next_s(self) -> float:
        """Seconds until an attempt can start; without one, or a free connection, WAIT_AT_MOST_S."""
        if not self._agenda or len(self._running) >= self._manners.threads:
            return WAIT_AT_MOST_S
        return min((max(self._agenda[0].due_ms, self._next_free_ms) - self._clock.now_ms()) / 1000, WAIT_AT_MOST_S)

    def _start(self, threads: ThreadPoolExecutor) -> None:
        attempt, now_ms = heapq.heappop(self._agenda), self._clock.now_ms()
        if self._manners.rate is not None:
            self._next_free_ms = max(self._next_free_ms, now_ms - SLACK_MS) + 1000 / self._manners.rate
        # notifyMs changes on every resend, also on one within the same millisecond
        attempt = msgspec.structs.replace(attempt, notified_ms=max(now_ms, attempt.notified_ms + 1))
        self._report.attempts += 1
        self._running[threads.submit(self._post, self._postings[attempt.place], attempt.notified_ms)] = attempt

    def _settle(self, timeout_s: float) -> int:
        """How many postings are settled by the attempts that ended within `timeout_s`."""
        done, _ = wait(self._running, timeout=timeout_s, return_when=FIRST_COMPLETED)
        return sum(self._settle_one(self._running.pop(future), future.result()) for future in done)

    def _settle_one(self, attempt: Attempt, failure: str | None) -> bool:
        posting = self._postings[attempt.place]
        if failure is None:
            self._report.acknowledged.append(posting)
        elif failure in HOPELESS and not self._report.acknowledged:
            raise Unwelcome(f"{self._target.url} answers with {failure}: {HOPELESS[failure]}")
        elif attempt.number > len(self._manners.pauses_s):
            self._report.dropped.append((posting, failure))
        else:
            self._resend(attempt)
            return False
        return True

    def _resend(self, attempt: Attempt) -> None:
        due_ms = self._clock.now_ms() + round(self._manners.pauses_s[attempt.number - 1] * 1000)
        again = msgspec.structs.replace(attempt, due_ms=due_ms, number=attempt.number + 1)
        heapq.heappush(self._agenda, again)

    def _post(self, posting: Posting, notified_ms: int) -> str | None:
        """None where the notification is acknowledged, else what came instead."""
        body = encode(posting, notified_ms)
        headers = signed_headers(body, self._target.secret) | {"Content-Type": posting.content_type}
        timeout = urllib3.Timeout(total=self._manners.timeout_s)
        try:
            answer = self._pool.request(
                "POST", self._target.url, body=body, headers=headers, timeout=timeout, retries=False
            )
        except urllib3.exceptions.HTTPError as failure:
            return type(failure).__name__
        return refusal(answer.status, answer.data)


def encode(posting: Posting, notified_ms: int) -> bytes:
    """The body of an attempt at `notified_ms`."""
    line = posting.line
    told = envelope(line.product_id, line.event_type, line.payload, posting.notice_id, notified_ms)
    return msgspec.json.encode(told)


def refusal(status: int, body: bytes) -> str | None:
    """Why Agora does not take this answer for an acknowledgement; None where it does: 200 with a JSON body."""
    if status != OK:
        return f"status {status}"
    try:
        json.loads(body)
    except ValueError:
        return "status 200 without a JSON body"
    return None

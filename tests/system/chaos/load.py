"""Agora, telling of sessions in waves for as long as the faults go on."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from random import Random
from typing import Any

import urllib3
from msgspec import Struct

from tests.system.chaos.ledger import Answer, Ledger
from webhook import clock
from webhook.domain.envelope import fingerprint
from webhook.domain.signature import signed_headers
from webhook.simulation.agora import Agora, Clock, Manners, Target, encode
from webhook.simulation.plan import CONTENT_TYPES, Adversity, Posting, pace, plan
from webhook.simulation.scenario import ALL, cast
from webhook.simulation.script import write
from webhook.simulation.truth import Line, Script

WALL = Clock(clock.now_ms, clock.sleep)
ADVERSITY = Adversity(loss=0.01, duplicate=0.2, reorder=0.3)
PAUSES_S = (0.2, 0.8, 2.0)  # shorter than Agora's own, so that a wave does not end in a lull
TELLERS, THREADS = 3, 24  # several, so that some are in the middle of a wave while another ends one
WAVE_S = 8.0
POSTINGS_PER_SESSION = 38  # about, over all scenarios; for the size of a wave only
LEAST_SESSIONS = 16  # one of each scenario
NOBODY = ""  # the session of what belongs to none
STRAYS: tuple[tuple[int, int, Any], ...] = (
    (9999, 1, {"strange": True}),  # a product that nobody knows
    (3, 44, {"cname": "nobody"}),  # a recording's, without what its type needs: a dead letter
    (3, 44, ["no object"]),  # no envelope: to quarantine
)


class Wave(Struct, frozen=True):
    """Some sessions, and what is posted of them. `number` and the moment at which it began decide all of it."""

    scripts: tuple[Script, ...]
    postings: tuple[Posting, ...]


def compose(seed: int, number: int, begins_ms: int, sessions: int) -> Wave:
    """The wave of that number; the same arguments give the same wave."""
    chance = Random(f"{seed}:{number}")
    actors = cast(ALL, sessions, chance)
    lasts_ms = max(actor.ends_ms for actor in actors)
    timing = pace(begins_ms, lasts_ms, max(1.0, lasts_ms / 1000 / WAVE_S))
    scripts = tuple(write(actor, timing.starts_ms) for actor in actors)
    return Wave(scripts, (*plan(scripts, timing, ADVERSITY, chance).postings, *_strays(chance, begins_ms)))


def _strays(chance: Random, begins_ms: int) -> Iterator[Posting]:
    for product_id, event_type, payload in STRAYS:
        line = Line(f"{chance.getrandbits(128):032x}", product_id, event_type, begins_ms, payload)
        yield Posting(chance.randrange(int(WAVE_S * 1000)), NOBODY, line, line.notice_id, CONTENT_TYPES[0])


def name_of(posting: Posting, body: bytes) -> str:
    """What Vigil calls the notification: by its noticeId, or by the digest of a body that is no envelope."""
    return posting.notice_id if isinstance(posting.line.payload, dict) else fingerprint(body)


class Teller(Agora):
    """Agora, which also writes into the ledger what each single attempt came to. Its URL may change under way."""

    def __init__(self, target: Target, manners: Manners, ledger: Ledger) -> None:
        super().__init__(target, WALL, manners)
        self.wave = 0
        self._ledger = ledger

    def _post(self, posting: Posting, notified_ms: int) -> str | None:
        body = encode(posting, notified_ms)
        began = time.monotonic()
        answer = self._ask(body, posting.content_type)
        return self._ledger.note(self.wave, name_of(posting, body), notified_ms, answer, time.monotonic() - began)

    def _ask(self, body: bytes, content_type: str) -> Answer | str:
        headers = signed_headers(body, self._target.secret) | {"Content-Type": content_type}
        timeout = urllib3.Timeout(total=self._manners.timeout_s)
        try:
            answer = self._pool.request(
                "POST", self._target.url, body=body, headers=headers, timeout=timeout, retries=False
            )
        except urllib3.exceptions.HTTPError as failure:
            return type(failure).__name__
        return Answer(answer.status, answer.headers, answer.data)


class Stopped(Exception):
    """The load was told to end before its time."""


class Load:
    """Wave after wave at `rate` posts a second. `began_ms` says when each wave began, by its number."""

    def __init__(self, target: Target, ledger: Ledger, seed: int, rate: float) -> None:
        self.began_ms: dict[int, int] = {}
        self.planned = self.dropped = 0
        self.ledger, self.seed = ledger, seed
        self.sessions = max(LEAST_SESSIONS, round(rate / TELLERS * WAVE_S / POSTINGS_PER_SESSION))
        self._target, self._manners = target, Manners(pauses_s=PAUSES_S, rate=rate / TELLERS, threads=THREADS)
        self._numbers = count(1)

    def run(self, seconds: float, stop: threading.Event) -> None:
        """Returns when the last wave that began within `seconds` has been told, early where `stop` is set."""
        until = time.monotonic() + seconds - WAVE_S / 2
        with ThreadPoolExecutor(TELLERS) as threads:
            tellers = [threads.submit(self._tell, until, stop) for _ in range(TELLERS)]
            for teller in tellers:
                planned, dropped = teller.result()
                self.planned, self.dropped = self.planned + planned, self.dropped + dropped

    def wave(self, number: int) -> Wave:
        """The wave of that number, written again."""
        return compose(self.seed, number, self.began_ms[number], self.sessions)

    def _tell(self, until: float, stop: threading.Event) -> tuple[int, int]:
        """How many postings one teller had, and how many of them it gave up."""
        teller, planned, dropped = Teller(self._target, self._manners, self.ledger), 0, 0

        def look_up(_count: int) -> None:
            if stop.is_set():
                raise Stopped

        while time.monotonic() < until and not stop.is_set():
            teller.wave = next(self._numbers)
            self.began_ms[teller.wave] = clock.now_ms()
            postings = self.wave(teller.wave).postings
            report = teller.deliver(postings, look_up)
            planned, dropped = planned + len(postings), dropped + len(report.dropped)
        return planned, dropped

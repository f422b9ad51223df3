"""What Agora knows in the end: which notifications it posted how often, and which answers it got."""

from __future__ import annotations

import threading
from array import array
from collections import Counter
from collections.abc import Mapping

from msgspec import Struct

from webhook.simulation.agora import refusal

OK, AWAY = 200, 503
MOST_ODD = 20  # answers that are remembered in words


class Answer(Struct, frozen=True):
    """What came back from a POST."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class Told(Struct, gc=False):
    """One noticeId. An attempt that was not acknowledged may have been kept all the same, or not.

    `least_ms` is the least notifyMs of all attempts, `least_acknowledged_ms` of those that were acknowledged.
    """

    wave: int
    least_ms: int
    acknowledged: int = 0
    uncertain: int = 0
    least_acknowledged_ms: int | None = None


class Ledger:
    """Written by all threads that post. Bodies are not kept: they can be written again from the seed."""

    def __init__(self) -> None:
        self.told: dict[str, Told] = {}
        self.answers: Counter[str] = Counter()
        self.latencies_s = {"200": array("d"), "503": array("d")}
        self.odd: list[str] = []
        self._lock = threading.Lock()

    def note(self, wave: int, name: str, notified_ms: int, answer: Answer | str, took_s: float) -> str | None:
        """None where the attempt was acknowledged, else what came instead; `answer` is words where none came."""
        failure = answer if isinstance(answer, str) else refusal(answer.status, answer.content)
        with self._lock:
            self._count(answer, took_s, failure)
            told = self.told.setdefault(name, Told(wave, notified_ms))
            told.least_ms = min(told.least_ms, notified_ms)
            if failure is None:
                told.acknowledged += 1
                told.least_acknowledged_ms = min(notified_ms, told.least_acknowledged_ms or notified_ms)
            else:
                told.uncertain += 1
        return failure

    def _count(self, answer: Answer | str, took_s: float, failure: str | None) -> None:
        kind = answer if isinstance(answer, str) else str(answer.status)
        self.answers[kind] += 1
        if kind in self.latencies_s:
            self.latencies_s[kind].append(took_s)
        if isinstance(answer, Answer) and len(self.odd) < MOST_ODD and (what := _odd(answer, failure)):
            self.odd.append(what)

    @property
    def attempts(self) -> int:
        """How many POSTs there were."""
        return self.answers.total()

    def unanswered(self) -> dict[str, int]:
        """How many POSTs got no answer, by what came instead."""
        return {kind: count for kind, count in self.answers.items() if not kind.isdecimal()}


def _odd(answer: Answer, failure: str | None) -> str | None:
    """What is wrong with an answer: only 200, and 503 with Retry-After, are to be had (contract.md, section 3)."""
    if failure is None or (answer.status == AWAY and answer.headers.get("Retry-After")):
        return None
    return f"{failure}{' without Retry-After' if answer.status == AWAY else ''}: {answer.content[:200]!r}"

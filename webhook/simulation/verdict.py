"""Whether the status API says what is true: every session, field by field, each difference in words."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from urllib.parse import quote

import urllib3
from msgspec import Struct

from webhook.simulation.agora import Clock, Report
from webhook.simulation.comparison import Json, compare, compare_timeline
from webhook.simulation.names import DEFAULT_PROJECT
from webhook.simulation.oracle import fold
from webhook.simulation.plan import Posting
from webhook.simulation.truth import Script, Truth

POLL_S = 0.25
TIMEOUT_S = 5.0
FOUND, ABSENT = 200, 404


class Expectation(Struct, frozen=True):
    """What must be said of a session: its truth, None where nobody told of it, and how many posts were acknowledged."""

    sid: str
    truth: Truth | None
    acknowledged: int = 0


def expectations(scripts: Sequence[Script], report: Report, project: str = DEFAULT_PROJECT) -> list[Expectation]:
    """What must be said of each session of `project` after what was acknowledged of it."""
    told: dict[str, list[Posting]] = {script.sid: [] for script in scripts}
    for posting in report.acknowledged:
        told[posting.sid].append(posting)
    return [_expectation(script, told[script.sid], project) for script in scripts]


def _expectation(script: Script, told: Sequence[Posting], project: str) -> Expectation:
    """By construction where all was told; else by the fold, which needs no more than what was told."""
    lines = {posting.line.notice_id: posting.line for posting in told}
    truth = script.truth if len(lines) == len(script.lines) else fold(lines.values(), project)
    return Expectation(script.sid, truth, len(told))


def unacknowledged(scripts: Sequence[Script], report: Report) -> list[str]:
    """In words, each session that was dropped altogether: nothing can be expected of it, so nothing agrees."""
    heard = {posting.sid for posting in report.acknowledged}
    answers = {posting.sid: answer for posting, answer in report.dropped}
    silent = [script.sid for script in scripts if script.sid in answers and script.sid not in heard]
    return [f"{sid}: not one notification was acknowledged; the last answer was {answers[sid]}" for sid in silent]


class Reader:
    """Reads sessions from the status API at `site`, with a reader's token where one is needed."""

    def __init__(self, site: str, token: str | None = None) -> None:
        self._site = site
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._pool = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(total=TIMEOUT_S))

    def answers(self) -> bool:
        """Whether anything speaks HTTP at the address."""
        try:
            self._pool.request("GET", f"{self._site}/livez")
        except urllib3.exceptions.HTTPError:
            return False
        return True

    def unable(self) -> str | None:
        """Why nothing can be compared with what the status API says, in words; None where it can."""
        try:
            status = self._pool.request("GET", f"{self._site}/api/v1/sessions?limit=1", headers=self._headers).status
        except urllib3.exceptions.HTTPError:
            return None  # the differences say so
        if status < 500:
            return None
        told = f"Vigil cannot answer now: its status API says {status}, so nothing can be compared"
        return f"{told}; what is wrong stands at {self._site}/readyz"

    def differences(self, expected: Expectation) -> list[str]:
        """What the status API says of the session against what it must say, in words; empty where they agree.

        The timeline is asked for once the session agrees.
        """
        found = self._judged(self._address(expected.sid), partial(_judge, expected=expected))
        if not found and expected.truth is not None:
            found = self._judged(f"{self._address(expected.sid)}/timeline", partial(_judge_timeline, expected.truth))
        return [f"{expected.sid}: {words}" for words in found]

    def _judged(self, address: str, judged: Callable[[int, bytes], list[str]]) -> list[str]:
        try:
            answer = self._pool.request("GET", address, headers=self._headers)
        except urllib3.exceptions.HTTPError as failure:
            return [f"the status API did not answer ({type(failure).__name__})"]
        return judged(answer.status, answer.data)

    def _address(self, sid: str) -> str:
        return f"{self._site}/api/v1/sessions/{quote(sid, safe='')}"


class Patience(Struct, frozen=True):
    """How long to ask again: `seconds` in all, by `clock`."""

    clock: Clock
    seconds: float = 15.0


def judge(
    expected: list[Expectation],
    reader: Reader,
    patience: Patience,
    agreed: Callable[[int], object] = lambda count: None,
) -> list[str]:
    """Every difference that is left when all agree or patience is over, in the order of `expected`.

    `agreed` is called with the number of sessions that agree since it was last called.
    """
    deadline_ms = patience.clock.now_ms() + round(patience.seconds * 1000)
    pending = {each.sid: each for each in expected}
    while True:
        found = {sid: reader.differences(each) for sid, each in pending.items()}
        agreed(sum(not words for words in found.values()))
        pending = {sid: each for sid, each in pending.items() if found[sid]}
        if not pending or patience.clock.now_ms() >= deadline_ms:
            return [words for sid in pending for words in found[sid]]
        patience.clock.sleep(POLL_S)


def _judge(status: int, body: bytes, expected: Expectation) -> list[str]:
    if status == ABSENT:
        return [] if expected.truth is None else ["the status API does not know this session"]
    if status != FOUND:
        return [f"the status API answered {status}" + ("; give a reader's --token" if status in (401, 403) else "")]
    truth = expected.truth
    if truth is None:
        return ["the status API knows this session, though nothing was told of it"]
    return _read(body, lambda said: [*compare(said, truth), *_unheard(said, expected.acknowledged)])


def _judge_timeline(truth: Truth, status: int, body: bytes) -> list[str]:
    if status != FOUND:
        return [f"the status API answered {status} when asked for the timeline"]
    return _read(body, lambda said: compare_timeline(said, truth))


def _read(body: bytes, compared: Callable[[Json], list[str]]) -> list[str]:
    try:
        return compared(json.loads(body))
    except (ValueError, TypeError, KeyError, AttributeError, IndexError) as mistake:
        return [f"the status API's answer has not the shape of a session: {mistake!r}"]


def _unheard(said: Json, acknowledged: int) -> list[str]:
    """Agreement counts only once everything acknowledged was applied, so that a late duplicate cannot undo it."""
    received = said["notifications"]["received"]
    if received >= acknowledged:
        return []
    return [f"notifications.received is {received}, but {acknowledged} were acknowledged"]

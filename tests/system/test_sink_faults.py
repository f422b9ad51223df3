"""Sinks that hang, fail or are busy: the others hear all in time, and in the end so do they (issue's own bounds)."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.receivers import Answer, HttpReceiver, Received
from tests.system.alerting_stack import (
    ONLY_VIDEOS,
    TOLD_WITHIN_MS,
    Told,
    all_alerts,
    begin,
    hook,
    left_to_tell,
    resume,
    stop,
    time_ms,
    told_by,
)
from tests.system.stack import Json, Stack, needs_proc
from tests.waiting import wait_for

pytestmark = needs_proc

HANGS, FAILS, BUSY, WELL = SINKS = ("hangs", "fails", "busy", "well")
FIRST_MS, LONGEST_MS = 5_000, 300_000  # pauses between attempts; chance takes up to half of one
PROBED_AFTER = 3  # failures in a row
SLACK_MS = 50  # a pause is counted from when the answer came, which receivers do not know to the millisecond
ENDS_WITHIN = 2.5 * LONGEST_MS / 1000  # seconds; a pause has begun, and another may be needed


class Course(NamedTuple):
    """For how many seconds each sink is in trouble, how many recordings stop, and how many seconds apart.

    A busy sink asks for a pause of `asks_s`. Who is well hears of each alert within `within_ms`.
    """

    lasts_s: dict[str, float]
    asks_s: int
    recordings: int
    every_s: float
    within_ms: int


class Step(NamedTuple):
    """Something that happens so many seconds after the beginning."""

    at_s: float
    do: Callable[[], None]


SHORT = Course({HANGS: 9, FAILS: 9, BUSY: 9}, asks_s=6, recordings=4, every_s=1.5, within_ms=6_000)
LONG = Course({HANGS: 60, FAILS: 300, BUSY: 120}, asks_s=25, recordings=33, every_s=10, within_ms=TOLD_WITHIN_MS)


@pytest.mark.parametrize(
    "course",
    [
        pytest.param(SHORT, id="seconds"),
        pytest.param(LONG, id="minutes", marks=[pytest.mark.full, pytest.mark.timeout(1500)]),
    ],
)
def test_sinks_in_trouble_hear_all_in_the_end_and_keep_nobody_else_waiting(
    course: Course, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with receivers(course) as heard, hooked(tmp_path, heard) as vigil:
        play(steps(vigil, course, heard))
        wait_for(lambda: is_over(vigil), ENDS_WITHIN, "not all is told")
        alerts = {alert["id"]: alert for alert in all_alerts(vigil)}
    late_ms = {name: lateness_ms(receiver, alerts) for name, receiver in heard.items()}
    with capsys.disabled():
        sys.stdout.writelines(f"\n{account(name, heard[name], late_ms[name])}" for name in SINKS)
    for receiver in heard.values():
        assert Counter(told_in(taken(receiver))) == Counter(worth_telling(alerts))
        assert receiver.most_open == 1, "no more than one attempt at a time"
    assert max(late_ms[WELL]) <= course.within_ms
    assert_patient(heard[HANGS])
    assert_patient(heard[FAILS])
    assert_patient(heard[BUSY], asked_ms=1000 * course.asks_s)


@contextmanager
def receivers(course: Course) -> Iterator[dict[str, HttpReceiver]]:
    """All of them, in trouble where they are to be."""
    busy = Answer(429, {"Retry-After": str(course.asks_s)})
    answers = {HANGS: Answer(hangs=True), FAILS: Answer(500), BUSY: busy, WELL: Answer()}
    with ExitStack() as stack:
        yield {name: stack.enter_context(HttpReceiver(answer)) for name, answer in answers.items()}


@contextmanager
def hooked(directory: Path, heard: dict[str, HttpReceiver]) -> Iterator[Stack]:
    """Vigil, which tells all of them."""
    sinks = [hook(name, receiver.url) for name, receiver in heard.items()]
    (directory / "vigil.toml").write_text("".join([ONLY_VIDEOS, *sinks]))
    with Stack(directory) as vigil:
        yield vigil.start()


def steps(vigil: Stack, course: Course, heard: dict[str, HttpReceiver]) -> list[Step]:
    """Recordings whose videos stop and resume, and sinks that are well again."""
    found = [Step(lasts_s, lambda name=name: heard[name].answer(Answer())) for name, lasts_s in course.lasts_s.items()]
    for number in range(course.recordings):
        sid, begins_s = f"r{number}", number * course.every_s
        found.append(Step(begins_s, lambda sid=sid: (begin(vigil, sid), stop(vigil, sid))))
        found.append(Step(begins_s + 2 * course.every_s + 5, lambda sid=sid: resume(vigil, sid)))
    return sorted(found, key=lambda step: step.at_s)


def play(course: list[Step]) -> None:
    """One after the other, each when it is time to."""
    began = time.monotonic()
    for step in course:
        wait_for(lambda until=began + step.at_s: time.monotonic() >= until, step.at_s + 1, "time stands still")
        step.do()


def is_over(vigil: Stack) -> bool:
    """Whether nothing is wrong any more, and everybody knows."""
    unknown = any(left_to_tell(vigil, sink) for sink in SINKS)
    return not unknown and not any(alert["state"] == "firing" for alert in all_alerts(vigil))


def worth_telling(alerts: dict[str, Json]) -> list[Told]:
    """All that happened."""
    fired = [name for name, alert in alerts.items() if alert["firedAt"]]
    return [(name, transition) for name in fired for transition in ("firing", "resolved")]


def taken(receiver: HttpReceiver) -> list[Received]:
    """The messages that the receiver has accepted."""
    return [request for request in receiver.received if request.status == 200]


def told_in(requests: list[Received]) -> list[Told]:
    return [told for request in requests for told in told_by(request)]


def lateness_ms(receiver: HttpReceiver, alerts: dict[str, Json]) -> list[int]:
    """How long after each alert fired, or was resolved, the receiver has accepted to be told so."""
    times = {"firing": "firedAt", "resolved": "resolvedAt"}
    return [
        request.at_ms - time_ms(alerts[name][times[transition]])
        for request in taken(receiver)
        for name, transition in told_by(request)
    ]


def assert_patient(receiver: HttpReceiver, asked_ms: int = 0) -> None:
    """No attempt comes sooner than it may after one that failed: neither at the same message, nor at a sink that fails
    again and again, nor at one that asked for a pause.
    """
    for attempts in by_message(receiver).values():
        for number, (one, another) in enumerate(pairwise(attempts), start=1):
            assert pause_between(one, another) >= least_ms(number), f"after attempt {number}"
    failures = 0
    for one, another in pairwise(receiver.received):
        failures = 0 if one.status == 200 else failures + 1
        probing_ms = least_ms(failures - PROBED_AFTER + 1) if failures >= PROBED_AFTER else 0
        rest_ms = max(probing_ms, asked_ms) if failures else 0
        assert pause_between(one, another) >= rest_ms, f"after {failures} failures in a row"


def least_ms(failures: int) -> int:
    """How short the pause after so many failures may be."""
    return min(LONGEST_MS, FIRST_MS << (failures - 1)) // 2


def pause_between(one: Received, another: Received) -> int:
    """In ms, as long as it may have been."""
    assert one.ended_ms is not None
    return another.at_ms - one.ended_ms + SLACK_MS


def by_message(receiver: HttpReceiver) -> dict[str, list[Received]]:
    """The attempts at each message."""
    found: dict[str, list[Received]] = {}
    for request in receiver.received:
        found.setdefault(request.headers["webhook-id"], []).append(request)
    return found


def account(name: str, receiver: HttpReceiver, late_ms: list[int]) -> str:
    """What became of a sink, for people to read."""
    attempts = Counter(len(each) for each in by_message(receiver).values())
    p50_ms, most_ms = sorted(late_ms)[len(late_ms) // 2], max(late_ms)
    return (
        f"{name}: {len(receiver.received)} attempts at {attempts.total()} messages, at most {max(attempts)} at one and "
        f"{receiver.most_open} at a time; {len(late_ms)} told, p50 {p50_ms} ms, max {most_ms} ms"
    )

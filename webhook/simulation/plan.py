"""What is posted when: the notifications of all sessions with Agora's loss, duplicates and disorder.

Pure: chance is the `Random` that is passed in, and times are real ms since sending began.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

from msgspec import Struct

from webhook.simulation.truth import Line, Script

CONTENT_TYPES = ("application/json", "application/json; charset=utf-8", "Application/json")  # as seen (section 1)
COPIES = (1, 1, 1, 2)  # how many redundant copies a duplicated notification has


class Adversity(Struct, frozen=True):
    """How likely each notification is to be lost, to come more than once, and to come after later ones; 0 to 1."""

    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0


class Posting(Struct, frozen=True):
    """One notification to deliver, `due_ms` after sending began. A redundant copy may have a notice id of its own."""

    due_ms: int
    sid: str
    line: Line
    notice_id: str
    content_type: str


class Plan(Struct, frozen=True):
    """All that is to be posted, by due time, and how many notifications were lost and how many copies were added."""

    postings: tuple[Posting, ...]
    lost: int
    copies: int


class Pace(Struct, frozen=True):
    """Simulated time against real time: the simulation starts at `starts_ms` and runs `speed` times as fast."""

    starts_ms: int
    speed: float

    def due_ms(self, event_ms: int) -> float:
        """Real ms after sending began at which what happens at `event_ms` is told."""
        return (event_ms - self.starts_ms) / self.speed


def pace(now_ms: int, lasts_ms: int, speed: float) -> Pace:
    """The pace at which the last event of a simulation of `lasts_ms` is sent when it occurs; none lies in the future.

    Raises ValueError for a speed below 1, at which events would be told before they happen.
    """
    if speed < 1:
        raise ValueError(f"speed is {speed}; it must be at least 1, or events would be told before they happen")
    return Pace(now_ms - round(lasts_ms - lasts_ms / speed), speed)


def plan(scripts: Sequence[Script], pace: Pace, adversity: Adversity, rng: Random) -> Plan:
    """What to post of `scripts`, in order of due time."""
    kept = [_kept(script, adversity, rng) for script in scripts]
    postings = [
        posting
        for script, lines in zip(scripts, kept, strict=True)
        for posting in _postings(_due(script, lines, pace, adversity, rng), adversity, rng)
    ]
    told = sum(map(len, kept))
    lost = sum(len(script.lines) for script in scripts) - told
    return Plan(tuple(sorted(postings, key=lambda posting: posting.due_ms)), lost, len(postings) - told)


def _kept(script: Script, adversity: Adversity, rng: Random) -> list[Line]:
    return [line for line in script.lines if rng.random() >= adversity.loss]


def _due(script: Script, lines: list[Line], pace: Pace, adversity: Adversity, rng: Random) -> Iterator[Posting]:
    """Each line 25 to 40 ms after it was sent (section 1), or after a few of its successors."""
    due_ms = [round(pace.due_ms(line.sent_ms)) + rng.randint(25, 40) for line in lines]
    for position, line in enumerate(lines):
        at_ms = due_ms[position]
        if rng.random() < adversity.reorder:
            at_ms = _after_successors(due_ms, position, rng)
        yield Posting(at_ms, script.sid, line, line.notice_id, rng.choice(CONTENT_TYPES))


def _after_successors(due_ms: list[int], position: int, rng: Random) -> int:
    """After two to eight successors, as far as there are so many."""
    passed = due_ms[position + 1 : position + 1 + rng.randint(2, 8)]
    return max([*passed, due_ms[position]]) + rng.randint(5, 50)


def _postings(originals: Iterator[Posting], adversity: Adversity, rng: Random) -> Iterator[Posting]:
    for original in originals:
        yield original
        if rng.random() < adversity.duplicate:
            yield from (_copy(original, rng) for _ in range(rng.choice(COPIES)))


def _copy(original: Posting, rng: Random) -> Posting:
    """The same notification up to a second later, in half of the cases under a notice id of its own (section 1)."""
    notice_id = f"{rng.getrandbits(128):032x}" if rng.random() < 0.5 else original.notice_id
    due_ms = original.due_ms + rng.randint(0, 1_000)
    return Posting(due_ms, original.sid, original.line, notice_id, original.content_type)

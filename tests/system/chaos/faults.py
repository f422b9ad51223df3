"""What the gremlin does when, written down before it begins: the same seed gives the same faults."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from random import Random

from msgspec import Struct

Range = tuple[float, float]


class Kind(StrEnum):
    """What is done to a target."""

    KILL = "kill"  # -9
    PAUSE = "pause"  # SIGSTOP, and SIGCONT after a while
    OUTAGE = "outage"  # on the way to Redis
    LAPSE = "lapse"  # in one single exchange with Redis


class Target(StrEnum):
    """What a fault hits: a process by its role, the way to Redis in one of four manners, or one exchange on it."""

    WEB_WORKER = "web worker"
    WEB_MASTER = "web master"
    FOLD_WORKER = "fold worker"
    WORKER_SUPERVISOR = "worker supervisor"
    CLOCK = "clock"
    SERVER = "server"
    CUT = "cut"
    REFUSE = "refuse"
    STALL = "stall"
    DELAY = "delay"
    LATE_COMMIT = "late commit"
    UNANSWERED_COMMIT = "unanswered commit"
    UNANSWERED_APPEND = "unanswered append"


Hits = Sequence[tuple[Target, Range]]  # and for how many seconds

# fold workers stand twice where they hold something that could be lost or repeated
KILLED: Hits = [(target, (0, 0)) for target in (*list(Target)[:6], Target.FOLD_WORKER)]
PAUSED: Hits = [
    (Target.WEB_WORKER, (1, 7)),
    (Target.FOLD_WORKER, (5.5, 7)),  # longer than its lease, so that it wakes up as a second writer
    (Target.SERVER, (1, 7)),
    (Target.FOLD_WORKER, (5.5, 7)),
]
OUTAGES: Hits = [
    (Target.CUT, (0, 0)),
    (Target.REFUSE, (1, 8)),
    (Target.STALL, (1, 5)),
    (Target.DELAY, (2, 6)),
]
LAPSES: Hits = [
    (Target.LATE_COMMIT, (5.5, 7)),  # later than the lease
    (Target.UNANSWERED_COMMIT, (0, 0)),
    (Target.UNANSWERED_APPEND, (0, 0)),
]
DELAY_S = (0.05, 0.4)
EACH_MINUTE = {Kind.KILL: 7.0, Kind.PAUSE: 2.5, Kind.OUTAGE: 2.5, Kind.LAPSE: 9.0}
AT_LEAST = {Kind.KILL: 8, Kind.PAUSE: 4, Kind.OUTAGE: 4, Kind.LAPSE: 9}


class Fault(Struct, frozen=True, order=True):
    """One fault, `at_s` seconds after the load began. `lot`, 0 to 1, decides what is left to decide."""

    at_s: float
    kind: Kind
    target: Target
    lasts_s: float
    lot: float

    @property
    def delay_s(self) -> float:
        """How long a DELAY holds up each piece of traffic."""
        least, most = DELAY_S
        return least + self.lot * (most - least)

    def __str__(self) -> str:
        lasting = f" for {self.lasts_s:.1f} s" if self.lasts_s else ""
        slow = f" of {self.delay_s * 1000:.0f} ms" if self.target is Target.DELAY else ""
        return f"{self.at_s:6.1f} s  {self.kind} {self.target}{slow}{lasting}"


def schedule(chance: Random, seconds: float) -> list[Fault]:
    """The faults of `seconds` of load, in order of time; each target comes before any comes again."""
    hits = {Kind.KILL: KILLED, Kind.PAUSE: PAUSED, Kind.OUTAGE: OUTAGES, Kind.LAPSE: LAPSES}
    drawn = {kind: [*_turns(chance, of_kind, how_many(kind, seconds))] for kind, of_kind in hits.items()}
    return sorted(fault for kind, of_kind in drawn.items() for fault in _spread(chance, kind, of_kind, seconds))


def how_many(kind: Kind, seconds: float) -> int:
    """How many faults of that kind there are in so many seconds."""
    return max(AT_LEAST[kind], round(EACH_MINUTE[kind] * seconds / 60))


def _turns(chance: Random, hits: Hits, count: int) -> Iterator[tuple[Target, float]]:
    order: list[tuple[Target, Range]] = []
    for _ in range(count):
        order = order or chance.sample(hits, len(hits))
        target, lasts_s = order.pop()
        yield target, chance.uniform(*lasts_s)


def _spread(chance: Random, kind: Kind, drawn: Sequence[tuple[Target, float]], seconds: float) -> Iterator[Fault]:
    """Evenly but for some chance; of one kind each is over before the next begins."""
    room_s = seconds / len(drawn)
    for number, (target, lasts_s) in enumerate(drawn):
        at_s = number * room_s + chance.uniform(0, max(0.0, room_s - lasts_s))
        yield Fault(at_s, kind, target, lasts_s, chance.random())

"""What happens: recordings in which people publish, pause and come back, decided before a word of it is told.

Pure: chance is the `Random` that is passed in, and times are ms since the simulation began. How Agora tells of it is
in `script`; what the status API must say in the end follows from what is decided here, not from any fold.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterator, Mapping, Sequence
from random import Random

from msgspec import Struct

MOVE_MS = 3_000  # how long a failover takes here; nobody changes anything meanwhile
TAIL_MS = 8_000  # after the recorder left: the last words, until the files are uploaded
STAGGER_MS = 60_000  # within which all sessions begin
CHANNELS = ("Testing2", "town_hall", "a__uid_s_7__b", "room.4[beta]", "Q&A: <live>", "class 3b", "x+y=z!")
PREFIXES = ("", "", "snapshots/", "eu/2026/shots/")


class Publisher(Struct, frozen=True):
    """One user. `video` and `audio` are the moments at which sending turns on, off, on, ... in ascending ms."""

    uid: str
    video: tuple[int, ...]
    audio: tuple[int, ...] = ()


class Recording(Struct, frozen=True, kw_only=True):
    """One recording session as it happens. Moments are ms since it began, which is at `begins_ms`.

    The recorder leaves at `leaves_ms`; at `moves_ms`, if ever, a failover begins. `seed` is for whoever tells of it.
    """

    seed: int
    channel: str
    prefix: str
    publishers: tuple[Publisher, ...]
    interval_ms: int
    begins_ms: int
    moves_ms: int | None
    leaves_ms: int

    @property
    def ends_ms(self) -> int:
        """When nothing more is said of it, in ms since the simulation began."""
        return self.begins_ms + self.leaves_ms + TAIL_MS


class Capture(Struct, frozen=True, order=True):
    """One snapshot: when, of whom, and after how many failovers."""

    taken_ms: int
    uid: str
    failovers: int


def is_on(switches: Sequence[int], at_ms: int) -> bool:
    """Whether a track that `switches` on, off, on, ... is being sent at `at_ms`."""
    return bisect.bisect_right(switches, at_ms) % 2 == 1


def captures(recording: Recording) -> tuple[Capture, ...]:
    """Every snapshot of the recording in the order taken: none of a user whose video stopped, none during a move."""
    return tuple(sorted(capture for publisher in recording.publishers for capture in _captures(recording, publisher)))


def _captures(recording: Recording, publisher: Publisher) -> Iterator[Capture]:
    moves_ms = recording.moves_ms
    for begun_ms, ended_ms in spans(publisher.video, recording.leaves_ms):
        for taken_ms in range(begun_ms + 700, ended_ms, recording.interval_ms):
            if moves_ms is None or not moves_ms <= taken_ms < moves_ms + MOVE_MS:
                yield Capture(taken_ms, publisher.uid, int(moves_ms is not None and taken_ms >= moves_ms))


def spans(switches: Sequence[int], until_ms: int) -> list[tuple[int, int]]:
    """The spans in which a track is on; the last one ends at `until_ms` where nobody turned it off."""
    closed = [*switches, until_ms] if len(switches) % 2 else list(switches)
    return list(zip(closed[::2], closed[1::2], strict=True))


def screenshots(rng: Random) -> Recording:
    """A user's video stops and resumes; snapshots cease and come back. One session in four has a failover."""
    lasts_ms = rng.randrange(90_000, 200_000)
    moves_ms = rng.randrange(lasts_ms // 4, lasts_ms * 3 // 4) if rng.random() < 0.25 else None
    publishers = [_publisher(rng, lasts_ms, uid) for uid in _uids(rng, rng.randint(1, 4))]
    return Recording(
        seed=rng.getrandbits(64),
        channel=rng.choice(CHANNELS),
        prefix=rng.choice(PREFIXES),
        publishers=tuple(_hold_still(publisher, moves_ms) for publisher in publishers),
        interval_ms=rng.choice((5_000, 8_000, 10_000, 10_000)),
        begins_ms=rng.randrange(STAGGER_MS),
        moves_ms=moves_ms,
        leaves_ms=lasts_ms + (MOVE_MS if moves_ms else 0),
    )


SCENARIOS: Mapping[str, Callable[[Random], Recording]] = {"screenshots": screenshots}


def recordings(scenario: str, count: int, rng: Random) -> list[Recording]:
    """`count` recordings of that scenario. Raises KeyError for a name that is not in SCENARIOS."""
    return [SCENARIOS[scenario](rng) for _ in range(count)]


def _uids(rng: Random, count: int) -> list[str]:
    # unsigned 32 bit: about half are above 2^31
    return [str(uid) for uid in rng.sample(range(1, 2**32), count)]


def _publisher(rng: Random, lasts_ms: int, uid: str) -> Publisher:
    silent = rng.random() < 0.15
    return Publisher(uid, _switches(rng, lasts_ms, 3), () if silent else _switches(rng, lasts_ms, 1))


def _switches(rng: Random, lasts_ms: int, least: int) -> tuple[int, ...]:
    """On soon after the beginning, then off, on, ... at random; at least `least` switches, and the last may be off."""
    room = range(6_000, lasts_ms - 4_000, 1_500)
    later = sorted(rng.sample(room, rng.randint(least - 1, least + 3)))
    return (rng.randrange(1_500, 5_000), *(at_ms + rng.randrange(1_000) for at_ms in later))


def _hold_still(publisher: Publisher, moves_ms: int | None) -> Publisher:
    """What was to happen after the move begins happens MOVE_MS later."""
    if moves_ms is None:
        return publisher
    video, audio = (
        tuple(at_ms + MOVE_MS if at_ms >= moves_ms else at_ms for at_ms in switches)
        for switches in (publisher.video, publisher.audio)
    )
    return Publisher(publisher.uid, video, audio)

"""What happens in a recording, decided before a word of it is told.

Pure: chance is the `Random` that is passed in, and times are ms since the recording or the simulation began. How Agora
tells of it is in `telling`; what the status API must say in the end follows from what is decided here, not from a fold.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterator, Sequence
from random import Random

from msgspec import Struct

from webhook.samples.recording import Payload, Speaker
from webhook.simulation import names

MOVE_MS = 3_000  # how long a failover takes here; nobody changes anything meanwhile
TAIL_MS = 8_000  # after the recorder left: the last words, until the files are uploaded
SENT_WITHIN_MS = 100  # of what is told
STAGGER_MS = 60_000  # within which all sessions begin

Build = Callable[[Speaker, int], Payload]  # by whom, and when it happened, ms since 1970


class Publisher(Struct, frozen=True):
    """One user. `video` and `audio` are the moments at which sending turns on, off, on, ... in ascending ms."""

    uid: str
    video: tuple[int, ...]
    audio: tuple[int, ...] = ()


class Happening(Struct, frozen=True):
    """Anything else that is told: how the recorder starts and leaves, files, troubles.

    It is told as of `at_ms` by whoever is in charge then, or by the recorder of that number. Agora posts it `late_ms`
    after that.
    """

    at_ms: int
    event_type: int
    build: Build
    recorder: int | None = None
    late_ms: int = 0


class Outcome(Struct, frozen=True):
    """What all of it comes to. Codes are sets, ascending; a loss is (uid, from, until) in ms of the recording."""

    state: str = "ended"
    upload: str = "uploaded"
    errors: tuple[int, ...] = ()
    warnings: tuple[int, ...] = ()
    losses: tuple[tuple[str, int, int], ...] = ()


class Recording(Struct, frozen=True, kw_only=True):
    """One recording session as it happens. Moments are ms since it began, which is at `begins_ms`.

    Publishing goes on until `leaves_ms`; at each of `moves_ms` a failover begins. `seed` is for whoever tells of it;
    recordings with one `place` and `channel` are in one channel. Without `interval_ms` no snapshots are taken.
    `echoes` says that in failovers old and new recorder tell the same; `beats` that the upload's progress is told.
    """

    seed: int
    place: int
    channel: str
    publishers: tuple[Publisher, ...]
    begins_ms: int
    leaves_ms: int
    happenings: tuple[Happening, ...]
    outcome: Outcome = Outcome()
    moves_ms: tuple[int, ...] = ()
    interval_ms: int | None = None
    prefix: str = ""
    scene: str | None = None
    echoes: bool = False
    beats: bool = True

    @property
    def ends_ms(self) -> int:
        """When nothing more is said of it, in ms since the simulation began."""
        last_ms = max((it.at_ms + it.late_ms + SENT_WITHIN_MS for it in self.happenings), default=0)
        return self.begins_ms + max(self.leaves_ms + TAIL_MS, last_ms)


class Capture(Struct, frozen=True, order=True):
    """One snapshot: when, of whom, and after how many failovers."""

    taken_ms: int
    uid: str
    failovers: int


def is_on(switches: Sequence[int], at_ms: int) -> bool:
    """Whether a track that `switches` on, off, on, ... is being sent at `at_ms`."""
    return bisect.bisect_right(switches, at_ms) % 2 == 1


def spans(switches: Sequence[int], until_ms: int) -> list[tuple[int, int]]:
    """The spans in which a track is on; the last one ends at `until_ms` where nobody turned it off."""
    closed = [*switches, until_ms] if len(switches) % 2 else list(switches)
    return list(zip(closed[::2], closed[1::2], strict=True))


def captures(recording: Recording) -> tuple[Capture, ...]:
    """Every snapshot of the recording in the order taken: none of a user whose video stopped, none during a move."""
    return tuple(sorted(capture for publisher in recording.publishers for capture in _captures(recording, publisher)))


def _captures(recording: Recording, publisher: Publisher) -> Iterator[Capture]:
    if recording.interval_ms is None:
        return
    for begun_ms, ended_ms in spans(publisher.video, recording.leaves_ms):
        for taken_ms in range(begun_ms + 700, ended_ms, recording.interval_ms):
            failovers = bisect.bisect_right(recording.moves_ms, taken_ms)
            if not failovers or taken_ms >= recording.moves_ms[failovers - 1] + MOVE_MS:
                yield Capture(taken_ms, publisher.uid, failovers)


def publisher(rng: Random, lasts_ms: int, uid: str) -> Publisher:
    """A user whose video stops and resumes at random, and who may have no audio at all."""
    silent = rng.random() < 0.15
    return Publisher(uid, _switches(rng, lasts_ms, 3), () if silent else _switches(rng, lasts_ms, 1))


def publishers(rng: Random, lasts_ms: int, most: int = 4) -> tuple[Publisher, ...]:
    """One to `most` such users."""
    return tuple(publisher(rng, lasts_ms, str(uid)) for uid in names.uids(rng, rng.randint(1, most)))


def _switches(rng: Random, lasts_ms: int, least: int) -> tuple[int, ...]:
    """On soon after the beginning, then off, on, ... at random; at least `least` switches, and the last may be off."""
    room = range(6_000, lasts_ms - 4_000, 1_500)
    later = sorted(rng.sample(room, rng.randint(least - 1, least + 3)))
    return (rng.randrange(1_500, 5_000), *(at_ms + rng.randrange(1_000) for at_ms in later))


def hold_still(publisher: Publisher, moves_ms: Sequence[int]) -> Publisher:
    """The same user: what was to happen after a move begins happens MOVE_MS later."""
    video, audio = publisher.video, publisher.audio
    for moves in sorted(moves_ms):
        video, audio = (
            tuple(at_ms + MOVE_MS if at_ms >= moves else at_ms for at_ms in switches) for switches in (video, audio)
        )
    return Publisher(publisher.uid, video, audio)

"""A recording placed in time, with the names of one run."""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from random import Random

from msgspec import Struct

from webhook.samples import recording as tell
from webhook.samples.recording import Shot
from webhook.simulation import names
from webhook.simulation.recording.model import Build, Capture, Publisher, Recording


class Cue(Struct, frozen=True):
    """One thing to tell: when it is said and when it happened (ms since 1970), by which recorder, and how.

    The first recorder is 0, that after the first failover 1. Agora posts it `late_ms` after it is said.
    """

    sent_ms: int
    recorder: int
    event_type: int
    build: Build
    at_ms: int
    late_ms: int = 0


class Switch(Struct, frozen=True):
    """One change of a user's track, "video" or "audio", `at_ms` since the recording began."""

    uid: str
    track: str
    at_ms: int


class Stage(Struct, frozen=True):
    """A recording placed in time, with the names of this run.

    `silenced` are the tracks that the recorder reports as not received any more after it left; the others it leaves
    as they are.
    """

    recording: Recording
    begins_ms: int  # since 1970
    sid: str
    channel: str
    recorders: tuple[str, ...]
    silenced: tuple[Switch, ...]
    chance: Random

    def cue(self, at_ms: int, recorder: int, event_type: int, build: Build) -> Cue:
        """To tell of what happened at `at_ms` of the recording: 4 to 40 ms later."""
        return Cue(self.begins_ms + at_ms + self.chance.randint(4, 40), recorder, event_type, build, self._ms(at_ms))

    def recorder(self, at_ms: int) -> int:
        """Which recorder is in charge at `at_ms` of the recording."""
        return bisect.bisect_right(self.recording.moves_ms, at_ms)

    def _ms(self, at_ms: int) -> int:
        return self.begins_ms + at_ms


def stage_of(recording: Recording, starts_ms: int) -> Stage:
    """The recording placed in a simulation that starts at `starts_ms`, ms since 1970."""
    called = names.of_run(recording.seed, starts_ms)
    chance = Random(recording.seed)
    return Stage(
        recording,
        starts_ms + recording.begins_ms,
        sid=names.entity_id(called),
        channel=names.channel_of_run(recording.channel, recording.place, starts_ms),
        recorders=tuple(str(uid) for uid in names.uids(called, 1 + len(recording.moves_ms))),
        silenced=tuple(_last_switches(recording, chance)),
        chance=chance,
    )


def _last_switches(recording: Recording, chance: Random) -> Iterator[Switch]:
    for publisher in recording.publishers:
        for track, switches in tracks_of(publisher):
            if len(switches) % 2 and chance.random() < 0.5:
                yield Switch(publisher.uid, track, recording.leaves_ms + chance.randint(50, 2_500))


def tracks_of(publisher: Publisher) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """The tracks of a user, each with the moments at which its sending turns on, off, on, ..."""
    return ("video", publisher.video), ("audio", publisher.audio)


def file_name(stage: Stage, shot: Capture) -> str:
    """The name of a snapshot's file in this run."""
    taken_ms = stage.begins_ms + shot.taken_ms
    name = tell.snapshot_name(Shot(stage.sid, stage.channel, shot.uid, taken_ms, shot.failovers))
    return stage.recording.prefix + name

"""How Agora tells of a recording: its notifications with exact times, and the truth they must lead to.

Pure: everything follows from the recording, its seed and the moment at which the simulation begins.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from random import Random
from uuid import UUID

from msgspec import Struct

from webhook.samples import recording as tell
from webhook.samples.recording import NOT_RECEIVING, RECEIVING, Payload, Shot, Speaker
from webhook.simulation.scenario import MOVE_MS, Capture, Publisher, Recording, captures, is_on
from webhook.simulation.truth import Line, SessionTruth, StreamTruth

HEARTBEAT_MS = 60_000
LEAVE_CODES = (16, 24)

TRACKS = {"video": (44, tell.video_changed), "audio": (43, tell.audio_changed)}


class Script(Struct, frozen=True):
    """All notifications of one session in the order of sending, and what must be known in the end."""

    sid: str
    lines: tuple[Line, ...]
    truth: SessionTruth


class Cue(Struct, frozen=True):
    """One thing to tell: when (ms since 1970), by which recorder (0, then 1 after a failover), and how."""

    sent_ms: int
    recorder: int
    event_type: int
    build: Callable[[Speaker], Payload]


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

    def sent_ms(self, at_ms: int) -> int:
        """When Agora sends what happened at `at_ms` of the recording: 4 to 40 ms later, in ms since 1970."""
        return self.begins_ms + at_ms + self.chance.randint(4, 40)

    def recorder(self, at_ms: int) -> int:
        """Which recorder is in charge at `at_ms` of the recording."""
        return int(self.recording.moves_ms is not None and at_ms >= self.recording.moves_ms)

    @property
    def last_recorder(self) -> int:
        """Who is in charge in the end; also how many failovers there were."""
        return len(self.recorders) - 1


def write(recording: Recording, starts_ms: int) -> Script:
    """The script of `recording` in a simulation that starts at `starts_ms`, ms since 1970.

    The same arguments give the same script. Ids depend on `starts_ms` too, so that a seed played twice against one
    server makes new sessions.
    """
    stage = _stage(recording, starts_ms)
    shots = _captured(stage)
    cues = sorted(_cues(stage, shots), key=lambda cue: cue.sent_ms)
    lines = tuple(_lines(stage, cues))
    return Script(stage.sid, lines, _truth(stage, shots, lines))


def _stage(recording: Recording, starts_ms: int) -> Stage:
    names = Random(f"{recording.seed}:{starts_ms}")
    chance = Random(recording.seed)
    recorders = 1 if recording.moves_ms is None else 2
    return Stage(
        recording,
        starts_ms + recording.begins_ms,
        sid=f"{names.getrandbits(128):032x}",
        channel=f"{recording.channel}{names.randrange(10**6)}",
        recorders=tuple(str(uid) for uid in names.sample(range(1, 2**32), recorders)),
        silenced=tuple(_last_switches(recording, chance)),
        chance=chance,
    )


def _last_switches(recording: Recording, chance: Random) -> Iterator[Switch]:
    for publisher in recording.publishers:
        for track, switches in _tracks(publisher):
            if len(switches) % 2 and chance.random() < 0.5:
                yield Switch(publisher.uid, track, recording.leaves_ms + chance.randint(50, 2_500))


def _tracks(publisher: Publisher) -> tuple[tuple[str, tuple[int, ...]], ...]:
    return ("video", publisher.video), ("audio", publisher.audio)


def _captured(stage: Stage) -> tuple[Capture, ...]:
    """All snapshots; in a failover the old recorder still takes one of whoever is sending."""
    moves_ms = stage.recording.moves_ms
    late = [] if moves_ms is None else [Capture(moves_ms + 200, uid, 0) for uid in _sending_during_move(stage)[:1]]
    return tuple(sorted([*captures(stage.recording), *late]))


def _sending_during_move(stage: Stage, track: str = "video") -> list[str]:
    moves_ms = stage.recording.moves_ms or 0
    sending = ((publisher.uid, dict(_tracks(publisher))[track]) for publisher in stage.recording.publishers)
    return [uid for uid, switches in sending if is_on(switches, moves_ms)]


def _cues(stage: Stage, shots: tuple[Capture, ...]) -> Iterator[Cue]:
    yield Cue(stage.sent_ms(0), 0, 40, tell.recorder_started)
    yield from _switch_cues(stage)
    yield from (_shot_cue(stage, shot) for shot in shots)
    yield from _heartbeat_cues(stage)
    yield from _move_cues(stage)
    yield from _end_cues(stage)


def _switch_cues(stage: Stage) -> Iterator[Cue]:
    for publisher in stage.recording.publishers:
        for track, switches in _tracks(publisher):
            for position, at_ms in enumerate(switches):
                state = NOT_RECEIVING if position % 2 else RECEIVING
                yield _change_cue(stage, stage.recorder(at_ms), Switch(publisher.uid, track, at_ms), state)


def _change_cue(stage: Stage, recorder: int, change: Switch, state: int) -> Cue:
    event_type, build = TRACKS[change.track]
    event_ms = stage.begins_ms + change.at_ms
    told = partial(build, stream_uid=change.uid, state=state, at_ms=event_ms)
    return Cue(stage.sent_ms(change.at_ms), recorder, event_type, told)


def _shot_cue(stage: Stage, shot: Capture) -> Cue:
    taken_ms = stage.begins_ms + shot.taken_ms
    name = stage.recording.prefix + tell.snapshot_name(
        Shot(stage.sid, stage.channel, shot.uid, taken_ms, shot.failovers)
    )
    stored_ms = shot.taken_ms + stage.chance.randint(250, 1_200)
    return Cue(stage.sent_ms(stored_ms), shot.failovers, 45, partial(tell.snapshot, file_name=name))


def _heartbeat_cues(stage: Stage) -> Iterator[Cue]:
    leaves_ms = stage.recording.leaves_ms
    for at_ms in range(HEARTBEAT_MS, leaves_ms, HEARTBEAT_MS):
        progress = tell.COMPLETE * at_ms // (leaves_ms + HEARTBEAT_MS)
        yield Cue(stage.sent_ms(at_ms), stage.recorder(at_ms), 33, partial(tell.uploading, progress=progress))


def _move_cues(stage: Stage) -> Iterator[Cue]:
    """The failover: old and new interleave, and the old one's last word comes after the new one's first."""
    moves_ms = stage.recording.moves_ms
    if moves_ms is None:
        return
    yield Cue(stage.sent_ms(moves_ms), 0, 12, partial(tell.failover, new_uid=stage.recorders[1]))
    yield Cue(stage.sent_ms(moves_ms + 300), 1, 40, tell.recorder_started)
    for track in TRACKS:
        for uid in _sending_during_move(stage, track):
            joined_ms = moves_ms + stage.chance.randint(400, 1_000)
            yield _change_cue(stage, 1, Switch(uid, track, joined_ms), RECEIVING)
    for uid in _sending_during_move(stage)[:1]:
        yield _change_cue(stage, 0, Switch(uid, "video", moves_ms + MOVE_MS // 2), NOT_RECEIVING)


def _end_cues(stage: Stage) -> Iterator[Cue]:
    """41, then 11, then 31, with last words on the streams between and after them (section 1)."""
    last, leaves_ms, chance = stage.last_recorder, stage.recording.leaves_ms, stage.chance
    yield Cue(stage.sent_ms(leaves_ms), last, 41, partial(tell.recorder_left, leave_code=chance.choice(LEAVE_CODES)))
    for change in stage.silenced:
        yield _change_cue(stage, last, change, NOT_RECEIVING)
    exits_ms = leaves_ms + chance.randint(800, 2_000)
    yield Cue(stage.sent_ms(exits_ms), last, 11, partial(tell.session_exit, status=0))
    yield Cue(stage.sent_ms(exits_ms + chance.randint(500, 4_000)), last, 31, partial(_uploaded, stage=stage))


def _uploaded(by: Speaker, stage: Stage) -> Payload:
    publishers = stage.recording.publishers
    return tell.uploaded(by, [tell.video_file(by, each.uid, stage.begins_ms + each.video[0]) for each in publishers])


def _lines(stage: Stage, cues: list[Cue]) -> Iterator[Line]:
    """The cues as notifications, numbered per recorder without holes, from 0 or from 1."""
    numbers = Counter({recorder: stage.chance.choice((0, 1)) for recorder in range(len(stage.recorders))})
    for cue in cues:
        uid = stage.recorders[cue.recorder]
        speaker = Speaker(stage.channel, stage.sid, uid, numbers[cue.recorder], cue.sent_ms)
        yield Line(_notice_id(speaker), cue.event_type, cue.sent_ms, cue.build(speaker))
        numbers[cue.recorder] += 1


def _notice_id(by: Speaker) -> str:
    """An id in one of the three forms that Agora uses (section 3)."""
    digest = hashlib.sha256(f"{by.sid}:{by.uid}:{by.sequence}".encode())
    number = int.from_bytes(digest.digest()[:12], "big")
    forms = (digest.hexdigest()[:32], str(UUID(digest.hexdigest()[:32])), f"{number}:{by.sequence}:107")
    return forms[number % 3]


def _truth(stage: Stage, shots: tuple[Capture, ...], lines: tuple[Line, ...]) -> SessionTruth:
    """What must be known in the end. All but the counts follows from the recording, whatever was told of it."""
    numbers = {
        uid: [line.payload["sequence"] for line in lines if line.payload["uid"] == uid] for uid in stage.recorders
    }
    return SessionTruth(
        sid=stage.sid,
        channel=stage.channel,
        state="ended",
        streams={each.uid: _stream_truth(stage, each, shots) for each in stage.recording.publishers},
        failovers=stage.last_recorder,
        upload_state="uploaded",
        exit_status="normal",
        highest={uid: heard[0] + len(heard) - 1 for uid, heard in numbers.items()},
        missing={uid: [] for uid in numbers},
        distinct=len(lines),
    )


def _stream_truth(stage: Stage, publisher: Publisher, shots: tuple[Capture, ...]) -> StreamTruth:
    video, audio = (_track_truth(stage, publisher.uid, track, switches) for track, switches in _tracks(publisher))
    own = [shot for shot in shots if shot.uid == publisher.uid]
    last_ms = stage.begins_ms + own[-1].taken_ms
    name = tell.snapshot_name(Shot(stage.sid, stage.channel, publisher.uid, last_ms, own[-1].failovers))
    return StreamTruth(video, audio, len(own), stage.recording.prefix + name, last_ms)


def _track_truth(stage: Stage, uid: str, track: str, switches: tuple[int, ...]) -> str:
    if not switches:
        return "unknown"
    silenced = any((each.uid, each.track) == (uid, track) for each in stage.silenced)
    return "receiving" if len(switches) % 2 and not silenced else "stopped"

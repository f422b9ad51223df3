"""How Agora tells of a recording: its notifications with exact times, and the truth they must lead to.

Pure: everything follows from the recording, its seed and the moment at which the simulation begins.
"""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Iterator
from functools import partial
from random import Random

from msgspec import Struct

from webhook.samples import recording as tell
from webhook.samples.recording import NOT_RECEIVING, PRODUCT_ID, RECEIVING, Payload, Shot, Speaker
from webhook.simulation import names
from webhook.simulation.recording.model import MOVE_MS, Build, Capture, Happening, Publisher, Recording, captures, is_on
from webhook.simulation.truth import Line, RecordingTruth, Script, StreamTruth

HEARTBEAT_MS = 60_000
EXITS = {"ended": "normal", "failed": "abnormal"}
TRACKS = {"video": (44, tell.video_changed), "audio": (43, tell.audio_changed)}


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


def write(recording: Recording, starts_ms: int) -> Script:
    """The script of `recording` in a simulation that starts at `starts_ms`, ms since 1970.

    The same arguments give the same script.
    """
    stage = _stage(recording, starts_ms)
    shots = tuple(sorted([*captures(recording), *_captured_late(stage)]))
    cues = sorted(_cues(stage, shots), key=lambda cue: cue.sent_ms)
    lines = sorted(_lines(stage, cues), key=lambda line: line.sent_ms)
    return Script(stage.sid, tuple(lines), _truth(stage, shots, lines))


def _stage(recording: Recording, starts_ms: int) -> Stage:
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
        for track, switches in _tracks(publisher):
            if len(switches) % 2 and chance.random() < 0.5:
                yield Switch(publisher.uid, track, recording.leaves_ms + chance.randint(50, 2_500))


def _tracks(publisher: Publisher) -> tuple[tuple[str, tuple[int, ...]], ...]:
    return ("video", publisher.video), ("audio", publisher.audio)


def _captured_late(stage: Stage) -> Iterator[Capture]:
    """In a failover the old recorder still takes one of whoever is sending."""
    if stage.recording.interval_ms is not None:
        for failovers, moves_ms in enumerate(stage.recording.moves_ms):
            for uid in _sending(stage, moves_ms)[:1]:
                yield Capture(moves_ms + 200, uid, failovers)


def _sending(stage: Stage, at_ms: int, track: str = "video") -> list[str]:
    tracks = ((publisher.uid, dict(_tracks(publisher))[track]) for publisher in stage.recording.publishers)
    return [uid for uid, switches in tracks if is_on(switches, at_ms)]


def _cues(stage: Stage, shots: tuple[Capture, ...]) -> Iterator[Cue]:
    yield from (_happening_cue(stage, it) for it in stage.recording.happenings)
    yield from _switch_cues(stage)
    for shot in shots:
        yield from _shot_cues(stage, shot)
    yield from _heartbeat_cues(stage)
    for failovers, moves_ms in enumerate(stage.recording.moves_ms):
        yield from _move_cues(stage, failovers, moves_ms)
    last = len(stage.recorders) - 1
    yield from (_change_cue(stage, last, change, NOT_RECEIVING) for change in stage.silenced)


def _happening_cue(stage: Stage, it: Happening) -> Cue:
    recorder = stage.recorder(it.at_ms) if it.recorder is None else it.recorder
    cue = stage.cue(it.at_ms, recorder, it.event_type, it.build)
    return Cue(cue.sent_ms, cue.recorder, cue.event_type, cue.build, cue.at_ms, it.late_ms)


def _switch_cues(stage: Stage) -> Iterator[Cue]:
    for publisher in stage.recording.publishers:
        for track, switches in _tracks(publisher):
            for position, at_ms in enumerate(switches):
                state = NOT_RECEIVING if position % 2 else RECEIVING
                yield _change_cue(stage, stage.recorder(at_ms), Switch(publisher.uid, track, at_ms), state)


def _change_cue(stage: Stage, recorder: int, change: Switch, state: int) -> Cue:
    event_type, tells = TRACKS[change.track]
    clock = "utcMs" if stage.chance.random() < 0.2 else "UtcMs"

    def build(by: Speaker, at_ms: int) -> Payload:
        return tells(by, change.uid, state, at_ms, clock)

    return stage.cue(change.at_ms, recorder, event_type, build)


def _shot_cues(stage: Stage, shot: Capture) -> Iterator[Cue]:
    name = _file_name(stage, shot)
    stored_ms = shot.taken_ms + stage.chance.randint(250, 1_200)
    yield stage.cue(stored_ms, shot.failovers, 45, lambda by, at_ms: tell.snapshot(by, name))
    moving = any(moves_ms <= shot.taken_ms < moves_ms + MOVE_MS for moves_ms in stage.recording.moves_ms)
    if moving and stage.recording.echoes:
        yield stage.cue(stored_ms + 300, shot.failovers + 1, 45, lambda by, at_ms: tell.snapshot(by, name))


def _file_name(stage: Stage, shot: Capture) -> str:
    taken_ms = stage.begins_ms + shot.taken_ms
    name = tell.snapshot_name(Shot(stage.sid, stage.channel, shot.uid, taken_ms, shot.failovers))
    return stage.recording.prefix + name


def _heartbeat_cues(stage: Stage) -> Iterator[Cue]:
    leaves_ms = stage.recording.leaves_ms
    for at_ms in range(HEARTBEAT_MS, leaves_ms, HEARTBEAT_MS) if stage.recording.beats else ():
        progress = tell.COMPLETE * at_ms // (leaves_ms + HEARTBEAT_MS)
        yield stage.cue(at_ms, stage.recorder(at_ms), 33, partial(_progress, progress=progress))


def _progress(by: Speaker, at_ms: int, progress: int) -> Payload:
    return tell.uploading(by, progress)


def _move_cues(stage: Stage, old: int, moves_ms: int) -> Iterator[Cue]:
    """The failover: old and new interleave, and the old one's last word comes after the new one's first."""
    new, echoes = old + 1, stage.recording.echoes
    yield from (_moved_cue(stage, by, moves_ms, new) for by in ((old, new) if echoes else (old,)))
    yield stage.cue(moves_ms + 300, new, 40, lambda by, at_ms: tell.recorder_started(by))
    for track in TRACKS:
        for uid in _sending(stage, moves_ms, track):
            joined = Switch(uid, track, moves_ms + stage.chance.randint(400, 1_000))
            tellers = (new, old) if echoes and stage.chance.random() < 0.4 else (new,)
            yield from (_change_cue(stage, teller, joined, RECEIVING) for teller in tellers)
    for uid in _sending(stage, moves_ms)[:1]:
        yield _change_cue(stage, old, Switch(uid, "video", moves_ms + MOVE_MS // 2), NOT_RECEIVING)


def _moved_cue(stage: Stage, teller: int, moves_ms: int, new: int) -> Cue:
    new_uid = stage.recorders[new]
    return stage.cue(moves_ms + 350 * (teller == new), teller, 12, lambda by, at_ms: tell.failover(by, new_uid))


def _lines(stage: Stage, cues: list[Cue]) -> Iterator[Line]:
    """The cues as notifications, numbered per recorder without holes, from 0 or from 1."""
    numbers = Counter({recorder: stage.chance.choice((0, 1)) for recorder in range(len(stage.recorders))})
    for cue in cues:
        uid, number = stage.recorders[cue.recorder], numbers[cue.recorder]
        speaker = Speaker(stage.channel, stage.sid, uid, number, cue.sent_ms, stage.recording.scene)
        notice_id = names.notice_id(f"{stage.sid}:{uid}", number)
        yield Line(notice_id, PRODUCT_ID, cue.event_type, cue.sent_ms + cue.late_ms, cue.build(speaker, cue.at_ms))
        numbers[cue.recorder] += 1


def _truth(stage: Stage, shots: tuple[Capture, ...], lines: list[Line]) -> RecordingTruth:
    """What must be known in the end. All but the counts follows from the recording, whatever was told of it."""
    recording, outcome = stage.recording, stage.recording.outcome
    numbers = {uid: [it.payload["sequence"] for it in lines if it.payload["uid"] == uid] for uid in stage.recorders}
    begins_ms = stage.begins_ms
    return RecordingTruth(
        sid=stage.sid,
        product="cloud_recording",
        channel=stage.channel,
        state=outcome.state,
        exit_status=EXITS.get(outcome.state),
        distinct=len(lines),
        streams={each.uid: _stream_truth(stage, each, shots) for each in recording.publishers},
        failovers=len(recording.moves_ms),
        upload_state=outcome.upload,
        errors=outcome.errors,
        warnings=outcome.warnings,
        losses=tuple((uid, begins_ms + since, begins_ms + until) for uid, since, until in outcome.losses),
        highest={uid: min(heard) + len(heard) - 1 for uid, heard in numbers.items() if heard},
        missing={uid: [] for uid, heard in numbers.items() if heard},
    )


def _stream_truth(stage: Stage, publisher: Publisher, shots: tuple[Capture, ...]) -> StreamTruth:
    video, audio = (_track_truth(stage, publisher.uid, track, switches) for track, switches in _tracks(publisher))
    own = [shot for shot in shots if shot.uid == publisher.uid]
    if not own:
        return StreamTruth(video, audio)
    return StreamTruth(video, audio, len(own), _file_name(stage, own[-1]), stage.begins_ms + own[-1].taken_ms)


def _track_truth(stage: Stage, uid: str, track: str, switches: tuple[int, ...]) -> str:
    if not switches:
        return "unknown"
    silenced = any((each.uid, each.track) == (uid, track) for each in stage.silenced)
    return "receiving" if len(switches) % 2 and not silenced else "stopped"

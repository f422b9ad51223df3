"""How Agora tells of a recording: its notifications with exact times, and the truth they must lead to.

Pure: everything follows from the recording, its seed and the moment at which the simulation begins.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial

from webhook.samples import recording as tell
from webhook.samples.recording import NOT_RECEIVING, PRODUCT_ID, RECEIVING, Payload, Speaker
from webhook.simulation import names
from webhook.simulation.recording.ending import truth_of
from webhook.simulation.recording.model import MOVE_MS, Capture, Happening, Recording, captures, is_on
from webhook.simulation.recording.stage import Cue, Stage, Switch, file_name, stage_of, tracks_of
from webhook.simulation.truth import Line, Script

HEARTBEAT_MS = 60_000
TRACKS = {"video": (44, tell.video_changed), "audio": (43, tell.audio_changed)}


def write(recording: Recording, starts_ms: int) -> Script:
    """The script of `recording` in a simulation that starts at `starts_ms`, ms since 1970.

    The same arguments give the same script.
    """
    stage = stage_of(recording, starts_ms)
    shots = tuple(sorted([*captures(recording), *_captured_late(stage)]))
    cues = sorted(_cues(stage, shots), key=lambda cue: cue.sent_ms)
    lines = sorted(_lines(stage, cues), key=lambda line: line.sent_ms)
    return Script(stage.sid, tuple(lines), truth_of(stage, shots, lines))


def _captured_late(stage: Stage) -> Iterator[Capture]:
    """In a failover the old recorder still takes one of whoever is sending."""
    if stage.recording.interval_ms is not None:
        for failovers, moves_ms in enumerate(stage.recording.moves_ms):
            for uid in _sending(stage, moves_ms)[:1]:
                yield Capture(moves_ms + 200, uid, failovers)


def _sending(stage: Stage, at_ms: int, track: str = "video") -> list[str]:
    tracks = ((publisher.uid, dict(tracks_of(publisher))[track]) for publisher in stage.recording.publishers)
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
        for track, switches in tracks_of(publisher):
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
    name = file_name(stage, shot)
    stored_ms = shot.taken_ms + stage.chance.randint(250, 1_200)
    yield stage.cue(stored_ms, shot.failovers, 45, lambda by, at_ms: tell.snapshot(by, name))
    moving = any(moves_ms <= shot.taken_ms < moves_ms + MOVE_MS for moves_ms in stage.recording.moves_ms)
    if moving and stage.recording.echoes:
        yield stage.cue(stored_ms + 300, shot.failovers + 1, 45, lambda by, at_ms: tell.snapshot(by, name))


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

"""What must be known of a recording in the end, by what was decided of it. Only counts and times of sending, which
chance decides as it is told, are taken from what is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median_low

from webhook.samples.recording import COMPLETE, Payload
from webhook.simulation.recording.model import Capture, Publisher
from webhook.simulation.recording.stage import Stage, file_name, tracks_of
from webhook.simulation.truth import Line, Loss, RecorderTruth, RecordingTruth, StreamTruth, Word

EXITS = {"ended": "normal", "failed": "abnormal"}
LEAVES = {0: "init_failed", 2: "sigint", 4: "no_users", 8: "ignore", 16: "left_channel"}
LISTING = (31, 32, 71, 1001)
RECENT = 9  # snapshots from which the pause between them is learned


def truth_of(stage: Stage, shots: tuple[Capture, ...], lines: list[Line]) -> RecordingTruth:
    """The truth after all of `lines`, whatever was told of it."""
    recording, outcome = stage.recording, stage.recording.outcome
    return RecordingTruth(
        sid=stage.sid,
        product="cloud_recording",
        channel=stage.channel,
        state=outcome.state,
        exit_status=EXITS.get(outcome.state),
        distinct=len(lines),
        streams={each.uid: _stream(stage, each, shots) for each in recording.publishers},
        recorders=tuple(_recorders(stage, lines)),
        failovers=len(recording.moves_ms),
        upload_state=outcome.upload,
        progress=_progress(outcome.upload, lines),
        files=_files(lines),
        errors=outcome.errors,
        warnings=outcome.warnings,
        losses=tuple(_losses(stage)),
        highest=(highest := _highest(stage, lines)),
        missing={uid: [] for uid in highest},
    )


def _highest(stage: Stage, lines: Sequence[Line]) -> dict[str, int]:
    """The last number of each recorder that said anything: none is left out."""
    numbers = {uid: [it.payload["sequence"] for it in lines if it.payload["uid"] == uid] for uid in stage.recorders}
    return {uid: min(heard) + len(heard) - 1 for uid, heard in numbers.items() if heard}


def _losses(stage: Stage) -> Iterator[Loss]:
    for uid, since_ms, until_ms in stage.recording.outcome.losses:
        yield uid, stage.begins_ms + since_ms, stage.begins_ms + until_ms, "video"


def _stream(stage: Stage, publisher: Publisher, shots: tuple[Capture, ...]) -> StreamTruth:
    video, audio = (_words(stage, publisher.uid, track, switches) for track, switches in tracks_of(publisher))
    own = [shot for shot in shots if shot.uid == publisher.uid]
    return StreamTruth(
        video=video[-1][1] if video else "unknown",
        audio=audio[-1][1] if audio else "unknown",
        snapshots=len(own),
        last_file=file_name(stage, own[-1]) if own else None,
        last_at_ms=stage.begins_ms + own[-1].taken_ms if own else None,
        interval_ms=_interval([shot.taken_ms for shot in own]),
        video_words=video,
        audio_words=audio,
    )


def _words(stage: Stage, uid: str, track: str, switches: tuple[int, ...]) -> tuple[Word, ...]:
    """On, off, on, ..., and off where the recorder that left says so of a track that was on."""
    silenced = [each.at_ms for each in stage.silenced if (each.uid, each.track) == (uid, track)]
    moments = enumerate([*switches, *silenced])
    return tuple((stage.begins_ms + at_ms, "stopped" if place % 2 else "receiving") for place, at_ms in moments)


def _interval(taken_ms: Sequence[int]) -> int | None:
    pauses = [after - before for before, after in pairwise(sorted(set(taken_ms))[-RECENT:])]
    return median_low(pauses) if len(pauses) > 1 else None


def _recorders(stage: Stage, lines: Sequence[Line]) -> Iterator[RecorderTruth]:
    """Each from its 40 on until it leaves or exits, else until the failover to the next one."""
    for place, uid in enumerate(stage.recorders):
        own = [line for line in lines if line.payload["uid"] == uid]
        moved = [_told_ms(line) for line in lines if _successor(line) in stage.recorders[place + 1 : place + 2]]
        started = [_told_ms(line) for line in own if line.event_type == 40] or [min(map(_told_ms, own))]
        gone = [_told_ms(line) for line in own if line.event_type in (11, 41, 71)]
        codes = [line.payload["details"]["leaveCode"] for line in own if line.event_type == 41]
        until_ms = min(gone) if gone else max(moved, default=None)
        yield RecorderTruth(uid, min(started), until_ms, _reasons(codes[-1]) if codes else ())


def _successor(line: Line) -> str | None:
    found: str | None = line.payload["details"]["newUid"] if line.event_type == 12 else None
    return found


def _told_ms(line: Line) -> int:
    at_ms: int = line.payload["sendts"]
    return at_ms


def _reasons(code: int) -> tuple[str, ...]:
    return tuple(word for bit, word in LEAVES.items() if bit & code) or (LEAVES[0],)


def _progress(upload: str, lines: Sequence[Line]) -> float:
    """All of it where it was stored; else as far as the last heartbeat said."""
    beats = [line.payload["details"]["progress"] for line in lines if line.event_type == 33]
    return 1.0 if upload in ("uploaded", "backed_up") else beats[-1] / COMPLETE if beats else 0.0


def _files(lines: Sequence[Line]) -> int:
    listed = [line.payload["details"].get("fileList") or [] for line in lines if line.event_type in LISTING]
    return len({_name_of(file) for files in listed for file in files})


def _name_of(file: Payload | str) -> str:
    return file if isinstance(file, str) else file.get("fileName") or file["filename"]

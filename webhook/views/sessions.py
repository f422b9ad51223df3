"""Sessions as the API shows them (contract.md, section 4). Equal facts make equal bytes: everything is sorted."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from webhook.domain.sequences import missing
from webhook.domain.session import Recorder, Recording, Session, Snapshots, Stream
from webhook.domain.status import (
    OVER,
    exit_of,
    leave_reasons,
    lineage,
    reception,
    snapshot_interval_ms,
    status_of,
)
from webhook.views.times import rfc3339, rfc3339_or_none, seconds

View = dict[str, Any]


def session_view(session: Session) -> View:
    """The session as `GET /sessions/{id}` answers it."""
    recording, status = session.state, status_of(session)
    return {
        "id": session.id,
        "product": session.product,
        "project": session.project,
        "source": session.source,
        "channel": session.channel,
        "state": status.state.value,
        "stateSince": rfc3339(status.since_ms),
        "firstEventAt": rfc3339(session.first_ms),
        "lastEventAt": rfc3339(session.last_ms),
        "endedAt": rfc3339(status.since_ms) if status.state in OVER else None,
        "exit": _exit(session),
        "recorders": _recorders(recording),
        "failovers": sum(recorder.named_ms is not None for recorder in recording.recorders.values()),
        "streams": [_stream(recording, uid, stream) for uid, stream in sorted(recording.streams.items())],
        "upload": _upload(recording),
        "errors": [],
        "warnings": [],
        "notRecorded": [],
        "sequence": {uid: _sequence(recorder) for uid, recorder in sorted(recording.recorders.items())},
        "notifications": {
            "received": session.received,
            "duplicates": session.duplicates,
            "stale": session.stale,
        },
        "registration": None,
        "alerts": [],
        "detail": {},
        "revision": session.revision,
    }


def _exit(session: Session) -> View | None:
    ended = exit_of(session)
    if ended is None:
        return None
    status = "normal" if ended.normal else "abnormal"
    return {"status": status, "at": rfc3339(ended.at_ms), "reason": ", ".join(ended.reasons) or None}


def _recorders(recording: Recording) -> list[View]:
    in_turn = sorted(recording.recorders.items(), key=lambda item: (lineage(item[1]), item[0]))
    successors = [*(lineage(later)[1] for _, (_, later) in pairwise(in_turn)), None]
    return [
        {
            "uid": uid,
            "from": rfc3339(_began_ms(recorder)),
            "until": rfc3339_or_none(_until_ms(recorder, replaced_ms)),
            "leaveReasons": list(leave_reasons(recorder)),
        }
        for (uid, recorder), replaced_ms in zip(in_turn, successors, strict=False)
    ]


def _began_ms(recorder: Recorder) -> int:
    return recorder.started_ms or recorder.named_ms or recorder.first_ms


def _until_ms(recorder: Recorder, replaced_ms: int | None) -> int | None:
    ended = [mark[0] for mark in (recorder.left, recorder.exited) if mark is not None]
    return min(ended) if ended else replaced_ms


def _stream(recording: Recording, uid: str, stream: Stream) -> View:
    video, video_ms = reception(recording, stream.video)
    audio, audio_ms = reception(recording, stream.audio)
    return {
        "uid": uid,
        "video": video.value,
        "videoSince": rfc3339_or_none(video_ms),
        "audio": audio.value,
        "audioSince": rfc3339_or_none(audio_ms),
        "snapshots": _snapshots(stream.snapshots),
    }


def _snapshots(snapshots: Snapshots) -> View:
    last_ms, last_file = snapshots.last or (None, None)
    return {
        "count": snapshots.count,
        "lastAt": rfc3339_or_none(last_ms),
        "lastFile": last_file,
        "interval": seconds(snapshot_interval_ms(snapshots)),
    }


def _upload(recording: Recording) -> View:
    _, _, _, state, progress = recording.upload or (0, 0, 0, "none", 0.0)
    return {
        "state": state,
        "progress": progress,
        "files": [
            {
                "fileName": file.name,
                "trackType": file.track or None,
                "uid": file.uid or None,
                "isPlayable": file.playable,
                "startedAt": rfc3339_or_none(file.started_ms),
            }
            for file in recording.files
        ],
        "filesCount": recording.files_count,
    }


def _sequence(recorder: Recorder) -> View:
    holes = [[low, high] for low, high in missing(recorder.sequences)]
    return {"highest": recorder.sequences.highest, "missing": holes}

"""What the API shows of a recording beside what all sessions have (contract.md, section 4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from webhook.domain.products.recording_terms import (
    LIMITS,
    PUBLISH_STATES,
    RELOADS,
    RESULTS,
    STATUSES,
    WEB_STOPS,
    error_term,
    warning_term,
)
from webhook.domain.products.vocabulary import Term, term
from webhook.domain.recording.events import NOT_TOLD, RecordedFile, Topic
from webhook.domain.recording.state import ProblemMark, Recorder, Recording, RemarkMark, Snapshots, Stream
from webhook.domain.recording.status import (
    leave_reasons,
    mode,
    reception,
    recorded,
    snapshot_gaps,
    snapshot_interval_ms,
    upload_progress,
)
from webhook.domain.recording.streams import streams_of
from webhook.domain.sequences import missing
from webhook.views.times import rfc3339, rfc3339_or_none, seconds

View = dict[str, Any]
Remarks = dict[str, RemarkMark]


def file_folder(recording: Recording) -> str | None:
    """The folder in which the recording's files are, by a snapshot's name or the first playlist's; None before any."""
    shot = max(
        (stream.snapshots.last for stream in streams_of(recording).values() if stream.snapshots.last), default=None
    )
    file = shot[1] if shot else recording.first_file[2] if recording.first_file else None
    return None if not file else file.rpartition("/")[0]


def recording_view(recording: Recording) -> View:
    """The fields of a session that a recording fills."""
    return {
        "recorders": _recorders(recording),
        "failovers": _failovers(recording),
        "streams": [_stream(recording, uid, stream) for uid, stream in sorted(streams_of(recording).items())],
        "upload": _upload(recording),
        "errors": [_problem(mark, error_term) for mark in recording.errors],
        "warnings": [_without_level(_problem(mark, warning_term)) for mark in recording.warnings],
        "notRecorded": [
            {"from": rfc3339(lost.from_ms), "until": rfc3339(lost.until_ms), "uid": lost.uid, "track": lost.track}
            for lost in recording.losses
        ],
        "sequence": {uid: _sequence(recorder) for uid, recorder in sorted(recording.recorders.items())},
        "detail": _detail(recording),
    }


def _recorders(recording: Recording) -> list[View]:
    return [
        {
            "uid": uid,
            "from": rfc3339(from_ms),
            "until": rfc3339_or_none(until_ms),
            "leaveReasons": list(leave_reasons(recording.recorders[uid])),
        }
        for uid, from_ms, until_ms in recorded(recording.recorders)
    ]


def _failovers(recording: Recording) -> int:
    """How many are known of: by the recorders that were named, or by the names of files, whose `bak<n>` begins at 0."""
    named = sum(recorder.named_ms is not None for recorder in recording.recorders.values())
    return named if recording.failover_names is None else max(named, recording.failover_names + 1)


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
        "gaps": [{"from": rfc3339(earlier), "until": rfc3339(later)} for earlier, later in snapshot_gaps(snapshots)],
    }


def _upload(recording: Recording) -> View:
    return {
        "state": recording.upload[3] if recording.upload else "none",
        "progress": upload_progress(recording),
        "files": [_file(file) for file in recording.files],
        "filesCount": recording.files_count,
    }


def _file(file: RecordedFile) -> View:
    return {
        "fileName": file.name,
        "trackType": file.track or None,
        "uid": file.uid or None,
        "isPlayable": file.playable,
        "startedAt": rfc3339_or_none(file.started_ms),
    }


def _problem(mark: ProblemMark, meant: Callable[[str, int], Term]) -> View:
    said = meant(mark.module, mark.code)
    told = mark.code != NOT_TOLD
    return {
        "at": rfc3339(mark.at_ms),
        "module": mark.module,
        "level": mark.level,
        "code": mark.code if told else None,
        "message": mark.message,
        "meaning": said.meaning if told else "no code was told",
        "action": said.action,
    }


def _without_level(problem: View) -> View:
    return {name: value for name, value in problem.items() if name != "level"}


def _sequence(recorder: Recorder) -> View:
    holes = [[low, high] for low, high in missing(recorder.sequences)]
    return {"highest": recorder.sequences.highest, "missing": holes}


def _detail(recording: Recording) -> View:
    """What only recordings have; each name is there only where there is something to say under it."""
    first_file, names = recording.first_file, recording.failover_names
    parts = {
        "mode": mode(recording),
        "firstFile": first_file and {"fileName": first_file[2], "at": rfc3339(first_file[0])},
        "streamsIncomplete": recording.streams_floor is not None,
        "failoverNames": None if names is None else f"bak{names}",
        **{name: show(_about(recording, *topics)) for name, (show, topics) in SHOWN.items()},
    }
    return {name: part for name, part in parts.items() if part}


def _about(recording: Recording, *topics: Topic) -> list[Remarks]:
    return [dict(sorted(recording.remarks.get(topic.value, {}).items())) for topic in topics]


def _status(remarks: list[Remarks]) -> View | None:
    """The last status that the service reported (3)."""
    mark = remarks[0].get("")
    if mark is None:
        return None
    said = term(STATUSES, int(mark.value))
    return {"code": int(mark.value), "name": said.name, "meaning": said.meaning, "at": rfc3339(mark.at_ms)}


def _high_availability(remarks: list[Remarks]) -> View | None:
    mark = remarks[0].get("")
    return mark and {"state": mark.value, "at": rfc3339(mark.at_ms)}


def _vod(remarks: list[Remarks]) -> View | None:
    """Files handed to a video-on-demand service (60, 61)."""
    if not remarks[0]:
        return None
    latest = max(remarks[0].values())
    return {
        "state": latest.value,
        "at": rfc3339(latest.at_ms),
        "videoIds": [video_id for video_id in remarks[0] if video_id],
    }


def _web_recorder(remarks: list[Remarks]) -> View | None:
    """The recorder of a web page (70 to 73)."""
    words, limits, reloads = remarks
    started, stopped = words.get("started"), words.get("stopped")
    parts = {
        "startedAt": started and (rfc3339(int(started.value)) if started.value else rfc3339(started.at_ms)),
        "stopped": stopped and _stop(stopped),
        "limits": [_worded("limitType", name, mark, LIMITS) for name, mark in limits.items()],
        "reloads": [_worded("reason", name, mark, RELOADS) for name, mark in reloads.items()],
    }
    return {name: part for name, part in parts.items() if part}


def _stop(mark: RemarkMark) -> View:
    said = term(WEB_STOPS, int(mark.value))
    return {
        "code": int(mark.value),
        "reason": said.name,
        "meaning": said.meaning,
        "action": said.action,
        "message": mark.items[0],
        "at": rfc3339(mark.at_ms),
    }


def _transcoding(remarks: list[Remarks]) -> View | None:
    """Transcoding after the recording (80, 81), and what came of it when it was postponed (1001)."""
    latest, final = (about.get("") for about in remarks)
    parts = {"latest": latest and _result(latest), "final": final and _result(final)}
    return {name: part for name, part in parts.items() if part}


def _result(mark: RemarkMark) -> View:
    uids: View = {"uids": list(mark.items)} if mark.items else {}
    return _worded("state", mark.value, mark, RESULTS) | uids


def _publishing(remarks: list[Remarks]) -> list[View]:
    """Where the stream is published to, by address, stream keys masked (100)."""
    return [{"url": url} | _worded("status", mark.value, mark, PUBLISH_STATES) for url, mark in remarks[0].items()]


def _failed_downloads(remarks: list[Remarks]) -> list[View]:
    """Files that could not be fetched for transcoding (90)."""
    return [
        {
            "files": [name for name in names.split(";") if name],
            **dict(zip(("vendor", "region", "bucket"), mark.items, strict=False)),
            "at": rfc3339(mark.at_ms),
        }
        for names, mark in remarks[0].items()
    ]


def _worded(key: str, name: str, mark: RemarkMark, vocabulary: Mapping[str, Term]) -> View:
    said = vocabulary.get(name)
    meaning: View = {"meaning": said.meaning} if said else {}
    return {key: name, **meaning, "at": rfc3339(mark.at_ms)}


SHOWN: dict[str, tuple[Callable[[list[Remarks]], Any], tuple[Topic, ...]]] = {
    "status": (_status, (Topic.STATUS,)),
    "highAvailability": (_high_availability, (Topic.HIGH_AVAILABILITY,)),
    "webRecorder": (_web_recorder, (Topic.WEB_RECORDER, Topic.WEB_LIMIT, Topic.WEB_RELOAD)),
    "publishing": (_publishing, (Topic.PUBLISHING,)),
    "transcoding": (_transcoding, (Topic.TRANSCODER, Topic.POSTPONED_TRANSCODING)),
    "failedDownloads": (_failed_downloads, (Topic.DOWNLOAD,)),
    "vod": (_vod, (Topic.VOD,)),
}

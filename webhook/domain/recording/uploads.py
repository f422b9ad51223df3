"""What facts change of a recording's upload and of the files that are known to be stored."""

from __future__ import annotations

from typing import Any

from webhook.domain.facts import Fact
from webhook.domain.merging import greatest
from webhook.domain.recording import events
from webhook.domain.recording.state import MOST_FILES, MOST_PROGRESS, MOST_UPLOADS, Recording, UploadMark

Change = dict[str, Any]


def upload_started(recording: Recording, fact: Fact, event: events.UploadStarted) -> Change:
    """A word on the upload: it goes on, or failed to start."""
    return upload_word(recording, fact, "uploading" if event.normal else "failed", 0.0)


def upload_progressed(recording: Recording, fact: Fact, event: events.UploadProgressed) -> Change:
    """A word on the upload, and the recording's heartbeat."""
    mark = (fact.order.at_ms, fact.order.sequence, event.progress)
    change = upload_word(recording, fact, "uploading", event.progress)
    recent = tuple(sorted({*recording.recent_progress, mark})[-MOST_PROGRESS:])
    return {**change, "heartbeat": True, "progress": greatest(recording.progress, mark), "recent_progress": recent}


def upload_finished(recording: Recording, fact: Fact, event: events.UploadFinished) -> Change:
    """The last word on the upload unless a later one follows, and its files."""
    state = "failed" if not event.normal else "backed_up" if event.backed_up else "uploaded"
    return {
        **upload_word(recording, fact, state, 1.0 if event.normal else 0.0),
        **files_stored(recording, event.files),
        "stored": tuple(sorted({*recording.stored, fact.order.at_ms})[-MOST_UPLOADS:]),
    }


def upload_word(recording: Recording, fact: Fact, state: str, progress: float) -> Change:
    """The upload's state as of `fact`, where nothing later was heard of it."""
    return {"upload": greatest(recording.upload, _mark(fact, state, progress))}


def files_stored(recording: Recording, files: tuple[events.RecordedFile, ...]) -> Change:
    """The files by name, the least names where there are too many; the count is of the longest list seen."""
    if not files:
        return {}
    by_name = {file.name: file for file in sorted({*recording.files, *files}, key=_by_name)}
    kept = tuple(by_name.values())[:MOST_FILES]
    distinct = len({file.name for file in files})
    return {"files": kept, "files_count": max(recording.files_count, distinct, len(kept))}


def _by_name(file: events.RecordedFile) -> tuple[str, str, str, bool, int]:
    return file.name, file.track, file.uid, file.playable, -1 if file.started_ms is None else file.started_ms


def _mark(fact: Fact, state: str, progress: float) -> UploadMark:
    return fact.order.at_ms, fact.order.sequence, fact.order.rank, state, progress

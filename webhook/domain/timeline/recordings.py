"""The lanes of a recording: recorders, failovers, streams, the upload, errors, and remarks on the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import webhook.domain.timeline.recording_words as words
from webhook.domain.recording import events
from webhook.domain.recording.events import Topic
from webhook.domain.recording.state import Recording
from webhook.domain.recording.status import recorded
from webhook.domain.timeline.framing import Extent
from webhook.domain.timeline.lanes import Interval, Kind, Name, Says, Sketch, closed
from webhook.domain.timeline.streams import Streams
from webhook.domain.timeline.telling import Told
from webhook.domain.timeline.uploads import Upload

Where = Callable[[Told, Any], Name]
RECORDING = "recording"


def draw(sketch: Sketch, recording: Recording, extent: Extent, all_told: Sequence[Told]) -> None:
    """Draws the lanes of `recording` into `sketch`."""
    streams, upload = Streams(sketch, recording), Upload(sketch)
    for told in all_told:
        if not streams.hear(told):
            upload.hear(told)
            _mark(sketch, told)
    streams.draw(extent.end_ms)
    upload.draw(extent.end_ms)
    for uid, interval in _recorders(recording, extent.end_ms):
        sketch.intervals[Kind.RECORDER, uid] = [interval]


def _mark(sketch: Sketch, told: Told) -> None:
    marked = MARKED.get(type(told.event))
    if marked is not None:
        where, says = marked
        sketch.mark(where(told, told.event), told, says(told.event))


def _recorders(recording: Recording, end_ms: int | None) -> Iterator[tuple[str, Interval]]:
    """When each recorder recorded. This rests on the session, so that it also holds once the log lost the beginning."""
    for uid, from_ms, until_ms in recorded({**recording.former, **recording.recorders}):
        yield uid, Interval(from_ms, closed(from_ms, until_ms or end_ms), RECORDING)


def _at_recorder(told: Told, event: object) -> Name:
    return Kind.RECORDER, told.teller


def _at(kind: Kind) -> Where:
    return lambda told, event: (kind, None)


def _at_topic(told: Told, event: events.Remarked) -> Name:
    """A web page recorder's start belongs to the recorder, as its stop does."""
    return (Kind.RECORDER, told.teller) if event.topic is Topic.WEB_RECORDER else (Kind.REMARKS, None)


MARKED: dict[type, tuple[Where, Callable[[Any], Says]]] = {
    events.RecorderStarted: (_at_recorder, words.recorder_started),
    events.RecorderLeft: (_at_recorder, words.recorder_left),
    events.SessionExited: (_at_recorder, words.session_exited),
    events.WebRecorderStopped: (_at_recorder, words.web_recorder_stopped),
    events.StatusReported: (_at_recorder, words.status_reported),
    events.FailedOver: (_at(Kind.FAILOVER), words.failed_over),
    events.ProblemReported: (_at(Kind.ERRORS), words.problem_reported),
    events.FirstFileWritten: (_at(Kind.REMARKS), words.first_file_written),
    events.Remarked: (_at_topic, words.remarked),
}

"""How a fact changes what is known of a recording: total, table-driven, order-free."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from webhook.domain.facts import Fact
from webhook.domain.merging import greatest, least
from webhook.domain.recording import events
from webhook.domain.recording.problems import problem_reported
from webhook.domain.recording.recorders import (
    failed_over,
    heard_from,
    recorder_left,
    recorder_started,
    session_exited,
    status_reported,
    web_recorder_stopped,
)
from webhook.domain.recording.remarks import remarked
from webhook.domain.recording.state import Recording
from webhook.domain.recording.streams import slice_started, snapshot_taken, stream_changed
from webhook.domain.recording.uploads import upload_finished, upload_progressed, upload_started

PRODUCT = "cloud_recording"
SIGNS_OF_RECORDING = frozenset({4, 33, 42, 43, 44, 45, 70})  # any of them, ever, makes a recording live
SIGNS_OF_LIFE = frozenset({33, 40, 42, 43, 44, 45})  # any of them after a fatal error shows that it went on

Change = dict[str, Any]


def apply(recording: Recording, fact: Fact, *, effect_known: bool) -> Recording:
    """The recording with `fact` in it. What `effect_known` says was counted already is not counted again.

    A type means what it does here for recordings only: what another product tells under the same id changes nothing.
    """
    if fact.product != PRODUCT:
        return recording
    at_ms = fact.order.at_ms
    change: Change = heard_from(recording, fact)
    if fact.event_type in SIGNS_OF_RECORDING:
        change["live_ms"] = least(recording.live_ms, at_ms)
    if fact.event_type in SIGNS_OF_LIFE:
        change["life_ms"] = greatest(recording.life_ms, at_ms)
    transition = TRANSITIONS.get(type(fact.event))
    if transition is None or (effect_known and isinstance(fact.event, events.SnapshotTaken)):
        return replace(recording, **change)
    heard = replace(recording, **change)
    return replace(heard, **transition(heard, fact, fact.event))


def _first_file_written(recording: Recording, fact: Fact, event: events.FirstFileWritten) -> Change:
    if event.file is None:
        return {}
    return {"first_file": least(recording.first_file, (fact.order.at_ms, fact.order.sequence, event.file))}


TRANSITIONS: dict[type, Callable[[Recording, Fact, Any], Change]] = {
    events.RecorderStarted: recorder_started,
    events.RecorderLeft: recorder_left,
    events.SessionExited: session_exited,
    events.StatusReported: status_reported,
    events.WebRecorderStopped: web_recorder_stopped,
    events.FailedOver: failed_over,
    events.FirstFileWritten: _first_file_written,
    events.StreamChanged: stream_changed,
    events.SliceStarted: slice_started,
    events.SnapshotTaken: snapshot_taken,
    events.UploadStarted: upload_started,
    events.UploadProgressed: upload_progressed,
    events.UploadFinished: upload_finished,
    events.ProblemReported: problem_reported,
    events.Remarked: remarked,
}

"""apply(session, fact) -> session: total, table-driven, order-free."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from msgspec.structs import replace

from webhook.domain import events
from webhook.domain.events import Track
from webhook.domain.facts import Fact
from webhook.domain.sequences import hear
from webhook.domain.session import (
    MOST_FILES,
    MOST_RECORDERS,
    MOST_STREAMS,
    RECENT_SNAPSHOTS,
    VERSION,
    Recorder,
    Recording,
    Session,
    Snapshots,
    Stream,
)

SIGNS_OF_RECORDING = frozenset({4, 33, 42, 43, 44, 45, 70})  # any of them, ever, makes a recording live
SIGNS_OF_LIFE = frozenset({33, 40, 42, 43, 44, 45})  # any of them after a fatal error shows that it went on

T = TypeVar("T")
Change = dict[str, Any]


def open_session(fact: Fact) -> Session:
    """The session as it is before its first fact is applied."""
    return Session(
        version=VERSION,
        id=fact.session_id,
        product=fact.product,
        project=fact.project,
        source=fact.source,
        channel=fact.channel,
        first_ms=fact.order.at_ms,
        last_ms=fact.order.at_ms,
        last_received_ms=fact.received_ms,
        state=Recording(),
    )


def apply(session: Session, fact: Fact, *, effect_known: bool = False) -> Session:
    """The session with `fact` in it, equal for every order in which a set of facts is applied.

    Each identity is to be applied once; `effect_known` says that another fact told of the same effect before, which
    is then not counted again. Never raises: what a fact cannot change stays as it is.
    """
    at_ms = fact.order.at_ms
    return replace(
        session,
        source=min(session.source, fact.source),
        channel=session.channel if fact.channel is None else least(session.channel, fact.channel),
        first_ms=min(session.first_ms, at_ms),
        last_ms=max(session.last_ms, at_ms),
        last_received_ms=max(session.last_received_ms, fact.received_ms),
        received=session.received + 1,
        state=_apply_to_recording(session.state, fact, effect_known),
    )


def _apply_to_recording(recording: Recording, fact: Fact, effect_known: bool) -> Recording:
    change: Change = {"recorders": _heard_from(recording.recorders, fact)}
    if fact.event_type in SIGNS_OF_RECORDING:
        change["live_ms"] = least(recording.live_ms, fact.order.at_ms)
    if fact.event_type in SIGNS_OF_LIFE:
        change["life_ms"] = greatest(recording.life_ms, fact.order.at_ms)
    transition = TRANSITIONS.get(type(fact.event))
    if transition is not None and not (effect_known and isinstance(fact.event, events.SnapshotTaken)):
        change |= transition(replace(recording, recorders=change["recorders"]), fact, fact.event)
    return replace(recording, **change)


def _heard_from(recorders: Mapping[str, Recorder], fact: Fact) -> dict[str, Recorder]:
    if fact.teller is None:
        return dict(recorders)
    at_ms, sequence = fact.order.at_ms, fact.order.sequence
    recorder = recorders.get(fact.teller) or Recorder(at_ms, at_ms)
    heard = replace(
        recorder,
        first_ms=min(recorder.first_ms, at_ms),
        last_ms=max(recorder.last_ms, at_ms),
        sequences=recorder.sequences if sequence < 0 else hear(recorder.sequences, sequence),
    )
    return _by_uid({**recorders, fact.teller: heard})


def _recorder_started(recording: Recording, fact: Fact, event: events.RecorderStarted) -> Change:
    return _recorder(recording, fact, lambda known: {"started_ms": least(known.started_ms, fact.order.at_ms)})


def _recorder_left(recording: Recording, fact: Fact, event: events.RecorderLeft) -> Change:
    mark = (fact.order.at_ms, fact.order.sequence, event.code)
    return _recorder(recording, fact, lambda known: {"left": greatest(known.left, mark)})


def _session_exited(recording: Recording, fact: Fact, event: events.SessionExited) -> Change:
    mark = (fact.order.at_ms, fact.order.sequence, not event.normal)
    return _recorder(recording, fact, lambda known: {"exited": greatest(known.exited, mark)})


def _recorder(recording: Recording, fact: Fact, change: Callable[[Recorder], Change]) -> Change:
    """The change of the recorder that spoke; none where the notification names none."""
    known = recording.recorders.get(fact.teller or "")
    if known is None:
        return {}
    return {"recorders": {**recording.recorders, fact.teller: replace(known, **change(known))}}


def _failed_over(recording: Recording, fact: Fact, event: events.FailedOver) -> Change:
    at_ms = fact.order.at_ms
    known = recording.recorders.get(event.new_uid) or Recorder(at_ms, at_ms)
    named = replace(
        known,
        first_ms=min(known.first_ms, at_ms),
        last_ms=max(known.last_ms, at_ms),
        named_ms=greatest(known.named_ms, at_ms),
    )
    recorders = {**recording.recorders, event.new_uid: named}
    return {"recorders": _by_uid(recorders)}


def _stream_changed(recording: Recording, fact: Fact, event: events.StreamChanged) -> Change:
    stream = recording.streams.get(event.uid) or Stream()
    marks = stream.video if event.track is Track.VIDEO else stream.audio
    teller = fact.teller or ""
    mark = (fact.order.at_ms, fact.order.sequence, event.reception.value)
    change = {event.track.value: _by_uid({**marks, teller: greatest(marks.get(teller), mark)})}
    return _with_stream(recording, event.uid, replace(stream, **change))


def _snapshot_taken(recording: Recording, fact: Fact, event: events.SnapshotTaken) -> Change:
    if event.uid is None or event.taken_ms is None:
        return {}
    stream = recording.streams.get(event.uid) or Stream()
    known = stream.snapshots
    snapshots = Snapshots(
        count=known.count + 1,
        last=greatest(known.last, (event.taken_ms, event.file)),
        recent=tuple(sorted({*known.recent, event.taken_ms})[-RECENT_SNAPSHOTS:]),
    )
    return _with_stream(recording, event.uid, replace(stream, snapshots=snapshots))


def _with_stream(recording: Recording, uid: str, stream: Stream) -> Change:
    return {"streams": _newest({**recording.streams, uid: stream}, MOST_STREAMS, lambda item: _last_word(*item))}


def _last_word(uid: str, stream: Stream) -> tuple[int, str]:
    times = [mark[0] for marks in (stream.video, stream.audio) for mark in marks.values()]
    return max([*times, stream.snapshots.last[0] if stream.snapshots.last else 0]), uid


def _upload_started(recording: Recording, fact: Fact, event: events.UploadStarted) -> Change:
    return _upload(recording, fact, "uploading" if event.normal else "failed", 0.0)


def _upload_progressed(recording: Recording, fact: Fact, event: events.UploadProgressed) -> Change:
    return {"heartbeat": True, **_upload(recording, fact, "uploading", event.progress)}


def _upload_finished(recording: Recording, fact: Fact, event: events.UploadFinished) -> Change:
    state = "failed" if not event.normal else "backed_up" if event.backed_up else "uploaded"
    change = _upload(recording, fact, state, 1.0 if event.normal else 0.0)
    by_name = {file.name: file for file in sorted({*recording.files, *event.files}, key=_by_name)}
    files = tuple(by_name.values())[:MOST_FILES]
    return {
        **change,
        "stored": greatest(recording.stored, _upload_mark(fact, state, 1.0)),
        "files": files,
        "files_count": max(recording.files_count, len(event.files), len(files)),
    }


def _by_name(file: events.RecordedFile) -> tuple[str, str, str, bool, int]:
    return file.name, file.track, file.uid, file.playable, file.started_ms or 0


def _upload(recording: Recording, fact: Fact, state: str, progress: float) -> Change:
    return {"upload": greatest(recording.upload, _upload_mark(fact, state, progress))}


def _upload_mark(fact: Fact, state: str, progress: float) -> tuple[int, int, int, str, float]:
    return fact.order.at_ms, fact.order.sequence, fact.order.rank, state, progress


TRANSITIONS: dict[type, Callable[[Recording, Fact, Any], Change]] = {
    events.RecorderStarted: _recorder_started,
    events.RecorderLeft: _recorder_left,
    events.SessionExited: _session_exited,
    events.FailedOver: _failed_over,
    events.StreamChanged: _stream_changed,
    events.SnapshotTaken: _snapshot_taken,
    events.UploadStarted: _upload_started,
    events.UploadProgressed: _upload_progressed,
    events.UploadFinished: _upload_finished,
}


def greatest(known: T | None, new: T) -> T:
    """The greater of the two; `new` where nothing is known yet."""
    return new if known is None or new > known else known  # type: ignore[operator]


def least(known: T | None, new: T) -> T:
    """The lesser of the two; `new` where nothing is known yet."""
    return new if known is None or new < known else known  # type: ignore[operator]


def _by_uid(items: dict[str, T]) -> dict[str, T]:
    """At most MOST_RECORDERS items, those with the greatest uids: a uid never moves, so none drops out half known."""
    if len(items) <= MOST_RECORDERS:
        return items
    return dict(sorted(items.items())[-MOST_RECORDERS:])


def _newest(items: dict[str, T], most: int, place: Callable[[tuple[str, T]], Any]) -> dict[str, T]:
    """At most `most` items: those that `place` puts last."""
    if len(items) <= most:
        return items
    return dict(sorted(items.items(), key=place)[-most:])

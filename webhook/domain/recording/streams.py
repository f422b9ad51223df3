"""What facts change of a recording's streams: reception, slices, snapshots."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from webhook.domain.events import Track
from webhook.domain.facts import Fact
from webhook.domain.merging import greatest, newest
from webhook.domain.recording import events
from webhook.domain.recording.state import (
    MOST_LOSSES,
    MOST_RECORDERS,
    MOST_STREAMS,
    RECENT_SNAPSHOTS,
    LossMark,
    Recording,
    Snapshots,
    Stream,
    StreamFloor,
    StreamMark,
)

Change = dict[str, Any]


def stream_changed(recording: Recording, fact: Fact, event: events.StreamChanged) -> Change:
    """The track's mark of the recorder that spoke, where this is its latest word."""
    stream = recording.streams.get(event.uid) or Stream()
    marks = stream.video if event.track is Track.VIDEO else stream.audio
    teller = fact.teller or ""
    mark = (fact.order.at_ms, fact.order.sequence, event.reception.value)
    told = newest({**marks, teller: greatest(marks.get(teller), mark)}, MOST_RECORDERS, _latest_word)
    return _with_stream(recording, event.uid, fact.order.at_ms, replace(stream, **{event.track.value: told}))


def slice_started(recording: Recording, fact: Fact, event: events.SliceStarted) -> Change:
    """The time that was not recorded before the slice, where there is one."""
    if event.lost_from_ms is None:
        return {}
    lost = LossMark(event.lost_from_ms, event.started_ms, event.uid, event.track)
    return {"losses": tuple(sorted({*recording.losses, lost})[-MOST_LOSSES:])}


def snapshot_taken(recording: Recording, fact: Fact, event: events.SnapshotTaken) -> Change:
    """One more snapshot of its stream. Nothing where its name does not say whose it is."""
    if event.uid is None or event.taken_ms is None:
        return {}
    stream = recording.streams.get(event.uid) or Stream()
    known = stream.snapshots
    snapshots = Snapshots(
        count=known.count + 1,
        last=greatest(known.last, (event.taken_ms, event.file)),
        recent=tuple(sorted({*known.recent, event.taken_ms})[-RECENT_SNAPSHOTS:]),
    )
    change = _with_stream(recording, event.uid, event.taken_ms, replace(stream, snapshots=snapshots))
    if event.failover is not None:
        change["failover_names"] = greatest(recording.failover_names, event.failover)
    return change


def streams_of(recording: Recording) -> dict[str, Stream]:
    """The streams by uid, with the words that count.

    Once some were dropped, snapshots are counted among the latest times that are kept: of a stream that was dropped
    and came back nobody can tell how many there were before.
    """
    floor = recording.streams_floor
    if floor is None:
        return recording.streams
    return {uid: _above(floor, uid, stream) for uid, stream in recording.streams.items()}


def _with_stream(recording: Recording, uid: str, at_ms: int, stream: Stream) -> Change:
    """The streams with this one, of which something was told at `at_ms`; of too many, those last spoken of."""
    if recording.streams_floor is not None and (at_ms, uid) <= recording.streams_floor:
        return {}
    streams = {**recording.streams, uid: stream}
    if len(streams) <= MOST_STREAMS:
        return {"streams": streams}
    floor = min(map(_last_word, streams.items()))
    del streams[floor[1]]
    return {"streams": streams, "streams_floor": floor}


def _above(floor: StreamFloor, uid: str, stream: Stream) -> Stream:
    def counting(marks: dict[str, StreamMark]) -> dict[str, StreamMark]:
        return {teller: mark for teller, mark in marks.items() if (mark[0], uid) > floor}

    known = stream.snapshots
    recent = tuple(at_ms for at_ms in known.recent if (at_ms, uid) > floor)
    return Stream(
        counting(stream.video),
        counting(stream.audio),
        Snapshots(len(recent), known.last if recent else None, recent),
    )


def _latest_word(item: tuple[str, StreamMark]) -> tuple[StreamMark, str]:
    return item[1], item[0]


def _last_word(item: tuple[str, Stream]) -> StreamFloor:
    uid, stream = item
    times = [mark[0] for marks in (stream.video, stream.audio) for mark in marks.values()]
    return max([*times, stream.snapshots.last[0] if stream.snapshots.last else 0]), uid

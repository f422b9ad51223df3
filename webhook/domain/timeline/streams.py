"""The lanes of a recording's streams: video, audio, snapshots, and what was not recorded."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise
from statistics import median_low
from typing import Any

from webhook.domain.events import Reception, Track
from webhook.domain.recording.events import SliceStarted, SnapshotTaken, StreamChanged
from webhook.domain.recording.state import Recording
from webhook.domain.recording.status import lineage
from webhook.domain.timeline.lanes import Interval, Kind, Name, Says, Sketch, Word, chained
from webhook.domain.timeline.telling import Told

GAP, NOT_RECORDED = "gap", "not_recorded"
GAP_FACTOR = 2  # a pause longer than that many intervals is a gap
FOREVER = 2**63  # ms, after all that can be told
KINDS = {Track.VIDEO: Kind.VIDEO, Track.AUDIO: Kind.AUDIO}

Report = tuple[int, int, str, str]  # event time ms, sequence, reception, who told
Rank = tuple[int, tuple[bool, int], str]  # sorts who told by whose word counts
Span = tuple[int, int]
NOBODY: Rank = (0, (False, 0), "")


class Streams:
    """Hears what is told of streams, in any order, and draws their lanes."""

    def __init__(self, sketch: Sketch, recording: Recording) -> None:
        self._sketch = sketch
        self._ranks: dict[str, Rank] = {uid: (1, lineage(of), uid) for uid, of in recording.recorders.items()}
        self._reports: defaultdict[Name, list[Report]] = defaultdict(list)
        self._captures: defaultdict[str, set[int]] = defaultdict(set)
        self._losses: defaultdict[str, list[Span]] = defaultdict(list)

    def hear(self, told: Told) -> bool:
        """Takes one event, if it is about a stream; says whether it was."""
        take = HEARD.get(type(told.event))
        if take is None:
            return False
        take(self, told, told.event)
        return True

    def draw(self, end_ms: int | None) -> None:
        """Draws the lanes."""
        for name, reports in self._reports.items():
            self._sketch.intervals[name] = chained(_counting(reports, self._ranks), end_ms)
        for uid, captures in self._captures.items():
            video = self._sketch.intervals.get((Kind.VIDEO, uid), ())
            self._sketch.intervals[Kind.SNAPSHOTS, uid] = list(_gaps(sorted(captures), video))
        for uid, spans in self._losses.items():
            self._sketch.intervals[Kind.NOT_RECORDED, uid] = list(_united(spans))

    def _stream_changed(self, told: Told, event: StreamChanged) -> None:
        report = (told.at_ms, told.sequence, event.reception.value, told.teller or "")
        self._reports[KINDS[event.track], event.uid].append(report)

    def _snapshot_taken(self, told: Told, event: SnapshotTaken) -> None:
        if event.uid is None or event.taken_ms is None:
            says = Says("snapshot", f"{event.file}, whose name does not say of whom and when")
            self._sketch.mark((Kind.SNAPSHOTS, None), told, says)
        else:
            self._captures[event.uid].add(event.taken_ms)
            self._sketch.mark((Kind.SNAPSHOTS, event.uid), told, Says("snapshot", event.file), event.taken_ms)

    def _slice_started(self, told: Told, event: SliceStarted) -> None:
        if event.lost_from_ms is None:
            return
        self._losses[event.uid].append((event.lost_from_ms, event.started_ms))
        lasted = (event.started_ms - event.lost_from_ms) / 1000
        says = Says("resumed", f"{event.track or 'the stream'} is recorded again after {lasted:g} s", "warning")
        self._sketch.mark((Kind.NOT_RECORDED, event.uid), told, says, event.started_ms)


def _counting(reports: Iterable[Report], ranks: Mapping[str, Rank]) -> Iterator[Word]:
    """The reports that count, in turn: once a newer recorder has spoken of a track, no older one's word does."""
    newest = NOBODY
    for at_ms, _, reception, teller in sorted(reports):
        rank = ranks.get(teller, NOBODY)
        if rank >= newest:
            newest = rank
            yield at_ms, reception


def _gaps(captures: list[int], video: Iterable[Interval]) -> Iterator[Interval]:
    """The pauses between captures that lasted too long, less the times when there was no video to capture."""
    pauses = list(pairwise(captures))
    if not pauses:
        return
    longest = GAP_FACTOR * median_low(later - earlier for earlier, later in pauses)
    long = [pause for pause in pauses if pause[1] - pause[0] > longest]
    for span in _less(long, [interval for interval in video if interval.state == Reception.STOPPED.value]):
        if span[1] - span[0] > longest:
            yield Interval(*span, GAP)


def _less(spans: Iterable[Span], stops: list[Interval]) -> Iterator[Span]:
    """What is left of the spans between the stops; both are sorted and disjoint."""
    begins = [stop.from_ms for stop in stops]
    ends = [FOREVER if stop.until_ms is None else stop.until_ms for stop in stops]
    for from_ms, until_ms in spans:
        inside = slice(bisect_right(ends, from_ms), bisect_left(begins, until_ms))
        yield from zip([from_ms, *ends[inside]], [*begins[inside], until_ms], strict=True)


def _united(spans: Iterable[Span]) -> Iterator[Interval]:
    """The spans as intervals, those that overlap or touch made one."""
    joined: list[Span] = []
    for from_ms, until_ms in sorted(spans):
        if joined and from_ms <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(until_ms, joined[-1][1]))
        else:
            joined.append((from_ms, until_ms))
    return (Interval(*span, NOT_RECORDED) for span in joined)


HEARD: dict[type, Callable[[Streams, Told, Any], None]] = {
    StreamChanged: Streams._stream_changed,
    SnapshotTaken: Streams._snapshot_taken,
    SliceStarted: Streams._slice_started,
}

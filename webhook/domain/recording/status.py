"""The state of a recording, worked out from its marks (contract.md, section 4): the first that holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from statistics import median_low

from msgspec.structs import replace

from webhook.domain.events import Reception
from webhook.domain.merging import greatest, least
from webhook.domain.products.recording_terms import (
    EXITED_ABNORMALLY,
    STATUSES,
    STOPPED_NORMALLY,
    WEB_STOPS,
    error_term,
    leave_words,
)
from webhook.domain.products.vocabulary import term
from webhook.domain.recording.events import MIXED_UID, NOT_TOLD, Topic
from webhook.domain.recording.state import Recorder, Recording, Snapshots, StreamMark
from webhook.domain.recording.streams import streams_of
from webhook.domain.states import Exit, State, Status

HEARTBEAT_SILENCE_MS = 180_000  # a 33 comes once a minute, so three in a row are missing
LEAST_SNAPSHOT_SILENCE_MS = 60_000
LONGEST_SILENCE_MS = 24 * 3_600_000
SNAPSHOTS_MISSED = 3
WEB_TOPICS = {Topic.WEB_RECORDER.value, Topic.WEB_LIMIT.value, Topic.WEB_RELOAD.value}
NOBODY = Recorder(0, 0)  # stands for a recorder of whom nothing was heard

Failure = tuple[int, tuple[str, ...]]  # since when, ms, and the reasons in words


def status_of(recording: Recording, first_ms: int, lost_ms: int | None) -> Status:
    """The state and since when. `first_ms` is the event time of the first fact, `lost_ms` the silence that passed."""
    latest = latest_recorder(recording)
    return (
        _over(recording, latest)
        or _ending(latest)
        or _lost(lost_ms)
        or _live(recording)
        or Status(State.STARTING, first_ms)
    )


def latest_recorder(recording: Recording) -> Recorder:
    """The recorder that the latest failover named, else the one that began last; NOBODY before any was heard.

    What was told without a uid since it took over was told of it.
    """
    uid = latest_uid(recording)
    latest = NOBODY if uid is None else recording.recorders[uid]
    return latest if recording.unnamed is None else _with_unnamed(latest, recording.unnamed)


def _with_unnamed(latest: Recorder, unnamed: Recorder) -> Recorder:
    since_ms = lineage(latest)[1]
    told = {name: getattr(unnamed, name) for name in ("left", "exited", "stopped", "status")}
    counting = {name: mark for name, mark in told.items() if mark is not None and mark[0] >= since_ms}
    merged = {name: greatest(getattr(latest, name), mark) for name, mark in counting.items()}
    left_ms = least(latest.left_ms, counting["left"][0]) if "left" in counting else latest.left_ms
    return replace(latest, **merged, left_ms=left_ms)


def latest_uid(recording: Recording) -> str | None:
    """The uid of the latest recorder, or None before any was heard."""
    return max(recording.recorders, key=lambda uid: (*lineage(recording.recorders[uid]), uid), default=None)


def lineage(recorder: Recorder) -> tuple[bool, int]:
    """Sorts recorders by when they took over: one that a failover named follows all that none did."""
    named = recorder.named_ms is not None
    return named, recorder.named_ms if recorder.named_ms is not None else recorder.first_ms


def exit_of(recording: Recording) -> Exit | None:
    """How the recording ended, why and when; None while it has not."""
    latest = latest_recorder(recording)
    failure = _failure(recording, latest)
    if failure is not None:
        return Exit(False, *failure)
    ended_ms = _ended_ms(recording, latest)
    return None if ended_ms is None else Exit(True, ended_ms, leave_reasons(latest))


def leave_reasons(recorder: Recorder) -> tuple[str, ...]:
    """Why the recorder left, in words; empty while it is there."""
    return leave_words(recorder.left[2]) if recorder.left is not None else ()


def reception(recording: Recording, marks: dict[str, StreamMark]) -> tuple[Reception, int | None]:
    """The state of a track and its event time in ms: the latest word of the newest recorder that spoke of it."""
    speakers = [(lineage(recorder), uid) for uid, recorder in recording.recorders.items() if uid in marks]
    if speakers:
        at_ms, _, state = marks[max(speakers)[1]]
    elif marks:
        at_ms, _, state = max(marks.values())
    else:
        return Reception.UNKNOWN, None
    return Reception(state), at_ms


def snapshot_interval_ms(snapshots: Snapshots) -> int | None:
    """The learned capture interval: the median of the recent gaps; None before two gaps were seen."""
    gaps = [later - earlier for earlier, later in pairwise(snapshots.recent)]
    return median_low(gaps) if len(gaps) > 1 else None


def upload_progress(recording: Recording) -> float:
    """The share that is uploaded, 0 to 1. An upload that failed has got as far as the last progress said."""
    if recording.upload is None:
        return 0.0
    *_, state, progress = recording.upload
    return recording.progress[2] if state == "failed" and recording.progress is not None else progress


def mode(recording: Recording) -> str | None:
    """The mode of the recording as far as it shows: web, individual or mix; None while nothing tells them apart.

    No notification names the mode (section 9), but only web page recording has a web recorder, only individual
    recording takes snapshots (section 5), and only composite recording speaks of a mixed stream, uid 0 (section 4).
    """
    if WEB_TOPICS & recording.remarks.keys():
        return "web"
    if any(stream.snapshots.count for stream in streams_of(recording).values()):
        return "individual"
    return "mix" if MIXED_UID in streams_of(recording) else None


def snapshot_gaps(snapshots: Snapshots) -> list[tuple[int, int]]:
    """The recent pauses, ms, between captures that lasted more than twice the learned interval."""
    interval = snapshot_interval_ms(snapshots)
    if interval is None:
        return []
    return [(earlier, later) for earlier, later in pairwise(snapshots.recent) if later - earlier > 2 * interval]


def _over(recording: Recording, latest: Recorder) -> Status | None:
    failure = _failure(recording, latest)
    if failure is not None:
        return Status(State.FAILED, failure[0])
    ended_ms = _ended_ms(recording, latest)
    return None if ended_ms is None else Status(State.ENDED, ended_ms)


def _failure(recording: Recording, latest: Recorder) -> Failure | None:
    """Since when the recording has failed, and why; of several failures all reasons count, since the first."""
    found = [failure for check in FAILURES if (failure := check(recording, latest)) is not None]
    if not found:
        return None
    return min(at_ms for at_ms, _ in found), tuple(dict.fromkeys(reason for _, reasons in found for reason in reasons))


def _abnormal_exit(recording: Recording, latest: Recorder) -> Failure | None:
    if latest.exited is None or not latest.exited[2]:
        return None
    return latest.exited[0], leave_reasons(latest)


def _abnormal_stop(recording: Recording, latest: Recorder) -> Failure | None:
    if latest.stopped is None or latest.stopped[2] == STOPPED_NORMALLY:
        return None
    return latest.stopped[0], (term(WEB_STOPS, latest.stopped[2]).name,)


def _abnormal_status(recording: Recording, latest: Recorder) -> Failure | None:
    if latest.status is None or latest.status[2] != EXITED_ABNORMALLY:
        return None
    return latest.status[0], (term(STATUSES, EXITED_ABNORMALLY).name,)


def _fatal_error(recording: Recording, latest: Recorder) -> Failure | None:
    fatal = recording.fatal
    if fatal is None or (recording.life_ms is not None and recording.life_ms > fatal.at_ms):
        return None
    told = () if fatal.code == NOT_TOLD else (error_term(fatal.module, fatal.code).name,)
    return fatal.at_ms, ("fatal_error", *told)


FAILURES: tuple[Callable[[Recording, Recorder], Failure | None], ...] = (
    _abnormal_exit,
    _abnormal_stop,
    _abnormal_status,
    _fatal_error,
)


def _ended_ms(recording: Recording, latest: Recorder) -> int | None:
    """When the latest recorder's session ended: its exit, or else the first upload that followed its leaving."""
    if latest.exited is not None:
        return latest.exited[0]
    gone_ms = _gone_ms(latest)
    return None if gone_ms is None else next((at_ms for at_ms in recording.stored if at_ms >= gone_ms), None)


def _gone_ms(recorder: Recorder) -> int | None:
    """When the recorder was first said to leave; for a web page recorder, when it stopped, if that was earlier.

    Its stop is its leaving: what is uploaded from then on is all there is, and its 41 may come after the 31.
    """
    stopped_ms = recorder.stopped[0] if recorder.stopped else None
    return min((at_ms for at_ms in (recorder.left_ms, stopped_ms) if at_ms is not None), default=None)


def recorded(recorders: Mapping[str, Recorder]) -> Iterator[tuple[str, int, int | None]]:
    """Of each of `recorders`, in their turn: its uid, and from when until when it recorded, ms.

    That is until it left, stopped or exited, whichever was first, else until it was replaced; None while it records.
    """
    in_turn = sorted(recorders.items(), key=lambda item: (lineage(item[1]), item[0]))
    successors = [*(lineage(later)[1] for _, (_, later) in pairwise(in_turn)), None]
    for (uid, recorder), replaced_ms in zip(in_turn, successors, strict=False):
        began_ms = recorder.started_ms or recorder.named_ms or recorder.first_ms
        exited_ms = recorder.exited[0] if recorder.exited else None
        ends = [at_ms for at_ms in (_gone_ms(recorder), exited_ms) if at_ms is not None]
        yield uid, began_ms, min(ends, default=replaced_ms)


def _ending(latest: Recorder) -> Status | None:
    gone_ms = _gone_ms(latest)
    return None if gone_ms is None else Status(State.ENDING, gone_ms)


def _lost(lost_ms: int | None) -> Status | None:
    return Status(State.LOST, lost_ms) if lost_ms is not None else None


def _live(recording: Recording) -> Status | None:
    return Status(State.LIVE, recording.live_ms) if recording.live_ms is not None else None


def silence_ms(recording: Recording) -> int:
    """How long the recording may be silent before it counts as lost."""
    if recording.heartbeat:
        return HEARTBEAT_SILENCE_MS
    intervals = [
        interval
        for stream in streams_of(recording).values()
        if reception(recording, stream.video)[0] is Reception.RECEIVING
        and (interval := snapshot_interval_ms(stream.snapshots)) is not None
    ]
    if intervals:
        return min(max(SNAPSHOTS_MISSED * min(intervals), LEAST_SNAPSHOT_SILENCE_MS), LONGEST_SILENCE_MS)
    return LONGEST_SILENCE_MS


def video_counts(recording: Recording) -> Counter[Reception]:
    """How many of the recording's streams are in each state of reception, by their video."""
    return Counter(reception(recording, stream.video)[0] for stream in streams_of(recording).values())

"""What the status API must say of a session, and a plain fold that finds it from the notifications delivered.

Nothing here shares code with the product's own fold: an oracle that did would prove nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

Payload = dict[str, Any]
Track = tuple[str, str]  # uid, "audio" or "video"
Gap = tuple[int, int]  # first and last missing number

EXITED, MOVED, UPLOADED, BACKED_UP, UPLOADING, LEFT, AUDIO, VIDEO, SNAPSHOT = 11, 12, 31, 32, 33, 41, 43, 44, 45
SIGNS_OF_RECORDING = frozenset({4, UPLOADING, 42, AUDIO, VIDEO, SNAPSHOT})


class Line(Struct, frozen=True):
    """One notification that Agora has to tell. `sent_ms` is its sendts, in ms since 1970."""

    notice_id: str
    event_type: int
    sent_ms: int
    payload: Payload


class StreamTruth(Struct, frozen=True):
    """One publisher in the end. `last_at_ms` is when the latest snapshot was taken, by its file name."""

    video: str = "unknown"
    audio: str = "unknown"
    snapshots: int = 0
    last_file: str | None = None
    last_at_ms: int | None = None


class SessionTruth(Struct, frozen=True, kw_only=True):
    """One session in the end. `exit_status` None says that no exit was heard of; `distinct` counts notifications."""

    sid: str
    channel: str
    state: str
    streams: dict[str, StreamTruth]
    failovers: int
    upload_state: str
    exit_status: str | None
    highest: dict[str, int]
    missing: dict[str, list[Gap]]
    distinct: int


def fold(lines: Iterable[Line]) -> SessionTruth | None:
    """The truth after `lines` of one session, each given once, in any order; None where there are none.

    A number is missing where its recorder said a greater one; 0 is not, as some recorders begin at 1 (section 4).
    """
    told = sorted(lines, key=lambda line: (_event_ms(line), line.payload["sequence"]))
    if not told:
        return None
    recorders = _recorders(told)
    numbers = {uid: sorted(line.payload["sequence"] for line in told if _uid(line) == uid) for uid in recorders}
    return SessionTruth(
        sid=told[0].payload["sid"],
        channel=told[0].payload["cname"],
        state=_state(told, recorders[-1]),
        streams=_streams(told, recorders),
        failovers=sum(line.event_type == MOVED for line in told),
        upload_state=_upload_state(told),
        exit_status=_exit_status(told, recorders[-1]),
        highest={uid: heard[-1] for uid, heard in numbers.items() if heard},
        missing={uid: _gaps(heard) for uid, heard in numbers.items() if heard},
        distinct=len(told),
    )


def _uid(line: Line) -> str:
    uid: str = line.payload["uid"]
    return uid


def _details(line: Line) -> Payload:
    details: Payload = line.payload["details"]
    return details


def _event_ms(line: Line) -> int:
    """The event's own time, else that of sending (section 7)."""
    event_ms: int = _details(line).get("UtcMs", line.sent_ms)
    return event_ms


def _recorders(told: Sequence[Line]) -> list[str]:
    """Every recorder, oldest first: those that no failover named by when they were first heard, then those named."""
    named = {_details(line)["newUid"]: line.sent_ms for line in told if line.event_type == MOVED}
    unnamed = dict.fromkeys(_uid(line) for line in told if _uid(line) not in named)
    return [*unnamed, *sorted(named, key=lambda uid: named[uid])]


def _state(told: Sequence[Line], latest: str) -> str:
    """The first that holds of ended, ending, live, starting (contract.md, section 4); nothing fails here."""
    left = [line for line in told if line.event_type == LEFT and _uid(line) == latest]
    stored = [line for line in told if line.event_type in (UPLOADED, BACKED_UP)]
    if _exit_status(told, latest) or (left and stored and _event_ms(stored[-1]) >= _event_ms(left[-1])):
        return "ended"
    if left:
        return "ending"
    return "live" if any(line.event_type in SIGNS_OF_RECORDING for line in told) else "starting"


def _exit_status(told: Sequence[Line], latest: str) -> str | None:
    exits = [_details(line)["exitStatus"] for line in told if line.event_type == EXITED and _uid(line) == latest]
    return ("abnormal" if exits[-1] else "normal") if exits else None


def _upload_state(told: Sequence[Line]) -> str:
    types = {line.event_type for line in told}
    return "uploaded" if UPLOADED in types else "uploading" if UPLOADING in types else "none"


def _streams(told: Sequence[Line], recorders: Sequence[str]) -> dict[str, StreamTruth]:
    words = _last_words(told, recorders)
    names = [_details(line)["fileName"] for line in told if line.event_type == SNAPSHOT]
    uids = {uid for uid, _ in words} | {_subject(name) for name in names}
    return {uid: _stream(uid, words, [name for name in names if _subject(name) == uid]) for uid in uids}


def _stream(uid: str, words: dict[Track, str], names: list[str]) -> StreamTruth:
    last = max(names, key=lambda name: name[-21:], default=None)
    at_ms = snapshot_ms(last) if last else None
    return StreamTruth(
        words.get((uid, "video"), "unknown"), words.get((uid, "audio"), "unknown"), len(names), last, at_ms
    )


def _last_words(told: Sequence[Line], recorders: Sequence[str]) -> dict[Track, str]:
    """The last word on each track of the newest recorder that spoke of it."""
    by_recorder = sorted(told, key=lambda line: recorders.index(_uid(line)))
    return {
        (_details(line)["streamUid"], "video" if line.event_type == VIDEO else "audio"): (
            "stopped" if _details(line)["state"] else "receiving"
        )
        for line in by_recorder
        if line.event_type in (AUDIO, VIDEO)
    }


def _subject(name: str) -> str:
    return name.rpartition("__uid_s_")[2].partition("__uid_e_")[0]


def snapshot_ms(name: str) -> int:
    """When a snapshot was taken by its file name (section 5), in ms since 1970."""
    digits = name[-21:-4]
    seconds = datetime.strptime(digits[:14] + "+0000", "%Y%m%d%H%M%S%z").timestamp()
    return int(seconds) * 1000 + int(digits[14:])


def _gaps(heard: Sequence[int]) -> list[Gap]:
    pairs = zip([0, *heard], heard, strict=False)
    return [(before + 1, after - 1) for before, after in pairs if after > before + 1]

"""What must be said of a recording after some of its notifications (contract.md, section 4)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from webhook.simulation.oracle.copies import distinct
from webhook.simulation.truth import Gap, Line, Loss, Payload, RecordingTruth, StreamTruth

Track = tuple[str, str]  # uid, "audio" or "video"
Told = Sequence[Line]

RECORDING = 3  # productId
ERROR, WARNING, STATUS, EXITED, MOVED, SLICED, AUDIO, VIDEO, SNAPSHOT, STOPPED = 1, 2, 3, 11, 12, 42, 43, 44, 45, 71
UPLOADER_STARTED, UPLOADED, BACKED_UP, UPLOADING, LEFT = 30, 31, 32, 33, 41
SIGNS_OF_RECORDING = frozenset({4, UPLOADING, SLICED, AUDIO, VIDEO, SNAPSHOT, 70})
SIGNS_OF_LIFE = frozenset({UPLOADING, 40, SLICED, AUDIO, VIDEO, SNAPSHOT})  # by which a fatal error was survived
FATAL, EXITED_ABNORMALLY = 5, 20
UPLOAD_FAILURES = frozenset({(1, 32), (1, 47), (1, 51), (2, 50)})  # module, code
ENDS = {"ended": "normal", "failed": "abnormal"}


def fold_recording(lines: Told) -> RecordingTruth:
    """The truth after `lines`, at least one. A number is missing where its recorder said a greater one; 0 is not, as
    some recorders begin at 1 (section 4).
    """
    told = sorted(lines, key=lambda line: (_event_ms(line), line.payload["sequence"]))
    recorders = _recorders(told)
    state = _state(told, recorders[-1])
    numbers = {uid: sorted(line.payload["sequence"] for line in told if _uid(line) == uid) for uid in recorders}
    return RecordingTruth(
        sid=told[0].payload["sid"],
        product="cloud_recording",
        channel=told[0].payload["cname"],
        state=state,
        exit_status=ENDS.get(state),
        distinct=distinct(told),
        streams=_streams(told, recorders),
        failovers=len(_named(told)),
        upload_state=next(filter(None, map(_upload_word, reversed(told))), "none"),
        errors=_codes(told, ERROR, "errorCode"),
        warnings=_codes(told, WARNING, "warnCode"),
        losses=_losses(told),
        highest={uid: heard[-1] for uid, heard in numbers.items() if heard},
        missing={uid: _gaps(heard) for uid, heard in numbers.items() if heard},
    )


def _uid(line: Line) -> str:
    uid: str = line.payload["uid"]
    return uid


def _details(line: Line) -> Payload:
    details: Payload = line.payload["details"]
    return details


def _event_ms(line: Line) -> int:
    """The event's own time, else that of sending (section 7)."""
    details = _details(line)
    event_ms: int = details.get("UtcMs") or details.get("utcMs") or line.payload["sendts"]
    return event_ms


def _of(told: Told, *event_types: int) -> list[Line]:
    return [line for line in told if line.event_type in event_types]


def _named(told: Told) -> dict[str, int]:
    """Each recorder that a failover named, and when the last one did. Both recorders may tell of one failover."""
    return {_details(line)["newUid"]: _event_ms(line) for line in _of(told, MOVED)}


def _recorders(told: Told) -> list[str]:
    """Every recorder, oldest first: those that no failover named by when they were first heard, then those named."""
    named = _named(told)
    unnamed = dict.fromkeys(_uid(line) for line in told if _uid(line) not in named)
    return [*unnamed, *sorted(named, key=lambda uid: named[uid])]


def _state(told: Told, latest: str) -> str:
    """The first that holds (contract.md, section 4). A web page recorder leaves with its 71."""
    own = [line for line in told if _uid(line) == latest]
    gone = _of(own, LEFT, STOPPED)
    if _failed(told, own):
        return "failed"
    if _of(own, EXITED) or (gone and any(_event_ms(line) >= _event_ms(gone[0]) for line in _stored(told))):
        return "ended"
    if gone:
        return "ending"
    return "live" if any(line.event_type in SIGNS_OF_RECORDING for line in told) else "starting"


def _stored(told: Told) -> list[Line]:
    return _of(told, UPLOADED, BACKED_UP)


def _failed(told: Told, own: Told) -> bool:
    """By the last word of the latest recorder's own exit, stop or status, or by a fatal error that nothing survived."""
    last_words = ((EXITED, "exitStatus", {1}), (STATUS, "status", {EXITED_ABNORMALLY}), (STOPPED, "code", range(1, 99)))
    for event_type, field, bad in last_words:
        words = [_details(line)[field] for line in _of(own, event_type)]
        if words and words[-1] in bad:
            return True
    fatal = [_event_ms(line) for line in _of(told, ERROR) if _details(line)["errorLevel"] == FATAL]
    return bool(fatal) and all(_event_ms(line) <= fatal[-1] for line in _of(told, *SIGNS_OF_LIFE))


def _upload_word(line: Line) -> str | None:
    """What a notification says of the upload, None where it says nothing of it."""
    details = _details(line)
    if line.event_type == ERROR:
        return "failed" if (details["module"], details["errorCode"]) in UPLOAD_FAILURES else None
    word = {UPLOADER_STARTED: "uploading", UPLOADING: "uploading", UPLOADED: "uploaded", BACKED_UP: "backed_up"}
    return "failed" if line.event_type in word and details.get("status") else word.get(line.event_type)


def _codes(told: Told, event_type: int, field: str) -> tuple[int, ...]:
    return tuple(sorted({_details(line)[field] for line in _of(told, event_type)}))


def _losses(told: Told) -> tuple[Loss, ...]:
    slices = [_details(line) for line in _of(told, SLICED)]
    lost = {(it["streamUid"], it["discontinueUtcMs"], it["startUtcMs"]) for it in slices}
    return tuple(sorted((uid, since_ms, until_ms) for uid, since_ms, until_ms in lost if since_ms < until_ms))


def _streams(told: Told, recorders: Sequence[str]) -> dict[str, StreamTruth]:
    words = _last_words(told, recorders)
    names = {_details(line)["fileName"] for line in _of(told, SNAPSHOT)}
    uids = {uid for uid, _ in words} | {_subject(name) for name in names}
    return {uid: _stream(uid, words, [name for name in names if _subject(name) == uid]) for uid in uids}


def _stream(uid: str, words: dict[Track, str], names: list[str]) -> StreamTruth:
    last = max(names, key=lambda name: name[-21:], default=None)
    at_ms = snapshot_ms(last) if last else None
    return StreamTruth(
        words.get((uid, "video"), "unknown"), words.get((uid, "audio"), "unknown"), len(names), last, at_ms
    )


def _last_words(told: Told, recorders: Sequence[str]) -> dict[Track, str]:
    """The last word on each track of the newest recorder that spoke of it."""
    by_recorder = sorted(_of(told, AUDIO, VIDEO), key=lambda line: recorders.index(_uid(line)))
    return {
        (_details(line)["streamUid"], "video" if line.event_type == VIDEO else "audio"): (
            "stopped" if _details(line)["state"] else "receiving"
        )
        for line in by_recorder
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

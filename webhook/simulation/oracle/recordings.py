"""What must be said of a recording after some of its notifications (contract.md, section 4)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from statistics import median_low

from webhook.simulation.oracle.copies import distinct
from webhook.simulation.oracle.recorders import recorder_truths
from webhook.simulation.truth import Gap, Line, Loss, Payload, RecordingTruth, StreamTruth, Word

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
LISTING = (UPLOADED, BACKED_UP, STOPPED, 1001)  # types whose fileList names files that there are
STORED = ("uploaded", "backed_up")
COMPLETE = 10_000  # progress of a finished upload
BACKUP = re.compile(r"(?:^|/)bak(\d+)_[^/]*$")
RECENT = 9  # snapshots that the interval is learned from


def fold_recording(lines: Told) -> RecordingTruth:
    """The truth after `lines`, at least one. A number is missing where its recorder said a greater one; 0 is not, as
    some recorders begin at 1 (section 4).
    """
    told = sorted(lines, key=lambda line: (_event_ms(line), line.payload["sequence"]))
    recorders = _recorders(told)
    state = _state(told, recorders[-1])
    numbers = _numbers(told, recorders)
    return RecordingTruth(
        sid=told[0].payload["sid"],
        product="cloud_recording",
        channel=told[0].payload["cname"],
        state=state,
        exit_status=ENDS.get(state),
        distinct=distinct(told),
        streams=_streams(told, recorders),
        recorders=recorder_truths(told, recorders, _named(told)),
        failovers=max(len(_named(told)), _backups(told)),
        upload_state=next(filter(None, map(_upload_word, reversed(told))), "none"),
        progress=_progress(told),
        files=_files(told),
        errors=_codes(told, ERROR, "errorCode"),
        warnings=_codes(told, WARNING, "warnCode"),
        losses=_losses(told),
        highest={uid: heard[-1] for uid, heard in numbers.items()},
        missing={uid: _gaps(heard) for uid, heard in numbers.items()},
    )


def _numbers(told: Told, recorders: Sequence[str]) -> dict[str, list[int]]:
    """The numbers heard of each recorder that was heard, ascending."""
    heard = {uid: sorted(line.payload["sequence"] for line in told if _uid(line) == uid) for uid in recorders}
    return {uid: numbers for uid, numbers in heard.items() if numbers}


def _files(told: Told) -> int:
    return len({_file_name(file) for line in _of(told, *LISTING) for file in _details(line).get("fileList") or ()})


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


def _progress(told: Told) -> float:
    """The share that was uploaded by the last word on it; where that failed, by the last progress that was told."""
    last = next((line for line in reversed(told) if _upload_word(line)), None)
    if last is None:
        return 0.0
    if _upload_word(last) in STORED:
        return 1.0
    if last.event_type == UPLOADER_STARTED and _upload_word(last) != "failed":
        return 0.0
    beats = [_details(line)["progress"] for line in _of(told, UPLOADING)]
    return beats[-1] / COMPLETE if beats else 0.0


def _backups(told: Told) -> int:
    """How many failovers the names of files tell of: `bak<n>_` in front, n from 0."""
    found = [BACKUP.search(_details(line)["fileName"]) for line in _of(told, SNAPSHOT)]
    return max((int(match[1]) + 1 for match in found if match), default=0)


def _file_name(file: Payload | str) -> str:
    return file if isinstance(file, str) else file.get("fileName") or file["filename"]


def _codes(told: Told, event_type: int, field: str) -> tuple[int, ...]:
    return tuple(sorted({_details(line)[field] for line in _of(told, event_type)}))


def _losses(told: Told) -> tuple[Loss, ...]:
    slices = [_details(line) for line in _of(told, SLICED)]
    lost = {(it["streamUid"], it["discontinueUtcMs"], it["startUtcMs"], it["trackType"]) for it in slices}
    return tuple(sorted(each for each in lost if each[1] < each[2]))


def _streams(told: Told, recorders: Sequence[str]) -> dict[str, StreamTruth]:
    words = _words(told, recorders)
    names = {_details(line)["fileName"] for line in _of(told, SNAPSHOT)}
    uids = {uid for uid, _ in words} | {_subject(name) for name in names}
    return {uid: _stream(uid, words, [name for name in names if _subject(name) == uid]) for uid in uids}


def _stream(uid: str, words: dict[Track, tuple[Word, ...]], names: list[str]) -> StreamTruth:
    last = max(names, key=lambda name: name[-21:], default=None)
    video, audio = words.get((uid, "video"), ()), words.get((uid, "audio"), ())
    return StreamTruth(
        video=video[-1][1] if video else "unknown",
        audio=audio[-1][1] if audio else "unknown",
        snapshots=len(names),
        last_file=last,
        last_at_ms=snapshot_ms(last) if last else None,
        interval_ms=_interval(sorted({snapshot_ms(name) for name in names})),
        video_words=video,
        audio_words=audio,
    )


def _interval(taken: Sequence[int]) -> int | None:
    recent = taken[-RECENT:]
    pauses = [after - before for before, after in pairwise(recent)]
    return median_low(pauses) if len(pauses) > 1 else None


def _words(told: Told, recorders: Sequence[str]) -> dict[Track, tuple[Word, ...]]:
    """What each track went through: once a newer recorder has spoken of it, no older one's word counts."""
    spoken: dict[Track, int] = {}
    words: dict[Track, list[Word]] = {}
    for line in _of(told, AUDIO, VIDEO):
        track = (_details(line)["streamUid"], "video" if line.event_type == VIDEO else "audio")
        rank = recorders.index(_uid(line))
        if rank >= spoken.get(track, 0):
            spoken[track] = rank
            words.setdefault(track, []).append((_event_ms(line), "stopped" if _details(line)["state"] else "receiving"))
    return {track: _changes(said) for track, said in words.items()}


def _changes(said: Sequence[Word]) -> tuple[Word, ...]:
    """Those words that change something; of several in one instant only the last was ever true."""
    lasting = [word for word, after in zip(said, [*said[1:], None], strict=True) if not after or after[0] != word[0]]
    return tuple(word for before, word in pairwise([None, *lasting]) if word and (not before or before[1] != word[1]))


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

"""What the status API says of a session against the truth, field by field, each difference in words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from webhook.simulation.truth import (
    ChannelTruth,
    EntityTruth,
    RecorderTruth,
    RecordingTruth,
    StreamTruth,
    Truth,
    UserTruth,
    Word,
)

Json = dict[str, Any]
Lane = tuple[str, str | None]  # kind and uid
OVER = ("ended", "failed")
MOST_FILES = 50  # that the status API lists
Compared = Iterator[tuple[str, Any, Any]]  # what it is called, what is said, what is true


def compare(said: Json, truth: Truth) -> list[str]:
    """The differences between a session of the status API (contract.md, section 4) and the truth, in words."""
    return _differing(_fields(said, truth))


def compare_timeline(said: Json, truth: Truth) -> list[str]:
    """The differences between a session's timeline in the status API and the truth, in words."""
    lanes = {(lane["kind"], lane["uid"]): lane for lane in said["lanes"]}
    return _differing(_lane_fields(lanes, truth, truth.state in OVER))


def _differing(compared: Compared) -> list[str]:
    return [
        f"{field} is {json.dumps(value)}, truth is {json.dumps(true)}"
        for field, value, true in compared
        if value != true
    ]


def _lane_fields(lanes: Mapping[Lane, Json], truth: Truth, over: bool) -> Compared:
    """Whatever the product, something is told; tracks and recorders have the intervals that the truth has words for."""
    yield "whether the timeline has lanes", bool(lanes), True
    if isinstance(truth, ChannelTruth):
        users = {uid for kind, uid in lanes if kind == "user"}
        yield "users without a lane", sorted(truth.users.keys() - users), []
    if isinstance(truth, RecordingTruth):
        recorders = {uid: _spans(lane) for (kind, uid), lane in lanes.items() if kind == "recorder" and uid}
        for it in truth.recorders:
            yield f"the lane of recorder {it.uid} begins at (ms)", recorders.get(it.uid, [])[:1], [it.from_ms]
        for uid, stream in truth.streams.items():
            for track, words in (("video", stream.video_words), ("audio", stream.audio_words)):
                yield from _track_lane(f"the {track} lane of {uid}", lanes.get((track, uid)), words, over)


def _spans(lane: Json) -> list[int | None]:
    return [_ms(interval["from"]) for interval in lane["intervals"]]


def _track_lane(called: str, lane: Json | None, words: Sequence[Word], over: bool) -> Compared:
    """Each interval holds until the next begins; the last until the session ends, which is told elsewhere."""
    intervals = lane["intervals"] if lane else []
    found = [[_ms(interval["from"]), interval["state"]] for interval in intervals]
    yield f"{called} (from in ms, state)", found, [list(word) for word in words]
    ends = [_ms(interval["until"]) for interval in intervals]
    yield f"{called} holds until (ms)", ends[:-1], [at_ms for at_ms, _ in words][1:]
    yield f"whether {called} has an end", [at_ms is not None for at_ms in ends[-1:]], [over] if words else []


def _fields(said: Json, truth: Truth) -> Compared:
    yield "id", said["id"], truth.sid
    yield "product", said["product"], truth.product
    yield "channel", said["channel"], truth.channel
    yield "state", said["state"], truth.state
    yield "exit.status", (said["exit"] or {}).get("status"), truth.exit_status
    if isinstance(truth, RecordingTruth):
        yield from _recording_fields(said, truth)
    if isinstance(truth, ChannelTruth):
        yield from _channel_fields(said["detail"], truth)
    if isinstance(truth, EntityTruth):
        yield from _entity_fields(said, truth)
    yield "notifications.received without duplicates", _distinct(said["notifications"]), truth.distinct


def _distinct(counts: Mapping[str, int]) -> int:
    return counts["received"] - counts["duplicates"] - counts["stale"]


def _codes(problems: Sequence[Json]) -> list[int]:
    return sorted({problem["code"] for problem in problems})


def _recording_fields(said: Json, truth: RecordingTruth) -> Compared:
    yield "failovers", said["failovers"], truth.failovers
    yield "upload.state", said["upload"]["state"], truth.upload_state
    yield "the codes of errors", _codes(said["errors"]), list(truth.errors)
    yield "the codes of warnings", _codes(said["warnings"]), list(truth.warnings)
    yield "upload.progress", said["upload"]["progress"], truth.progress
    yield "upload.filesCount", said["upload"]["filesCount"], truth.files
    yield "upload.files in number", len(said["upload"]["files"]), min(truth.files, MOST_FILES)
    lost = [[loss["uid"], _ms(loss["from"]), _ms(loss["until"]), loss["track"]] for loss in said["notRecorded"]]
    yield "notRecorded (uid, from and until in ms, track)", sorted(lost), [list(loss) for loss in truth.losses]
    yield from _recorder_fields(said["recorders"], truth.recorders)
    yield from _stream_fields({stream["uid"]: stream for stream in said["streams"]}, truth.streams)
    yield from _sequence_fields(said["sequence"], truth)


def _recorder_fields(said: Sequence[Json], truth: Sequence[RecorderTruth]) -> Compared:
    yield "the uids of recorders in turn", [it["uid"] for it in said], [it.uid for it in truth]
    for found, true in zip(said, truth, strict=False):
        yield f"recorders[{true.uid}].from (ms)", _ms(found["from"]), true.from_ms
        yield f"recorders[{true.uid}].until (ms)", _ms(found["until"]), true.until_ms
        yield f"recorders[{true.uid}].leaveReasons", found["leaveReasons"], list(true.reasons)


def _stream_fields(said: Mapping[str, Json], truth: Mapping[str, StreamTruth]) -> Compared:
    yield "the uids of streams", sorted(said), sorted(truth)
    for uid in sorted(said.keys() & truth.keys()):
        for field, value, true in _one_stream(said[uid], truth[uid]):
            yield f"streams[{uid}].{field}", value, true


def _one_stream(said: Json, truth: StreamTruth) -> Compared:
    snapshots = said["snapshots"]
    yield "video", said["video"], truth.video
    yield "audio", said["audio"], truth.audio
    yield "snapshots.count", snapshots["count"], truth.snapshots
    yield "snapshots.lastFile", snapshots["lastFile"], truth.last_file
    yield "snapshots.lastAt (ms)", _ms(snapshots["lastAt"]), truth.last_at_ms
    interval_ms = None if snapshots["interval"] is None else round(snapshots["interval"] * 1000)
    yield "snapshots.interval (ms)", interval_ms, truth.interval_ms


def _ms(text: str | None) -> int | None:
    return None if text is None else round(datetime.fromisoformat(text).timestamp() * 1000)


def _sequence_fields(said: Mapping[str, Json], truth: RecordingTruth) -> Compared:
    for uid in sorted(truth.highest):
        numbers = said.get(uid) or {"highest": None, "missing": []}
        yield f"sequence[{uid}].highest", numbers["highest"], truth.highest[uid]
        yield f"sequence[{uid}].missing", numbers["missing"], [list(gap) for gap in truth.missing[uid]]


def _channel_fields(said: Json, truth: ChannelTruth) -> Compared:
    """Of those who left only whoever is still listed is compared: after 60 s they no longer are (contract.md, 4)."""
    listed = {user["uid"]: user for user in said["users"]}
    yield "whether the newest life is open", said["lives"][-1]["until"] is None, truth.is_open
    yield "the uids present", sorted(uid for uid, user in listed.items() if user["present"]), truth.present
    yield "the uids listed that never were there", sorted(listed.keys() - truth.users.keys()), []
    for uid in sorted(listed.keys() & truth.users.keys()):
        for field, value, true in _one_user(listed[uid], truth.users[uid]):
            yield f"users[{uid}].{field}", value, true
    yield "reconnects", said["reconnects"], truth.reconnects
    for role, minutes in sorted(said["minutes"].items()):
        yield f"minutes of {role} (s)", round(minutes * 60), truth.seconds.get(role, 0)


def _one_user(said: Json, truth: UserTruth) -> Compared:
    left_ms = _ms(said["leftAt"])
    yield "role", said["role"], truth.role
    yield "account", said["account"], truth.account
    yield "service", said["service"], truth.service
    yield "leftAt (s)", None if left_ms is None else left_ms // 1000, truth.left_s
    yield "minutes (s)", round(said["minutes"] * 60), truth.seconds


def _entity_fields(said: Json, truth: EntityTruth) -> Compared:
    yield "the codes of errors", _codes(said["errors"]), list(truth.errors)
    if truth.reason is not None:
        yield "exit.reason", (said["exit"] or {}).get("reason"), truth.reason

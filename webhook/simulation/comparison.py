"""What the status API says of a session against the truth, field by field, each difference in words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from webhook.simulation.truth import ChannelTruth, EntityTruth, RecordingTruth, StreamTruth, Truth, UserTruth

Json = dict[str, Any]
Compared = Iterator[tuple[str, Any, Any]]  # what it is called, what is said, what is true


def compare(said: Json, truth: Truth) -> list[str]:
    """The differences between a session of the status API (contract.md, section 4) and the truth, in words."""
    return [
        f"{field} is {json.dumps(value)}, truth is {json.dumps(true)}"
        for field, value, true in _fields(said, truth)
        if value != true
    ]


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
    lost = [[loss["uid"], _ms(loss["from"]), _ms(loss["until"])] for loss in said["notRecorded"]]
    yield "notRecorded (uid, from and until in ms)", sorted(lost), [list(loss) for loss in truth.losses]
    yield from _stream_fields({stream["uid"]: stream for stream in said["streams"]}, truth.streams)
    yield from _sequence_fields(said["sequence"], truth)


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

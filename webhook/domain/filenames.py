"""The naming convention of snapshots (agora-notifications.md, section 5)."""

from __future__ import annotations

import re
from datetime import datetime

from msgspec import Struct

_BEFORE_UID, _BEFORE_TIME = "__uid_s_", "__uid_e_video_"
_HEAD = re.compile(r"(?:bak(?P<failover>\d{1,4})_)?(?P<sid>[^_]+)_(?P<channel>.*)", re.DOTALL)
_TIME = re.compile(r"(\d{17})\.jpe?g", re.IGNORECASE)
LONGEST_NAME = 1024  # of a file with its path, as storages allow it
_REPLACED = str.maketrans(dict.fromkeys("!@#$%^&*()+_.=[]{}~|,;:?<>", "-"))


class SnapshotName(Struct, frozen=True):
    """What a snapshot's file name says. `channel` is as the name spells it; `failover` counts them from 0, or None."""

    sid: str
    channel: str
    uid: str
    taken_ms: int
    failover: int | None


def parse_snapshot(name: str) -> SnapshotName | None:
    """What `name`, with or without a prefix path, says by the convention; None where it does not follow it."""
    if len(name) > LONGEST_NAME:
        return None
    rest, _, end = name.rpartition("/")[2].rpartition(_BEFORE_TIME)
    start, _, uid = rest.rpartition(_BEFORE_UID)
    head, time = _HEAD.fullmatch(start), _TIME.fullmatch(end)
    taken_ms = _utc_ms(time[1]) if time else None
    if head is None or taken_ms is None or not uid:
        return None
    failover = None if head["failover"] is None else int(head["failover"])
    return SnapshotName(head["sid"], head["channel"], uid, taken_ms, failover)


def channel_in_names(channel: str) -> str:
    """`channel` as file names spell it: the characters that Agora replaces are dashes."""
    return channel.translate(_REPLACED)


def _utc_ms(digits: str) -> int | None:
    try:
        moment = datetime.fromisoformat(f"{digits[:8]}T{digits[8:14]}+00:00")
    except ValueError:
        return None
    return int(moment.timestamp()) * 1000 + int(digits[14:])

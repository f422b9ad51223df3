"""Recordings as a browser test needs them: told to a running Vigil as of a moment ago."""

from __future__ import annotations

from itertools import count
from typing import Any

import msgspec

from tests.system.stack import Stack
from tests.waiting import wait_for
from webhook import clock
from webhook.samples import envelope

HOSTILE = ("<img src=x onerror=alert(1)>", "</script><script>alert(1)</script>", "\N{RIGHT-TO-LEFT OVERRIDE}evil")
FIRES_WITHIN = 20.0  # seconds
_numbers = count()


def tell(vigil: Stack, sid: str, event_type: int, details: dict[str, Any], ago: float = 0.0, **more: Any) -> str:
    """One notification of a recording, of what happened `ago` seconds before now; returns its noticeId."""
    at_ms = clock.now_ms() - round(ago * 1000)
    if "state" in details:
        details = details | {"UtcMs": at_ms}
    payload = {"sid": sid, "cname": f"c-{sid}", "uid": "1001", "sendts": at_ms, "details": details} | more
    notice_id = f"{sid}:{next(_numbers)}"
    body = msgspec.json.encode(envelope(3, event_type, payload, notice_id, at_ms))
    assert vigil.post(body).status == 200
    return notice_id


def begin(vigil: Stack, sid: str, uids: tuple[str, ...] = ("7", "8"), **more: Any) -> None:
    """A recording that goes well: of two users' video and audio, with snapshots."""
    tell(vigil, sid, 40, {"status": 0}, 300, **more)
    for uid in uids:
        tell(vigil, sid, 44, {"streamUid": uid, "state": 0}, 290, **more)
        tell(vigil, sid, 43, {"streamUid": uid, "state": 0}, 290, **more)
    for ago in range(280, 0, -10):
        name = f"{sid}_c__uid_s_{uids[0]}__uid_e_video_20251124160000{ago:03d}.jpg"
        tell(vigil, sid, 45, {"fileName": name}, ago, **more)


def break_off(vigil: Stack, sid: str, uid: str = "7", **more: Any) -> None:
    """Its video stops, longer ago than it takes until an alert fires."""
    tell(vigil, sid, 44, {"streamUid": uid, "state": 1}, 20, **more)


def resume(vigil: Stack, sid: str, uid: str = "7", **more: Any) -> None:
    """The video is received again."""
    tell(vigil, sid, 44, {"streamUid": uid, "state": 0}, **more)


def firing(vigil: Stack, sid: str) -> dict[str, Any]:
    """The alert about the recording, once it fires."""
    found: list[dict[str, Any]] = []

    def fires() -> bool:
        found[:] = vigil.get(f"/api/v1/alerts?state=firing&session={sid}")["items"]
        return bool(found)

    wait_for(fires, FIRES_WITHIN, f"no alert about {sid} fires")
    return found[0]


def broken(vigil: Stack, sid: str, **more: Any) -> dict[str, Any]:
    """A recording whose video stopped, and the alert about it."""
    begin(vigil, sid, **more)
    break_off(vigil, sid, **more)
    return firing(vigil, sid)

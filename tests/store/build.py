"""Bodies and arrivals for tests about the store: small, told apart by their numbers. A registration is a body too."""

from __future__ import annotations

import json
import zlib
from itertools import count
from typing import Any

import msgspec

from webhook.domain.arrivals import Arrival, Kind
from webhook.domain.decoding import routing_key, routing_key_of_channel
from webhook.domain.envelope import fingerprint, parse
from webhook.domain.errors import Unusable
from webhook.domain.registration import Registration

AT_MS = 1_764_000_000_000
RECORDER = "1001"
_posts = count()


def payload(details: dict[str, Any], sid: str = "s1", cname: str = "lobby", **more: Any) -> dict[str, Any]:
    return {"sid": sid, "cname": cname, "uid": RECORDER, "sendts": AT_MS, "details": details} | more


def notification(event_type: int, details: dict[str, Any], notice_id: str = "n1", **more: Any) -> dict[str, Any]:
    """One recording notification; `more` goes into its payload."""
    told = payload(details, **more)
    return {"noticeId": notice_id, "productId": 3, "eventType": event_type, "notifyMs": AT_MS, "payload": told}


def started(sid: str = "s1", at_ms: int = AT_MS, **more: Any) -> dict[str, Any]:
    return notification(40, {"status": 0}, sid=sid, sendts=at_ms, **{"notice_id": f"40:{sid}"} | more)


def video(state: int, sid: str = "s1", at_ms: int = AT_MS, stream: str = "7", **more: Any) -> dict[str, Any]:
    """44: 0 receiving, 1 not receiving."""
    details = {"streamUid": stream, "state": state, "UtcMs": at_ms}
    name = {"notice_id": f"44:{sid}:{stream}:{at_ms}:{state}"}
    return notification(44, details, sid=sid, sendts=at_ms, **name | more)


def audio(state: int, sid: str = "s1", at_ms: int = AT_MS, stream: str = "7", **more: Any) -> dict[str, Any]:
    """43: the same of the audio."""
    return video(state, sid, at_ms, stream, **{"notice_id": f"43:{sid}:{stream}:{at_ms}"} | more) | {"eventType": 43}


def snapshot(number: int, sid: str = "s1", at_ms: int = AT_MS, **more: Any) -> dict[str, Any]:
    file = f"{sid}_lobby__uid_s_7__uid_e_video_20251124160000{number:03d}.jpg"
    return notification(45, {"fileName": file}, sid=sid, sendts=at_ms, **{"notice_id": f"45:{sid}:{number}"} | more)


def heartbeat(sid: str = "s1", at_ms: int = AT_MS, **more: Any) -> dict[str, Any]:
    return notification(33, {"progress": 100}, sid=sid, sendts=at_ms, **{"notice_id": f"33:{sid}:{at_ms}"} | more)


def exited(sid: str = "s1", at_ms: int = AT_MS, status: int = 0, **more: Any) -> dict[str, Any]:
    return notification(11, {"exitStatus": status}, sid=sid, sendts=at_ms, **{"notice_id": f"11:{sid}"} | more)


def poison(sid: str = "s1", **more: Any) -> dict[str, Any]:
    """A 44 that does not say which stream."""
    return notification(44, {"state": 0}, sid=sid, **{"notice_id": f"poison:{sid}"} | more)


def raw(body: Any) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def left(sid: str = "s1", at_ms: int = AT_MS, code: int = 16, **more: Any) -> dict[str, Any]:
    return notification(41, {"leaveCode": code}, sid=sid, sendts=at_ms, **{"notice_id": f"41:{sid}"} | more)


def uploaded(sid: str = "s1", at_ms: int = AT_MS, **more: Any) -> dict[str, Any]:
    return notification(31, {"status": 0}, sid=sid, sendts=at_ms, **{"notice_id": f"31:{sid}"} | more)


def told(product_id: int, event_type: int, payload: dict[str, Any], notify_ms: int = AT_MS) -> dict[str, Any]:
    """A notification of any product, called by all that it says."""
    name = f"{product_id}:{event_type}:{zlib.crc32(json.dumps(payload).encode())}"
    outer = {"noticeId": name, "productId": product_id, "eventType": event_type, "notifyMs": notify_ms}
    return outer | {"payload": payload}


def joined(uid: int, channel: str = "lobby", at_ms: int = AT_MS, sequence: int = 1) -> dict[str, Any]:
    """103: a broadcaster joined the channel."""
    who = {"uid": uid, "clientSeq": sequence, "platform": 7}
    return told(1, 103, {"channelName": channel, "ts": at_ms // 1000} | who)


def pushing(event_type: int, converter: str, at_ms: int = AT_MS, **more: Any) -> dict[str, Any]:
    """1 to 4 of a converter; only what `more` names says which channel it pushes."""
    fields = {"id": converter, "createTs": AT_MS // 1000, "updateTs": at_ms // 1000}
    return told(5, event_type, {"converter": fields | more, "lts": at_ms // 1000}, at_ms)


def created(converter: str, channel: str = "lobby", at_ms: int = AT_MS) -> dict[str, Any]:
    """1: a converter that pushes `channel`."""
    return pushing(1, converter, at_ms, state="connecting", transcodeOptions={"rtcChannel": channel})


def registration(sid: str = "s1", channel: str = "lobby", **more: Any) -> Registration:
    fixed: dict[str, Any] = {"registered_ms": AT_MS, "resource_id": "r1", "mode": "individual", "project": "default"}
    return Registration(sid=sid, channel=channel, **fixed | more)


def arrival(body: Any, receipt: str = "", source: str = "default", project: str = "default") -> Arrival:
    """One POST, another one at each call unless `receipt` says which."""
    receipt = receipt or f"r{next(_posts)}"
    if isinstance(body, Registration):
        return Arrival(receipt, source, body.project, 0, msgspec.json.encode(body), Kind.REGISTRATION)
    return Arrival(receipt, source, project, 2, raw(body))


def route_of(body: Any, project: str = "default") -> str:
    if isinstance(body, Registration):
        return routing_key_of_channel(body.project, body.channel)
    try:
        return routing_key(project, parse(raw(body)))
    except Unusable:
        return fingerprint(raw(body))

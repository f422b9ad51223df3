"""Bodies and arrivals for tests about the store: small, told apart by their numbers."""

from __future__ import annotations

import json
from typing import Any

from webhook.domain.arrivals import Arrival
from webhook.domain.decoding import routing_key
from webhook.domain.envelope import fingerprint, parse
from webhook.domain.errors import Unusable

AT_MS = 1_764_000_000_000
RECORDER = "1001"


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


def arrival(body: Any, receipt: str = "r", source: str = "default") -> Arrival:
    return Arrival(receipt, source, "default", 2, raw(body))


def route_of(body: Any) -> str:
    try:
        return routing_key("default", parse(raw(body)))
    except Unusable:
        return fingerprint(raw(body))

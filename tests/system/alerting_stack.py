"""Recordings whose videos stop, told of to a running Vigil, and what became of their alerts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import msgspec

from tests.receivers import Received
from tests.system.stack import SHARDS, Json, Stack
from webhook import clock
from webhook.samples import envelope
from webhook.store.keys import ShardKeys

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYq="
TOLD_WITHIN = 20.0  # seconds; an alert fires 2 s after it was received, and is told a second or two later
TOLD_WITHIN_MS = 2_000  # after it fired
ONLY_VIDEOS = """
[rules.audio_stopped]
enabled = false
"""
MILLISECOND = timedelta(milliseconds=1)
_numbers = count()

Told = tuple[str, str]  # an alert's id, and what became of it


def hook(name: str, url: str) -> str:
    """A signed sink, as `vigil.toml` has it."""
    return f'[[sink]]\nname = "{name}"\nkind = "webhook"\nurl = "{url}/alerts"\nsecret = "{SECRET}"\n'


def say(vigil: Stack, sid: str, event_type: int, details: dict[str, Any], ago_ms: int = 0) -> None:
    """One notification of a recording, of what happened so long ago."""
    at_ms = clock.now_ms() - ago_ms
    if "state" in details:
        details = details | {"UtcMs": at_ms}
    payload = {"sid": sid, "cname": f"c-{sid}", "uid": "1001", "sendts": at_ms, "details": details}
    body = msgspec.json.encode(envelope(3, event_type, payload, f"{sid}:{next(_numbers)}", at_ms))
    assert vigil.post(body).status == 200


def begin(vigil: Stack, sid: str) -> None:
    """A recording of two users."""
    say(vigil, sid, 40, {"status": 0}, 30_000)
    for uid in ("7", "8"):
        say(vigil, sid, 44, {"streamUid": uid, "state": 0}, 29_000)


def stop(vigil: Stack, sid: str) -> None:
    """A video stopped longer ago than it takes to fire."""
    say(vigil, sid, 44, {"streamUid": "7", "state": 1}, 15_000)


def resume(vigil: Stack, sid: str) -> None:
    """It is back."""
    say(vigil, sid, 44, {"streamUid": "7", "state": 0})


def told_by(request: Received) -> list[Told]:
    """What one message to a signed sink tells."""
    return [(alert["id"], alert["transition"]) for alert in request.json["data"]["alerts"]]


def all_alerts(vigil: Stack, query: str = "") -> Iterator[Json]:
    """Every alert that fits, page after page."""
    cursor = ""
    while True:
        page = vigil.get(f"/api/v1/alerts?limit=500{query}{cursor}")
        yield from page["items"]
        if page["next"] is None:
            return
        cursor = f"&cursor={page['next']}"


def left_to_tell(vigil: Stack, sink: str) -> int:
    """How many tellings and batches wait for a sink, in all shards."""
    keys = [ShardKeys(shard) for shard in range(SHARDS)]
    return sum(int(vigil.redis.zcard(name)) for of in keys for name in (of.waiting(sink), of.sealed(sink)))


def time_ms(text: str) -> int:
    """A time of the API, in ms since 1970."""
    return (datetime.fromisoformat(text) - datetime.fromisoformat("1970-01-01T00:00:00Z")) // MILLISECOND

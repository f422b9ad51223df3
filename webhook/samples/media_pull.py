"""Payloads of Media Pull, productId 4 (agora-notifications.md, section 8). `lts` is in ms, `createTs` in seconds."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from webhook.samples.cast import BEGUN_BEFORE_MS, CHANNEL
from webhook.samples.wire import Payload, Sample, seconds

PRODUCT_ID = 4
DELETED = "Delete Request"  # destroyReason


class Player(Struct, frozen=True):
    """A cloud player: what it plays into which channel, as whom. `token` and the key in `stream_url` are secret."""

    id: str
    channel: str
    uid: int
    created_ms: int
    name: str = "player-of-a-sample"
    stream_url: str = "rtmp://origin.example.com/live/pull-key-of-a-sample"
    token: str = "player-token-of-a-sample"  # noqa: S105 - masking is tested with it


def created(player: Player, at_ms: int, status: str = "connecting") -> Payload:
    """Type 1: the player exists since `created_ms`."""
    source = {"streamUrl": player.stream_url, "token": player.token, "uid": player.uid, "idleTimeout": 120}
    whole = _named(player) | source | {"createTs": seconds(player.created_ms), "status": status}
    return {"player": whole, "lts": at_ms, "xRequestId": f"request-{at_ms}"}


def destroyed(player: Player, at_ms: int, reason: str = DELETED) -> Payload:
    """Type 3: the player is gone; Delete Request, Internal Error, Idle Timeout or Stream Stopped."""
    fields = "player.name,player.channelName,player.id"
    return {"player": _named(player), "lts": at_ms, "destroyReason": reason, "fields": fields}


def status_changed(player: Player, at_ms: int, status: str) -> Payload:
    """Type 4: the player is connecting, success, running, failed or stopped."""
    fields = "player.name,player.channelName,player.id,player.status"
    return {"player": _named(player) | {"status": status}, "lts": at_ms, "fields": fields}


def _named(player: Player) -> Payload:
    return {"id": player.id, "channelName": player.channel, "name": player.name}


def _player(at_ms: int) -> Player:
    return Player("c1d5b8f04a7e4e6f9b20d3a7581c6e92", CHANNEL, 700_001, at_ms - BEGUN_BEFORE_MS)


SAMPLES: Mapping[int, Sample] = {
    1: lambda at_ms: created(_player(at_ms), at_ms),
    3: lambda at_ms: destroyed(_player(at_ms), at_ms),
    4: lambda at_ms: status_changed(_player(at_ms), at_ms, "running"),
}

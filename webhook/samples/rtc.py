"""Payloads of RTC channel events, productId 1 (agora-notifications.md, section 6). `ts` is in seconds.

A user's events of the three roles have one shape each: the type alone tells broadcaster, audience and user apart.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from webhook.samples.cast import CHANNEL, PUBLISHER
from webhook.samples.wire import Payload, Sample, present, seconds

PRODUCT_ID = 1
CHANNEL_CREATED, CHANNEL_DESTROYED = 101, 102
BROADCASTER_JOINED, BROADCASTER_LEFT = 103, 104
AUDIENCE_JOINED, AUDIENCE_LEFT = 105, 106
USER_JOINED, USER_LEFT = 107, 108
BECAME_BROADCASTER, BECAME_AUDIENCE = 111, 112

ANDROID, IOS, WINDOWS, LINUX, WEB, MACOS = 1, 2, 5, 6, 7, 8  # platform
CLOUD_RECORDER = 10  # clientType, on LINUX
QUIT = 1  # reason


class User(Struct, frozen=True):
    """Who does something in which channel; `client_type` and `account` are left out where they are None."""

    channel: str
    uid: int
    platform: int = WEB
    client_type: int | None = None
    account: str | None = None


def channel_created(channel: str, at_ms: int) -> Payload:
    """Type 101: the first user is in the channel. It has no clientSeq."""
    return {"channelName": channel, "ts": seconds(at_ms)}


def channel_destroyed(channel: str, at_ms: int, last_uid: int) -> Payload:
    """Type 102: the last user, `last_uid`, left the channel. It has no clientSeq."""
    return channel_created(channel, at_ms) | {"lastUid": last_uid}


def joined(user: User, client_seq: int, at_ms: int) -> Payload:
    """Types 103, 105 and 107: the user joined. `client_seq` has up to 64 bits and grows with each event of a user."""
    who = {"channelName": user.channel, "uid": user.uid, "platform": user.platform}
    kind = present(clientType=user.client_type)
    return who | kind | {"clientSeq": client_seq, "ts": seconds(at_ms)} | present(account=user.account)


def left(user: User, client_seq: int, at_ms: int, *, duration_s: int, reason: int = QUIT) -> Payload:
    """Types 104, 106 and 108: the user left for `reason` after `duration_s` seconds."""
    return joined(user, client_seq, at_ms) | {"reason": reason, "duration": duration_s}


def role_changed(user: User, client_seq: int, at_ms: int) -> Payload:
    """Types 111 and 112: the user became a broadcaster, or audience. Platform and clientType are not told again."""
    who = {"channelName": user.channel, "uid": user.uid}
    return who | {"clientSeq": client_seq, "ts": seconds(at_ms)} | present(account=user.account)


_USER = User(CHANNEL, PUBLISHER, account="publisher-of-a-sample")


def _sequence(event_type: int, at_ms: int) -> int:
    """A clientSeq that grows with time and needs more than the 53 bits of a double."""
    return at_ms << 20 | event_type


def _joined(event_type: int) -> Sample:
    return lambda at_ms: joined(_USER, _sequence(event_type, at_ms), at_ms)


def _left(event_type: int) -> Sample:
    return lambda at_ms: left(_USER, _sequence(event_type, at_ms), at_ms, duration_s=600)


def _role_changed(event_type: int) -> Sample:
    return lambda at_ms: role_changed(_USER, _sequence(event_type, at_ms), at_ms)


SAMPLES: Mapping[int, Sample] = {
    CHANNEL_CREATED: lambda at_ms: channel_created(CHANNEL, at_ms),
    CHANNEL_DESTROYED: lambda at_ms: channel_destroyed(CHANNEL, at_ms, PUBLISHER),
    **{event_type: _joined(event_type) for event_type in (BROADCASTER_JOINED, AUDIENCE_JOINED, USER_JOINED)},
    **{event_type: _left(event_type) for event_type in (BROADCASTER_LEFT, AUDIENCE_LEFT, USER_LEFT)},
    **{event_type: _role_changed(event_type) for event_type in (BECAME_BROADCASTER, BECAME_AUDIENCE)},
}

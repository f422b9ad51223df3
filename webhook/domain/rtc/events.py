"""Events of RTC channels: what happened, free of the wire's spelling (agora-notifications.md, section 6)."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

UNNUMBERED = -1  # the clientSeq of an event that came without one: older than every numbered one of its user


class Role(StrEnum):
    """What a user is in a channel; those of the communication profile all are the same."""

    BROADCASTER = "broadcaster"
    AUDIENCE = "audience"
    COMMUNICATION = "communication"


class Who(Struct, frozen=True):
    """The user of an event and which of that user's events it is. What the notification does not tell is None.

    Platform and client type stay Agora's codes, because new ones come with new products; `rtc_terms` has the words.
    """

    uid: str
    client_seq: int
    account: str | None = None
    platform: int | None = None
    client_type: int | None = None


class ChannelCreated(Struct, frozen=True):
    """101: a life of the channel began."""


class ChannelDestroyed(Struct, frozen=True):
    """102: a life of the channel ended; `last_uid` left last, or None."""

    last_uid: str | None


class UserJoined(Struct, frozen=True):
    """103, 105, 107: somebody is there now."""

    who: Who
    role: Role


class UserLeft(Struct, frozen=True):
    """104, 106, 108: somebody is gone, after `duration_s` seconds. `reason` is a code that `rtc_terms` explains."""

    who: Who
    role: Role
    reason: int
    duration_s: int


class RoleChanged(Struct, frozen=True):
    """111, 112: somebody who is there has another role now."""

    who: Who
    role: Role


RtcEvent = ChannelCreated | ChannelDestroyed | UserJoined | UserLeft | RoleChanged

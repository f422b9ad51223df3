"""What is known of an RTC channel: when its lives began and ended, and each user's latest words.

Every field is a maximum, a minimum, or a set of which the greatest are kept. Words of one user are ordered by
clientSeq (agora-notifications.md, section 6), and one clientSeq is one word, however often and under whatever noticeId
it is told.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from msgspec import Struct

from webhook.domain.rtc.events import Role

MOST_CUTS = 64
MOST_USERS = 500
MOST_MARKS = 32  # joins and leaves of one user
MOST_ROLE_MARKS = 8  # beside them, changes of role
MOST_OLDER = 4096  # leaves before those, of all users: as many as a session's log has entries
MOST_LIVES = 20
TOMBSTONE_MS = 60_000  # a user who left is listed that long after the leave was received

Code = tuple[int, int, int]  # clientSeq, event time ms, what was told then
Name = tuple[int, int, str]  # the same
Floor = tuple[int, str]  # event time ms, uid


class CutKind(IntEnum):
    """At one instant the older life ends before the next begins."""

    DESTROYED = 0
    CREATED = 1


class Cut(NamedTuple):
    """One 101 or 102, by its event time in ms."""

    at_ms: int
    kind: CutKind


class MarkKind(IntEnum):
    """What a user did. Of contradicting words at one clientSeq and instant the later one here counts."""

    JOINED = 0
    ROLE = 1
    LEFT = 2


class Mark(Struct, frozen=True, array_like=True, order=True):
    """One event of one user. `reason`, `duration_s` and `received_ms` (by the server's clock) are of leaves, else 0."""

    client_seq: int
    at_ms: int
    kind: MarkKind
    role: Role
    reason: int = 0
    duration_s: int = 0
    received_ms: int = 0


class User(Struct, frozen=True, array_like=True):
    """One user's newest words, ascending, and the latest told of account and client.

    `gone` is the clientSeq of the leave whose 60 s have passed. The user stays here as a tombstone, so that a late word
    with a lower clientSeq reopens nothing. Of words before those in `marks` the leaves are kept, for the
    sums over them, and the least event time, ms, that says that the user was there.
    """

    marks: tuple[Mark, ...] = ()
    account: Name | None = None
    platform: Code | None = None
    client_type: Code | None = None
    gone: int | None = None
    older: tuple[Mark, ...] = ()  # by event time
    older_sign_ms: int | None = None


class Channel(Struct, frozen=True, array_like=True, tag="channel"):
    """What is special to a channel. `cuts` ascend.

    `floor` is the greatest last word of a user who was dropped because there are too many. Words up to it count for
    nobody, be they heard before or after: that is what makes the bound independent of the order of arrival.
    `older_ms` is the greatest time of a leave that found no room even among the older ones.
    """

    cuts: tuple[Cut, ...] = ()
    users: dict[str, User] = {}
    floor: Floor | None = None
    older_ms: int | None = None

"""Who is in a channel, who was, and for how long: of the newest life, worked out from the users' words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

from msgspec import Struct

from webhook.domain.products.rtc_terms import RECONNECTING, is_service
from webhook.domain.rtc.events import Role
from webhook.domain.rtc.lives import newest_life
from webhook.domain.rtc.state import Channel, Mark, MarkKind, User
from webhook.domain.rtc.words import is_gone, users_of


class Leave(NamedTuple):
    """Why somebody left, as the code that `rtc_terms` explains, and when, as event time in ms."""

    reason: int
    at_ms: int


class Member(Struct, frozen=True):
    """One user in the newest life. `marks` are the user's words in it, at least one, ascending by clientSeq."""

    uid: str
    user: User
    marks: tuple[Mark, ...]
    present: bool

    @property
    def role(self) -> Role:
        """What the user is there, or was at last."""
        return self.user.marks[-1].role

    @property
    def service(self) -> bool:
        """Whether this is one of Agora's services and not a person."""
        return is_service(self.user.client_type[2] if self.user.client_type else None)

    @property
    def gone(self) -> bool:
        """Whether the user left so long ago that the list leaves the user out."""
        return is_gone(self.user)


def members(channel: Channel) -> list[Member]:
    """All users of the newest life, those who are gone included, sorted by uid.

    Present is who said last, by clientSeq, to be there, as long as that was in this life and the life is open.
    """
    life = newest_life(channel)
    if life is None:
        return []
    found = []
    for uid, user in sorted(users_of(channel).items()):
        marks = tuple(mark for mark in user.marks if mark.at_ms >= life.from_ms)
        last = user.marks[-1]
        there = last.kind is not MarkKind.LEFT and last.at_ms >= life.from_ms
        if marks:
            found.append(Member(uid, user, marks, there and life.until_ms is None))
    return found


def people_present(channel: Channel) -> int:
    """How many users are there that are no services of Agora."""
    return sum(member.present and not member.service for member in members(channel))


def is_present(channel: Channel, uid: str) -> bool:
    """Whether the user called so is there."""
    return any(member.present for member in members(channel) if member.uid == uid)


def leave_reason(channel: Channel, uid: str, at_ms: int) -> Leave | None:
    """The leave of a user that is nearest to an instant, in any life, the later of two equally near; else None."""
    user = users_of(channel).get(uid)
    leaves = [Leave(mark.reason, mark.at_ms) for mark in user.marks if mark.kind is MarkKind.LEFT] if user else []
    return min(leaves, key=lambda leave: (abs(leave.at_ms - at_ms), -leave.at_ms), default=None)


def joined_ms(marks: Iterable[Mark]) -> int | None:
    """When the latest stay among a user's words began: the first join after a leave. None where it was not told."""
    began_ms, ended = None, True
    for mark in marks:
        if mark.kind is MarkKind.LEFT:
            ended = True
        elif ended or began_ms is None:
            began_ms = mark.at_ms if mark.kind is MarkKind.JOINED else None
            ended = False
    return began_ms


def seconds_by_role(marks: Iterable[Mark]) -> Counter[Role]:
    """How long leaves say that users were there, in seconds, by the role in which they left."""
    stayed: Counter[Role] = Counter()
    for mark in marks:
        if mark.kind is MarkKind.LEFT:
            stayed[mark.role] += mark.duration_s
    return stayed


def reconnects(marks: Iterable[Mark]) -> int:
    """How often a user's SDK lost the channel and joined again: leaves with such a reason, followed by a join."""
    return sum(
        mark.kind is MarkKind.LEFT and mark.reason in RECONNECTING and following.kind is MarkKind.JOINED
        for mark, following in pairwise(marks)
    )

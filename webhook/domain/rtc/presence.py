"""Who is in a channel, who was, and for how long: of the newest life, worked out from the users' words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

from msgspec import Struct

from webhook.domain.products.rtc_terms import RECONNECTING, is_service
from webhook.domain.rtc.events import Role
from webhook.domain.rtc.lives import Life, lives
from webhook.domain.rtc.state import Channel, Mark, MarkKind, User
from webhook.domain.rtc.words import is_gone, user_of, users_of


class Leave(NamedTuple):
    """Why somebody left, as the code that `rtc_terms` explains, and when, as event time in ms."""

    reason: int
    at_ms: int


class Member(Struct, frozen=True):
    """One user in the newest life. `marks` are the user's words in it, at least one, ascending by clientSeq.

    `older` are the leaves in it before those, of a user with so many words that not all are kept.
    """

    uid: str
    user: User
    marks: tuple[Mark, ...]
    present: bool
    older: tuple[Mark, ...] = ()

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
    known = lives(channel)
    if not known:
        return []
    found = (_member(uid, user, known[-1], first=len(known) == 1) for uid, user in sorted(users_of(channel).items()))
    return [member for member in found if member.marks]


def _member(uid: str, user: User, life: Life, *, first: bool) -> Member:
    """What a user said in `life`, maybe nothing.

    Seconds tie: who left in the one in which it began, left the life before, if any, unless the user had come by then.
    """
    signs = (mark for mark in user.marks if mark.kind is not MarkKind.LEFT and mark.at_ms >= life.from_ms)
    came = min((mark.client_seq for mark in signs), default=None)

    def inside(mark: Mark) -> bool:
        has_come = first or mark.kind is not MarkKind.LEFT or (came is not None and mark.client_seq > came)
        return mark.at_ms > life.from_ms or (mark.at_ms == life.from_ms and has_come)

    last = user.marks[-1]
    there = last.kind is not MarkKind.LEFT and last.at_ms >= life.from_ms and life.until_ms is None
    return Member(uid, user, tuple(filter(inside, user.marks)), there, tuple(filter(inside, user.older)))


def minutes_complete(channel: Channel) -> bool:
    """Whether every leave of the newest life is known, so that the sums over them are whole."""
    known = lives(channel)
    counted = channel.older_ms is None or not known or channel.older_ms < known[-1].from_ms
    return channel.floor is None and counted


def people_present(channel: Channel) -> int:
    """How many users are there that are no services of Agora."""
    return sum(member.present and not member.service for member in members(channel))


def present(channel: Channel) -> frozenset[str]:
    """The uids of all who are there. Whoever asks for many of them asks once: it costs as much as all users."""
    return frozenset(member.uid for member in members(channel) if member.present)


def leave_reason(channel: Channel, uid: str, at_ms: int) -> Leave | None:
    """The leave of a user that is nearest to an instant, in any life, the later of two equally near; else None."""
    user = user_of(channel, uid)
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


def seconds_by_role(member: Member) -> Counter[Role]:
    """How long leaves say that the user was there, in seconds, by the role in which they left."""
    stayed: Counter[Role] = Counter()
    for mark in (*member.older, *member.marks):
        if mark.kind is MarkKind.LEFT:
            stayed[mark.role] += mark.duration_s
    return stayed


def reconnects(member: Member) -> int:
    """How often the user's SDK lost the channel and joined again: leaves with such a reason, followed by a join.

    Of the older ones the join is taken for granted, as they were not the last word.
    """
    stays = [mark for mark in member.marks if mark.kind is not MarkKind.ROLE]
    known = sum(
        mark.kind is MarkKind.LEFT and mark.reason in RECONNECTING and following.kind is MarkKind.JOINED
        for mark, following in pairwise(stays)
    )
    return known + sum(mark.reason in RECONNECTING for mark in member.older)

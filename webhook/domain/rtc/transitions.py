"""How a fact, or time, changes what is known of an RTC channel: total, table-driven, order-free."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from msgspec.structs import replace

from webhook.domain.facts import Fact
from webhook.domain.merging import greatest
from webhook.domain.rtc import events
from webhook.domain.rtc.room import with_mark, within_room
from webhook.domain.rtc.state import MOST_CUTS, MOST_USERS, Channel, Cut, CutKind, Floor, Mark, MarkKind, User
from webhook.domain.rtc.words import is_above, tombstone_ms

T = TypeVar("T", int, str)


def apply(channel: Channel, fact: Fact, *, effect_known: bool) -> Channel:
    """The channel with `fact` in it. One clientSeq of a user is one word, so nothing has to be counted by effect."""
    transition = TRANSITIONS.get(type(fact.event))
    return channel if transition is None else transition(channel, fact, fact.event)


def settle(channel: Channel, now_ms: int) -> Channel:
    """The channel with every user gone whose leave was received 60 s before `now_ms` or earlier (section 6)."""
    gone = {
        uid: replace(user, gone=user.marks[-1].client_seq)
        for uid, user in channel.users.items()
        if (due_ms := tombstone_ms(user)) is not None and due_ms <= now_ms
    }
    return replace(channel, users={**channel.users, **gone}) if gone else channel


def _created(channel: Channel, fact: Fact, event: events.ChannelCreated) -> Channel:
    return _cut(channel, Cut(fact.order.at_ms, CutKind.CREATED))


def _destroyed(channel: Channel, fact: Fact, event: events.ChannelDestroyed) -> Channel:
    return _cut(channel, Cut(fact.order.at_ms, CutKind.DESTROYED))


def _cut(channel: Channel, cut: Cut) -> Channel:
    return replace(channel, cuts=tuple(sorted({*channel.cuts, cut})[-MOST_CUTS:]))


def _joined(channel: Channel, fact: Fact, event: events.UserJoined) -> Channel:
    mark = Mark(event.who.client_seq, fact.order.at_ms, MarkKind.JOINED, event.role)
    return _heard(channel, event.who, mark)


def _left(channel: Channel, fact: Fact, event: events.UserLeft) -> Channel:
    mark = Mark(
        event.who.client_seq,
        fact.order.at_ms,
        MarkKind.LEFT,
        event.role,
        event.reason,
        event.duration_s,
        fact.received_ms,
    )
    return _heard(channel, event.who, mark)


def _role_changed(channel: Channel, fact: Fact, event: events.RoleChanged) -> Channel:
    mark = Mark(event.who.client_seq, fact.order.at_ms, MarkKind.ROLE, event.role)
    return _heard(channel, event.who, mark)


def _heard(channel: Channel, who: events.Who, mark: Mark) -> Channel:
    if not is_above(channel.floor, mark.at_ms, who.uid):
        return channel
    known = channel.users.get(who.uid) or User()
    user = replace(
        with_mark(known, mark),
        account=_told(known.account, mark, who.account),
        platform=_told(known.platform, mark, who.platform),
        client_type=_told(known.client_type, mark, who.client_type),
    )
    bounded = _within_bound(channel, {**channel.users, who.uid: user})
    return bounded if len(user.older) == len(known.older) else within_room(bounded)


def _told(known: tuple[int, int, T] | None, mark: Mark, value: T | None) -> tuple[int, int, T] | None:
    return known if value is None else greatest(known, (mark.client_seq, mark.at_ms, value))


def _within_bound(channel: Channel, users: dict[str, User]) -> Channel:
    """The channel with `users` but the one with the oldest last word, where they are too many."""
    if len(users) <= MOST_USERS:
        return replace(channel, users=users)
    floor = min(_last_word(uid, user) for uid, user in users.items())
    del users[floor[1]]
    return replace(channel, users=users, floor=floor)


def _last_word(uid: str, user: User) -> Floor:
    return user.marks[-1].at_ms, uid


TRANSITIONS: dict[type, Callable[[Channel, Fact, Any], Channel]] = {
    events.ChannelCreated: _created,
    events.ChannelDestroyed: _destroyed,
    events.UserJoined: _joined,
    events.UserLeft: _left,
    events.RoleChanged: _role_changed,
}

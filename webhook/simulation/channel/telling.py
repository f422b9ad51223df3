"""How Agora tells of an RTC channel, and the truth that must lead to. `ts` is in whole seconds (section 6)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from random import Random

from msgspec import Struct

from webhook.samples import rtc
from webhook.samples.rtc import PRODUCT_ID, User
from webhook.samples.wire import Payload
from webhook.simulation import names
from webhook.simulation.channel.model import (
    AUDIENCE,
    BROADCASTER,
    NETWORK,
    OTHER_ROLE,
    REBALANCED,
    SENT_AFTER_MS,
    SEVERAL_ADDRESSES,
    Call,
    Life,
    Stay,
    Visitor,
)
from webhook.simulation.truth import ChannelTruth, Line, Script, UserTruth

JOINED = {BROADCASTER: 103, AUDIENCE: 105}
LEFT = {BROADCASTER: 104, AUDIENCE: 106}
BECAME = {BROADCASTER: 111, AUDIENCE: 112}
USER_JOINED, USER_LEFT = 107, 108
COMING_BACK = frozenset({REBALANCED, SEVERAL_ADDRESSES, NETWORK})  # after which the SDK joins again by itself
BEYOND_SIGNED = 2**63  # added to the numbers of every other user: clientSeq has 64 bits and no sign


class Word(Struct, frozen=True):
    """One notification before it is sent: of what happened at `at_ms`, since 1970."""

    at_ms: int
    event_type: int
    payload: Payload


class Stage(Struct, frozen=True):
    """A call placed in time."""

    call: Call
    begins_ms: int  # since 1970
    channel: str
    project: str

    @property
    def sid(self) -> str:
        """The id of the channel's session."""
        return names.channel_sid(self.channel, self.project)

    def ms(self, at_ms: int) -> int:
        """The moment `at_ms` of the call, in ms since 1970."""
        return self.begins_ms + at_ms

    def seconds(self, at_ms: int) -> int:
        """The same in whole seconds."""
        return self.ms(at_ms) // 1000


def write(call: Call, starts_ms: int, project: str = names.DEFAULT_PROJECT) -> Script:
    """The script of `call`, in a channel of `project`, in a simulation that starts at `starts_ms`, ms since 1970."""
    channel = names.channel_of_run(call.channel, call.place, starts_ms)
    stage = Stage(call, starts_ms + call.begins_ms, channel, project)
    chance = Random(call.seed)
    words = sorted(_words(stage), key=lambda word: word.at_ms)
    lines = [_line(stage, number, word, chance) for number, word in enumerate(words)]
    return Script(stage.sid, tuple(sorted(lines, key=lambda line: line.sent_ms)), _truth(stage, len(lines)))


def _line(stage: Stage, number: int, word: Word, chance: Random) -> Line:
    notice_id = names.notice_id(f"{stage.channel}:{stage.begins_ms}", number)
    sent_ms = word.at_ms + chance.randint(*SENT_AFTER_MS)
    return Line(notice_id, PRODUCT_ID, word.event_type, sent_ms, word.payload)


def _words(stage: Stage) -> Iterator[Word]:
    for life in stage.call.lives:
        begun_ms = stage.ms(life.begins_ms)
        yield Word(begun_ms, rtc.CHANNEL_CREATED, rtc.channel_created(stage.channel, begun_ms))
        for visitor in life.visitors:
            yield from _of_visitor(stage, visitor)
        if life.ends_ms is not None:
            yield _destroyed(stage, life, stage.ms(life.ends_ms))


def _destroyed(stage: Stage, life: Life, ended_ms: int) -> Word:
    last = max(life.visitors, key=lambda visitor: visitor.stays[-1].leaves_ms or 0)
    return Word(ended_ms, rtc.CHANNEL_DESTROYED, rtc.channel_destroyed(stage.channel, ended_ms, last.uid))


def _of_visitor(stage: Stage, visitor: Visitor) -> Iterator[Word]:
    role = visitor.role
    for stay in visitor.stays:
        yield from (_joined(stage, visitor, role, at_ms) for at_ms in stay.joins_ms)
        for at_ms in stay.turns_ms:
            role = OTHER_ROLE[role]
            yield _turned(stage, visitor, role, at_ms)
        if stay.leaves_ms is not None:
            yield _left(stage, visitor, role, stay)


def _user(stage: Stage, visitor: Visitor) -> User:
    return User(stage.channel, visitor.uid, visitor.platform, visitor.client_type, visitor.account)


def _number(visitor: Visitor, at_ms: int) -> int:
    """A clientSeq that grows with time."""
    return (at_ms << 20) + (BEYOND_SIGNED if visitor.uid % 2 else 0)


def _joined(stage: Stage, visitor: Visitor, role: str, joined_ms: int) -> Word:
    at_ms = stage.ms(joined_ms)
    payload = rtc.joined(_user(stage, visitor), _number(visitor, at_ms), at_ms)
    return Word(at_ms, JOINED.get(role, USER_JOINED), payload)


def _turned(stage: Stage, visitor: Visitor, role: str, turned_ms: int) -> Word:
    at_ms = stage.ms(turned_ms)
    return Word(at_ms, BECAME[role], rtc.role_changed(_user(stage, visitor), _number(visitor, at_ms), at_ms))


def _left(stage: Stage, visitor: Visitor, role: str, stay: Stay) -> Word:
    at_ms = stage.ms(stay.leaves_ms or 0)
    number, user = _number(visitor, at_ms), _user(stage, visitor)
    payload = rtc.left(user, number, at_ms, duration_s=_seconds(stage, stay), reason=stay.reason)
    return Word(at_ms, LEFT.get(role, USER_LEFT), payload)


def _seconds(stage: Stage, stay: Stay) -> int:
    """How long a stay lasted, in whole seconds; 0 while it goes on."""
    return 0 if stay.leaves_ms is None else stage.seconds(stay.leaves_ms) - stage.seconds(stay.joins_ms[0])


def _truth(stage: Stage, told: int) -> ChannelTruth:
    """What must be known in the end, by the newest life."""
    life = stage.call.lives[-1]
    seconds: Counter[str] = Counter()
    for visitor in life.visitors:
        seconds.update(_by_role(stage, visitor))
    return ChannelTruth(
        sid=stage.sid,
        product="rtc",
        channel=stage.channel,
        state="live" if life.ends_ms is None else "ended",
        exit_status=None if life.ends_ms is None else "normal",
        distinct=told,
        users={str(visitor.uid): _user_truth(stage, visitor) for visitor in life.visitors},
        seconds=seconds,
        reconnects=sum(map(_reconnects, life.visitors)),
    )


def _reconnects(visitor: Visitor) -> int:
    """Every stay but the last is followed by another."""
    return sum(stay.reason in COMING_BACK for stay in visitor.stays[:-1])


def _user_truth(stage: Stage, visitor: Visitor) -> UserTruth:
    left_ms = visitor.stays[-1].leaves_ms
    return UserTruth(
        role=_roles(visitor)[-1],
        account=visitor.account,
        service=visitor.service,
        left_s=None if left_ms is None else stage.seconds(left_ms),
        seconds=_by_role(stage, visitor).total(),
    )


def _roles(visitor: Visitor) -> list[str]:
    """The user's role at the end of each stay."""
    roles, role = [], visitor.role
    for stay in visitor.stays:
        role = OTHER_ROLE[role] if len(stay.turns_ms) % 2 else role
        roles.append(role)
    return roles


def _by_role(stage: Stage, visitor: Visitor) -> Counter[str]:
    stayed: Counter[str] = Counter()
    for role, stay in zip(_roles(visitor), visitor.stays, strict=True):
        if stay.leaves_ms is not None:
            stayed[role] += _seconds(stage, stay)
    return stayed

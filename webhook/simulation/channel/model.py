"""What happens in an RTC channel: its lives, who is there and as what, who drops out and comes back (section 6).

Times are ms since the call or the simulation began.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from webhook.samples import rtc
from webhook.simulation import names

STAGGER_MS = 40_000
SENT_AFTER_MS = (1_200, 1_500)  # how late the events of a channel are sent (section 1)
BROADCASTER, AUDIENCE, COMMUNICATION = "broadcaster", "audience", "communication"
OTHER_ROLE = {BROADCASTER: AUDIENCE, AUDIENCE: BROADCASTER}
QUIT, TIMEOUT, REBALANCED, SEVERAL_ADDRESSES, NETWORK = 1, 2, 4, 9, 10  # reason
RECONNECTING = (NETWORK, SEVERAL_ADDRESSES, REBALANCED, TIMEOUT)
SERVICES = (3, 10, 28, 30, 43, 47, 48, 50, 60, 68)  # clientType on Linux
APPLET = 8  # a clientType that people use
PLATFORMS = (rtc.ANDROID, rtc.IOS, rtc.WINDOWS, rtc.WEB, rtc.MACOS, 0)
STEP_MS = 150  # at least between two events of one user: several may fall into one second of `ts`


class Stay(Struct, frozen=True):
    """From a first join to a leave, None where the user is still there.

    More joins are reconnections while the stay went on; at each of `turns_ms` the role becomes the other one.
    """

    joins_ms: tuple[int, ...]
    turns_ms: tuple[int, ...]
    leaves_ms: int | None
    reason: int = QUIT


class Visitor(Struct, frozen=True):
    """One user in one life of the channel. `role` is that of the first join; later stays go on as the last ended."""

    uid: int
    role: str
    platform: int
    client_type: int | None
    account: str | None
    stays: tuple[Stay, ...]

    @property
    def service(self) -> bool:
        """Whether this is one of Agora's services and not a person."""
        return self.client_type in SERVICES


class Life(Struct, frozen=True):
    """One life of a channel, open where `ends_ms` is None."""

    begins_ms: int
    ends_ms: int | None
    visitors: tuple[Visitor, ...]


class Call(Struct, frozen=True):
    """All that happens in one channel from `begins_ms` of the simulation on. `place` and `channel` name it."""

    seed: int
    place: int
    channel: str
    begins_ms: int
    lives: tuple[Life, ...]

    @property
    def ends_ms(self) -> int:
        """When nothing more is said of it, in ms since the simulation began."""
        return self.begins_ms + max(moments(self)) + SENT_AFTER_MS[1]


def moments(call: Call) -> Iterator[int]:
    """When anything happens."""
    for life in call.lives:
        yield life.begins_ms
        yield life.ends_ms or 0
        for visitor in life.visitors:
            for stay in visitor.stays:
                yield from (*stay.joins_ms, *stay.turns_ms, stay.leaves_ms or 0)


def rtc_reconnects(rng: Random) -> Call:
    """Users who drop out and come back, change roles, or leave for good, in one or two lives of the channel."""
    return call(rng, rng.getrandbits(64), rng.choice(names.CHANNELS))


def call(rng: Random, place: int, channel: str) -> Call:
    """The same in a given channel. One call in four is of the communication profile, which knows no roles."""
    roles = (COMMUNICATION,) if rng.random() < 0.25 else (BROADCASTER, AUDIENCE)
    first = _life(rng, 0, roles, closed=rng.random() < 0.7)
    return Call(rng.getrandbits(64), place, channel, rng.randrange(STAGGER_MS), (first, *_next_life(rng, first, roles)))


def _next_life(rng: Random, before: Life, roles: tuple[str, ...]) -> tuple[Life, ...]:
    """Perhaps another life, to which some come back; some begin in the very moment in which the one before ends."""
    if before.ends_ms is None or rng.random() < 0.25:
        return ()
    begins_ms, closed = before.ends_ms + rng.choice((0, 0, 3_000, 15_000)), rng.random() < 0.5
    life = _life(rng, begins_ms, roles, closed=closed)
    old = [visitor for visitor in before.visitors if not visitor.service and rng.random() < 0.4]
    back = [_person(rng, visitor.uid, begins_ms, roles, closed=closed) for visitor in old]
    again = [replace(new, **_unchanged(visitor)) for new, visitor in zip(back, old, strict=True)]
    return (_lasting(rng, begins_ms, (*life.visitors, *again), closed=closed),)


def _unchanged(visitor: Visitor) -> dict[str, Any]:
    """What a user who comes back brings along."""
    return {"platform": visitor.platform, "client_type": visitor.client_type, "account": visitor.account}


def _life(rng: Random, begins_ms: int, roles: tuple[str, ...], *, closed: bool) -> Life:
    people = [_person(rng, uid, begins_ms, roles, closed=closed) for uid in names.uids(rng, rng.randint(1, 5))]
    services = [_service(rng, uid, begins_ms, roles, closed=closed) for uid in names.uids(rng, rng.randint(0, 2))]
    return _lasting(rng, begins_ms, (*people, *services), closed=closed)


def _lasting(rng: Random, begins_ms: int, everybody: tuple[Visitor, ...], *, closed: bool) -> Life:
    last_ms = max(stay.leaves_ms or 0 for visitor in everybody for stay in visitor.stays)
    # a second or more after the last leave, so that no leave falls into the next life
    return Life(begins_ms, last_ms + rng.randint(1_000, 3_000) if closed else None, everybody)


def _person(rng: Random, uid: int, begins_ms: int, roles: tuple[str, ...], *, closed: bool) -> Visitor:
    platform = rng.choice((*PLATFORMS, rtc.LINUX))
    return Visitor(
        uid,
        rng.choice(roles),
        platform,
        APPLET if platform == rtc.LINUX else None,
        rng.choice((None, f"user-{uid % 1000}", "<b>Zoë</b>")),
        tuple(_stays(rng, begins_ms, turning=len(roles) > 1, closed=closed or rng.random() < 0.4)),
    )


def _service(rng: Random, uid: int, begins_ms: int, roles: tuple[str, ...], *, closed: bool) -> Visitor:
    joined_ms = begins_ms + rng.randrange(3_000)
    left_ms = joined_ms + rng.randrange(10_000, 50_000) if closed else None
    stay = Stay((joined_ms,), (), left_ms)
    return Visitor(uid, roles[0], rtc.LINUX, rng.choice(SERVICES), None, (stay,))


def _stays(rng: Random, begins_ms: int, *, turning: bool, closed: bool) -> Iterator[Stay]:
    """One to four stays; all but the last are cut short by the network, and the last may have no end."""
    at_ms = begins_ms + rng.randrange(4_000)
    count = rng.randint(1, 4)
    for place in range(count):
        last = place == count - 1
        reason = QUIT if last else rng.choice(RECONNECTING)
        stay = _stay(rng, at_ms, turning=turning, reason=reason)
        yield stay if closed or not last else Stay(stay.joins_ms, stay.turns_ms, None)
        at_ms = (stay.leaves_ms or 0) + rng.randint(STEP_MS, rng.choice((800, 8_000)))


def _stay(rng: Random, at_ms: int, *, turning: bool, reason: int) -> Stay:
    steps = [at_ms]
    for _ in range(rng.randint(1, 4)):
        steps.append(steps[-1] + rng.randint(STEP_MS, rng.choice((800, 6_000, 12_000))))
    joined_ms, *between, left_ms = steps
    again = between[:1] if rng.random() < 0.3 else []  # the SDK reconnects before the leave is noticed (F3)
    return Stay((joined_ms, *again), tuple(between[len(again) :]) if turning else (), left_ms, reason)

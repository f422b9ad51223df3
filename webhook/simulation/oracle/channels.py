"""What must be said of an RTC channel after some of its notifications (contract.md, section 4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple
from urllib.parse import quote

from webhook.simulation.oracle.copies import distinct
from webhook.simulation.truth import ChannelTruth, Line, UserTruth

RTC = 1  # productId
CREATED, DESTROYED = 101, 102
LEAVES = frozenset({104, 106, 108})
TURNS = frozenset({111, 112})
RECONNECTING = frozenset({4, 9, 10, 99})  # reason
ROLES = {103: "broadcaster", 104: "broadcaster", 111: "broadcaster", 107: "communication", 108: "communication"}
APPLET = 8  # the one clientType of section 6 that people use
DEFAULT_PROJECT = "default"


class Life(NamedTuple):
    """One life of a channel, from a second since 1970 on, and whether it is still open."""

    from_s: int
    is_open: bool


def fold_channel(told: Sequence[Line], project: str = DEFAULT_PROJECT) -> ChannelTruth:
    """The truth after `told`, at least one, of a channel of `project`."""
    channel = told[0].payload["channelName"]
    life = newest_life(told)
    is_first = not any(_at_s(line) <= life.from_s and line.event_type == DESTROYED for line in told)
    by_user = _by_user(told)
    own = {uid: _within(words, life, is_first=is_first) for uid, words in by_user.items()}
    return ChannelTruth(
        sid=channel_sid(channel, project),
        product="rtc",
        channel=channel,
        state="live" if life.is_open else "ended",
        exit_status=None if life.is_open else "normal",
        distinct=distinct(told),
        users={uid: _user(by_user[uid], words) for uid, words in own.items() if words},
        reconnects=sum(map(_reconnects, own.values())),
        seconds=_seconds(line for words in own.values() for line in words),
    )


def channel_sid(channel: str, project: str = DEFAULT_PROJECT) -> str:
    """The id of a channel's session in a project."""
    return f"rtc:{project}:{quote(channel, safe='').replace('.', '%2E').replace('~', '%7E')}"


def newest_life(told: Sequence[Line]) -> Life:
    """The newest life, cut by all 101 and 102 that are known; at one second 102 comes before 101.

    What was lost shows in the users: whoever joins or changes role after a 102 is in a newer life.
    """
    cuts = sorted({(_at_s(line), line.event_type == CREATED) for line in told if not _of_user(line)})
    words = sorted(_at_s(line) for line in told if _of_user(line))
    if not cuts:
        return Life(words[0], is_open=True)
    cut_s, created = cuts[-1]
    if created:
        return Life(cut_s, is_open=True)
    signs = [_at_s(line) for line in told if _of_user(line) and line.event_type not in LEAVES and _at_s(line) > cut_s]
    return Life(min(signs), is_open=True) if signs else Life(_began_s(cuts, words), is_open=False)


def _began_s(cuts: Sequence[tuple[int, bool]], words: Iterable[int]) -> int:
    """When the life began that the last cut ended: at its 101, else with the first word after the cut before."""
    before_s, created = cuts[-2] if len(cuts) > 1 else (0, False)
    if created:
        return before_s
    return min((at_s for at_s in words if before_s < at_s < cuts[-1][0]), default=cuts[-1][0])


def _of_user(line: Line) -> bool:
    return line.event_type not in (CREATED, DESTROYED)


def _at_s(line: Line) -> int:
    at_s: int = line.payload["ts"]
    return at_s


def _role(line: Line) -> str:
    return ROLES.get(line.event_type, "audience")


def _by_user(told: Sequence[Line]) -> dict[str, list[Line]]:
    """Every user's notifications, ascending by clientSeq: a greater one is newer, whenever it comes (section 6)."""
    by_user: dict[str, list[Line]] = {}
    for line in sorted(filter(_of_user, told), key=lambda line: int(line.payload["clientSeq"])):
        by_user.setdefault(str(line.payload["uid"]), []).append(line)
    return by_user


def _within(words: Sequence[Line], life: Life, *, is_first: bool) -> list[Line]:
    """What a user said in a life. In its first second a leave is of the life before, if any, until the user came."""
    own: list[Line] = []
    for line in words:
        at_once = _at_s(line) == life.from_s and (is_first or bool(own) or line.event_type not in LEAVES)
        if _at_s(line) > life.from_s or at_once:
            own.append(line)
    return own


def _user(words: Sequence[Line], own: Sequence[Line]) -> UserTruth:
    last = words[-1]
    return UserTruth(
        role=_role(last),
        account=_told(words, "account"),
        service=_told(words, "clientType") not in (None, APPLET),
        left_s=_at_s(last) if last.event_type in LEAVES else None,
        seconds=_seconds(own).total(),
    )


def _reconnects(words: Sequence[Line]) -> int:
    """How often the user's SDK lost the channel in it and joined again, whatever its role became meanwhile."""
    stays = [line for line in words if line.event_type not in TURNS]
    return sum(
        before.event_type in LEAVES and before.payload.get("reason") in RECONNECTING and after.event_type not in LEAVES
        for before, after in pairwise(stays)
    )


def _told(words: Sequence[Line], field: str) -> Any:
    return next((line.payload[field] for line in reversed(words) if field in line.payload), None)


def _seconds(told: Iterable[Line]) -> Counter[str]:
    """The durations that leaves tell, by the role in which the user left."""
    stayed: Counter[str] = Counter()
    for line in told:
        if line.event_type in LEAVES:
            stayed[_role(line)] += line.payload["duration"]
    return stayed

"""Builders of RTC notifications, and a writer of whole channels that knows who is there in the end."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.build import AT_MS, Notification, fold
from webhook.domain.rtc.state import Channel
from webhook.domain.session import Session

NAME = "room-7"
ID = f"rtc:default:{NAME}"
UID = "7"
SERVICES = (3, 10, 28, 30, 43, 47, 48, 50, 60, 68)
RECONNECTING = (4, 9, 10, 99)
CREATED, DESTROYED = 101, 102
JOINED = {"broadcaster": 103, "audience": 105, "communication": 107}
LEFT = {"broadcaster": 104, "audience": 106, "communication": 108}
BECAME = {"broadcaster": 111, "audience": 112}


def event(event_type: int, second: int = 0, *, channel: Any = NAME, **payload: Any) -> Notification:
    """An RTC notification of something that happened `second` seconds after the beginning of tests."""
    content = {"channelName": channel, "ts": AT_MS // 1000 + second, **payload}
    return {
        "noticeId": f"{event_type}:{second}:{payload.get('uid')}:{payload.get('clientSeq')}",
        "productId": 1,
        "eventType": event_type,
        "notifyMs": AT_MS + second * 1000 + 1300,
        "payload": content,
    }


def created(second: int = 0) -> Notification:
    """101"""
    return event(CREATED, second)


def destroyed(second: int, **payload: Any) -> Notification:
    """102"""
    return event(DESTROYED, second, **payload)


def joined(second: int, seq: Any, uid: Any = 7, role: str = "broadcaster", **payload: Any) -> Notification:
    """103, 105 or 107"""
    return event(JOINED[role], second, uid=uid, clientSeq=seq, **payload)


def became(role: str, second: int, seq: Any, uid: Any = 7) -> Notification:
    """111 or 112"""
    return event(BECAME[role], second, uid=uid, clientSeq=seq)


def left(
    second: int, seq: Any, uid: Any = 7, role: str = "broadcaster", *, reason: Any = 1, **payload: Any
) -> Notification:
    """104, 106 or 108"""
    return event(LEFT[role], second, uid=uid, clientSeq=seq, **{"reason": reason, "duration": 60, **payload})


def folded(*said: Notification | bytes) -> Session:
    """The session that one batch makes."""
    return fold(*said, sid=ID)


def channel(*said: Notification) -> Channel:
    """What is special to it."""
    state = folded(*said).state
    assert isinstance(state, Channel)
    return state


class Call:
    """A channel as Agora tells of it: lives, reconnects, roles, services, words told again. Seconds often tie.

    `there` are the uids present in the end, `open` says whether the last life is. Equal chance gives an equal channel.
    """

    def __init__(self, random: Random, most_lives: int = 3) -> None:
        self.random = random
        self.second = 0
        self.lines: list[Notification] = []
        self.there: dict[str, str] = {}
        self.open = False
        self.users: list[Any] = random.sample(
            [1, 12, 2**31 + 5, 2**32 - 1, "alice", "7", 90, 501], random.randint(2, 5)
        )
        self.sequences = {str(uid): random.choice((1, 1_625_051_030_746, 2**64 - 100_000)) for uid in self.users}
        self.clients = {str(uid): random.choice((None, None, *SERVICES)) for uid in self.users}
        for _ in range(random.randint(1, most_lives)):
            self.live()
            if random.random() < 0.7:
                self.end()
            if self.open:
                break

    def live(self) -> None:
        self.lines.append(created(self.second))
        self.open = True
        for _ in range(self.random.randint(1, 14)):
            self.second += self.random.choice((0, 0, 1, 5, 70))
            self.step(self.random.choice(self.users))
        self.second += 1

    def step(self, uid: Any) -> None:
        role = self.there.get(str(uid))
        if role is None:
            self.join(uid)
        elif self.random.random() < 0.3 and role in BECAME:
            self.change_role(uid)
        elif self.random.random() < 0.5:
            self.reconnect(uid)
        else:
            self.leave(uid, role)

    def join(self, uid: Any) -> None:
        role = self.random.choice(tuple(JOINED))
        self.tell(JOINED[role], uid, **self.client(uid))
        self.there[str(uid)] = role

    def change_role(self, uid: Any) -> None:
        role = self.random.choice(tuple(BECAME))
        self.tell(BECAME[role], uid)
        self.there[str(uid)] = role

    def reconnect(self, uid: Any) -> None:
        role = self.there[str(uid)]
        if self.random.random() < 0.5:  # else the leave is never told
            self.leave(uid, role, self.random.choice(RECONNECTING))
        self.tell(JOINED[role], uid, **self.client(uid))
        self.there[str(uid)] = role

    def leave(self, uid: Any, role: str, reason: int | None = None) -> None:
        code = self.random.choice((0, 1, 2, 3, 5, 12, 999, 77)) if reason is None else reason
        duration = self.random.randint(0, 5000)
        self.tell(LEFT[role], uid, reason=code, duration=duration, **self.client(uid))
        if self.random.random() < 0.3:  # redundant, and not quite the same
            again = self.lines[-1]
            payload = again["payload"] | {"duration": duration + self.random.randint(0, 2), "extra": 1}
            self.lines.append(again | {"noticeId": f"{again['noticeId']}:again", "payload": payload})
        del self.there[str(uid)]

    def client(self, uid: Any) -> dict[str, Any]:
        kind = self.clients[str(uid)]
        return {"platform": 6, "clientType": kind} if kind else {"platform": 7, "account": f"name of {uid}"}

    def tell(self, event_type: int, uid: Any, **payload: Any) -> None:
        self.sequences[str(uid)] += self.random.choice((1, 1, 40))
        self.lines.append(event(event_type, self.second, uid=uid, clientSeq=self.sequences[str(uid)], **payload))

    def end(self) -> None:
        for uid in self.users:
            if str(uid) in self.there:
                self.leave(uid, self.there[str(uid)])
        self.second += self.random.choice((0, 3))
        self.lines.append(destroyed(self.second, lastUid=self.users[0]))
        self.open = False
        self.second += self.random.choice((1, 90))

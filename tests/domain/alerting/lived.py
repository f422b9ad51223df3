"""Sessions that live by chance: what recorders and RTC tell of them, at whole seconds, with all that rules look at."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.build import audio as audio_of
from tests.build import (
    backed_up,
    exited,
    failed_over,
    left,
    notification,
    progressed,
    snapshot,
    started,
    uploaded,
    video,
)
from tests.domain.alerting.watched import Step, joined, quits, told

USERS = ("123", "456", "789")


class Lived:
    """One session, told in the order of sending and received late by chance. Equal chance gives an equal session."""

    def __init__(self, random: Random) -> None:
        self.random, self.second, self.sequence, self.seq = random, 0, 0, 0
        self.recorder = "1001"
        self.steps: list[Step] = []
        self.users = USERS[: random.randint(1, 3)]
        self.has_rtc = random.random() < 0.6
        self.tell(started)
        for uid in self.users:
            self.stream(0, uid)
            if self.has_rtc:
                self.presence(uid)
        for _ in range(random.randint(3, 25)):
            self.second += random.choice((0, 1, 1, 3, 8, 40, 130))
            self.happen()
        if random.random() < 0.5:
            self.end()

    def happen(self) -> None:
        uid = self.random.choice(self.users)
        kinds = [self.change, self.change, self.change, self.shoot, self.shoot, self.oddity]
        if self.random.random() < 0.02:
            kinds = [self.fail_over]
        if self.has_rtc:
            kinds.append(self.presence)
        self.random.choice(kinds)(uid)

    def change(self, uid: str) -> None:
        self.stream(self.random.choice((0, 1)), uid)

    def stream(self, state: int, uid: str) -> None:
        self.tell(self.random.choice((video, video, audio_of)), state, uid)

    def shoot(self, uid: str) -> None:
        self.tell(snapshot, uid)

    def presence(self, uid: str) -> None:
        self.seq += 1
        late = self.late()
        if self.random.random() < 0.5:
            self.steps.append(joined(self.second, uid, self.seq, late))
        else:
            self.steps.append(quits(self.second, self.random.choice((1, 1, 2, 10, 999)), uid, self.seq, late))

    def fail_over(self, uid: str) -> None:
        for successor in ("2002", "3003", "4004")[: self.random.randint(1, 3)]:
            self.tell(failed_over, successor)

    def oddity(self, uid: str) -> None:
        result, status = self.random.choice(("all_success", "fail")), self.random.choice(("publishing", "disconnected"))
        kinds: list[tuple[Any, ...]] = [
            (progressed, self.random.choice((0, 4000, 4000, 10_000))),
            (notification, 1, {"module": 1, "errorLevel": self.random.choice((3, 4, 5)), "errorCode": 47}),
            (notification, 81, {"result": result}),
            (notification, 72, {"limitType": "WebGL"}),
            (notification, 90, {"fileName": "a.ts"}),
            (notification, 100, {"rtmpUrl": "rtmp://a/b", "status": status}),
            (failed_over, "2002"),
        ]
        self.tell(*self.random.choice(kinds))

    def end(self) -> None:
        endings: list[tuple[Any, ...]] = [(left, self.random.choice((0, 4, 16)))]
        endings += [(exited, self.random.choice((0, 0, 1))), (uploaded, "a"), (backed_up, "a")]
        for ending in endings:
            self.second += self.random.choice((0, 1, 60))
            if self.random.random() < 0.6:
                self.tell(*ending)

    def tell(self, build: Any, *said: Any) -> None:
        self.sequence += self.random.choice((1, 1, 1, 1, 1, 2))
        late = self.late()
        self.steps.append(told(self.second, build, *said, late=late, recorder=self.recorder, sequence=self.sequence))

    def late(self) -> int:
        return self.random.choice((0, 0, 0, 0, 1, 2, 15, 100, -3))


def shuffled(steps: list[Step], random: Random) -> list[Step]:
    """The same notifications, some of them told twice, received in any order within the minutes after the last."""
    end = max(second for second, _ in steps)
    copies = [said for _, said in steps for _ in range(random.choice((1, 1, 1, 2)))]
    return [(end + random.randint(0, 300), said) for said in random.sample(copies, len(copies))]

"""Tellings as a drain leaves them in an outbox, sinks that note what they got, and a deliverer whose time is given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from redis import Redis

from webhook.domain.alerting.alerts import Severity
from webhook.domain.alerting.delivery import Batch, Note, SinkState
from webhook.domain.alerting.telling import Telling, Transition
from webhook.domain.errors import DeliveryError
from webhook.store.keys import ShardKeys, SinkKeys
from webhook.store.outbox import Outbox
from webhook.store.sinks import state_of
from workers.deliver import Deliverer

NOW = 1_764_000_000_000
SINK = "ops"
FIRING, REPEAT, RESOLVED = Transition.FIRING, Transition.REPEAT, Transition.RESOLVED
OWN = ("waiting", "outbox", "sealed", "batches", "busy", "failed", "failures")  # keys of one sink in one shard


def telling(alert: str = "a1", transition: Transition = FIRING, decided_ms: int = NOW - 1000, **more: Any) -> Telling:
    """One of session `s-<alert>` in the channel `group`."""
    number = more.get("number", 0)
    fixed: dict[str, Any] = {
        "key": f"{alert}:{transition.value}{f'-{number}' if number else ''}",
        "sink": SINK,
        "group": "default/lobby",
        "rule": "video_stopped",
        "severity": Severity.WARNING,
        "first_severity": Severity.WARNING,
        "labels": {"session": f"s-{alert}", "channel": "lobby", "project": "default"},
        "summary": f"{alert} is wrong",
        "meaning": "m",
        "action": "a",
        "started_ms": NOW - 5000,
    }
    return Telling(alert_id=alert, transition=transition, decided_ms=decided_ms, **fixed | more)


def put(redis: Redis, *tellings: Telling, shard: int = 0) -> None:
    """As the drain's commit does."""
    of = ShardKeys(shard)
    with redis.pipeline(transaction=True) as pipe:
        for each in tellings:
            pipe.hset(of.outbox(each.sink), each.key, msgspec.json.encode(each))
            pipe.zadd(of.waiting(each.sink), {each.key: each.due_ms})
        pipe.execute()


class Killed(BaseException):
    """The process ends here."""


class Taking:
    """A sink that notes what it got, after it asked `answer` how to end the attempt; that may raise."""

    name = SINK
    most = 100

    def __init__(self, answer: Callable[[Batch], None] = lambda _: None) -> None:
        self.answer = answer
        self.attempts: list[Batch] = []
        self.got: list[Batch] = []
        self.seconds: list[float] = []

    def send(self, batch: Batch, seconds: float = 8.0) -> None:
        self.attempts.append(batch)
        self.seconds.append(seconds)
        self.answer(batch)
        self.got.append(batch)

    @property
    def keys(self) -> list[str]:
        """The delivery keys in the order in which they were taken."""
        return [each.key for batch in self.got for each in batch.tellings]


def refuse(permanent: bool = False, retry_after: float | None = None) -> Callable[[Batch], None]:
    def answer(_: Batch) -> None:
        raise DeliveryError("HTTP 500", permanent=permanent, retry_after=retry_after)

    return answer


class Delivery:
    """One sink's deliverer by the test's clock, on two shards."""

    def __init__(
        self, redis: Redis, sink: Taking | None = None, kind: type[Outbox] = Outbox, holder: str = "one"
    ) -> None:
        self.redis, self.sink = redis, sink or Taking()
        self.outbox = kind(redis, SINK, 2, holder)
        self.now_ms = NOW
        self.acquired = self.outbox.lease.acquire()
        self.deliverer = Deliverer(self.outbox, self.sink, chance=lambda: 0.0)

    def run(self, at_ms: int | None = None, steps: int = 100) -> int | None:
        """Steps at one moment until there is nothing to do at it; when there is something to do next."""
        self.now_ms = self.now_ms if at_ms is None else at_ms
        for _ in range(steps):
            next_ms = self.deliverer.step(self.now_ms)
            if next_ms is None or next_ms > self.now_ms:
                return next_ms
        raise AssertionError(f"still work after {steps} steps")

    def again(self, kind: type[Outbox] = Outbox) -> Delivery:
        """Another worker, after the lease of this one has ended."""
        self.redis.delete(SinkKeys(SINK).lease)
        other = Delivery(self.redis, self.sink, kind, "other")
        other.now_ms = self.now_ms
        return other

    @property
    def state(self) -> SinkState:
        return state_of(self.redis.hgetall(SinkKeys(SINK).state))

    def note(self, alert: str, transition: Transition = FIRING, shard: int = 0) -> Note | None:
        stored = self.redis.hget(ShardKeys(shard).deliveries(f"s-{alert}"), f"{alert}|{SINK}|{transition.value}")
        return None if stored is None else msgspec.json.decode(stored, type=Note)


def left(redis: Redis, *names: str) -> list[str]:
    """The keys of the sink that hold anything, of these names or of all."""
    wanted = [getattr(ShardKeys(shard), name)(SINK) for shard in range(2) for name in names or OWN]
    return [key for key in wanted if redis.exists(key)]


def batches(redis: Redis, name: str = "batches", shard: int = 0) -> list[Batch]:
    found: Any = redis.hvals(getattr(ShardKeys(shard), name)(SINK))
    return sorted((msgspec.json.decode(each, type=Batch) for each in found), key=lambda batch: batch.id)

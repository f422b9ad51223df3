"""What one sink has to be told, in every shard: it waits, is sealed into batches, attempted, and settled.

A sink that is not configured any more keeps what it has: nobody looks at it until it is configured again.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct
from redis import Redis

from webhook.domain.alerting.delivery import Batch, Outcome, Result, field_of, notes, session_of
from webhook.domain.alerting.telling import TOGETHER_MS, Telling, Transition
from webhook.store.connection import server_now_ms, store_errors
from webhook.store.keys import ShardKeys
from webhook.store.scripts import source
from webhook.store.sinks import Heads, Place, SinkLease, read_heads

MOST_DUE = 500  # tellings of a shard that are looked at at once
UNREADABLE_MS = 600_000  # until what cannot be read is looked at again: a later release may be able to
NOTES_TTL = 30 * 86_400  # seconds
MOST_NOTES = 4000  # of a session
FAILED_MS = 30 * 86_400_000
MOST_FAILED = 1000  # of a sink and shard

log = logging.getLogger(__name__)
_batch = msgspec.json.Decoder(Batch)
_telling = msgspec.json.Decoder(Telling)


class DueTellings(Struct, frozen=True):
    """What a shard has to tell now or soon, without what waits for a batch that is under way.

    `unfired` are those of its alerts whose firing was given up.
    """

    tellings: list[Telling]
    unfired: set[str]


class Outbox:
    """The outbox of one sink as its one deliverer sees it, while it holds the lease. All methods raise StoreError."""

    def __init__(self, redis: Redis, sink: str, shards: int, token: str) -> None:
        self.sink = sink
        self.lease = SinkLease(redis, sink, token)
        self._redis = redis
        self._keys = [ShardKeys(shard) for shard in range(shards)]
        self._seal = redis.register_script(source("seal"))
        self._claim = redis.register_script(source("claim"))
        self._settle = redis.register_script(source("settle"))

    def now_ms(self) -> int:
        """The server's clock."""
        with store_errors("reading the server's clock"):
            return server_now_ms(self._redis)

    def look(self) -> Heads:
        """What there is to do first."""
        return read_heads(self._redis, [self.sink], len(self._keys))[self.sink]

    def due(self, shard: int, now_ms: int) -> DueTellings:
        """The tellings of `shard` that are due, and those that may go with them; at most MOST_DUE, the first due first.

        Those that have to wait for a batch are put off until its next attempt.
        """
        of = self._keys[shard]
        with store_errors(f"reading the outbox of sink {self.sink}"):
            found: Any = self._redis.zrangebyscore(of.waiting(self.sink), "-inf", now_ms + TOGETHER_MS, 0, MOST_DUE)
            if not found:
                return DueTellings([], set())
            names = [name.decode() for name in found]
            with self._redis.pipeline(transaction=False) as pipe:
                pipe.hmget(of.outbox(self.sink), names)
                pipe.hmget(of.busy(self.sink), [_alert_of(name) for name in names])
                stored, busy = pipe.execute()
            free = self._put_off(of, names, busy, now_ms)
            tellings = self._readable(of, [each for each in zip(names, stored, strict=True) if each[0] in free], now_ms)
            return DueTellings(tellings, self._unfired(of, tellings))

    def seal(self, shard: int, batch: Batch) -> bool:
        """Makes a batch of what waits; False, with nothing changed, where somebody was faster."""
        of, sink = self._keys[shard], self.sink
        keys = [of.waiting(sink), of.outbox(sink), of.sealed(sink), of.batches(sink), of.busy(sink)]
        names = [telling.key for telling in batch.tellings]
        words: list[Any] = [batch.id, msgspec.json.encode(batch), batch.sealed_ms, len(names), *names, *batch.alerts]
        with store_errors(f"sealing a batch for sink {sink}"):
            return bool(self._seal(keys=keys, args=words))

    def read(self, place: Place, now_ms: int) -> Batch | None:
        """The batch; None where there is none any more, or none that can be read, which is then put off."""
        of = self._keys[place.shard]
        with store_errors(f"reading a batch for sink {self.sink}"):
            stored: Any = self._redis.hget(of.batches(self.sink), place.batch)
            try:
                return _batch.decode(stored or b"")
            except msgspec.MsgspecError as failure:
                log.error("batch %s for sink %s cannot be read: %s", place.batch, self.sink, failure)
                self._redis.zadd(of.sealed(self.sink), {place.batch: now_ms + UNREADABLE_MS}, xx=True)
                return None

    def claim(self, shard: int, batch: Batch, next_ms: int) -> bool:
        """Begins an attempt, which `batch` counts already; False where somebody else did. If it is never settled, there
        is another one at `next_ms`.
        """
        of = self._keys[shard]
        words: list[Any] = [batch.id, batch.attempts, batch.sealed_ms, msgspec.json.encode(batch), next_ms]
        with store_errors(f"claiming a batch for sink {self.sink}"):
            return bool(self._claim(keys=[of.sealed(self.sink), of.batches(self.sink)], args=words))

    def settle(self, shard: int, outcome: Outcome, now_ms: int) -> bool:
        """Ends the attempt that `outcome` is of; False, with nothing changed, where another one began since."""
        of, sink, batch = self._keys[shard], self.sink, outcome.batch
        told = notes(outcome, now_ms)
        own = [of.sealed(sink), of.batches(sink), of.busy(sink), of.failed(sink), of.failures(sink)]
        at_ms = outcome.next_ms if outcome.result is Result.FAILED else now_ms
        words: list[Any] = [
            batch.id,
            batch.attempts,
            batch.sealed_ms,
            msgspec.json.encode(batch),
            outcome.result.value,
            at_ms,
        ]
        words += [now_ms - FAILED_MS, MOST_FAILED, NOTES_TTL, MOST_NOTES, len(batch.alerts), *batch.alerts]
        for by_field in told.values():
            words += [2 * len(by_field)]
            words += [word for field, note in by_field.items() for word in (field, msgspec.json.encode(note))]
        with store_errors(f"settling a batch for sink {sink}"):
            return bool(self._settle(keys=[*own, *map(of.deliveries, told)], args=words))

    def _put_off(self, of: ShardKeys, names: Sequence[str], busy: Sequence[bytes | None], now_ms: int) -> set[str]:
        """The names whose alerts are in no batch. The others are looked at again when theirs is attempted."""
        batches = sorted({batch.decode() for batch in busy if batch is not None})
        scores: Any = self._redis.zmscore(of.sealed(self.sink), batches) if batches else []
        next_ms = {
            batch.encode(): int(score) for batch, score in zip(batches, scores, strict=True) if score is not None
        }
        held = {name: next_ms[batch] for name, batch in zip(names, busy, strict=True) if batch in next_ms}
        later = {name: at_ms for name, at_ms in held.items() if at_ms > now_ms}
        if later:
            self._redis.zadd(of.waiting(self.sink), later, xx=True, gt=True)
        return set(names) - held.keys()

    def _readable(self, of: ShardKeys, stored: Sequence[tuple[str, Any]], now_ms: int) -> list[Telling]:
        """Those that can be read. The others are put off, so that nobody has to wait behind them."""
        tellings: list[Telling] = []
        for name, value in stored:
            try:
                tellings.append(_telling.decode(value or b""))
            except msgspec.MsgspecError as failure:
                log.error("telling %s for sink %s cannot be read: %s", name, self.sink, failure)
                self._redis.zadd(of.waiting(self.sink), {name: now_ms + UNREADABLE_MS}, xx=True)
        return tellings

    def _unfired(self, of: ShardKeys, tellings: Sequence[Telling]) -> set[str]:
        later = [telling for telling in tellings if telling.transition is not Transition.FIRING]
        if not later:
            return set()
        with self._redis.pipeline(transaction=False) as pipe:
            for telling in later:
                pipe.hget(of.deliveries(session_of(telling)), field_of(telling, Transition.FIRING))
            answers = pipe.execute()
        return {telling.alert_id for telling, note in zip(later, answers, strict=True) if is_dead(note)}


def is_dead(note: bytes | None) -> bool:
    """Whether a stored note says that a transition was given up."""
    return note is not None and bool(msgspec.json.decode(note).get("result") == Result.DEAD)


def _alert_of(name: str) -> str:
    """The alert that a delivery key names."""
    return name.rpartition(":")[0]

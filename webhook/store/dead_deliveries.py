"""Deliveries that were given up, as readers see them, and having them attempted again; and how all sinks are."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from redis import Redis

from webhook.domain.alerting.delivery import UNFIRED, Batch, SinkState, field_of, session_of
from webhook.domain.alerting.telling import Transition
from webhook.store.connection import server_now_ms, store_errors
from webhook.store.keys import ShardKeys, SinkKeys
from webhook.store.outbox import FAILED_MS, is_dead
from webhook.store.paging import Cursor, Pager, Row, Span
from webhook.store.scripts import source
from webhook.store.sinks import ask_heads, heads_of

MOST_REPLAYED = 500  # by one request


class DeadDelivery(Struct, frozen=True):
    """One batch that was given up, and where it is kept."""

    shard: int
    batch: Batch

    @property
    def id(self) -> str:
        """What it is called outside."""
        return f"{self.shard}.{self.batch.id}"


class DeadPage(Struct, frozen=True):
    """Dead deliveries, last given up first, and where the next page begins; None at the end."""

    items: list[DeadDelivery]
    next: Cursor | None


class Fate(StrEnum):
    """What became of a dead delivery that was asked to be attempted again."""

    REPLAYED = "replayed"
    BUSY = "busy"  # another delivery of one of its alerts is under way
    UNFIRED = "unfired"  # the sink would be told of the end of what it was never told of
    GONE = "gone"


class Replayed(Struct, frozen=True):
    """The fate of one of them, by the name that it is called outside."""

    id: str
    fate: Fate
    detail: str = ""


DETAILS = {
    Fate.BUSY: "another delivery of one of its alerts is under way; try again when that is settled",
    Fate.UNFIRED: f"{UNFIRED}; replay that first",
    Fate.GONE: "there is no such dead delivery; it was replayed or forgotten, or never was one",
}


class SinkFigures(Struct, frozen=True, kw_only=True):
    """How a sink is. `waiting` counts tellings that are in no batch yet, and alerts of which a batch is under way."""

    state: SinkState
    next_ms: int | None
    waiting: int
    dead: int
    delivered: int


class DeadDeliveries:
    """The dead deliveries of one sink. All methods raise StoreError."""

    def __init__(self, redis: Redis, sink: str, shards: int) -> None:
        self._redis, self._sink = redis, sink
        self._keys = [ShardKeys(shard) for shard in range(shards)]
        self._pager = Pager(redis)
        self._replay = redis.register_script(source("replay_failed"))

    def page(self, limit: int, cursor: Cursor | None) -> DeadPage:
        """At most `limit` of them, last given up first; none older than 30 days."""
        least = self._now_ms() - FAILED_MS
        indexes = [(of.shard, of.failed(self._sink)) for of in self._keys]
        rows = self._pager.rows(indexes, Span(cursor, least, None, limit + 2))
        rest = [row for row in rows if cursor is None or not cursor.ends_with(row)]
        last = rest[limit - 1] if len(rest) > limit else None
        return DeadPage(self._load(rest[:limit]), None if last is None else Cursor(last.score, last.member))

    def replay(self, names: Sequence[str] | None) -> list[Replayed]:
        """Has those that are called `names` attempted again, or, without, the MOST_REPLAYED given up last; in the order
        in which they were decided, so that a firing comes before what follows.
        """
        found = self._find(names) if names is not None else self.page(MOST_REPLAYED, None).items
        fates = {letter.id: self._replay_one(letter) for letter in sorted(found, key=_decided)}
        fates = {name: Fate.GONE for name in names or () if name not in fates} | fates
        return [Replayed(name, fate, DETAILS.get(fate, "")) for name, fate in fates.items()]

    def _replay_one(self, letter: DeadDelivery) -> Fate:
        if self._is_unfired(letter):
            return Fate.UNFIRED
        of, sink, now_ms = self._keys[letter.shard], self._sink, self._now_ms()
        fresh = replace(letter.batch, sealed_ms=now_ms, attempts=0, error=None, given_up_ms=None)
        keys = [of.failed(sink), of.failures(sink), of.sealed(sink), of.batches(sink), of.busy(sink)]
        words: list[Any] = [fresh.id, msgspec.json.encode(fresh), now_ms, *fresh.alerts]
        with store_errors(f"replaying a delivery to sink {sink}"):
            answer: Any = self._replay(keys=keys, args=words)
        return {1: Fate.REPLAYED, 0: Fate.GONE}.get(int(answer), Fate.BUSY)

    def _is_unfired(self, letter: DeadDelivery) -> bool:
        tellings = letter.batch.tellings
        fired = {telling.alert_id for telling in tellings if telling.transition is Transition.FIRING}
        later = [telling for telling in tellings if telling.alert_id not in fired]
        deliveries = self._keys[letter.shard].deliveries
        with store_errors("reading deliveries"), self._redis.pipeline(transaction=False) as pipe:
            for telling in later:
                pipe.hget(deliveries(session_of(telling)), field_of(telling, Transition.FIRING))
            return any(map(is_dead, pipe.execute()))

    def _find(self, names: Sequence[str]) -> list[DeadDelivery]:
        parts = [name.partition(".") for name in dict.fromkeys(names)]
        shards = {str(of.shard): of.shard for of in self._keys}
        return self._load([Row(0, batch, shards[shard]) for shard, _, batch in parts if shard in shards])

    def _load(self, rows: Sequence[Row]) -> list[DeadDelivery]:
        with store_errors("reading dead deliveries"), self._redis.pipeline(transaction=False) as pipe:
            for row in rows:
                pipe.hget(self._keys[row.shard].failures(self._sink), row.member)
            stored = pipe.execute()
        found = ((row.shard, _decode(value)) for row, value in zip(rows, stored, strict=True))
        return [DeadDelivery(shard, batch) for shard, batch in found if batch is not None]

    def _now_ms(self) -> int:
        with store_errors("reading the server's clock"):
            return server_now_ms(self._redis)


def sink_figures(redis: Redis, sinks: Sequence[str], shards: int) -> dict[str, SinkFigures]:
    """How each sink is, in one pipeline. Raises StoreError."""
    with store_errors("reading sinks"), redis.pipeline(transaction=False) as pipe:
        for sink in sinks:
            ask_heads(pipe, sink, shards)
            pipe.hget(SinkKeys(sink).counts, "delivered")
            for of in map(ShardKeys, range(shards)):
                pipe.zcard(of.waiting(sink))
                pipe.hlen(of.busy(sink))
                pipe.zcard(of.failed(sink))
        answers = pipe.execute()
    width = 2 + 5 * shards
    return {sink: _figures(answers[at * width : (at + 1) * width], shards) for at, sink in enumerate(sinks)}


def _figures(answers: Sequence[Any], shards: int) -> SinkFigures:
    heads, (delivered, *sizes) = heads_of(answers[: 1 + 2 * shards]), answers[1 + 2 * shards :]
    return SinkFigures(
        state=heads.state,
        next_ms=heads.next_ms,
        waiting=sum(sizes[0::3]) + sum(sizes[1::3]),
        dead=sum(sizes[2::3]),
        delivered=int(delivered or 0),
    )


def _decided(letter: DeadDelivery) -> int:
    return min(telling.decided_ms for telling in letter.batch.tellings)


def _decode(value: Any) -> Batch | None:
    try:
        return None if value is None else msgspec.json.decode(value, type=Batch)
    except msgspec.MsgspecError:  # a later release's
        return None

"""The inboxes: one Redis stream a shard, where a notification is durable before it is acknowledged."""

from __future__ import annotations

import zlib

from msgspec import Struct
from redis import Redis

from webhook.domain.arrivals import Arrival, Kind
from webhook.domain.errors import StoreError
from webhook.store.connection import claim_shards, store_errors
from webhook.store.keys import ShardKeys
from webhook.store.scripts import source

PENDING_MS = 3000  # a wake-up that did not arrive by then is sent again by the sweep


class Appended(Struct, frozen=True):
    """Where a notification was kept, and whether the shard's drain has to be woken."""

    shard: int
    wake: bool


class Inbox:
    """Appends notifications. Safe to share between greenlets and threads."""

    def __init__(self, redis: Redis, shards: int, most: int) -> None:
        self._shards = [ShardKeys(shard) for shard in range(shards)]
        self._most = share_of(most, shards)
        self._append = redis.register_script(source("append"))
        self._redis = redis
        self._claimed = False

    def append(self, routing_key: str, arrival: Arrival) -> Appended:
        """Keeps `arrival` in the inbox of its shard. Raises StoreError when it is not certain to be kept."""
        self._claim()
        shard = shard_of(routing_key, len(self._shards))
        keys = self._shards[shard]
        with store_errors(f"appending to the inbox of shard {shard}"):
            kept = self._append(keys=[keys.inbox, keys.pending], args=[self._most, PENDING_MS, *to_fields(arrival)])
        if not kept:
            raise StoreError(
                f"the inbox of shard {shard} holds {self._most} notifications, its share of VIGIL_INBOX_MAX"
            )
        return Appended(shard, wake=kept[1] == 1)

    def _claim(self) -> None:
        # once a process: with another number of shards the workers would not find what is appended here
        if not self._claimed:
            claim_shards(self._redis, len(self._shards))
            self._claimed = True


def share_of(inbox_max: int, shards: int) -> int:
    """How many notifications the inbox of one shard holds at most."""
    return max(1, inbox_max // shards)


def shard_of(routing_key: str, shards: int) -> int:
    """The shard of a routing key; the same in every process and release."""
    return zlib.crc32(routing_key.encode("utf-8", "surrogatepass")) % shards


def to_fields(arrival: Arrival) -> list[str | int | bytes]:
    """The fields of a stream entry, names and values in turn."""
    common: list[str | int | bytes] = ["r", arrival.receipt, "s", arrival.source, "p", arrival.project]
    kind: list[str | int | bytes] = [] if arrival.kind is Kind.NOTIFICATION else ["k", arrival.kind.value]
    return [*common, "v", arrival.signature, "b", arrival.body, *kind]


def from_fields(fields: dict[bytes, bytes]) -> Arrival:
    """The arrival that `to_fields` wrote."""
    kind = Kind(fields.get(b"k", b"notification").decode())
    receipt, source, project = (fields[name].decode() for name in (b"r", b"s", b"p"))
    return Arrival(receipt, source, project, int(fields[b"v"]), fields[b"b"], kind)

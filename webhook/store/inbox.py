"""The inboxes: one Redis stream a shard, where a notification is durable before it is acknowledged."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from copy import copy
from hashlib import sha1
from typing import Any

from msgspec import Struct
from redis import Redis
from redis.exceptions import NoScriptError

from webhook.domain.arrivals import Arrival, Kind
from webhook.domain.errors import InboxFull, StoreError, Unconfirmed
from webhook.store import keys
from webhook.store.acknowledgement import Acknowledgement, Level
from webhook.store.connection import claim_shards, converse, server_now_ms, store_errors
from webhook.store.keys import ShardKeys
from webhook.store.scripts import source

PENDING_MS = 3000  # a wake-up that did not arrive by then is sent again by the sweep
SCRIPT = source("append")
SCRIPT_ID = sha1(SCRIPT.encode(), usedforsecurity=False).hexdigest()

Words = tuple[str | int | bytes, ...]
Resolve = Callable[[Redis], Acknowledgement]


def by_redis(_: Redis) -> Acknowledgement:
    """The level at which the append's own answer is enough."""
    return Acknowledgement(Level.REDIS)


class Appended(Struct, frozen=True):
    """Where a notification was kept, and whether the shard's drain has to be woken."""

    shard: int
    wake: bool


class _Known:
    """What the server was found to be able to confirm; all who append to it share this."""

    acknowledgement: Acknowledgement | None = None


class Inbox:
    """Appends notifications, and has each append confirmed as VIGIL_ACK says. Safe to share between greenlets and
    threads.

    `resolve` finds the level when the server is first asked; what it raises stands for every append until it does not.
    """

    def __init__(self, redis: Redis, shards: int, most: int, resolve: Resolve = by_redis) -> None:
        self._shards = [ShardKeys(shard) for shard in range(shards)]
        self._most = share_of(most, shards)
        self._redis = redis
        self._resolve = resolve
        self._known = _Known()

    def through(self, redis: Redis) -> Inbox:
        """The same inboxes by another client of the same server."""
        other = copy(self)
        other._redis = redis
        return other

    @property
    def level(self) -> Level | None:
        """The level in force; None before the server was first asked."""
        known = self._known.acknowledgement
        return known.level if known else None

    @property
    def wait_s(self) -> float:
        """How long the server may take to confirm an append, in seconds."""
        known = self._known.acknowledgement
        return known.wait_s if known and known.question else 0.0

    def append(self, routing_key: str, arrival: Arrival) -> Appended:
        """Keeps `arrival` in the inbox of its shard. Raises StoreError when it is not certain to be kept."""
        shard = shard_of(routing_key, len(self._shards))
        return self.append_to(shard, arrival)

    def append_all(self, arrivals: Sequence[tuple[str, Arrival]], full: set[int]) -> tuple[set[int], dict[int, int]]:
        """Appends arrivals, each with its routing key, in turn; returns the shards whose drain has to be woken, and
        the positions of those for which there was no room, with their shards.

        Nothing is sent to the shards that are `full`, to which those without room are added. What was taken counts
        as kept once `probe` has returned, on the same server. Raises StoreError; some may be there then.
        """
        self.acknowledgement()
        shards = [shard_of(key, len(self._shards)) for key, _ in arrivals]
        refused = {position: shard for position, shard in enumerate(shards) if shard in full}
        sent = [position for position in range(len(shards)) if position not in refused]
        answers = self._append([(shards[position], arrivals[position][1]) for position in sent], by_redis(self._redis))
        kept = dict(zip(sent, answers, strict=True))
        refused |= {position: shards[position] for position, answer in kept.items() if not answer}
        full.update(refused.values())
        return {shards[position] for position, answer in kept.items() if answer and answer[1] == 1}, refused

    def append_to(self, shard: int, arrival: Arrival) -> Appended:
        """Keeps `arrival` in the inbox of `shard`, as `append` does."""
        (kept,) = self._append([(shard, arrival)], self.acknowledgement())
        if not kept:
            raise InboxFull(
                f"the inbox of shard {shard} holds {self._most} notifications, its share of VIGIL_INBOX_MAX"
            )
        return Appended(shard, wake=kept[1] == 1)

    def probe(self) -> None:
        """Returns when the server takes and confirms a write, and with it all that this process wrote before.

        Raises StoreError. Where that is not for want of a confirmation, the level is asked for anew: another server
        may have taken over.
        """
        acknowledgement = self.acknowledgement()
        try:
            with store_errors("trying a write"):
                # a write that takes memory, as an append does
                _answers(self._redis, [("SET", keys.PROBE, server_now_ms(self._redis))], acknowledgement)
        except Unconfirmed:
            raise
        except StoreError:
            self._known.acknowledgement = None
            raise

    def _append(self, arrivals: Sequence[tuple[int, Arrival]], acknowledgement: Acknowledgement) -> list[Any]:
        """The script's answer to each."""
        if not arrivals:
            return []
        shards = {shard for shard, _ in arrivals}
        commands = [self._command(shard, arrival) for shard, arrival in arrivals]
        with store_errors(f"appending to the inbox of shard {', '.join(map(str, sorted(shards)))}"):
            try:
                return _answers(self._redis, commands, acknowledgement)
            except NoScriptError:  # nothing was appended: every command calls the same script
                self._redis.script_load(SCRIPT)
                return _answers(self._redis, commands, acknowledgement)

    def _command(self, shard: int, arrival: Arrival) -> Words:
        of = self._shards[shard]
        return ("EVALSHA", SCRIPT_ID, 2, of.inbox, of.pending, self._most, PENDING_MS, *to_fields(arrival))

    def acknowledgement(self) -> Acknowledgement:
        """The level in force, for which the server is asked once. Raises StoreError."""
        # once a process: with another number of shards the workers would not find what is appended here
        found = self._known.acknowledgement
        if found is None:
            claim_shards(self._redis, len(self._shards))
            found = self._known.acknowledgement = self._resolve(self._redis)
        return found


def _answers(redis: Redis, commands: Sequence[Words], acknowledgement: Acknowledgement) -> list[Any]:
    """What the server answers to `commands` once it has confirmed them. Raises RedisError, Unconfirmed."""
    question = acknowledgement.question
    if question is None:
        answers = converse(redis, commands)
        confirmed = None
    else:
        *answers, confirmed = converse(redis, [*commands, question], patience_s=acknowledgement.wait_s)
    refused = next((answer for answer in (*answers, confirmed) if isinstance(answer, Exception)), None)
    if refused is not None:
        raise refused
    if question is not None and all(answers):
        acknowledgement.check(confirmed)
    return answers


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
    late: list[str | int | bytes] = [] if arrival.received_ms is None else ["t", arrival.received_ms]
    return [*common, "v", arrival.signature, "b", arrival.body, *kind, *late]


def from_fields(fields: dict[bytes, bytes]) -> Arrival:
    """The arrival that `to_fields` wrote."""
    kind = Kind(fields.get(b"k", b"notification").decode())
    receipt, source, project = (fields[name].decode() for name in (b"r", b"s", b"p"))
    received_ms = int(fields[b"t"]) if b"t" in fields else None
    return Arrival(receipt, source, project, int(fields[b"v"]), fields[b"b"], kind, received_ms)

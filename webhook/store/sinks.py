"""A sink as a whole: the lease of its one deliverer, how its attempts go, and what the sweep and readers see of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from redis import Redis

from webhook.domain.alerting.delivery import Result, SinkState
from webhook.domain.errors import LeaseLost
from webhook.store.connection import server_now_ms, store_errors
from webhook.store.keys import ShardKeys, SinkKeys
from webhook.store.scripts import source

LEASE_MS = 12_000  # longer than any job: a job that holds on to it is killed before
PENDING_MS = 3_000  # until a wake-up that was lost is replaced


class Place(Struct, frozen=True, order=True):
    """A sealed batch and where it is. `due_ms` is when it is attempted next."""

    due_ms: int
    shard: int
    batch: str


class Heads(Struct, frozen=True):
    """What a sink has to do first: when the next telling of each shard is due, and the first batch of each."""

    state: SinkState
    waiting: dict[int, int]
    sealed: tuple[Place, ...]

    @property
    def next_ms(self) -> int | None:
        """When there is something to do; None for never."""
        first = min([*self.waiting.values(), *(place.due_ms for place in self.sealed)], default=None)
        return None if first is None else max(first, self.state.probe_ms)

    def shards_due(self, now_ms: int) -> list[int]:
        """The shards where something waits that is due."""
        return [shard for shard, due_ms in self.waiting.items() if due_ms <= now_ms]


class SinkLease:
    """The right to send to a sink, which one deliverer at a time has. All methods raise StoreError."""

    def __init__(self, redis: Redis, sink: str, token: str) -> None:
        self.keys = SinkKeys(sink)
        self._sink, self._token = sink, token
        self._acquire = redis.register_script(source("acquire_sink"))
        self._release = redis.register_script(source("release_sink"))
        self._commit = redis.register_script(source("commit"))

    def acquire(self) -> bool:
        """Takes the lease; False while another holds it."""
        with store_errors(f"taking the lease of sink {self._sink}"):
            return bool(self._acquire(keys=[self.keys.lease, self.keys.pending], args=[self._token, LEASE_MS]))

    def renew(self) -> None:
        """Holds it for LEASE_MS from now on. Raises LeaseLost."""
        self._write([])

    def release(self) -> bool:
        """Gives it up; False, keeping it, where a wake-up was sent meanwhile. Raises LeaseLost."""
        with store_errors(f"releasing the lease of sink {self._sink}"):
            answer: Any = self._release(keys=[self.keys.lease, self.keys.pending], args=[self._token])
        return self._held(answer) == 1

    def hand_over(self) -> None:
        """Gives it up with work left; the caller sends the wake-up. Raises LeaseLost."""
        self._write([(self.keys.lease, ["DEL"]), (self.keys.pending, ["SET", self._token, "PX", PENDING_MS])])

    def let_go(self) -> None:
        """Gives it up whatever is left; the sweep wakes the next one. Raises LeaseLost."""
        self._write([(self.keys.lease, ["DEL"])])

    def keep(self, state: SinkState | None, result: Result, deliveries: int) -> None:
        """Counts how many deliveries ended so, and writes down how the sink is now; None where that told nothing new.
        Raises LeaseLost.
        """
        count: tuple[str, list[Any]] = (self.keys.counts, ["HINCRBY", result.value, deliveries])
        self._write([count] if state is None else [count, *self._written(state)])

    def _written(self, state: SinkState) -> list[tuple[str, list[Any]]]:
        fields = {name: value for name, value in msgspec.structs.asdict(state).items() if value is not None}
        words = [word for pair in fields.items() for word in pair]
        return [(self.keys.state, ["DEL"]), (self.keys.state, ["HSET", *words])]

    def _write(self, commands: Sequence[tuple[str, list[Any]]]) -> None:
        keys_of_slot = [self.keys.lease, *(key for key, _ in commands)]
        words = [word for _, command in commands for word in (len(command), *command)]
        with store_errors(f"holding the lease of sink {self._sink}"):
            self._held(self._commit(keys=keys_of_slot, args=[self._token, LEASE_MS, *words]))

    def _held(self, answer: Any) -> int:
        if answer == -1:
            raise LeaseLost(f"sink {self._sink} is another worker's now")
        return int(answer)


def read_heads(redis: Redis, sinks: Sequence[str], shards: int) -> dict[str, Heads]:
    """What each sink has to do first, in one pipeline. Raises StoreError."""
    with store_errors("looking at sinks"), redis.pipeline(transaction=False) as pipe:
        for sink in sinks:
            ask_heads(pipe, sink, shards)
        answers = pipe.execute()
    width = 1 + 2 * shards
    return {sink: heads_of(answers[at * width : (at + 1) * width]) for at, sink in enumerate(sinks)}


def ask_heads(pipe: Any, sink: str, shards: int) -> None:
    """Asks what `heads_of` reads, 1 + 2 * shards answers."""
    pipe.hgetall(SinkKeys(sink).state)
    for shard in range(shards):
        keys = ShardKeys(shard)
        pipe.zrange(keys.waiting(sink), 0, 0, withscores=True)
        pipe.zrange(keys.sealed(sink), 0, 0, withscores=True)


def heads_of(answers: Sequence[Any]) -> Heads:
    """The answers to `ask_heads`."""
    waiting = {shard: int(found[0][1]) for shard, found in enumerate(answers[1::2]) if found}
    sealed = [
        Place(int(score), shard, batch.decode()) for shard, found in enumerate(answers[2::2]) for batch, score in found
    ]
    return Heads(state_of(answers[0]), waiting, tuple(sorted(sealed)))


def state_of(stored: Mapping[bytes, bytes]) -> SinkState:
    """The state as it is stored; that of a sink to which nothing was sent yet where nothing is."""
    return msgspec.convert({name.decode(): value.decode() for name, value in stored.items()}, SinkState, strict=False)


def wake_sinks(redis: Redis, sinks: Iterable[str]) -> list[str]:
    """Those of them that nobody was woken for yet; the caller sends the wake-ups. Raises StoreError."""
    wanted = sorted(set(sinks))
    if not wanted:
        return []
    with store_errors("waking sinks"), redis.pipeline(transaction=False) as pipe:
        for sink in wanted:
            pipe.set(SinkKeys(sink).pending, "wake", nx=True, px=PENDING_MS)
        marked = pipe.execute()
    return [sink for sink, was_free in zip(wanted, marked, strict=True) if was_free]


def wake_idle_sinks(redis: Redis, sinks: Sequence[str], shards: int) -> list[str]:
    """Those that have something to do now and nobody at it; they now count as woken. Raises StoreError."""
    if not sinks:
        return []
    with store_errors("sweeping sinks"):
        now_ms = server_now_ms(redis)
        with redis.pipeline(transaction=False) as pipe:
            for sink in sinks:
                pipe.exists(SinkKeys(sink).lease, SinkKeys(sink).pending)
            busy = pipe.execute()
    idle = [sink for sink, taken in zip(sinks, busy, strict=True) if not taken]
    return wake_sinks(
        redis, [sink for sink, heads in read_heads(redis, idle, shards).items() if _is_due(heads, now_ms)]
    )


def _is_due(heads: Heads, now_ms: int) -> bool:
    return heads.next_ms is not None and heads.next_ms <= now_ms

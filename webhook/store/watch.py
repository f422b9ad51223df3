"""What the sweep sees: shards with work and nobody at it, and whether Vigil itself was away, or behind."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from redis import Redis

from webhook.domain.folding import DEAD_KEPT_MS
from webhook.domain.log import DEAD
from webhook.store import keys
from webhook.store.connection import server_now_ms, store_errors
from webhook.store.inbox import PENDING_MS
from webhook.store.keys import ShardKeys
from webhook.store.scripts import source
from webhook.store.spools import Spooled

SHOW_WEB = source("show_web")
AWAY_MS = 30_000  # web, Redis or clock unseen for longer: what came meanwhile may be on its way still
UNSEEN_MS = 10_000  # after that no deadline is looked at until web and sweep have shown themselves again
SPOOLED_MS = 5_000  # the same, while a notification has waited in a spool for longer
DEAF_MS = 120_000  # so long after that silence proves nothing
BEHIND_MS = 60_000  # what should have been done so long ago says that Vigil is not well


class Seen(Struct, frozen=True):
    """What a look at all shards found: those that have to be woken, and whether none of them is behind."""

    idle: list[int]
    well: bool


def away(seen: bytes | None, now_ms: int) -> bool:
    """Whether the last sign of life, ms as it is stored, is too old, or from a clock that was set back since."""
    return seen is None or not 0 <= now_ms - int(seen) <= AWAY_MS


def unseen(seen: bytes | None, now_ms: int) -> bool:
    """Whether the last sign of life is so old that what was spooled since may not be known of yet."""
    return seen is None or not 0 <= now_ms - int(seen) <= UNSEEN_MS


def waits(spooled: Spooled, now_ms: int) -> bool:
    """Whether a notification has waited in some spool for long enough to be missed."""
    return spooled.oldest_ms is not None and spooled.oldest_ms < now_ms - SPOOLED_MS


def look(redis: Redis, shards: int) -> Seen:
    """The shards with something to do, no live lease and no wake-up on its way; they now count as woken.

    To do are entries of the inbox, due deadlines, and dead letters whose time is over. Raises StoreError.
    """
    all_keys = [ShardKeys(shard) for shard in range(shards)]
    with store_errors("sweeping"):
        now_ms = server_now_ms(redis)
        with redis.pipeline(transaction=False) as pipe:
            for of in all_keys:
                pipe.exists(of.lease)
                pipe.xrange(of.inbox, count=1)
                pipe.zrange(of.deadlines, 0, 0, withscores=True)
                pipe.zcount(of.places(DEAD), "-inf", now_ms - DEAD_KEPT_MS)
            answers = pipe.execute()
        waits = {of.shard: _since_ms(answers[4 * at + 1 : 4 * at + 3], now_ms) for at, of in enumerate(all_keys)}
        has_work = [waits[of.shard] is not None or bool(answers[4 * at + 3]) for at, of in enumerate(all_keys)]
        idle = [of for at, of in enumerate(all_keys) if has_work[at] and not answers[4 * at]]
        with redis.pipeline(transaction=False) as pipe:
            for of in idle:
                pipe.set(of.pending, "sweep", nx=True, px=PENDING_MS)
            marked = pipe.execute()
    behind = [since_ms for since_ms in waits.values() if since_ms is not None and since_ms < now_ms - BEHIND_MS]
    return Seen([of.shard for of, was_free in zip(idle, marked, strict=True) if was_free], not behind)


def _since_ms(heads: list[Any], now_ms: int) -> int | None:
    """Since when the head of an inbox, or of the deadlines, waits to be looked at; None where nothing does."""
    entries, deadlines = heads
    times = [int(entry_id.partition(b"-")[0]) for entry_id, _ in entries]
    times += [int(due_ms) for _, due_ms in deadlines if due_ms <= now_ms]
    return min(times, default=None)


def ask_for_heartbeat(redis: Redis, every: int) -> bool:
    """Whether one is to be sent now: `every` seconds at most once. Raises StoreError."""
    with store_errors("asking for a heartbeat"):
        return bool(redis.set(keys.HEARTBEAT, "sweep", nx=True, ex=every))


def take_pulse(redis: Redis) -> None:
    """Notes that the sweep ran. Where it, or all web processes, were away for long, silence proves nothing for now."""
    with store_errors("noting the sweep"):
        now_ms = server_now_ms(redis)
        with redis.pipeline(transaction=False) as pipe:
            pipe.set(keys.SWEPT, now_ms, get=True)
            pipe.get(keys.WEB_SEEN)
            swept, web_seen = pipe.execute()
        if away(swept, now_ms) or away(web_seen, now_ms):
            redis.set(keys.DEAF_UNTIL, now_ms + DEAF_MS)


def show_web(redis: Redis) -> None:
    """Notes that a web process is there to hear. Raises StoreError."""
    with store_errors("noting a web process"):
        redis.eval(SHOW_WEB, 1, keys.WEB_SEEN, server_now_ms(redis))


def begin_sweep(redis: Redis) -> None:
    """Lets the clock send the next sweep. Raises StoreError."""
    with store_errors("beginning the sweep"):
        redis.delete(keys.SWEEP_PENDING)

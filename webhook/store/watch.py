"""What the sweep sees: shards with work and nobody at it, and whether Vigil itself was away."""

from __future__ import annotations

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


def away(seen: bytes | None, now_ms: int) -> bool:
    """Whether the last sign of life, ms as it is stored, is too old, or from a clock that was set back since."""
    return seen is None or not 0 <= now_ms - int(seen) <= AWAY_MS


def unseen(seen: bytes | None, now_ms: int) -> bool:
    """Whether the last sign of life is so old that what was spooled since may not be known of yet."""
    return seen is None or not 0 <= now_ms - int(seen) <= UNSEEN_MS


def waits(spooled: Spooled, now_ms: int) -> bool:
    """Whether a notification has waited in some spool for long enough to be missed."""
    return spooled.oldest_ms is not None and spooled.oldest_ms < now_ms - SPOOLED_MS


def look(redis: Redis, shards: int) -> list[int]:
    """The shards with something to do, no live lease and no wake-up on its way; they now count as woken.

    To do are entries of the inbox, due deadlines, and dead letters whose time is over.
    """
    all_keys = [ShardKeys(shard) for shard in range(shards)]
    with store_errors("sweeping"):
        now_ms = server_now_ms(redis)
        with redis.pipeline(transaction=False) as pipe:
            for of in all_keys:
                pipe.exists(of.lease)
                pipe.xlen(of.inbox)
                pipe.zcount(of.deadlines, "-inf", now_ms)
                pipe.zcount(of.places(DEAD), "-inf", now_ms - DEAD_KEPT_MS)
            answers = pipe.execute()
        idle = [of for at, of in enumerate(all_keys) if not answers[4 * at] and any(answers[4 * at + 1 : 4 * at + 4])]
        with redis.pipeline(transaction=False) as pipe:
            for of in idle:
                pipe.set(of.pending, "sweep", nx=True, px=PENDING_MS)
            marked = pipe.execute()
    return [of.shard for of, was_free in zip(idle, marked, strict=True) if was_free]


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

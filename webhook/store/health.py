"""Whether Redis can keep what is appended, and in which ways less surely than promised."""

from __future__ import annotations

from msgspec import Struct
from redis import Redis

from webhook.domain.errors import StoreError
from webhook.store import keys
from webhook.store.connection import claim_shards, server_now_ms, store_errors
from webhook.store.inbox import share_of

SWEEP_LATE_MS = 10_000


class Health(Struct, frozen=True):
    """What the server says of itself. `degraded` names what weakens a promise: persistence, eviction, sweep, inbox."""

    version: str
    degraded: list[str]


def examine(redis: Redis, shards: int, inbox_max: int) -> Health:
    """The server's health. Raises StoreError when it cannot take a notification: away, loading, read-only, full."""
    claim_shards(redis, shards)
    with store_errors("asking Redis whether it can keep notifications"):
        now_ms = server_now_ms(redis)
        with redis.pipeline(transaction=False) as pipe:
            pipe.set(keys.PROBE, now_ms)  # a write that takes memory, as an append does
            pipe.info()  # Redis 6.2 takes one section at most
            pipe.get(keys.SWEPT)
            pipe.config_get("appendfsync")
            for shard in range(shards):
                pipe.xlen(keys.ShardKeys(shard).inbox)
            written, info, swept, config, *depths = pipe.execute(raise_on_error=False)
        for answer in (written, info):
            if isinstance(answer, Exception):
                raise answer
    full = [depth >= share_of(inbox_max, shards) for depth in depths]
    if all(full):
        raise StoreError(f"all inboxes are full, VIGIL_INBOX_MAX={inbox_max}: are workers running?")
    degraded = _degraded(info, config, now_ms - int(swept or 0))
    return Health(_version(info), [*degraded, *(["inbox"] if any(full) else [])])


def _version(info: dict[str, object]) -> str:
    return str(info.get("valkey_version") or info.get("redis_version"))


def _degraded(info: dict[str, object], config: object, swept_ago_ms: int) -> list[str]:
    # a managed server that hides its configuration is taken at its word: AOF on is all that can be seen
    settings = config if isinstance(config, dict) else {}
    fsynced = settings.get("appendfsync", "always") == "always"
    found = {
        "persistence": not (info.get("aof_enabled") and fsynced),
        "eviction": info.get("maxmemory_policy") != "noeviction",
        "sweep": swept_ago_ms > SWEEP_LATE_MS,
    }
    return [name for name, is_so in found.items() if is_so]

"""Whether Redis can keep what is appended, and in which ways less surely than promised."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from redis import Redis

from webhook.domain.errors import StoreError
from webhook.store import keys
from webhook.store.acknowledgement import Level
from webhook.store.connection import claim_shards, server_now_ms, store_errors
from webhook.store.inbox import share_of
from webhook.store.spools import Spooled, together

SWEEP_LATE_MS = 10_000
CLOCK_OFF_MS = 2000


class Health(Struct, frozen=True):
    """What the server says of itself, and hosts of their spools.

    `degraded` names what weakens a promise: persistence, eviction, sweep, spool, clock (this host's differs), inbox.
    """

    version: str
    degraded: list[str]
    spooled: Spooled


class Expected(Struct, frozen=True):
    """What the server is held against: the settings in force, and this host's clock."""

    shards: int
    inbox_max: int
    level: Level | None  # of acknowledgement; None while it is not known
    host_ms: int


def examine(redis: Redis, expected: Expected) -> Health:
    """The server's health. Raises StoreError when it cannot take a notification: away, loading, read-only, full."""
    shards, inbox_max = expected.shards, expected.inbox_max
    claim_shards(redis, shards)
    with store_errors("asking Redis whether it can keep notifications"):
        now_ms = server_now_ms(redis)
        with redis.pipeline(transaction=False) as pipe:
            pipe.set(keys.PROBE, now_ms)  # a write that takes memory, as an append does
            pipe.info()  # Redis 6.2 takes one section at most
            pipe.get(keys.SWEPT)
            pipe.config_get("appendfsync")
            pipe.hvals(keys.SPOOLS)
            for shard in range(shards):
                pipe.xlen(keys.ShardKeys(shard).inbox)
            written, info, swept, config, reports, *depths = pipe.execute(raise_on_error=False)
        for answer in (written, info, reports):
            if isinstance(answer, Exception):
                raise answer
    full = [depth >= share_of(inbox_max, shards) for depth in depths]
    if all(full):
        raise StoreError(f"all inboxes are full, VIGIL_INBOX_MAX={inbox_max}: are workers running?")
    spooled = together(reports, now_ms)
    found = {
        "persistence": not _persists(info, config, expected.level),
        "eviction": info.get("maxmemory_policy") != "noeviction",
        "sweep": now_ms - int(swept or 0) > SWEEP_LATE_MS,
        "spool": bool(spooled.depth or spooled.unconfirmed or spooled.damaged),
        "clock": abs(expected.host_ms - now_ms) > CLOCK_OFF_MS,
        "inbox": any(full),
    }
    return Health(_version(info), [name for name, is_so in found.items() if is_so], spooled)


def _version(info: dict[str, Any]) -> str:
    return str(info.get("valkey_version") or info.get("redis_version"))


def _persists(info: dict[str, Any], config: object, level: Level | None) -> bool:
    """Whether what is acknowledged is on the server's disk by then."""
    # a managed server that hides its configuration is taken at its word: AOF on is all that can be seen
    settings = config if isinstance(config, dict) else {}
    always = settings.get("appendfsync", "always") == "always"
    return bool(info.get("aof_enabled")) and (always or level is Level.AOF)

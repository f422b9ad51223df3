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

    `degraded` says in words what weakens a promise, by its name: persistence, eviction, replica, sweep, spool, clock
    (this host's differs), inbox.
    """

    version: str
    degraded: dict[str, str]
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
        "persistence": _not_persisted(info, config, expected.level),
        "eviction": _evicts(info),
        "replica": _no_replica(info, expected.level),
        "sweep": _late(now_ms - int(swept) if swept else None),
        "spool": in_words(spooled) if spooled.depth or spooled.unconfirmed or spooled.damaged else None,
        "clock": _off(expected.host_ms - now_ms),
        "inbox": f"full is that of {sum(full)} of {shards} shards, VIGIL_INBOX_MAX={inbox_max}" if any(full) else None,
    }
    return Health(_version(info), {name: words for name, words in found.items() if words is not None}, spooled)


def in_words(spooled: Spooled) -> str:
    """What waits in spools, as a person reads it."""
    return f"{spooled.depth} waiting, {spooled.unconfirmed} unconfirmed, {spooled.damaged} files damaged"


def _version(info: dict[str, Any]) -> str:
    return str(info.get("valkey_version") or info.get("redis_version"))


def _not_persisted(info: dict[str, Any], config: object, level: Level | None) -> str | None:
    """Why what is acknowledged may not be on the server's disk by then; None where it is."""
    if not info.get("aof_enabled"):
        return "Redis keeps no append-only file (appendonly no): what is acknowledged is lost when it stops"
    # a managed server that hides its configuration is taken at its word: AOF on is all that can be seen
    settings = config if isinstance(config, dict) else {}
    fsync = settings.get("appendfsync", "always")
    if fsync == "always" or level is Level.AOF:
        return None
    return f"Redis does not sync its file for each append (appendfsync {fsync}); set it to always, or VIGIL_ACK=aof"


def _evicts(info: dict[str, Any]) -> str | None:
    policy = info.get("maxmemory_policy")
    if policy == "noeviction":
        return None
    return f"Redis drops what it holds when its memory is full (maxmemory-policy {policy}); set it to noeviction"


def _no_replica(info: dict[str, Any], level: Level | None) -> str | None:
    if level is not Level.REPLICA or info.get("connected_slaves"):
        return None
    return "VIGIL_ACK=replica, but this Redis has no replica: all that is posted waits in the spool for one, too"


def _late(unseen_ms: int | None) -> str | None:
    if unseen_ms is None:
        return "the clock process has never swept"
    return (
        f"the last sweep was {unseen_ms / 1000:.0f} s ago; is the clock process running?"
        if unseen_ms > SWEEP_LATE_MS
        else None
    )


def _off(ahead_ms: int) -> str | None:
    if abs(ahead_ms) <= CLOCK_OFF_MS:
        return None
    return f"this host's clock is {abs(ahead_ms) / 1000:.1f} s {'ahead of' if ahead_ms > 0 else 'behind'} that of Redis"

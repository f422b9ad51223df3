"""Redis clients with the timeouts that each kind of process needs, and the translation of their errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from redis import BlockingConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from webhook.domain.errors import StoreError, WrongShards
from webhook.store import keys

__all__ = ["Redis", "claim_shards", "connect", "server_now_ms", "store_errors"]  # others take the type from here

WEB_TIMEOUT = 0.3  # seconds to connect and to answer; beyond it the sender is told to come back
WORKER_TIMEOUT = 5.0
WEB_CONNECTIONS = 64  # a process; further requests wait for one, at most WEB_TIMEOUT


def connect(url: str, timeout: float) -> Redis:
    """A client that never retries by itself: a retried append is a second append (failure-modes.md, R9)."""
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=WEB_CONNECTIONS,
        timeout=timeout,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        retry=Retry(NoBackoff(), 0),
    )
    return Redis.from_pool(pool)  # which closes its connections when it is closed


@contextmanager
def store_errors(doing: str) -> Iterator[None]:
    """Turns whatever Redis raises into StoreError, which says what was being done."""
    try:
        yield
    except RedisError as failure:
        raise StoreError(f"{doing}: {type(failure).__name__}: {failure}") from failure


def claim_shards(redis: Redis, shards: int) -> None:
    """Writes down the number of shards at the first start. Raises WrongShards where another one was written."""
    with store_errors("reading the number of shards"):
        redis.set(keys.SHARDS, shards, nx=True)
        written = int(redis.get(keys.SHARDS) or shards)
    if written != shards:
        raise WrongShards(
            f"VIGIL_SHARDS is {shards}, but what is in Redis was written with {written}: set VIGIL_SHARDS={written}, "
            "or start on an empty Redis"
        )


def server_now_ms(redis: Redis) -> int:
    """The server's clock, which all received times and deadlines are measured by."""
    seconds, microseconds = redis.time()
    return int(seconds) * 1000 + int(microseconds) // 1000

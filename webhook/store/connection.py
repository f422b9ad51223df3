"""Redis clients with the timeouts that each kind of process needs, and the translation of their errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from redis import BlockingConnectionPool, Redis, Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry
from redis.sentinel import MasterNotFoundError, SentinelManagedConnection, SentinelManagedSSLConnection

from webhook.domain.errors import StoreError, WrongShards
from webhook.redis_url import parse_sentinels
from webhook.store import keys

__all__ = ["Redis", "claim_shards", "connect", "converse", "server_now_ms", "store_errors"]  # others take it from here

WEB_TIMEOUT = 0.3  # seconds to connect and to answer; beyond it the spool takes over
WORKER_TIMEOUT = 5.0
WEB_CONNECTIONS = 64  # a process; further requests wait for one, at most WEB_TIMEOUT
SENTINEL_CONNECTIONS = 1024  # with sentinels nobody waits for one: more than that is refused at once


class _Interruptible:
    """What redis-py's connections do, and those to a primary that sentinels name do not: whoever is interrupted while
    it waits for an answer leaves no connection behind on which the next one would get it.
    """

    def read_response(self, disable_decoding: bool = False, *, disconnect_on_error: bool = True, **more: Any) -> Any:
        found: Any = super()
        return found.read_response(disable_decoding, disconnect_on_error=disconnect_on_error, **more)


class _Connection(_Interruptible, SentinelManagedConnection):  # type: ignore[misc]
    """To the primary."""


class _TlsConnection(_Interruptible, SentinelManagedSSLConnection):  # type: ignore[misc]
    """To the primary, by TLS."""


class _Sentinels(Sentinel):
    """Whose complaint says what operators need, not what each object looks like."""

    def discover_master(self, service_name: str) -> Any:
        """The address of the primary. Raises MasterNotFoundError, which says who was asked for it."""
        found: Any = super()
        try:
            return found.discover_master(service_name)
        except MasterNotFoundError:
            asked = [each.connection_pool.connection_kwargs for each in self.sentinels]
            hosts = ", ".join(f"{each['host']}:{each['port']}" for each in asked)
            raise MasterNotFoundError(
                f"no sentinel knows a primary called {service_name!r} that is up; asked were {hosts}"
            ) from None


def connect(url: str, timeout: float) -> Redis:
    """A client that never retries by itself: a retried append is a second append (failure-modes.md, R9).

    With sentinels it asks them for the primary each time it connects, and is refused by one that was demoted.
    """
    options: dict[str, Any] = {
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "retry": Retry(NoBackoff(), 0),
    }
    sentinels = parse_sentinels(url)
    if sentinels is None:
        pool = BlockingConnectionPool.from_url(url, max_connections=WEB_CONNECTIONS, timeout=timeout, **options)
        return Redis.from_pool(pool)  # which closes its connections when it is closed
    asked: Any = _Sentinels(sentinels.hosts, sentinel_kwargs={**options, "password": sentinels.sentinel_password})  # type: ignore[no-untyped-call]
    client: Redis = asked.master_for(
        sentinels.service,
        max_connections=SENTINEL_CONNECTIONS,
        db=sentinels.database,
        username=sentinels.username,
        password=sentinels.password,
        connection_class=_TlsConnection if sentinels.tls else _Connection,
        **options,
    )
    return client


def converse(redis: Redis, commands: Sequence[Sequence[Any]], patience_s: float = 0.0) -> list[Any]:
    """The answers to commands that are sent together, on one connection, outside any transaction.

    What the server refuses is its error, in its place. The last answer may take `patience_s` longer than a usual one.
    Raises RedisError, and then nothing is known of any of them.
    """
    pool = redis.connection_pool
    connection: Any = pool.get_connection()
    try:
        connection.send_packed_command(connection.pack_commands(commands))
        answers = [_answer(connection) for _ in commands[:-1]]
        return [*answers, _answer(connection, patience_s)]
    except BaseException:
        connection.disconnect()  # what it still answers is nobody's
        raise
    finally:
        pool.release(connection)


def _answer(connection: Any, patience_s: float = 0.0) -> Any:
    more = {"timeout": connection.socket_timeout + patience_s} if patience_s else {}
    try:
        return connection.read_response(**more)
    except ResponseError as refused:
        return refused


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
        if not redis.exists(keys.SHARDS):  # a full server refuses even a write that would change nothing
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

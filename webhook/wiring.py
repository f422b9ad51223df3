"""Where parts are put together: settings in, connected parts out. The only composition root."""

from __future__ import annotations

from functools import partial

from redis import Redis

from webhook import clock, embedded
from webhook.domain.folding import Limits
from webhook.redis_url import parse_sentinels
from webhook.settings import Settings
from webhook.store.acknowledgement import check_replicas, resolve
from webhook.store.connection import WEB_TIMEOUT, WORKER_TIMEOUT, claim_shards, connect
from webhook.store.inbox import Inbox
from webhook.store.spool.keeper import Keeper
from webhook.store.spool.spool import Run, Spool, SpoolLimits

LOOK_TIMEOUT = 0.5  # seconds, for one look at the start


def redis_url(settings: Settings) -> str:
    """Where Redis is: REDIS_URL, else the embedded server's socket."""
    return settings.redis_url or embedded.url(settings.var)


def connect_web(settings: Settings) -> Redis:
    """A client for web processes: it fails fast, so that the sender or the spool takes over."""
    return connect(redis_url(settings), WEB_TIMEOUT)


def connect_worker(settings: Settings) -> Redis:
    """A client for one worker or clock process; make it after the fork."""
    return connect(redis_url(settings), WORKER_TIMEOUT)


def make_keeper(settings: Settings, redis: Redis, run: Run) -> Keeper:
    """What keeps notifications for one web process. `run` calls a function that blocks on the disk."""
    level = partial(resolve, wanted=settings.ack, embedded=_is_embedded(settings))
    inbox = Inbox(redis, settings.shards, settings.inbox_max, level)
    bounds = SpoolLimits(settings.spool_max_bytes, settings.spool_min_free_bytes)
    spool = Spool(settings.spool, bounds, run) if settings.spool else None
    return Keeper(inbox, spool, clock.now_ms)


def check_server(settings: Settings) -> None:
    """Returns when the server can do what the settings ask. Raises WrongShards or Unsupported where it cannot, and
    another StoreError where it does not answer, which everything but a person can wait for.
    """
    with connect(redis_url(settings), LOOK_TIMEOUT) as redis:
        claim_shards(redis, settings.shards)
        resolve(redis, settings.ack, embedded=_is_embedded(settings))
        # with sentinels a replica is away after each failover, and comes back
        if settings.ack == "replica" and parse_sentinels(redis_url(settings)) is None:
            check_replicas(redis)


def _is_embedded(settings: Settings) -> bool:
    return redis_url(settings) == embedded.url(settings.var)


def limits(settings: Settings) -> Limits:
    """The bounds of what is kept."""
    return Limits(log_per_session=settings.log_per_session, retention_ms=settings.retention * 1000)

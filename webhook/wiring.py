"""Where parts are put together: settings in, connected parts out. The only composition root."""

from __future__ import annotations

import logging
from contextlib import nullcontext
from functools import partial

from redis import Redis

from webhook import clock, embedded
from webhook.domain.folding import Limits
from webhook.settings import Settings
from webhook.store.acknowledgement import has_replica, resolve
from webhook.store.connection import WEB_TIMEOUT, WORKER_TIMEOUT, claim_shards, connect
from webhook.store.inbox import Inbox
from webhook.store.spool.keeper import Keeper, Within
from webhook.store.spool.spool import Run, Spool, SpoolLimits
from webhook.store.spool.tender import Tender

log = logging.getLogger(__name__)
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


def make_keeper(settings: Settings, redis: Redis, run: Run, within: Within = nullcontext) -> Keeper:
    """What keeps notifications for one web process. `run` calls a function that blocks on the disk; `within` raises
    StoreError in what takes longer.
    """
    level = partial(resolve, wanted=settings.ack, embedded=_is_embedded(settings))
    inbox = Inbox(redis, settings.shards, settings.inbox_max, level)
    return Keeper(inbox, _make_spool(settings, run), clock.now_ms, within)


def _make_spool(settings: Settings, run: Run) -> Spool | None:
    bounds = SpoolLimits(settings.spool_max_bytes, settings.spool_min_free_bytes)
    return Spool(settings.spool, bounds, run) if settings.spool else None


def check_spool(settings: Settings) -> None:
    """Returns when the spool's directory can be used, or none is wanted. Raises ConfigurationError."""
    if spool := _make_spool(settings, lambda blocking: blocking()):
        spool.prepare()


def make_tender(settings: Settings, redis: Redis, keeper: Keeper) -> Tender:
    """What tends the spool of `keeper`; what it brings to Redis goes by a client of its own, which is patient."""
    return Tender(redis, keeper, connect_worker(settings))


def check_server(settings: Settings) -> None:
    """Returns when the server can do what the settings ask. Raises WrongShards or Unsupported where it cannot, and
    another StoreError where it does not answer, which everything but a person can wait for.
    """
    with connect(redis_url(settings), LOOK_TIMEOUT) as redis:
        claim_shards(redis, settings.shards)
        resolve(redis, settings.ack, embedded=_is_embedded(settings))
        if settings.ack == "replica" and not has_replica(redis):  # on a bad night starting matters more
            log.warning("VIGIL_ACK=replica, but this Redis has no replica: until it has, posts are spooled as well")


def _is_embedded(settings: Settings) -> bool:
    return redis_url(settings) == embedded.url(settings.var)


def limits(settings: Settings) -> Limits:
    """The bounds of what is kept."""
    return Limits(log_per_session=settings.log_per_session, retention_ms=settings.retention * 1000)

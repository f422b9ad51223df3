"""Where parts are put together: settings in, connected parts out. The only composition root."""

from __future__ import annotations

from redis import Redis

from webhook import embedded
from webhook.domain.folding import Limits
from webhook.settings import Settings
from webhook.store.connection import WEB_TIMEOUT, WORKER_TIMEOUT, connect


def redis_url(settings: Settings) -> str:
    """Where Redis is: REDIS_URL, else the embedded server's socket."""
    return settings.redis_url or embedded.url(settings.var)


def connect_web(settings: Settings) -> Redis:
    """A client for web processes: it fails fast, so that the sender or the spool takes over."""
    return connect(redis_url(settings), WEB_TIMEOUT)


def connect_worker(settings: Settings) -> Redis:
    """A client for one worker or clock process; make it after the fork."""
    return connect(redis_url(settings), WORKER_TIMEOUT)


def limits(settings: Settings) -> Limits:
    """The bounds of what is kept."""
    return Limits(log_per_session=settings.log_per_session, retention_ms=settings.retention * 1000)

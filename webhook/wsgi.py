"""What gunicorn serves. Each worker process makes its own connections, after the fork."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from gevent import Timeout
from gevent.threadpool import ThreadPool

from webhook.app import create
from webhook.clock import sleep
from webhook.domain.errors import ConfigurationError, StoreError
from webhook.process import log_to_stderr, settings_or_exit
from webhook.queues import Waker
from webhook.store.connection import Redis
from webhook.store.spool.tender import Tender
from webhook.wiring import connect_web, make_keeper, make_tender

TEND_EVERY, TEND_SOON = 1.0, 0.25  # seconds; soon while notifications wait in the spool, or Redis does not answer

DISK_THREADS = 4  # the hub's own are not used: names are looked up there, and that may stall for minutes

log = logging.getLogger(__name__)
_disk = ThreadPool(DISK_THREADS)


def _in_a_thread(blocking: Callable[[], Any]) -> Any:
    """What `blocking` returns; other requests go on while it waits for the disk."""
    result, failure = _disk.apply(_outcome, (blocking,))
    if failure is not None:
        raise failure
    return result


def _outcome(blocking: Callable[[], Any]) -> tuple[Any, Exception | None]:
    try:
        return blocking(), None
    except Exception as failure:  # is raised where it is awaited; gevent would print its traceback, too
        return None, failure


def _within(seconds: float) -> Timeout:
    """Raises StoreError in a block that takes longer, whatever it waits for."""
    return Timeout(seconds, StoreError(f"no answer of Redis, or of who knows its address, within {seconds:g} s"))


def _tend(tender: Tender, redis: Redis) -> None:
    waker = Waker(redis)
    while True:
        try:
            for shard in tender.tend():
                waker.wake(shard)
        except (StoreError, OSError) as failure:
            tender.trouble.goes_on(str(failure))
        except Exception:  # without it nobody would drain the spool until this process ends
            log.exception("tending the spool failed")
        sleep(TEND_SOON if tender.is_busy else TEND_EVERY)


_settings = settings_or_exit()
log_to_stderr("web", _settings.log_level)
_redis = connect_web(_settings)
_keeper = make_keeper(_settings, _redis, _in_a_thread, _within)
try:
    if _keeper.spool:
        _keeper.spool.prepare()
except ConfigurationError as mistake:  # since the start, which refuses it: what Redis keeps needs no spool
    log.error("%s", mistake)
app = create(_settings, _redis, _keeper)
threading.Thread(
    target=_tend, args=(make_tender(_settings, _redis, _keeper), _redis), daemon=True, name="tender"
).start()

"""What gunicorn serves. Each worker process makes its own connections, after the fork."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from gevent import get_hub

from webhook.app import create
from webhook.clock import sleep
from webhook.domain.errors import ConfigurationError, StoreError
from webhook.process import exit_with, log_to_stderr, settings_or_exit
from webhook.queues import Waker
from webhook.store.connection import Redis
from webhook.store.spool.tender import Tender
from webhook.wiring import connect_web, make_keeper

TEND_EVERY, TEND_SOON = 1.0, 0.25  # seconds; soon while notifications wait in the spool, or Redis does not answer

log = logging.getLogger(__name__)


def _in_a_thread(blocking: Callable[[], Any]) -> Any:
    """What `blocking` returns; other requests go on while it waits for the disk."""
    result, failure = get_hub().threadpool.apply(_outcome, (blocking,))
    if failure is not None:
        raise failure
    return result


def _outcome(blocking: Callable[[], Any]) -> tuple[Any, Exception | None]:
    try:
        return blocking(), None
    except Exception as failure:  # is raised where it is awaited; gevent would print its traceback, too
        return None, failure


def _tend(tender: Tender, redis: Redis) -> None:
    waker = Waker(redis)
    while True:
        try:
            for shard in tender.tend():
                waker.wake(shard)
        except (StoreError, OSError) as failure:
            log.warning("%s", failure)
        except Exception:  # without it nobody would drain the spool until this process ends
            log.exception("tending the spool failed")
        sleep(TEND_SOON if tender.is_busy else TEND_EVERY)


_settings = settings_or_exit()
log_to_stderr("web", _settings.log_level)
_redis = connect_web(_settings)
_keeper = make_keeper(_settings, _redis, _in_a_thread)
try:
    if _keeper.spool:
        _keeper.spool.prepare()
except ConfigurationError as mistake:
    exit_with(mistake.problems)
app = create(_settings, _redis, _keeper)
threading.Thread(target=_tend, args=(Tender(_redis, _keeper), _redis), daemon=True, name="tender").start()

"""What gunicorn serves. Each worker process makes its own connections, after the fork."""

from __future__ import annotations

import logging
import threading

from webhook.app import create
from webhook.clock import sleep
from webhook.domain.errors import StoreError
from webhook.process import log_to_stderr, settings_or_exit
from webhook.store.connection import Redis
from webhook.store.watch import show_web
from webhook.wiring import connect_web

SIGN_OF_LIFE_EVERY = 5.0  # seconds

log = logging.getLogger(__name__)


def _show_life(redis: Redis) -> None:
    while True:
        try:
            show_web(redis)
        except StoreError as failure:
            log.warning("%s", failure)
        sleep(SIGN_OF_LIFE_EVERY)


_settings = settings_or_exit()
log_to_stderr("web", _settings.log_level)
_redis = connect_web(_settings)
app = create(_settings, _redis)
threading.Thread(target=_show_life, args=(_redis,), daemon=True, name="sign-of-life").start()

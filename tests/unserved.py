"""The application without gunicorn, and without a spool unless the settings name one."""

from __future__ import annotations

from flask import Flask
from msgspec.structs import replace
from redis import Redis

from webhook import app
from webhook.settings import Settings
from webhook.wiring import make_keeper


def create(settings: Settings, redis: Redis) -> Flask:
    """It writes to the spool in the request's own thread."""
    settings = replace(settings, spool_dir=settings.spool_dir or "")
    keeper = make_keeper(settings, redis, lambda blocking: blocking())
    if keeper.spool:
        keeper.spool.prepare()
    return app.create(settings, redis, keeper)

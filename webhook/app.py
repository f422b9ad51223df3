"""The Flask application: routes and the parts they work with, put together from settings and a Redis client."""

from __future__ import annotations

from functools import partial

from flask import Flask

from webhook import clock
from webhook.queues import Waker, counting_workers, workers_alive
from webhook.routes import (
    alerts,
    answers,
    channels,
    dead_letters,
    health,
    ingest,
    registration,
    silences,
    sinks,
    status,
    timeline,
)
from webhook.settings import Settings
from webhook.store.connection import Redis
from webhook.store.health import Expected, Health, examine
from webhook.store.spool.keeper import Keeper
from webhook.store.summary import Summary

API = (
    status,
    channels,
    registration,
    timeline,
    dead_letters,
    alerts,
    silences,
    sinks,
)  # each adds its routes to the blueprint of the first when it is imported


def create(settings: Settings, redis: Redis, keeper: Keeper) -> Flask:
    """The application. It holds no state but its connections, so any number of processes can serve it."""
    app = Flask("vigil", static_folder=None)
    app.url_map.redirect_defaults = False  # Agora follows no redirect
    wake = Waker(redis).wake

    def examined() -> Health:
        level, host_ms = keeper.inbox.level, clock.now_ms()
        return examine(redis, Expected(settings.shards, settings.inbox_max, level, host_ms))

    workers = partial(workers_alive, redis)
    app.extensions[ingest.EXTENSION] = ingest.Ingest(settings, keeper, Summary(redis, settings.shards), wake)
    app.extensions[status.EXTENSION] = status.Status(settings, redis, keeper.inbox, wake, counting_workers)
    app.extensions[health.EXTENSION] = health.Checks(settings, examined, keeper, workers)
    for blueprint in (ingest.blueprint, status.blueprint, health.blueprint):
        app.register_blueprint(blueprint)
    answers.install(app)
    return app

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
    dashboard,
    dead_letters,
    health,
    ingest,
    live,
    registration,
    silences,
    sinks,
    status,
    system,
    timeline,
)
from webhook.routes.dashboard import alerts as alert_pages
from webhook.routes.dashboard import dead_letters as dead_letters_page
from webhook.routes.dashboard import entry, notifications, overview, search, session, sessions
from webhook.routes.dashboard import silences as silence_pages
from webhook.routes.dashboard import sinks as sink_pages
from webhook.routes.dashboard import system as system_page
from webhook.settings import Settings
from webhook.store.connection import Redis
from webhook.store.health import Expected, Health, examine
from webhook.store.spool.keeper import Keeper
from webhook.store.summary import Summary
from webhook.store.ticks import Listener
from webhook.wiring import connect_worker

PAGES = (
    entry,
    overview,
    sessions,
    session,
    alert_pages,
    silence_pages,
    notifications,
    dead_letters_page,
    sink_pages,
    system_page,
    search,
)
API = (
    status,
    channels,
    registration,
    timeline,
    dead_letters,
    alerts,
    silences,
    sinks,
    system,
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
    # of its own, for a feed waits longer than a request may
    app.extensions[live.EXTENSION] = live.Live(Listener(partial(connect_worker, settings)))
    for blueprint in (ingest.blueprint, status.blueprint, health.blueprint, dashboard.blueprint):
        app.register_blueprint(blueprint)
    answers.install(app)
    return app

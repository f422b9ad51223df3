"""The Flask application: routes and the parts they work with, put together from settings and a Redis client."""

from __future__ import annotations

from functools import partial

from flask import Flask
from redis import Redis

from webhook.queues import Waker, workers_alive
from webhook.routes import answers, health, ingest, status
from webhook.settings import Settings
from webhook.store.health import examine
from webhook.store.inbox import Inbox
from webhook.store.notifications import Notifications
from webhook.store.sessions import Sessions
from webhook.store.summary import Summary


def create(settings: Settings, redis: Redis) -> Flask:
    """The application. It holds no state but its connections, so any number of processes can serve it."""
    app = Flask("vigil", static_folder=None)
    app.url_map.redirect_defaults = False  # Agora follows no redirect
    workers = partial(workers_alive, redis)
    summary = Summary(redis, settings.shards)
    inbox = Inbox(redis, settings.shards, settings.inbox_max)
    app.extensions[ingest.EXTENSION] = ingest.Ingest(settings, inbox, summary, Waker(redis).wake)
    sessions, notifications = Sessions(redis, settings.shards), Notifications(redis, settings.shards)
    app.extensions[status.EXTENSION] = status.Status(settings, sessions, notifications, summary, workers)
    app.extensions[health.EXTENSION] = health.Checks(
        settings, partial(examine, redis, settings.shards, settings.inbox_max), workers
    )
    for blueprint in (ingest.blueprint, status.blueprint, health.blueprint):
        app.register_blueprint(blueprint)
    answers.install(app)
    return app

"""The first screen. It tells whether anyone's recording is broken, since when, and who has it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from flask import Response, request

from webhook.routes.dashboard import blueprint
from webhook.routes.dashboard.pages import page
from webhook.routes.status import View, api
from webhook.store import history
from webhook.store import overview as lists
from webhook.store.history import Sample
from webhook.store.overview import Overview
from webhook.store.rounds import read_rounds
from webhook.views.overview import change, courses, overview_view

MINUTES = 121  # this hour and the one before


@blueprint.get("/")
def overview() -> Response:
    """The first screen."""
    return page("overview.html", read_rounds(lists.reading(api().settings.shards), history.reading(MINUTES)), _show)


def _show(read: tuple[Overview, Mapping[int, Sample]], now_ms: int) -> View:
    found, samples = read
    endpoint = f"{api().settings.public_url or request.host_url.rstrip('/')}/webhooks/agora"
    secret = any(source.secrets for source in api().settings.sources)
    return overview_view(found, now_ms) | {
        "courses": courses(samples, now_ms),
        "changed": partial(change, samples, now_ms=now_ms),
        "first_time": not samples,
        "endpoint": endpoint,
        "has_secret": secret,
        "retention": api().settings.retention,
        "now_ms": now_ms,
    }

"""The page about Vigil itself: processes, queues, the server, sinks, sources, settings, and who did what."""

from __future__ import annotations

from functools import partial

from flask import Response

from webhook.routes.dashboard import blueprint
from webhook.routes.dashboard.pages import page
from webhook.routes.status import View
from webhook.routes.system import Clocks, Read, compare_clocks, reading_system
from webhook.routes.system import system as system_model
from webhook.views.courses import day_charts


@blueprint.get("/system")
def system() -> Response:
    """How Vigil itself is."""
    clocks = compare_clocks()
    return page("system.html", reading_system(clocks), partial(_show, clocks))


def _show(clocks: Clocks, found: Read, now_ms: int) -> View:
    shown = system_model(clocks, found)
    return {"it": shown, "charts": day_charts(shown["history"])}

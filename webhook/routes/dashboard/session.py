"""The page of one session (docs/dashboard.md)."""

from __future__ import annotations

from functools import partial

from flask import Response, request

from webhook.domain.log import Entry
from webhook.domain.session import Session
from webhook.domain.timeline import Window
from webhook.routes.dashboard import blueprint
from webhook.routes.dashboard.pages import page
from webhook.routes.parameters import MOST_LIMIT
from webhook.routes.status import View, api, need
from webhook.routes.timeline import read_window
from webhook.store.alerts import AlertPage, AlertQuery
from webhook.views.session_page import Known, session_page


@blueprint.get("/sessions/<path:session_id>")
def session(session_id: str) -> Response:
    """One session: how it is, its timeline, and what was told of it."""
    window = read_window(request.args)
    shard, found = need(session_id)
    entries = api().notifications.whole_session(shard, found.id)
    alerts = api().alerts.paging(AlertQuery(projects=(), session=found.id), MOST_LIMIT, None)
    return page("session.html", alerts, partial(_show, found, entries, window))


def _show(found: Session, entries: list[Entry], window: Window, alerts: AlertPage, now_ms: int) -> View:
    known = Known(found, entries, alerts.items, now_ms, api().settings.retention * 1000)
    return {"it": session_page(known, window)}

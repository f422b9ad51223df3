"""The timeline of a session in the status API (contract.md, section 4)."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from msgspec.structs import replace

from webhook.domain.errors import Rejected
from webhook.domain.timeline import Timeline, Window, timeline
from webhook.domain.wire import LATEST_MS
from webhook.routes import parameters
from webhook.routes.answers import tagged_answer
from webhook.routes.parameters import MOST_LIMIT, time_ms
from webhook.routes.status import api, blueprint, need
from webhook.store.alerts import AlertQuery
from webhook.views.timeline import timeline_view


def _instant_ms(text: str) -> int:
    """A time that can be written down again, whatever its zone."""
    at_ms = time_ms(text)
    if not 0 <= at_ms <= LATEST_MS:
        raise ValueError("a time from 1970 to 9999 is needed")
    return at_ms


WINDOW = {"from": _instant_ms, "to": _instant_ms}


@blueprint.get("/sessions/<path:session_id>/timeline")
def show_timeline(session_id: str) -> Response:
    """What happened in one session, as lanes of intervals and marks."""
    window = _window(parameters.read(request.args, WINDOW))
    shard, session = need(session_id)
    entries = api().notifications.whole_session(shard, session.id)
    alerts = api().alerts.page(AlertQuery(projects=(), session=session.id), MOST_LIMIT, None).items
    return tagged_answer(timeline_view(_in_order(timeline(session, entries, window), window), alerts, window))


def _window(asked: dict[str, Any]) -> Window:
    window = Window(asked.get("from"), asked.get("to"))
    if window.from_ms is not None and window.until_ms is not None and window.from_ms >= window.until_ms:
        mistake = {"path": "to", "message": "has to be later than from"}
        raise Rejected(400, "Bad parameters", "the window ends before it begins", [mistake])
    return window


def _in_order(drawn: Timeline, window: Window) -> Timeline:
    """The same; where the window begins after the session or ends before it, with an empty range at its own end."""
    if drawn.from_ms is None or drawn.until_ms is None or drawn.from_ms <= drawn.until_ms:
        return drawn
    at_ms = drawn.until_ms if window.from_ms is None else drawn.from_ms
    return replace(drawn, from_ms=at_ms, until_ms=at_ms)

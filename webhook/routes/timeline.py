"""The timeline of a session in the status API (contract.md, section 4)."""

from __future__ import annotations

from flask import Response, request
from msgspec.structs import replace

from webhook.domain.errors import Rejected
from webhook.domain.session import Session
from webhook.domain.timeline import Timeline, Window, timeline
from webhook.domain.wire import LATEST_MS
from webhook.routes import parameters
from webhook.routes.answers import tagged_answer
from webhook.routes.parameters import MOST_LIMIT, Arguments, time_ms
from webhook.routes.status import View, api, blueprint, need
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
    window = read_window(request.args)
    return tagged_answer(session_timeline(*need(session_id), window))


def session_timeline(shard: int, session: Session, window: Window) -> View:
    """The timeline of a session, its alerts included. Raises StoreError."""
    entries = api().notifications.whole_session(shard, session.id)
    alerts = api().alerts.page(AlertQuery(projects=(), session=session.id), MOST_LIMIT, None).items
    return timeline_view(_in_order(timeline(session, entries, window), window), alerts, window)


def read_window(arguments: Arguments) -> Window:
    """The part that is asked for. Raises Rejected (400)."""
    asked = parameters.read(arguments, WINDOW)
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

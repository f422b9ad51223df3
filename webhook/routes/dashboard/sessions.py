"""The list of sessions (docs/dashboard.md)."""

from __future__ import annotations

from functools import partial

from flask import Response, request

from webhook.domain.states import State
from webhook.routes.dashboard import blueprint, filters
from webhook.routes.dashboard.filters import SPAN, Asked
from webhook.routes.dashboard.pages import nothing, page
from webhook.routes.parameters import DEFAULT_LIMIT, one_of
from webhook.routes.status import SESSIONS, View, api
from webhook.store.paging import write_cursor
from webhook.store.rounds import Reader
from webhook.store.sessions import SessionPage, SessionQuery
from webhook.views.session_rows import session_row
from webhook.views.sessions import session_view
from webhook.views.words import query

# a recording that starts or ends is live to whoever looks after it, as in the figure of the first screen
BROKEN, LIVE = "broken", State.LIVE.value
STATES = {state.value: {"state": state} for state in State} | {LIVE: {"running": True}, BROKEN: {"alerting": True}}
TABS = (LIVE, BROKEN, "expected", "lost", "failed", "ended")
PARSERS = SESSIONS | SPAN | {"state": one_of(STATES)}
NAMES = {"stream": "stopped", "since": "since_ms", "until": "until_ms"}
LIST = "/sessions"  # as the status API calls it, whose cursors these are


@blueprint.get("/sessions")
def sessions() -> Response:
    """Sessions, newest activity first."""
    asked = filters.read(request.args, PARSERS)
    return filters.tidied() or page("sessions.html", _reading(asked), partial(_show, asked))


def _reading(asked: Asked) -> Reader[SessionPage | None]:
    """The page that is asked for; None where the address is mistaken."""
    cursor = asked.cursor(LIST)
    if asked.mistakes:
        return nothing()
    criteria = asked.criteria(NAMES, "state") | asked.values.get("state", {})
    limit = asked.values.get("limit", DEFAULT_LIMIT)
    return api().sessions.paging(SessionQuery(projects=api().projects, **criteria), limit, cursor)


def _show(asked: Asked, found: SessionPage | None, now_ms: int) -> View:
    rows = [session_row(session_view(session), now_ms) for session in found.sessions] if found else []
    return {
        "asked": asked,
        "tabs": TABS,
        "rows": rows,
        "next": write_cursor(LIST, found.next if found else None),
        "ranges": filters.ranges(now_ms),
        "products": filters.products(),
        "projects": filters.called(api().projects),
        "sources": filters.called(source.name for source in api().settings.sources),
        "retention": api().settings.retention,
        "twin": f"/api/v1/sessions{_twin(asked)}",
    }


def _twin(asked: Asked) -> str:
    """The same question to the status API, which has no word for all that is live together."""
    if asked.typed.get("state") == BROKEN:
        return query(asked.typed, state=None, alerting="true", cursor=None)
    return query(asked.typed, cursor=None)

"""The status API, `/api/v1` (contract.md, section 4)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from flask import Blueprint, Response, current_app, g, request

from webhook.domain.channels import recoded_channel_id
from webhook.domain.decoding import BY_NAME, UNKNOWN_PRODUCT
from webhook.domain.errors import Rejected
from webhook.domain.log import Outcome
from webhook.domain.session import Session
from webhook.domain.states import State
from webhook.routes import access, parameters
from webhook.routes.answers import tagged_answer
from webhook.routes.parameters import DEFAULT_LIMIT, PAGE, Arguments, time_ms
from webhook.settings import Settings
from webhook.store.alerts import Alerts
from webhook.store.channels import Channels
from webhook.store.connection import Redis, server_now_ms
from webhook.store.dead_letters import DeadLetters
from webhook.store.inbox import Inbox
from webhook.store.notifications import ItemFilter, ItemPage, Notifications
from webhook.store.paging import read_cursor, write_cursor
from webhook.store.rounds import Reader, read, read_together
from webhook.store.sessions import SessionQuery, Sessions
from webhook.store.silences import Silences
from webhook.store.summary import Summary
from webhook.views.notifications import notification_view
from webhook.views.sessions import session_view
from webhook.views.summary import summary_view

blueprint = Blueprint("status", __name__, url_prefix="/api/v1")
EXTENSION = "vigil.status"
View = dict[str, Any]

PRODUCT = parameters.one_of({name: name for name in (*BY_NAME, UNKNOWN_PRODUCT)})
SESSIONS = PAGE | {
    "product": PRODUCT,
    "project": str,
    "state": parameters.one_of({state.value: state for state in State}),
    "channel": str,
    "source": str,
    "stream": parameters.one_of({"stopped": True}),
    "alerting": parameters.true,
    "since": time_ms,
    "until": time_ms,
}
ITEMS = PAGE | {
    "noticeId": str,
    "channel": str,
    "uid": str,
    "product": PRODUCT,
    "type": parameters.number,
    "outcome": parameters.one_of({outcome.value: outcome.value for outcome in Outcome}),
    "since": time_ms,
    "until": time_ms,
}


class Status:
    """What the routes read from."""

    def __init__(
        self,
        settings: Settings,
        redis: Redis,
        inbox: Inbox,
        wake: Callable[[int], None],
        workers: Callable[[], Reader[int]],
    ) -> None:
        self.settings = settings
        self.redis = redis
        self.dead_letters = DeadLetters(redis, inbox, settings.shards)
        self.sessions = Sessions(redis, settings.shards)
        self.alerts = Alerts(redis, settings.shards)
        self.silences = Silences(redis, settings.shards)
        self.channels = Channels(redis, settings.shards)
        self.notifications = Notifications(redis, settings.shards)
        self.summary = Summary(redis, settings.shards)
        self.now_ms = partial(server_now_ms, redis)
        self.inbox = inbox
        self.wake = wake
        self.workers = workers
        self.projects = tuple(sorted({source.project for source in settings.sources}))


def api() -> Status:
    """The parts of the application that serves this request."""
    status: Status = current_app.extensions[EXTENSION]
    return status


@blueprint.before_request
def _admit() -> None:
    access.admit(api().settings, "reader" if request.method in ("GET", "HEAD") else "operator")


@blueprint.get("/sessions")
def list_sessions() -> Response:
    """Sessions, newest activity first."""
    return tagged_answer(read(api().redis, "reading sessions", session_list(request.args)))


def session_list(arguments: Arguments) -> Reader[View]:
    """A page of sessions. Raises Rejected (400) where the parameters are mistaken."""
    asked = parameters.read(arguments, SESSIONS)
    query = SessionQuery(
        projects=api().projects,
        project=asked.get("project"),
        product=asked.get("product"),
        state=asked.get("state"),
        channel=asked.get("channel"),
        source=asked.get("source"),
        stopped=asked.get("stream", False),
        alerting=asked.get("alerting", False),
        since_ms=asked.get("since"),
        until_ms=asked.get("until"),
    )
    cursor = read_cursor("/sessions", asked.get("cursor"))
    page = yield from api().sessions.paging(query, asked.get("limit", DEFAULT_LIMIT), cursor)
    items = [session_view(session) for session in page.sessions]
    return {"items": items, "next": write_cursor("/sessions", page.next)}


@blueprint.get("/sessions/<path:session_id>")
def show_session(session_id: str) -> Response:
    """One session."""
    parameters.read(request.args, {})
    _, session = need(session_id)
    return tagged_answer(session_view(session), str(session.revision))


@blueprint.get("/sessions/<path:session_id>/notifications")
def list_session_notifications(session_id: str) -> Response:
    """What was told of one session, latest event first."""
    asked = parameters.read(request.args, ITEMS)
    return tagged_answer(_items_of_session(*need(session_id), asked))


@blueprint.get("/notifications")
def list_notifications() -> Response:
    """What was received, latest first: of one noticeId, of one session, or all."""
    return tagged_answer(notification_list(request.args))


def notification_list(arguments: Arguments) -> View:
    """A page of what was received. Raises Rejected (400) where the parameters are mistaken, and StoreError."""
    asked = parameters.read(arguments, ITEMS | {"session": str})
    if "session" in asked:
        found = find(asked["session"])
        return _items_of_session(*found, asked) if found else _items("nothing", ItemPage([], None))
    of = f"/notifications?noticeId={asked['noticeId']}" if "noticeId" in asked else "/notifications"
    limit, cursor = asked.get("limit", DEFAULT_LIMIT), read_cursor(of, asked.get("cursor"))
    if "noticeId" in asked:
        return _items(of, api().notifications.called(asked["noticeId"], _filter(asked), limit, cursor))
    return _items(of, api().notifications.all(_filter(asked), limit, cursor))


@blueprint.get("/summary")
def show_summary() -> Response:
    """The figures of the first screen."""
    parameters.read(request.args, {})
    return tagged_answer(summary())


def summary() -> View:
    """The figures of the first screen. Raises StoreError."""
    figures, workers = read_together(api().redis, "reading the summary", api().summary.reading(), api().workers())
    return summary_view(figures, workers)


def find(session_id: str) -> tuple[int, Session] | None:
    """The session called so and its shard, also where a URL lost the percent signs of its id. Raises StoreError."""
    found = api().sessions.find(session_id)
    recoded = recoded_channel_id(session_id)
    if found or recoded is None or recoded == session_id:
        return found
    return api().sessions.find(recoded)


def need(session_id: str) -> tuple[int, Session]:
    """The same. Raises Rejected (404) where there is none."""
    found = find(session_id)
    if found is None:
        detail = f"no notification named a session {session_id[:64]!r}, or it was forgotten"
        raise Rejected(404, "No such session", detail)
    return found


def _items_of_session(shard: int, session: Session, asked: dict[str, Any]) -> View:
    of = f"/sessions/{session.id}/notifications"
    limit, cursor = asked.get("limit", DEFAULT_LIMIT), read_cursor(of, asked.get("cursor"))
    return _items(of, api().notifications.of_session(shard, session.id, _filter(asked), limit, cursor))


def _filter(asked: dict[str, Any]) -> ItemFilter:
    return ItemFilter(
        notice_id=asked.get("noticeId"),
        channel=asked.get("channel"),
        uid=asked.get("uid"),
        product=asked.get("product"),
        event_type=asked.get("type"),
        outcome=asked.get("outcome"),
        since_ms=asked.get("since"),
        until_ms=asked.get("until"),
    )


def _items(of: str, page: ItemPage) -> View:
    operator = g.role == "operator"
    items = [notification_view(item, operator=operator) for item in page.items]
    return {"items": items, "next": write_cursor(of, page.next)}

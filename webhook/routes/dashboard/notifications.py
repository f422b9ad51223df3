"""What was received, to look through and to take away (docs/dashboard.md)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import msgspec
from flask import Response, request, stream_with_context

from webhook.domain.channels import parse_channel_id, recoded_channel_id
from webhook.domain.decoding import EVENT_NAMES
from webhook.domain.errors import Rejected
from webhook.domain.log import Outcome
from webhook.routes.dashboard import blueprint, filters, may_act
from webhook.routes.dashboard.filters import SPAN, Asked
from webhook.routes.dashboard.pages import nothing, page
from webhook.routes.parameters import DEFAULT_LIMIT, MOST_LIMIT, number
from webhook.routes.status import ITEMS, View, api
from webhook.store.notifications import ItemFilter, ItemPage
from webhook.store.paging import Cursor, write_cursor
from webhook.store.rounds import Reader, read
from webhook.views.notification_page import notification_rows
from webhook.views.notifications import notification_view
from webhook.views.words import query

NAMES = {"noticeId": "notice_id", "type": "event_type", "since": "since_ms", "until": "until_ms"}
EVENTS = tuple(sorted(set(EVENT_NAMES.values())))
MOST_EXPORTED = 10_000
MOST_PAGES = 400  # that an export looks through


def event(text: str) -> int | str:
    """The number of an event type, or its name, spaced as people like."""
    name = text.strip().lower().replace(" ", "_").replace("-", "_")
    if name in EVENTS:
        return name
    try:
        return number(name)
    except ValueError as mistake:
        raise ValueError("no type is called so; write its number, or a name such as recorder_left") from mistake


PARSERS = ITEMS | SPAN | {"session": str, "type": event, "open": str}


@blueprint.get("/notifications")
def notifications() -> Response:
    """What was received, the latest first; of one session, its latest events first."""
    asked = filters.read(request.args, PARSERS)
    return filters.tidied() or page("notifications.html", _asking(asked), partial(_show, asked))


@blueprint.get("/notifications.ndjson")
def export() -> Response:
    """The same as JSON, a line each, page after page; where there is more, the last line has its cursor."""
    asked = filters.read(request.args, PARSERS)
    cursor = asked.cursor(_list_of(asked))
    if asked.mistakes:
        errors = [{"path": name, "message": message} for name, message in asked.mistakes.items()]
        raise Rejected(400, "Bad parameters", f"{len(errors)} of the parameters cannot be used", errors)
    first = _page(asked, cursor)  # what is wrong with the store is told before the answer begins
    answer = Response(stream_with_context(_lines(asked, first)), content_type="application/x-ndjson")
    answer.headers["Content-Disposition"] = 'attachment; filename="notifications.ndjson"'
    return answer


def _asking(asked: Asked) -> Reader[ItemPage | None]:
    """The page that is asked for; None where the address is mistaken."""
    cursor = asked.cursor(_list_of(asked))
    return nothing() if asked.mistakes else _reading(asked, asked.values.get("limit", DEFAULT_LIMIT), cursor)


def _reading(asked: Asked, limit: int, cursor: Cursor | None) -> Reader[ItemPage]:
    """By the index that fits best: of one noticeId, of one session, or of all. Two steps."""
    stored, session, notice_id = api().notifications, _session(asked), asked.values.get("noticeId")
    wanted = _filter(asked)
    if notice_id is not None:
        return stored.reading_called(notice_id, msgspec.structs.replace(wanted, session=session), limit, cursor)
    if session is not None:
        return stored.reading_session(range(api().settings.shards), session, wanted, limit, cursor)
    return stored.reading_all(wanted, limit, cursor)


def _filter(asked: Asked) -> ItemFilter:
    criteria = asked.criteria(NAMES, "session", "open")
    if isinstance(criteria.get("event_type"), str):
        criteria["event"] = criteria.pop("event_type")
    return ItemFilter(**criteria)


def _session(asked: Asked) -> str | None:
    """The id of the session that is asked for, with the percent signs of a channel's that an address may have lost."""
    told: str | None = asked.values.get("session")
    return told if told is None or parse_channel_id(told) else recoded_channel_id(told) or told


def _list_of(asked: Asked) -> str:
    """What the status API calls the list, whose cursors these are."""
    if "noticeId" in asked.values:
        return f"/notifications?noticeId={asked.values['noticeId']}"
    session = _session(asked)
    return "/notifications" if session is None else f"/sessions/{session}/notifications"


def _show(asked: Asked, found: ItemPage | None, now_ms: int) -> View:
    items = found.items if found else []
    named = items[0].copy.notice_id if len(items) == 1 and "noticeId" in asked.values else None
    return {
        "asked": asked,
        "rows": list(notification_rows(items, asked.values.get("open", named), operator=may_act())),
        "next": write_cursor(_list_of(asked), found.next if found else None),
        "ranges": filters.ranges(now_ms),
        "products": filters.products(),
        "outcomes": filters.named(outcome.value for outcome in Outcome),
        "events": EVENTS,
        "most": MOST_EXPORTED,
        "alone": named,
        "twin": _twin(asked),
    }


def _twin(asked: Asked) -> str:
    """The same question to the status API, which knows types by number."""
    wanted = asked.values.get("type")
    places = [place for place, name in EVENT_NAMES.items() if name == wanted]
    by_number = {"product": places[0][0]} if len(places) == 1 else {}
    told = by_number | asked.typed | ({"type": str(places[0][1])} if places else {})
    return f"/api/v1/notifications{query(told, open=None, cursor=None)}"


def _page(asked: Asked, cursor: Cursor | None) -> ItemPage:
    return read(api().redis, "reading notifications", _reading(asked, MOST_LIMIT, cursor))


def _lines(asked: Asked, first: ItemPage) -> Iterator[bytes]:
    """The lines of an export, never more than a page of them in memory. Breaks off where the store does not answer."""
    operator, left, found = may_act(), MOST_EXPORTED, first
    for _ in range(MOST_PAGES):
        for item in found.items:
            yield _line(notification_view(item, operator=operator))
        left -= len(found.items)
        if found.next is None:
            return
        if left < MOST_LIMIT:
            break
        found = _page(asked, found.next)
    yield _line({"next": write_cursor(_list_of(asked), found.next)})


def _line(content: View) -> bytes:
    return msgspec.json.encode(content) + b"\n"

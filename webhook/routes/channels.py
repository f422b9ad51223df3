"""Channels and streams of the status API: questions across sessions (contract.md, section 4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Response, request

from webhook.domain.channels import parse_channel_id
from webhook.domain.errors import Rejected
from webhook.domain.events import Reception
from webhook.domain.session import Session
from webhook.routes import parameters
from webhook.routes.answers import tagged_answer
from webhook.routes.parameters import DEFAULT_LIMIT, PAGE
from webhook.routes.status import api, blueprint
from webhook.store.channels import ChannelQuery
from webhook.store.paging import Cursor, read_cursor, write_cursor
from webhook.store.sessions import SessionQuery
from webhook.views.lists import channel_page_view, channel_row_view, stream_views

CHANNELS = PAGE | {"live": parameters.true, "name": str, "project": str}
STREAMS = PAGE | {"video": parameters.one_of({reception.value: reception.value for reception in Reception})}


@blueprint.get("/channels")
def list_channels() -> Response:
    """Channels, newest activity first."""
    asked = parameters.read(request.args, CHANNELS)
    query = ChannelQuery(project=asked.get("project"), name=asked.get("name"), live=asked.get("live", False))
    page = api().channels.page(query, asked.get("limit", DEFAULT_LIMIT), read_cursor(asked.get("cursor")))
    return tagged_answer({"items": [channel_row_view(row) for row in page.channels], "next": write_cursor(page.next)})


@blueprint.get("/channels/<channel>")
def show_channel(channel: str) -> Response:
    """One channel: who is there, and all its sessions."""
    named = parse_channel_id(channel)
    sessions = api().channels.sessions(*named) if named else []
    if named is None or not sessions:
        raise Rejected(404, "No such channel", f"no session is known in a channel {channel[:96]!r}")
    return tagged_answer(channel_page_view(*named, sessions))


@blueprint.get("/streams")
def list_streams() -> Response:
    """Streams of the sessions that run, newest activity of their session first."""
    asked = parameters.read(request.args, STREAMS)
    items, following = _streams(asked, asked.get("limit", DEFAULT_LIMIT), read_cursor(asked.get("cursor")))
    return tagged_answer({"items": items, "next": write_cursor(following)})


def _streams(asked: dict[str, Any], limit: int, cursor: Cursor | None) -> tuple[list[dict[str, Any]], Cursor | None]:
    video = asked.get("video")
    stopped = video == Reception.STOPPED.value
    query = SessionQuery(projects=api().projects, stopped=stopped, running=not stopped)
    page = api().sessions.page(query, limit, cursor)
    items: list[dict[str, Any]] = []
    finished = cursor
    for session, skipped in _resumed(page.sessions, cursor):
        streams = stream_views(session, video)[skipped:]
        room = limit - len(items)
        if len(streams) > room:
            within = Cursor(session.activity_ms, session.id, skipped + room)
            return [*items, *streams[:room]], within if within.shown else finished
        items += streams
        finished = Cursor(session.activity_ms, session.id)
    return items, page.next


def _resumed(sessions: list[Session], cursor: Cursor | None) -> Iterator[tuple[Session, int]]:
    """Each session with how many of its streams earlier pages showed."""
    for session in sessions:
        at_cursor = cursor is not None and (session.activity_ms, session.id) == (cursor.score, cursor.member)
        yield session, cursor.shown if at_cursor and cursor else 0

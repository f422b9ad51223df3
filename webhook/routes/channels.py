"""Channels and streams of the status API: questions across sessions (contract.md, section 4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from flask import Response, request

from webhook.domain.channels import channel_id, parse_channel_id, recoded_channel_id
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

Found = tuple[str, str, list[Session]]  # project, channel, and its sessions


@blueprint.get("/channels")
def list_channels() -> Response:
    """Channels, newest activity first."""
    asked = parameters.read(request.args, CHANNELS)
    query = ChannelQuery(
        projects=api().projects, project=asked.get("project"), name=asked.get("name"), live=asked.get("live", False)
    )
    cursor = read_cursor("/channels", asked.get("cursor"))
    page = api().channels.page(query, asked.get("limit", DEFAULT_LIMIT), cursor)
    items = [channel_row_view(row) for row in page.channels]
    return tagged_answer({"items": items, "next": write_cursor("/channels", page.next)})


@blueprint.get("/channels/<path:channel>")
def show_channel(channel: str) -> Response:
    """One channel, by its id or its name: who is there, and all its sessions."""
    asked = parameters.read(request.args, {"project": str})
    return tagged_answer(channel_page_view(*_found(channel, asked.get("project"))))


def _found(text: str, project: str | None) -> Found:
    """The channel that `text` names. Raises Rejected (404, 409) where there is none or where several are called so."""
    for named in _by_id(text):
        if project in (None, named[0]) and (sessions := api().channels.sessions(*named)):
            return *named, sessions
    projects = api().projects if project is None else (project,)
    found = [(each, text, sessions) for each in projects if (sessions := api().channels.sessions(each, text))]
    if not found:
        raise Rejected(404, "No such channel", _unknown(text, projects))
    if len(found) > 1:
        ids = " and ".join(channel_id(each, text) for each, _, _ in found)
        detail = f"{text[:96]!r} is a channel of several projects: ask for {ids}, or add ?project="
        raise Rejected(409, "Several channels", detail)
    return found[0]


def _by_id(text: str) -> list[tuple[str, str]]:
    """The project and the channel that `text` may be the id of, also where a URL lost its percent signs."""
    named = [parse_channel_id(text), parse_channel_id(recoded_channel_id(text) or "")]
    return list(dict.fromkeys(each for each in named if each is not None))


def _unknown(text: str, projects: Sequence[str]) -> str:
    where = f"project {projects[0]}" if len(projects) == 1 else f"any of the projects {', '.join(projects)}"
    return (
        f"no session is known of a channel with the id {text[:96]!r}, nor of one with that name in {where}; "
        f"/api/v1/channels lists those that are known"
    )


@blueprint.get("/streams")
def list_streams() -> Response:
    """Streams of the sessions that run, newest activity of their session first."""
    asked = parameters.read(request.args, STREAMS)
    cursor = read_cursor("/streams", asked.get("cursor"))
    items, following = _streams(asked, asked.get("limit", DEFAULT_LIMIT), cursor)
    return tagged_answer({"items": items, "next": write_cursor("/streams", following)})


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

"""One box for everything that has a name (docs/dashboard.md)."""

from __future__ import annotations

from flask import Response, request
from msgspec import Struct

from webhook.domain.channels import parse_channel_id, recoded_channel_id
from webhook.routes.dashboard import blueprint, forms
from webhook.routes.dashboard.pages import nothing, page
from webhook.routes.status import api
from webhook.store.notifications import ItemFilter
from webhook.store.rounds import read, read_rounds
from webhook.store.sessions import SessionQuery
from webhook.views.words import path_part, query

LONGEST = 300  # characters; no id that Vigil keeps is longer


class Found(Struct, frozen=True):
    """What is called exactly so: a session, a noticeId's notification, the sessions of a channel."""

    session: str | None
    notice: bool
    sessions: int

    def place(self, name: str) -> str | None:
        """The one page that fits; None where none does, or several do."""
        places = [
            *([f"/ops/sessions/{path_part(self.session)}"] if self.session else []),
            *([f"/ops/notifications{query({'noticeId': name})}"] if self.notice else []),
            *([f"/ops/sessions{query({'channel': name})}"] if self.sessions else []),
        ]
        return places[0] if len(places) == 1 else None


@blueprint.get("/search")
def search() -> Response:
    """Where what is looked for is; a page of suggestions where that is not one place."""
    name = request.args.get("for", "").strip()[:LONGEST]
    found = _find(name) if name else Found(None, False, 0)
    place = found.place(name)
    return forms.see(place) if place else _suggest(name, found)


def _find(name: str) -> Found:
    """Two round trips, whatever fits."""
    ids = dict.fromkeys([name, *([] if parse_channel_id(name) else [recoded_channel_id(name) or name])])
    query_of_channel = SessionQuery(projects=api().projects, channel=name)
    readers = (
        api().sessions.paging(query_of_channel, 1, None),
        api().notifications.reading_called(name, ItemFilter(), 1, None),
        *(api().sessions.finding(each) for each in ids),
    )
    of_channel, named, *sessions = read(api().redis, "searching", read_rounds(*readers))
    known = next((found[1].id for found in sessions if found), None)
    return Found(known, bool(named.items), len(of_channel.sessions))


def _suggest(name: str, found: Found) -> Response:
    return page("search.html", nothing(), lambda _, now_ms: {"name": name, "found": found})

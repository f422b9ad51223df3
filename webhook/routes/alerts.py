"""Alerts in the status API: looked at, acknowledged, given back (contract.md, section 4)."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from flask import Response, request
from msgspec.structs import replace

from webhook.domain.alerting.alerts import AlertState, Severity
from webhook.domain.alerting.telling import Ack
from webhook.domain.errors import Rejected, StoreError
from webhook.routes import access, parameters
from webhook.routes.answers import json_answer, tagged_answer
from webhook.routes.bodies import Member, mistake, read_members
from webhook.routes.parameters import DEFAULT_LIMIT, PAGE, Arguments, time_ms
from webhook.routes.status import View, api, blueprint
from webhook.store import audit
from webhook.store.alerts import AlertQuery, KnownAlert
from webhook.store.paging import read_cursor, write_cursor
from webhook.store.rounds import Reader, read
from webhook.store.silences import look_again
from webhook.views.alerts import alert_view

LIST = "alerts"
FILTER: dict[str, parameters.Parser] = {
    "state": parameters.one_of({state.value: state for state in AlertState}),
    "severity": parameters.one_of({severity.value: severity for severity in Severity}),
    "rule": str,
    "channel": str,
    "session": str,
    "project": str,
    "since": time_ms,
    "until": time_ms,
    "acknowledged": parameters.one_of({"true": True, "false": False}),
    "silenced": parameters.true,
    "silencedBy": str,
    "resolvedSince": time_ms,
}
NAMES = {  # of the query, where they are others
    "since": "since_ms",
    "until": "until_ms",
    "silencedBy": "silenced_by",
    "resolvedSince": "resolved_since_ms",
}
NOTE = {"note": Member(str, "a string", "what others should know, or leave it out")}
LONGEST_NOTE = 500


@blueprint.get("/alerts")
def list_alerts() -> Response:
    """Alerts, the last begun first."""
    return tagged_answer(read(api().redis, "reading alerts", alert_list(request.args)))


def alert_list(arguments: Arguments) -> Reader[View]:
    """A page of alerts. Raises Rejected (400) where the parameters are mistaken."""
    asked = parameters.read(arguments, PAGE | FILTER)
    cursor = read_cursor(LIST, asked.get("cursor"))
    query = alert_query({name: value for name, value in asked.items() if name in FILTER})
    page = yield from api().alerts.paging(query, asked.get("limit", DEFAULT_LIMIT), cursor)
    items = [alert_view(known) for known in page.items]
    return {"items": items, "next": write_cursor(LIST, page.next)}


@blueprint.get("/alerts/<name>")
def show_alert(name: str) -> Response:
    """One of them."""
    parameters.read(request.args, {})
    return tagged_answer(alert_view(need_alert(name)))


@blueprint.post("/alerts/<name>/ack")
def acknowledge_alert(name: str) -> Response:
    """Says that somebody has it: it is not told again until it is resolved."""
    parameters.read(request.args, {})
    return json_answer(acknowledge(name, _note()))


def acknowledge(name: str, said: str | None) -> View:
    """The alert, now that the sender of this request has it. A later word takes the place of another's.

    The same said again by the same person changes nothing. Raises Rejected (400, 404, 409) and StoreError.
    """
    note = _kept_note(said)
    known = _find_open(name)
    by = access.author(api().settings, request)
    if known.ack is not None and known.ack.by == by and note in (None, known.ack.note):
        return alert_view(known)
    ack = Ack(by, api().now_ms(), note)
    _write_down("acknowledge", known, note)
    if not api().alerts.acknowledge(known.found, ack):
        raise _over(name)
    _have_looked_at(known)
    return alert_view(replace(known, ack=ack))


@blueprint.delete("/alerts/<name>/ack")
def take_back_acknowledgement(name: str) -> Response:
    """Says that nobody has it any more."""
    parameters.read(request.args, {})
    read_members({})
    return json_answer(take_back(name))


def take_back(name: str) -> View:
    """The alert, now that nobody has it. Where nobody had, nothing changes. Raises Rejected (404, 409), StoreError."""
    known = _find_open(name)
    if known.ack is not None:
        _write_down("take back acknowledgement", known)
        api().alerts.take_back(known.found)
        _have_looked_at(known)
    return alert_view(replace(known, ack=None))


def alert_query(criteria: Mapping[str, Any]) -> AlertQuery:
    """The query that parsed parameters stand for."""
    wanted = {NAMES.get(name, name): value for name, value in criteria.items()}
    return AlertQuery(projects=api().projects, **wanted)


def need_alert(name: str) -> KnownAlert:
    """The alert of that id. Raises Rejected (404) and StoreError."""
    known = api().alerts.find(name)
    if known is None:
        raise unknown(name)
    return known


def unknown(name: str) -> Rejected:
    """What to say of an alert that is not there."""
    detail = f"no alert is called {name[:64]!r}; it was forgotten, or what it announced never came, or never was one"
    return Rejected(404, "No such alert", detail)


def _find_open(name: str) -> KnownAlert:
    known = need_alert(name)
    if not known.found.alert.is_open:
        raise _over(name)
    return known


def _over(name: str) -> Rejected:
    return Rejected(409, "Alert is over", f"{name[:64]} is resolved, and nobody is told of it again; nothing to do")


def _note() -> str | None:
    return read_members(NOTE).get("note")


def _kept_note(given: str | None) -> str | None:
    note = (given or "").strip()
    if len(note) > LONGEST_NOTE:
        wrong = mistake("$.note", f"has {len(note)} characters; at most {LONGEST_NOTE} are kept")
        raise Rejected(400, "Bad body", "the note is too long", [wrong])
    return note or None


def _write_down(action: str, known: KnownAlert, note: str | None = None) -> None:
    subject = f"alert {known.found.id} ({known.found.alert.summary})"
    audit.note(api().redis, access.author(api().settings, request), action, subject, note)


def _have_looked_at(known: KnownAlert) -> None:
    """Has the shard's one writer look at the session at once, which tells the sinks."""
    with suppress(StoreError):  # it is kept already, and told when the alert is looked at next
        for kept in look_again(api().inbox, [(known.found.shard, known.found.session_id)]):
            if kept.wake:
                api().wake(kept.shard)

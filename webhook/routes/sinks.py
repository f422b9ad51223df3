"""Sinks in the status API: how each is, what could not be delivered to it, and delivering that after all."""

from __future__ import annotations

from flask import Response, request

from webhook.alert_settings import SinkSettings
from webhook.domain.errors import Rejected
from webhook.routes import access, parameters
from webhook.routes.answers import json_answer, tagged_answer
from webhook.routes.bodies import Member, misshapen, mistake, read_object
from webhook.routes.parameters import DEFAULT_LIMIT, PAGE, Arguments
from webhook.routes.status import View, api, blueprint
from webhook.store import audit
from webhook.store.dead_deliveries import MOST_REPLAYED, DeadDeliveries, Fate, sink_figures
from webhook.store.paging import read_cursor, write_cursor
from webhook.views.sinks import dead_delivery_view, replayed_view, sink_view

IDS = {"ids": Member(list, "an array", "ids of dead deliveries, or leave it out for those given up last")}


@blueprint.get("/sinks")
def list_sinks() -> Response:
    """Every configured sink, in the order of `vigil.toml`."""
    parameters.read(request.args, {})
    return tagged_answer(sink_list())


def sink_list() -> View:
    """How each sink is. Raises StoreError."""
    sinks = api().settings.sinks
    figures = sink_figures(api().redis, [sink.name for sink in sinks], api().settings.shards)
    items = [sink_view(sink.name, sink.kind, figures[sink.name]) for sink in sinks]
    return {"items": items, "next": None}


@blueprint.get("/sinks/<name>/dead")
def list_dead_deliveries(name: str) -> Response:
    """What was given up, last first."""
    return tagged_answer(dead_delivery_list(name, request.args))


def dead_delivery_list(name: str, arguments: Arguments) -> View:
    """A page of what was given up. Raises Rejected (400 where the parameters are mistaken, 404) and StoreError."""
    asked = parameters.read(arguments, PAGE)
    of = f"dead deliveries of {need_sink(name).name}"
    page = _dead(name).page(asked.get("limit", DEFAULT_LIMIT), read_cursor(of, asked.get("cursor")))
    items = [dead_delivery_view(letter) for letter in page.items]
    return {"items": items, "next": write_cursor(of, page.next)}


@blueprint.post("/sinks/<name>/replay")
def replay_dead_deliveries(name: str) -> Response:
    """Has dead deliveries attempted again: those that are named, or those given up last. A sweep wakes who does it."""
    parameters.read(request.args, {})
    need_sink(name)
    return json_answer(replay(name, _ids()))


def replay(name: str, ids: list[str] | None) -> View:
    """What became of dead deliveries that were asked to be attempted again, without `ids` those given up last.

    Raises Rejected (400 where there are none or too many of them, 404) and StoreError.
    """
    need_sink(name)
    if ids is not None and not 0 < len(ids) <= MOST_REPLAYED:
        wrong = mistake("$.ids", f"has {len(ids)} items; write 1 to {MOST_REPLAYED}, or leave it out")
        raise Rejected(400, "Bad body", "the number of ids cannot be used", [wrong])
    replayed = _dead(name).replay(ids)
    count = sum(1 for each in replayed if each.fate is Fate.REPLAYED)
    subject = f"{count} dead {'delivery' if count == 1 else 'deliveries'} to sink {name}"
    audit.note(api().redis, access.author(api().settings, request), "replay", subject)
    return {"items": [replayed_view(each) for each in replayed], "next": None}


def need_sink(name: str) -> SinkSettings:
    """The configured sink of that name. Raises Rejected (404)."""
    found = next((sink for sink in api().settings.sinks if sink.name == name), None)
    if found is None:
        known = ", ".join(sink.name for sink in api().settings.sinks) or "none"
        raise Rejected(404, "No such sink", f"no sink is called {name[:64]!r}; configured are {known}")
    return found


def _dead(name: str) -> DeadDeliveries:
    return DeadDeliveries(api().redis, name, api().settings.shards)


def _ids() -> list[str] | None:
    """The ids in the body, None where it names none. Raises Rejected (400)."""
    body = read_object()
    wrong = list(misshapen(body, IDS))
    ids = body.get("ids")
    if isinstance(ids, list):
        wrong += [mistake(f"$.ids[{at}]", "is no string") for at, each in enumerate(ids) if not isinstance(each, str)]
    if wrong:
        raise Rejected(400, "Bad body", f"{len(wrong)} of the fields cannot be used", wrong)
    return ids

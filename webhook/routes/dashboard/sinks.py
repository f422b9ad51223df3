"""The page of one sink: what could not be delivered to it, and delivering that after all."""

from __future__ import annotations

from collections import Counter

from flask import Response, request
from werkzeug.datastructures import MultiDict

from webhook.domain.errors import Rejected
from webhook.routes.dashboard import blueprint, forms
from webhook.routes.dashboard.pages import nothing, page
from webhook.routes.parameters import Arguments
from webhook.routes.sinks import dead_delivery_list, need_sink, replay
from webhook.routes.status import View
from webhook.store.dead_deliveries import Fate

IN_WORDS = {
    Fate.REPLAYED: "will be attempted again",
    Fate.BUSY: "left: another delivery of the same alert is under way",
    Fate.UNFIRED: "left: its firing has to be delivered first",
    Fate.GONE: "gone already",
}


@blueprint.get("/sinks/<name>")
def sink(name: str) -> Response:
    """What was given up, last first. Parameters that cannot be used are told, and the first page shown."""
    found = need_sink(name)
    dead, mistakes = _dead(name, request.args)
    arguments = request.args.to_dict()
    return page("sink.html", nothing(), lambda _, now_ms: _shown(found.kind, name, dead, mistakes, arguments))


@blueprint.post("/sinks/<name>/replay")
def replay_dead(name: str) -> Response:
    """Has those that were chosen attempted again, or all."""
    chosen = request.form.getlist("id")
    if not chosen and "all" not in request.form:
        need_sink(name)
        return forms.back_with("warn", "Nothing was chosen, so nothing was replayed.")
    items = replay(name, None if "all" in request.form else chosen)["items"]
    fates = Counter(Fate(item["verdict"]) for item in items)
    told = ", ".join(f"{fates[fate]} {words}" for fate, words in IN_WORDS.items() if fates[fate])
    tone = "ok" if fates[Fate.REPLAYED] == len(items) else "warn"
    return forms.back_with(tone, f"{told[:1].upper()}{told[1:]}." if told else "There was nothing to replay.")


def _dead(name: str, arguments: Arguments) -> tuple[View, list[dict[str, str]]]:
    try:
        return dead_delivery_list(name, arguments), []
    except Rejected as refusal:
        if refusal.status != 400:
            raise
        mistakes = refusal.errors or [{"path": "cursor", "message": refusal.detail}]
        return dead_delivery_list(name, MultiDict()), mistakes


def _shown(kind: str, name: str, dead: View, mistakes: list[dict[str, str]], arguments: dict[str, str]) -> View:
    return {"sink": name, "kind": kind, "dead": dead, "mistakes": mistakes, "arguments": arguments}

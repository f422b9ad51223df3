"""What could not be processed, and what people do about it (docs/dashboard.md)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from flask import Response, request
from msgspec import Struct
from werkzeug.datastructures import MultiDict

from webhook.domain.errors import Rejected
from webhook.domain.replaying import Verdict
from webhook.routes.dashboard import blueprint, filters, forms, may_act
from webhook.routes.dashboard.filters import SPAN, Asked
from webhook.routes.dashboard.pages import nothing, page
from webhook.routes.dead_letters import FILTER, LIST, LONGEST_REASON, Fate, deed_list, discard, replay_one, replay_page
from webhook.routes.parameters import DEFAULT_LIMIT, MOST_LIMIT, PAGE
from webhook.routes.status import View, api
from webhook.store.dead_letters import DeadLetterFilter, DeadLetterPage
from webhook.store.paging import Cursor, write_cursor
from webhook.store.rounds import Reader
from webhook.views.dead_letter_groups import about_dead_letters, groups, told
from webhook.views.dead_letters import dead_letter_view
from webhook.views.notification_page import pretty
from webhook.views.words import query

PATH = "/ops/dead-letters"
NAMES = {"type": "event_type", "since": "since_ms", "until": "until_ms"}
CRITERIA = FILTER | SPAN
PARSERS = PAGE | CRITERIA | {"open": str}
DEEDS_LOOKED_AT, DEEDS_SHOWN = 200, 20
MOST_CHOSEN = 500


class Deed(Struct, frozen=True):
    """What was done to those that were chosen, and how many were left alone then."""

    fates: list[Fate]
    left_alone: int


@blueprint.get("/dead-letters")
def dead_letters() -> Response:
    """Dead letters and quarantined bodies, those that failed alike together, and what was done about such lately."""
    asked = filters.read(request.args, PARSERS)
    if tidied := filters.tidied():
        return tidied
    deeds = about_dead_letters(deed_list(MultiDict({"limit": str(DEEDS_LOOKED_AT)}))["items"])
    return page("dead_letters.html", _asking(asked, DEFAULT_LIMIT), partial(_show, asked, deeds))


@blueprint.post("/dead-letters/<name>/replay")
def replay_dead_letter(name: str) -> Response:
    """Has one processed again."""
    return _back(_one_by_one([name], replay_one))


@blueprint.post("/dead-letters/replay-chosen")
def replay_chosen() -> Response:
    """Has those processed again whose boxes are ticked."""
    return _back(_one_by_one(_chosen(), replay_one))


@blueprint.get("/dead-letters/replay")
def ask_replay() -> Response:
    """Asks whether all that pass the filter are to be processed again, with their number."""
    _need_operator()
    asked = filters.read(request.args, PARSERS)
    return page("dead_letters_replay.html", _asking(asked, MOST_LIMIT), partial(_show_question, asked))


@blueprint.post("/dead-letters/replay")
def replay_dead_letters() -> Response:
    """Has those processed again that were counted when it was asked."""
    given = MultiDict([(name, text) for name, text in request.form.items() if name in PAGE | CRITERIA])
    found = replay_page(given)
    tone, sentence = told(found["items"])
    more = " There are more of them: replay again for the next." if found["next"] else ""
    return forms.back_with(tone, sentence + more)


@blueprint.get("/dead-letters/discard")
def ask_discard() -> Response:
    """Asks why some are given up."""
    _need_operator()
    return _ask_reason(request.args.getlist("id"), request.args.get("back", PATH))


@blueprint.post("/dead-letters/discard")
def discard_dead_letters() -> Response:
    """Gives up those that are chosen, for the reason; asks for it where the form had no field for it."""
    chosen, back, reason = _chosen(), request.form.get("back", PATH), request.form.get("reason")
    if reason is None or not chosen:
        return _ask_reason(chosen, back) if chosen else _back(Deed([], 0))
    try:
        return _back(_one_by_one(chosen, partial(_discard, reason)))
    except Rejected as refusal:
        if refusal.status != 400:
            raise
        return _ask_reason(chosen, back, reason, refusal)


def _asking(asked: Asked, limit: int) -> Reader[DeadLetterPage | None]:
    """The page that is asked for; None where the address is mistaken."""
    cursor = asked.cursor(LIST)
    if asked.mistakes:
        return nothing()
    wanted = DeadLetterFilter(**asked.criteria(NAMES, "open"))
    return api().dead_letters.paging(wanted, asked.values.get("limit", limit), cursor)


def _show(asked: Asked, deeds: list[View], found: DeadLetterPage | None, now_ms: int) -> View:
    letters = _views(found)
    opened = next((letter for letter in letters if letter["id"] == asked.values.get("open")), None)
    return {
        "asked": asked,
        "groups": groups(letters),
        "count": _count(asked, found),
        "opened": opened and opened["id"],
        "body": pretty(opened["body"]) if opened else None,
        "next": write_cursor(LIST, found.next if found else None),
        "ranges": filters.ranges(now_ms),
        "products": filters.products(),
        "sources": filters.called(source.name for source in api().settings.sources),
        "deeds": deeds[:DEEDS_SHOWN],
        "last": deeds[0] if deeds else None,
        "twin": f"/api/v1/dead-letters{query(asked.typed, open=None, cursor=None)}",
    }


def _show_question(asked: Asked, found: DeadLetterPage | None, now_ms: int) -> View:
    """What was received since is not meant by whoever says yes: the cursor keeps it out."""
    letters = _views(found)
    kept = {name: asked.typed[name] for name in CRITERIA if name in asked.values}
    begin = asked.typed.get("cursor") or write_cursor(LIST, Cursor(now_ms, ""))
    return {
        "asked": asked,
        "groups": groups(letters),
        "number": len(letters),
        "more": bool(found and found.next),
        "kept": kept | {"cursor": begin, "limit": str(asked.values.get("limit", MOST_LIMIT))},
        "criteria": kept,
        "list": f"{PATH}{query(kept)}".rstrip("?"),
    }


def _views(found: DeadLetterPage | None) -> list[View]:
    return [dead_letter_view(letter, operator=may_act()) for letter in found.items] if found else []


def _count(asked: Asked, found: DeadLetterPage | None) -> int | None:
    """How many pass the filter; None where that takes another look."""
    whole = found is not None and found.next is None and "cursor" not in asked.values
    return len(found.items) if found and whole else None


def _one_by_one(names: Sequence[str], act: Callable[[str], Fate]) -> Deed:
    """What became of each. Once nobody comes to one in time the rest are left alone, or the page would wait on."""
    fates: list[Fate] = []
    for name in names:
        fates.append(_unless_gone(name, act))
        if fates[-1]["verdict"] == Verdict.PENDING:
            break
    return Deed(fates, len(names) - len(fates))


def _unless_gone(name: str, act: Callable[[str], Fate]) -> Fate:
    try:
        return act(name)
    except Rejected as refusal:
        if refusal.status != 404:
            raise
        return {"id": name, "verdict": Verdict.GONE.value, "detail": ""}


def _discard(reason: str, name: str) -> Fate:
    return discard(name, reason)


def _chosen() -> list[str]:
    return list(dict.fromkeys(request.form.getlist("id")))[:MOST_CHOSEN]


def _back(deed: Deed) -> Response:
    if not deed.fates:
        return forms.back_with("warn", "Nothing was chosen, so nothing was done.")
    return forms.back_with(*told(deed.fates, deed.left_alone))


def _ask_reason(chosen: list[str], back: str, typed: str = "", refusal: Rejected | None = None) -> Response:
    wrong = [each["message"] for each in refusal.errors or ()] if refusal else []
    found = [(name, api().dead_letters.find(name)) for name in chosen[:DEFAULT_LIMIT]]
    letters = [dead_letter_view(letter, operator=may_act()) for _, letter in found if letter]
    shown: View = {"chosen": chosen, "letters": letters, "typed": typed, "wrong": wrong, "longest": LONGEST_REASON}
    shown["list"] = forms.inside(back)
    answer = page("dead_letters_discard.html", nothing(), lambda _, now_ms: shown)
    answer.status_code = refusal.status if refusal else 200
    return answer


def _need_operator() -> None:
    """Returns where the sender may act. Raises Rejected (403): there is no use in a question for others."""
    if not may_act():
        raise Rejected(403, "Operators only", "whoever only looks can neither replay nor discard")

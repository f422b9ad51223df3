"""Dead letters and quarantined bodies in the status API: looked at, replayed, discarded (contract.md, section 4)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from flask import Response, g, request
from werkzeug.datastructures import MultiDict

from webhook.clock import sleep
from webhook.domain.arrivals import Kind
from webhook.domain.errors import Rejected, StoreError
from webhook.domain.replaying import Answer, Verdict
from webhook.domain.routing import route
from webhook.routes import access, parameters
from webhook.routes.answers import json_answer, tagged_answer
from webhook.routes.bodies import Member, mistake, read_members, read_object
from webhook.routes.parameters import DEFAULT_LIMIT, PAGE, Arguments, time_ms
from webhook.routes.status import PRODUCT, View, api, blueprint
from webhook.store import audit
from webhook.store.dead_letters import Action, DeadLetter, DeadLetterFilter, DeadLetterPage
from webhook.store.inbox import Appended, shard_of
from webhook.store.paging import read_cursor, write_cursor
from webhook.views.dead_letters import dead_letter_view, deed_view

LIST = "dead-letters"
FILTER: dict[str, parameters.Parser] = {
    "kind": parameters.one_of({name: name for name in ("dead_letter", "quarantine")}),
    "source": str,
    "product": PRODUCT,
    "type": parameters.number,
    "session": str,
    "since": time_ms,
    "until": time_ms,
}
REASON = {"reason": Member(str, "a string", "why nobody needs it any more", required=True)}
LONGEST_REASON = 500
LOOKS, BETWEEN_LOOKS = 40, 0.05  # until workers have come to what was asked; seconds
MOVED = "this release reads it as a notification of another shard, and it is processed there"

Fate = dict[str, str]  # id, verdict and detail
Asked = tuple[DeadLetter, str | None]  # with the ticket of its answer, None where it was carried to another shard


@blueprint.get("/dead-letters")
def list_dead_letters() -> Response:
    """Dead letters and quarantined bodies, last received first."""
    return tagged_answer(dead_letter_list(request.args))


def dead_letter_list(arguments: Arguments) -> View:
    """A page of them. Raises Rejected (400) where the parameters are mistaken, and StoreError."""
    page = _page(parameters.read(arguments, PAGE | FILTER))
    items = [dead_letter_view(letter, operator=g.role == "operator") for letter in page.items]
    return {"items": items, "next": write_cursor(LIST, page.next)}


@blueprint.get("/dead-letters/<name>")
def show_dead_letter(name: str) -> Response:
    """One of them."""
    parameters.read(request.args, {})
    return tagged_answer(dead_letter_view(_find(name), operator=g.role == "operator"))


@blueprint.post("/dead-letters/<name>/replay")
def replay_dead_letter(name: str) -> Response:
    """Has one processed again, and says what became of it; 202 where nobody has come to it yet."""
    parameters.read(request.args, {})
    read_members({})
    return _answer(replay_one(name))


def replay_one(name: str) -> Fate:
    """What became of one that was asked to be processed again. Raises Rejected (404) and StoreError."""
    letter = _find(name)
    _note("replay", letter)
    (item,) = _told([_replay(letter)])
    return item


@blueprint.post("/dead-letters/replay")
def replay_dead_letters() -> Response:
    """Has a page of those that pass the body's filter processed again, last received first; `next` is for the rest."""
    parameters.read(request.args, {})
    given = MultiDict({name: str(value) for name, value in read_object().items() if value is not None})
    return json_answer(replay_page(given))


def replay_page(arguments: Arguments) -> View:
    """What became of a page of those that pass the filter. Raises Rejected (400) and StoreError."""
    asked = parameters.read(arguments, PAGE | FILTER)
    page = _page(asked)
    audit.note(api().redis, access.author(api().settings, request), "replay", _described(asked, len(page.items)))
    items = _told([_replay(letter) for letter in page.items])
    return {"items": items, "next": write_cursor(LIST, page.next)}


@blueprint.delete("/dead-letters/<name>")
def discard_dead_letter(name: str) -> Response:
    """Gives one up, for a reason. It stays heard: no hole opens in its session's sequence."""
    parameters.read(request.args, {})
    return _answer(discard(name, read_members(REASON)["reason"]))


def discard(name: str, reason: str) -> Fate:
    """What became of one that is given up. Raises Rejected (400 without a reason, 404) and StoreError."""
    why = _kept_reason(reason)
    letter = _find(name)
    _note("discard", letter, why)
    (item,) = _told([_ask(Kind.DISCARD, letter)])
    return item


@blueprint.get("/audit")
def list_deeds() -> Response:
    """What people did, last done first."""
    return tagged_answer(deed_list(request.args))


def deed_list(arguments: Arguments) -> View:
    """The newest of what people did. Raises Rejected (400) where the parameters are mistaken, and StoreError."""
    asked = parameters.read(arguments, {"limit": parameters.limit})
    deeds = audit.deeds(api().redis, asked.get("limit", DEFAULT_LIMIT))
    return {"items": [deed_view(deed) for deed in deeds], "next": None}


def _answer(item: Fate) -> Response:
    return json_answer(item, 202 if item["verdict"] == Verdict.PENDING else 200)


def _page(asked: dict[str, Any]) -> DeadLetterPage:
    return api().dead_letters.page(
        _filter(asked), asked.get("limit", DEFAULT_LIMIT), read_cursor(LIST, asked.get("cursor"))
    )


def _find(name: str) -> DeadLetter:
    letter = api().dead_letters.find(name)
    if letter is None:
        detail = f"no dead letter is called {name[:64]!r}; it was replayed, discarded or forgotten, or never was one"
        raise Rejected(404, "No such dead letter", detail)
    return letter


def _filter(asked: dict[str, Any]) -> DeadLetterFilter:
    return DeadLetterFilter(
        kind=asked.get("kind"),
        source=asked.get("source"),
        product=asked.get("product"),
        event_type=asked.get("type"),
        session=asked.get("session"),
        since_ms=asked.get("since"),
        until_ms=asked.get("until"),
    )


def _kept_reason(given: str) -> str:
    reason = given.strip()
    if not 0 < len(reason) <= LONGEST_REASON:
        wrong = mistake("$.reason", f"has {len(reason)} characters; say in 1 to {LONGEST_REASON} why")
        raise Rejected(400, "Reason needed", "whoever looks for it later wants to know why it was discarded", [wrong])
    return reason


def _replay(letter: DeadLetter) -> Asked:
    """Asks for the replay. What belongs to another shard by now is carried there first, then given up here."""
    way = route(_project(letter), letter.entry.body)
    shard = letter.shard if way.unusable is not None else shard_of(way.key, api().settings.shards)
    if shard == letter.shard:
        return _ask(Kind.REPLAY, letter)
    for kept in api().dead_letters.carry(letter, _project(letter), shard):
        _wake(kept)
    return letter, None


def _ask(action: Action, letter: DeadLetter) -> Asked:
    ticket, kept = api().dead_letters.ask(action, letter, _project(letter))
    _wake(kept)
    return letter, ticket


def _wake(kept: Appended) -> None:
    if kept.wake:
        with suppress(StoreError):  # kept already, and the sweep wakes what this did not
            api().wake(kept.shard)


def _project(letter: DeadLetter) -> str:
    source = api().settings.source(letter.entry.source)
    return source.project if source else "default"


def _told(asked: Sequence[Asked]) -> list[Fate]:
    """What became of each, as far as workers came to it within two seconds."""
    tickets = [(letter.shard, ticket) for letter, ticket in asked if ticket is not None]
    answers: dict[str, Answer] = {}
    for _ in range(LOOKS):
        answers = api().dead_letters.answers(tickets) if tickets else {}
        if len(answers) == len(tickets):
            break
        sleep(BETWEEN_LOOKS)
    pending, moved = Answer(Verdict.PENDING), Answer(Verdict.MOVED, MOVED)
    told = [(letter, moved if ticket is None else answers.get(ticket, pending)) for letter, ticket in asked]
    return [{"id": letter.id, "verdict": answer.verdict.value, "detail": answer.detail} for letter, answer in told]


def _note(action: str, letter: DeadLetter, reason: str | None = None) -> None:
    subject = f"{letter.kind} {letter.entry.copies[0].notice_id} (id {letter.id})"
    audit.note(api().redis, access.author(api().settings, request), action, subject, reason)


def _described(asked: dict[str, Any], count: int) -> str:
    criteria = ", ".join(f"{name}={value}" for name, value in sorted(asked.items()) if name not in PAGE)
    return f"{count} dead letter{'' if count == 1 else 's'}{' with ' + criteria if criteria else ''}"

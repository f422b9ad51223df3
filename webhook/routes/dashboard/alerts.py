"""The list of alerts, everything about one, and taking it or giving it back (docs/dashboard.md)."""

from __future__ import annotations

from functools import partial

from flask import Response, request

from webhook.domain.alerting.alerts import AlertState
from webhook.domain.errors import Rejected
from webhook.routes import alerts as answers
from webhook.routes.dashboard import blueprint, filters, forms
from webhook.routes.dashboard.filters import SPAN, Asked
from webhook.routes.dashboard.pages import nothing, page
from webhook.routes.parameters import DEFAULT_LIMIT, PAGE, one_of
from webhook.routes.status import View, api
from webhook.store import alert_tallies
from webhook.store.alert_tallies import Tallies
from webhook.store.alerts import AlertPage, FullAlert
from webhook.store.paging import write_cursor
from webhook.store.rounds import Reader, read_rounds
from webhook.views.alert_page import alert_page
from webhook.views.alerts import alert_view
from webhook.views.times import rfc3339
from webhook.views.words import query

FIRST, ALL = "firing", "all"
FIRING = {"state": AlertState.FIRING}
TABS: dict[str, View] = {  # what each of them asks for
    FIRST: FIRING,
    "acknowledged": FIRING | {"acknowledged": True},
    "silenced": FIRING | {"silenced": True},
    "pending": {"state": AlertState.PENDING},
    "resolved": {"state": AlertState.RESOLVED},
    ALL: {},
}
PARSERS = answers.FILTER | PAGE | SPAN | {"state": one_of({name: name for name in TABS})}
OF_TABS = ("state", "resolvedSince")  # parameters that say no more than which tab it is


@blueprint.get("/alerts")
def alerts() -> Response:
    """Alerts, the last begun first: those that fire, unless others are asked for."""
    asked = filters.read(request.args, PARSERS)
    return filters.tidied() or page("alerts.html", _reading(asked), partial(_show, asked))


@blueprint.get("/alerts/<name>")
def alert(name: str) -> Response:
    """One of them, with all that was done about it."""
    return _alert(name)


@blueprint.post("/alerts/<name>/ack")
def acknowledge(name: str) -> Response:
    """Says that whoever sent this has it."""
    try:
        view = answers.acknowledge(name, request.form.get("note"))
    except Rejected as refusal:
        return _unless_over(name, refusal)
    return forms.back_with("ok", f"You have it: {view['summary']}. Nobody is told again until it is over.")


@blueprint.post("/alerts/<name>/take-back")
def take_back(name: str) -> Response:
    """Says that nobody has it any more."""
    try:
        view = answers.take_back(name)
    except Rejected as refusal:
        return _unless_over(name, refusal)
    return forms.back_with("ok", f"Nobody has it any more: {view['summary']}. It is told again when it is time.")


def _reading(asked: Asked) -> Reader[tuple[AlertPage | None, Tallies]]:
    """The page that is asked for, None where the address is mistaken; and how many the tabs hold."""
    tallies = alert_tallies.reading(api().settings.shards)
    cursor = asked.cursor(answers.LIST)
    if asked.mistakes:
        return read_rounds(nothing(), tallies)
    wanted = answers.alert_query(asked.criteria({}, "state") | TABS[_tab(asked)])
    return read_rounds(api().alerts.paging(wanted, asked.values.get("limit", DEFAULT_LIMIT), cursor), tallies)


def _tab(asked: Asked) -> str:
    """What is shown: those that fire, unless the address says otherwise; all of a channel, say, where it names one."""
    tab: str = asked.values.get("state") or (ALL if asked.narrowed("state") else FIRST)
    return tab


def _show(asked: Asked, read: tuple[AlertPage | None, Tallies], now_ms: int) -> View:
    found, tallies = read
    items = [alert_view(known) for known in found.items] if found else []
    narrowed = asked.narrowed(*OF_TABS)
    whole = found is not None and found.next is None and not narrowed and "cursor" not in asked.typed
    return {
        "asked": asked,
        "tab": _tab(asked),
        "tabs": TABS,
        "narrowed": narrowed,
        "tallies": tallies,
        "day": rfc3339(tallies.day_ms),
        "whole": len(items) if whole else None,
        "alerts": items,
        "last": alert_view(tallies.last) if tallies.last else None,
        "ranges": filters.ranges(now_ms),
        "next": write_cursor(answers.LIST, found.next if found else None),
        "twin": f"/api/v1/alerts{_twin(asked)}",
    }


def _twin(asked: Asked) -> str:
    """The same question to the status API, which has no word for a tab."""
    words = {name: "true" if value is True else value.value for name, value in TABS[_tab(asked)].items()}
    return query(asked.typed | {"state": None} | words, cursor=None).rstrip("?")


def _alert(name: str, typed: str = "", refusal: Rejected | None = None) -> Response:
    """The page of one, with what was typed and what is wrong with it."""
    wrong = [each["message"] for each in refusal.errors or ()] if refusal else []
    more = {"typed": typed, "wrong": wrong, "longest": answers.LONGEST_NOTE}
    answer = page("alert.html", _finding(name), lambda full, _: alert_page(full) | more)
    answer.status_code = refusal.status if refusal else 200
    return answer


def _finding(name: str) -> Reader[FullAlert]:
    found = yield from api().alerts.finding(name)
    if found is None:
        raise answers.unknown(name)
    return found


def _unless_over(name: str, refusal: Rejected) -> Response:
    """What to say of an alert that was over before, or of a note that cannot be kept. Raises the rest again."""
    if refusal.status == 409:
        return forms.back_with("warn", f"Nothing to do: {refusal.detail}.")
    if not refusal.errors:
        raise refusal
    return _alert(name, request.form.get("note", ""), refusal)

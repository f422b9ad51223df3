"""Silences in the status API: asked for, tried out, listed, ended (contract.md, section 4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from flask import Response, request

from webhook.domain.alerting.silences import Labelled, Silence, SilenceState, fit_everything
from webhook.domain.errors import Rejected, StoreError
from webhook.routes import access, parameters
from webhook.routes.answers import json_answer, tagged_answer
from webhook.routes.bodies import read_object
from webhook.routes.parameters import DEFAULT_LIMIT, PAGE, Arguments
from webhook.routes.silence_asked import PREVIEW, WHY, Reading, asked_silence
from webhook.routes.status import View, api, blueprint
from webhook.store import audit
from webhook.store.known_alerts import FoundAlert, read_known
from webhook.store.members import alert_member
from webhook.store.paging import Cursor, Row, read_cursor, write_cursor
from webhook.store.silences import look_again, place
from webhook.views.alerts import alert_view
from webhook.views.silences import silence_view

LIST = "silences"
MOST_SHOWN = 50  # alerts in a preview
STATE: dict[str, parameters.Parser] = {"state": parameters.one_of({state.value: state for state in SilenceState})}
Firing = Labelled[FoundAlert]
Placed = tuple[Silence, SilenceState]


@blueprint.get("/silences")
def list_silences() -> Response:
    """Silences, last created first."""
    return tagged_answer(silence_list(request.args))


def silence_list(arguments: Arguments) -> View:
    """A page of them. Raises Rejected (400) where the parameters are mistaken, and StoreError."""
    asked = parameters.read(arguments, PAGE | STATE)
    cursor, limit = read_cursor(LIST, asked.get("cursor")), asked.get("limit", DEFAULT_LIMIT)
    known = api().silences.all()
    left = [each for each in known if cursor is None or place(each) < (cursor.score, cursor.member)]
    found = [each for each in _placed(left, api().now_ms()) if asked.get("state") in (None, each[1])]
    shown = found[:limit]
    following = Cursor(*place(shown[-1][0])) if len(found) > limit else None
    return {"items": _views(shown), "next": write_cursor(LIST, following)}


@blueprint.get("/silences/<silence_id>")
def show_silence(silence_id: str) -> Response:
    """One of them."""
    parameters.read(request.args, {})
    (view,) = _views(_placed([_need(silence_id)], api().now_ms()))
    return tagged_answer(view)


@blueprint.post("/silences")
def create_silence() -> Response:
    """Has nobody told of the alerts that the matchers fit, for a while; says how many of them fire now."""
    force = parameters.read(request.args, {"force": parameters.true}).get("force", False)
    view = silence(read_object(), force=force)
    answer = json_answer(view, 201)
    answer.headers["Location"] = f"{blueprint.url_prefix}/silences/{quote(view['id'], safe='')}"
    return answer


def silence(body: Mapping[str, Any], *, force: bool) -> View:
    """The silence that the body asks for, in force; without `force` one that mutes everything is refused.

    Raises Rejected (400, 422) and StoreError.
    """
    now_ms = api().now_ms()
    ((asked, state),) = _placed([asked_silence(body, _author(), now_ms, _own_labels())], now_ms)
    if state is SilenceState.EXPIRED:
        raise Rejected(422, "Session is over", f"{asked.session_id!r} is over, and the silence would be with it")
    if not force:
        _refuse_to_mute_everything(asked)
    muted = _firing().fitting(asked.matchers) if state is SilenceState.ACTIVE else []
    api().silences.add(asked, now_ms)
    _note("silence", asked, asked.reason)
    _look_again(muted)
    return silence_view(asked, state, len(muted))


@blueprint.post("/silences/preview")
def preview_silence() -> Response:
    """What the same body would mute if it were in force now."""
    parameters.read(request.args, {})
    return json_answer(preview(read_object()))


def preview(body: Mapping[str, Any]) -> View:
    """What the body would mute. Raises Rejected (400) and StoreError."""
    found = _firing().fitting(asked_silence(body, _author(), api().now_ms(), _own_labels(), PREVIEW).matchers)
    return {"mutes": len(found), "alerts": _alert_views(found[:MOST_SHOWN])}


@blueprint.delete("/silences/<silence_id>")
def expire_silence(silence_id: str) -> Response:
    """Ends one now; one that has ended stays as it is."""
    parameters.read(request.args, {})
    return json_answer(expire(silence_id, read_object()))


def expire(silence_id: str, body: Mapping[str, Any]) -> View:
    """The silence, ended; the body may say why. Raises Rejected (400, 404) and StoreError."""
    reading = Reading(body, api().now_ms(), WHY)
    reason = reading.reason()
    reading.check()
    ((known, before),) = _placed([_need(silence_id)], reading.now_ms)
    muted = _firing().fitting(known.matchers) if before is SilenceState.ACTIVE else []
    if before is not SilenceState.EXPIRED:
        _note("expire silence", known, reason or None)
        known = _known(silence_id, api().silences.expire(silence_id, reading.now_ms))
        _look_again(muted)
    return silence_view(known, SilenceState.EXPIRED, 0)


def _need(silence_id: str) -> Silence:
    return _known(silence_id, api().silences.find(silence_id))


def _known(silence_id: str, silence: Silence | None) -> Silence:
    if silence is None:
        detail = f"no silence is called {silence_id[:64]!r}; it was forgotten some time after its end, or never was one"
        raise Rejected(404, "No such silence", detail)
    return silence


def _placed(silences: Sequence[Silence], now_ms: int) -> list[Placed]:
    """Each with where it is in its life."""
    ends = api().silences.ends(silences, now_ms)
    return [(silence, silence.state(now_ms, over=silence.id in ends)) for silence in silences]


def _views(placed: Sequence[Placed]) -> list[dict[str, Any]]:
    in_force = any(state is SilenceState.ACTIVE for _, state in placed)
    firing = _firing() if in_force else Labelled[FoundAlert]([])
    return [silence_view(silence, state, _mutes(silence, state, firing)) for silence, state in placed]


def _mutes(silence: Silence, state: SilenceState, firing: Firing) -> int:
    return len(firing.fitting(silence.matchers)) if state is SilenceState.ACTIVE else 0


def _firing() -> Firing:
    return Labelled((found, found.labels) for found in api().alerts.firing())


def _alert_views(found: Sequence[FoundAlert]) -> list[dict[str, Any]]:
    rows = [Row(0, alert_member(each.id, each.session_id), each.shard) for each in found]
    kept = read_known(api().redis, rows)
    still_there = (kept.find(row) for row in rows)
    return [alert_view(kept.all_of(each)) for each in still_there if each is not None]


def _refuse_to_mute_everything(silence: Silence) -> None:
    if fit_everything(silence.matchers, _own_labels()):
        detail = "every alert fits these matchers, so that nobody would be told of any; send ?force=true to mean it"
        raise Rejected(422, "Mutes everything", detail)


def _own_labels() -> set[str]:
    return {label for source in api().settings.sources for label in source.labels}


def _note(action: str, silence: Silence, reason: str | None = None) -> None:
    subject = f"{silence.id} {{{', '.join(map(str, silence.matchers))}}}"
    audit.note(api().redis, _author(), action, subject, reason)


def _author() -> str:
    return access.author(api().settings, request)


def _look_again(found: Sequence[FoundAlert]) -> None:
    """Has workers look at these alerts. Where that fails it is not too late: they look every few minutes anyway."""
    with suppress(StoreError):
        for kept in look_again(api().inbox, [(each.shard, each.session_id) for each in found]):
            if kept.wake:
                api().wake(kept.shard)

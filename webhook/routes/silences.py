"""Silences in the status API: asked for, tried out, listed, ended (contract.md, section 4)."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import quote

from flask import Response, request
from msgspec.structs import replace

from webhook.domain.alerting.matchers import Matcher, Op, matcher_of, parse_matcher
from webhook.domain.alerting.silences import Labelled, Silence, SilenceState, fit_everything, named_session
from webhook.domain.errors import Rejected, StoreError
from webhook.domain.start_request import kind_of
from webhook.quantities import seconds
from webhook.routes import access, parameters
from webhook.routes.answers import json_answer, tagged_answer
from webhook.routes.bodies import Member, misshapen, mistake, read_object
from webhook.routes.parameters import DEFAULT_LIMIT, PAGE, time_ms
from webhook.routes.status import api, blueprint
from webhook.store import audit
from webhook.store.known_alerts import FoundAlert, read_known
from webhook.store.members import alert_member
from webhook.store.paging import Cursor, Row, read_cursor, write_cursor
from webhook.store.silences import look_again, place
from webhook.views.alerts import alert_view
from webhook.views.silences import UNTIL_SESSION_ENDS, silence_view

LIST = "silences"
MOST_MATCHERS = 20
LONGEST_S = 365 * 86_400
LONGEST_REASON = 500
LONGEST_NUMBER = 20  # characters of a duration
MOST_SHOWN = 50  # alerts in a preview
STATE: dict[str, parameters.Parser] = {"state": parameters.one_of({state.value: state for state in SilenceState})}
TIME = "a time by RFC 3339 with its zone, such as 2026-11-22T23:34:05Z"
PREVIEW = {
    "matchers": Member(list, "an array", 'what alerts it is about, such as ["channel=\\"lobby\\""]', required=True),
    "duration": Member(object, "a value", "seconds, or text such as 2h"),
    "endsAt": Member(str, "a string", TIME),
    "until": Member(str, "a string", UNTIL_SESSION_ENDS),
    "startsAt": Member(str, "a string", TIME),
    "reason": Member(str, "a string", "why nobody has to be told"),
}
WHY = {"reason": PREVIEW["reason"]}
MEMBERS = PREVIEW | {"reason": replace(PREVIEW["reason"], required=True)}
MATCHER = {
    "label": Member(str, "a string", "the name of a label, such as channel", required=True),
    "op": Member(str, "a string", f"one of {' '.join(Op)}", required=True),
    "value": Member(str, "a string", "what it is compared with", required=True),
}

T = TypeVar("T")
Firing = Labelled[FoundAlert]
Placed = tuple[Silence, SilenceState]


@blueprint.get("/silences")
def list_silences() -> Response:
    """Silences, last created first."""
    asked = parameters.read(request.args, PAGE | STATE)
    cursor, limit = read_cursor(LIST, asked.get("cursor")), asked.get("limit", DEFAULT_LIMIT)
    known = api().silences.all()
    left = [each for each in known if cursor is None or place(each) < (cursor.score, cursor.member)]
    found = [each for each in _placed(left, api().now_ms()) if asked.get("state") in (None, each[1])]
    shown = found[:limit]
    following = Cursor(*place(shown[-1][0])) if len(found) > limit else None
    return tagged_answer({"items": _views(shown), "next": write_cursor(LIST, following)})


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
    now_ms = api().now_ms()
    ((silence, state),) = _placed([_asked(now_ms, MEMBERS)], now_ms)
    if state is SilenceState.EXPIRED:
        raise Rejected(422, "Session is over", f"{silence.session_id!r} is over, and the silence would be with it")
    if not force:
        _refuse_to_mute_everything(silence)
    muted = _firing().fitting(silence.matchers) if state is SilenceState.ACTIVE else []
    api().silences.add(silence, now_ms)
    _note("silence", silence, silence.reason)
    _look_again(muted)
    answer = json_answer(silence_view(silence, state, len(muted)), 201)
    answer.headers["Location"] = f"{blueprint.url_prefix}/silences/{quote(silence.id, safe='')}"
    return answer


@blueprint.post("/silences/preview")
def preview_silence() -> Response:
    """What the same body would mute if it were in force now."""
    parameters.read(request.args, {})
    found = _firing().fitting(_asked(api().now_ms(), PREVIEW).matchers)
    return json_answer({"mutes": len(found), "alerts": _alert_views(found[:MOST_SHOWN])})


@blueprint.delete("/silences/<silence_id>")
def expire_silence(silence_id: str) -> Response:
    """Ends one now; one that has ended stays as it is."""
    parameters.read(request.args, {})
    reading = _Reading(read_object(), api().now_ms(), WHY)
    reason = reading.reason()
    reading.check()
    ((silence, before),) = _placed([_need(silence_id)], reading.now_ms)
    muted = _firing().fitting(silence.matchers) if before is SilenceState.ACTIVE else []
    if before is not SilenceState.EXPIRED:
        _note("expire silence", silence, reason or None)
        silence = _known(silence_id, api().silences.expire(silence_id, reading.now_ms))
        _look_again(muted)
    return json_answer(silence_view(silence, SilenceState.EXPIRED, 0))


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
    own_labels = {label for source in api().settings.sources for label in source.labels}
    if fit_everything(silence.matchers, own_labels):
        detail = "every alert fits these matchers, so that nobody would be told of any; send ?force=true to mean it"
        raise Rejected(422, "Mutes everything", detail)


def _note(action: str, silence: Silence, reason: str | None = None) -> None:
    subject = f"{silence.id} {{{', '.join(map(str, silence.matchers))}}}"
    audit.note(api().redis, access.author(api().settings, request), action, subject, reason)


def _look_again(found: Sequence[FoundAlert]) -> None:
    """Has workers look at these alerts. Where that fails it is not too late: they look every few minutes anyway."""
    with suppress(StoreError):
        for kept in look_again(api().inbox, [(each.shard, each.session_id) for each in found]):
            if kept.wake:
                api().wake(kept.shard)


def _asked(now_ms: int, members: Mapping[str, Member]) -> Silence:
    """The silence that the request's body asks for at `now_ms`. Raises Rejected (400) with all its mistakes."""
    reading = _Reading(read_object(), now_ms, members)
    silence = Silence(
        id=f"s{secrets.token_hex(6)}",
        matchers=reading.matchers,
        starts_ms=reading.starts_ms,
        ends_ms=reading.ends_ms(),
        by=access.author(api().settings, request),
        reason=reading.reason(),
        created_ms=now_ms,
    )
    reading.check()
    return silence


class _Reading:
    """A body as far as it can be used; `wrong` are its mistakes."""

    def __init__(self, body: Mapping[str, Any], now_ms: int, members: Mapping[str, Member]) -> None:
        self.wrong = list(misshapen(body, members))
        self.now_ms = now_ms
        given = {name: value for name, value in body.items() if name in members and value is not None}
        self._given: dict[str, Any] = {
            name: value for name, value in given.items() if isinstance(value, members[name].kind)
        }
        self._ends = [name for name in ("duration", "endsAt", "until") if name in given]
        self.matchers = self._matchers()
        self.starts_ms = max(now_ms, self._time_ms("startsAt") or now_ms)  # it cannot have begun before

    def check(self) -> None:
        """Returns where nothing was wrong in what was read. Raises Rejected (400) with all mistakes."""
        if self.wrong:
            raise Rejected(400, "Bad body", f"{len(self.wrong)} of the fields cannot be used", self.wrong)

    def ends_ms(self) -> int | None:
        """When it ends; None where it is until the session ends, or where that is wrong."""
        if len(self._ends) != 1:
            said = " and ".join(self._ends) or "nothing"
            self._refuse("$", f"how long is said by {said}; write one of duration, endsAt and until")
            return None
        (name,) = self._ends
        ends_ms = {"duration": self._after_ms, "endsAt": lambda: self._time_ms("endsAt"), "until": self._until}[name]()
        if ends_ms is not None and ends_ms <= self.starts_ms:
            self._refuse(f"$.{name}", "is not later than the start, nor than now; write a later time")
        return ends_ms

    def reason(self) -> str:
        """Why; empty where none was given."""
        reason = str(self._given.get("reason", "")).strip()
        if "reason" in self._given and not 0 < len(reason) <= LONGEST_REASON:
            self._refuse("$.reason", f"has {len(reason)} characters; say in 1 to {LONGEST_REASON} why")
        return reason

    def _refuse(self, path: str, message: str) -> None:
        self.wrong.append(mistake(path, message))

    def _tried(self, path: str, read: Callable[[Any], T], value: Any) -> T | None:
        try:
            return read(value)
        except ValueError as wrong:
            self._refuse(path, str(wrong))
            return None

    def _matchers(self) -> tuple[Matcher, ...]:
        told = self._given.get("matchers")
        if told is not None and not 1 <= len(told) <= MOST_MATCHERS:
            self._refuse("$.matchers", f"has {len(told)} matchers; write 1 to {MOST_MATCHERS}")
            return ()
        read = [self._matcher(f"$.matchers[{number}]", each) for number, each in enumerate(told or ())]
        return tuple(matcher for matcher in read if matcher is not None)

    def _matcher(self, path: str, told: Any) -> Matcher | None:
        if isinstance(told, str):
            return self._tried(path, parse_matcher, told)
        if not isinstance(told, dict):
            self._refuse(path, f"is {kind_of(told)}; write an object with label, op and value, or text")
            return None
        wrong = list(misshapen(told, MATCHER))
        self.wrong += [mistake(path + each["path"].removeprefix("$"), each["message"]) for each in wrong]
        return None if wrong else self._tried(path, lambda parts: matcher_of(**parts), told)

    def _time_ms(self, name: str) -> int | None:
        text = self._given.get(name)
        at_ms = None if text is None else self._tried(f"$.{name}", _instant, text)
        if at_ms is not None and at_ms > self.now_ms + LONGEST_S * 1000:
            self._refuse(f"$.{name}", f"{text} is more than {LONGEST_S // 86_400} days ahead; write an earlier time")
            return None
        return at_ms

    def _after_ms(self) -> int | None:
        duration_ms = self._tried("$.duration", _duration_ms, self._given["duration"])
        return None if duration_ms is None else self.starts_ms + duration_ms

    def _until(self) -> None:
        word = self._given.get("until")
        if word not in (None, UNTIL_SESSION_ENDS):
            self._refuse("$.until", f"{word[:80]!r} is unknown; known is {UNTIL_SESSION_ENDS}")
        elif word and self.matchers and named_session(self.matchers) is None:
            self._refuse("$.until", 'which session is not said; write a matcher such as session="its id" as well')


def _instant(text: str) -> int:
    try:
        return time_ms(text)
    except ValueError as wrong:
        raise ValueError(f"{text[:80]!r}: {wrong}") from wrong


def _duration_ms(value: Any) -> int:
    """A duration in ms, from 1 s to LONGEST_S. Raises ValueError."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number and not (isinstance(value, str) and len(value) <= LONGEST_NUMBER):
        raise ValueError(f"{str(value)[:80]!r}: a number of seconds is needed, or text such as 2h")
    length = value if is_number else seconds(value)
    if not 1 <= length <= LONGEST_S:
        raise ValueError(f"{value}: from 1 s to {LONGEST_S // 86_400} days can be asked for")
    return int(length * 1000)

"""What somebody asks for who wants a silence: read member by member, all mistakes told together."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from msgspec.structs import replace

from webhook.domain.alerting.matchers import Matcher, Op, matcher_of, parse_matcher, with_known_label
from webhook.domain.alerting.silences import Silence, named_session
from webhook.domain.errors import Rejected
from webhook.domain.start_request import kind_of
from webhook.quantities import seconds
from webhook.routes.bodies import Member, misshapen, mistake
from webhook.routes.parameters import time_ms
from webhook.views.silences import UNTIL_SESSION_ENDS

MOST_MATCHERS = 20
LONGEST_S = 365 * 86_400
LONGEST_REASON = 500
LONGEST_NUMBER = 20  # characters of a duration
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


def asked_silence(
    body: Mapping[str, Any],
    by: str,
    now_ms: int,
    own_labels: Collection[str],
    members: Mapping[str, Member] = MEMBERS,
) -> Silence:
    """The silence that the body asks for at `now_ms`, where sources have these labels of their own.

    Raises Rejected (400) with all its mistakes.
    """
    reading = Reading(body, now_ms, members, own_labels)
    silence = Silence(
        id=f"s{secrets.token_hex(6)}",
        matchers=reading.matchers,
        starts_ms=reading.starts_ms,
        ends_ms=reading.ends_ms(),
        by=by,
        reason=reading.reason(),
        created_ms=now_ms,
    )
    reading.check()
    return silence


class Reading:
    """A body as far as it can be used; `wrong` are its mistakes."""

    def __init__(
        self, body: Mapping[str, Any], now_ms: int, members: Mapping[str, Member], own_labels: Collection[str] = ()
    ) -> None:
        self.wrong = list(misshapen(body, members))
        self.now_ms = now_ms
        self._own_labels = own_labels
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
            return self._tried(path, lambda text: self._known(parse_matcher(text)), told)
        if not isinstance(told, dict):
            self._refuse(path, f"is {kind_of(told)}; write an object with label, op and value, or text")
            return None
        wrong = list(misshapen(told, MATCHER))
        self.wrong += [mistake(path + each["path"].removeprefix("$"), each["message"]) for each in wrong]
        return None if wrong else self._tried(path, lambda parts: self._known(matcher_of(**parts)), told)

    def _known(self, matcher: Matcher) -> Matcher:
        return with_known_label(matcher, self._own_labels)

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

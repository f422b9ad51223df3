"""Silences: alerts that nobody is told of for a while. What alerts are goes on underneath."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from typing import Generic, TypeVar

from msgspec import Struct

from webhook.domain.alerting.alerts import Severity
from webhook.domain.alerting.matchers import LABELS, Matcher, Op, all_fit
from webhook.domain.alerting.policies import DEFAULTS

T = TypeVar("T")
LIMITED: Mapping[str, tuple[str, ...]] = {  # labels whose values are known beforehand
    "severity": tuple(Severity),
    "rule": tuple(DEFAULTS),
    "track": ("audio", "video"),
}
# each sign by itself, and each kind of name there is: a pattern that fits all of them was written to fit anything
NAMES = (*map(chr, range(33, 127)), "ö", "1001", "room 1", "rtc:default:x%2F", "d12fdce9024d3786", "a-b.c/d_e")


class SilenceState(StrEnum):
    """Where a silence is in its life."""

    PENDING = "pending"
    ACTIVE = "active"
    EXPIRED = "expired"


class Silence(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Alerts with these labels are told to nobody from `starts_ms` until `ends_ms`, by the server's clock.

    Where `ends_ms` is None it is until the session of the alert ends; `expired_ms` is when somebody ended it before.
    """

    id: str
    matchers: tuple[Matcher, ...]
    starts_ms: int
    ends_ms: int | None
    by: str
    reason: str
    created_ms: int
    expired_ms: int | None = None

    @property
    def session_id(self) -> str | None:
        """The session with which it ends; None where it ends by the clock, or has been ended."""
        bound = self.ends_ms is None and self.expired_ms is None
        return named_session(self.matchers) if bound else None

    def state(self, now_ms: int, *, over: bool) -> SilenceState:
        """Where it is at `now_ms` for a session that is `over`, or is not."""
        past = over if self.ends_ms is None else now_ms >= self.ends_ms
        if past or self.expired_ms is not None:
            return SilenceState.EXPIRED
        return SilenceState.PENDING if now_ms < self.starts_ms else SilenceState.ACTIVE

    def covers(self, now_ms: int, *, over: bool) -> bool:
        """Whether it is in force at `now_ms` for a session that is `over`, or is not."""
        return self.state(now_ms, over=over) is SilenceState.ACTIVE

    def fits(self, labels: Mapping[str, str]) -> bool:
        """Whether it is about an alert with these labels."""
        return all_fit(self.matchers, labels)


class Labelled(Generic[T]):
    """Things by their labels: however many silences ask, each is compared only with those that it can be about."""

    def __init__(self, things: Iterable[tuple[T, Mapping[str, str]]]) -> None:
        self._all = list(things)
        self._by_label: dict[str, dict[str, list[tuple[T, Mapping[str, str]]]]] = {}

    def fitting(self, matchers: Collection[Matcher]) -> list[T]:
        """Those that all of `matchers` fit, in the order in which they were given."""
        exact = [self._having(matcher) for matcher in matchers if matcher.op is Op.EQUAL]
        near = min(exact, key=len, default=self._all)
        return [thing for thing, labels in near if all_fit(matchers, labels)]

    def _having(self, matcher: Matcher) -> list[tuple[T, Mapping[str, str]]]:
        if matcher.label not in self._by_label:
            values = self._by_label[matcher.label] = {}
            for thing, labels in self._all:
                values.setdefault(labels.get(matcher.label, ""), []).append((thing, labels))
        return self._by_label[matcher.label].get(matcher.value, [])


def silencing(silences: Iterable[Silence], labels: Mapping[str, str], now_ms: int, *, over: bool) -> list[Silence]:
    """Those that keep an alert with these labels quiet at `now_ms`, in the order of their ids."""
    found = [silence for silence in silences if silence.covers(now_ms, over=over) and silence.fits(labels)]
    return sorted(found, key=lambda silence: silence.id)


def named_session(matchers: Iterable[Matcher]) -> str | None:
    """The one session that these are about; None where they do not name one."""
    named = (matcher.value for matcher in matchers if matcher.label == "session" and matcher.op is Op.EQUAL)
    return next(named, None) or None


def fit_everything(matchers: Iterable[Matcher], own_labels: Collection[str] = ()) -> bool:
    """Whether no alert that has all its labels can escape: nobody would be told anything any more.

    `own_labels` are those that the operator gives to sources. A label that no alert has is empty in all of them.
    """
    return all(_fits_any(matcher, own_labels) for matcher in matchers)


def _fits_any(matcher: Matcher, own_labels: Collection[str]) -> bool:
    if matcher.label not in LABELS and matcher.label not in own_labels:
        return matcher.fits({})
    if matcher.label in LIMITED:
        return all(matcher.fits({matcher.label: value}) for value in LIMITED[matcher.label])
    return not matcher.excludes_some and all(matcher.fits({matcher.label: value}) for value in NAMES)

"""What becomes of alerts: from what rules find now and what was known, the alerts as they are now. No clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from webhook.domain.alerting.alerts import Alert, AlertState, Clear, Condition, Finding, Key, Resolution, Severity
from webhook.domain.alerting.policies import FOUND_BY_ABSENCE, Policies

SETTLE_MS = 2000  # nothing fires or grows graver earlier after it was found: what contradicts it may be on its way
FLAPPING_MS = 600_000  # so many changes within this time are flapping, and it is held for as long
FLAPPING_CHANGES = 4
MOST_HELD_MS = 120_000  # for no longer is an alert held back because what contradicts it may wait to be read
MOST_RESOLVED = 50  # alerts of one session that are kept after they are resolved, the last


class Hold(Struct, frozen=True):
    """Until when, ms, nothing begins to fire: `until_ms` because not all that was received is read yet, and
    `absent_until_ms` what is found by silence, because Vigil may have been deaf.
    """

    until_ms: int = 0
    absent_until_ms: int = 0


class Advance(Struct, frozen=True):
    """The alerts of one session as they are now; those among them that fired or were resolved by this look.

    `next_ms` is when somebody has to look again, even if nothing is heard; None for never. `flapping` are those that
    began to flap by this look: they say so once, and then are held.
    """

    alerts: tuple[Alert, ...]
    fired: tuple[Alert, ...]
    resolved: tuple[Alert, ...]
    next_ms: int | None
    flapping: tuple[Alert, ...] = ()


class Look(Struct, frozen=True, kw_only=True):
    """What a look at one session's alerts depends on beside them. `over` says that it is ending or has ended;
    `episodes` are the last ones of keys of which no alert is known any more.
    """

    policies: Policies
    now_ms: int
    over: bool
    hold: Hold = Hold()
    episodes: Mapping[Key, int] = {}


def advance(known: Iterable[Alert], found: Iterable[Finding], look: Look) -> Advance:
    """The alerts of one session as this look finds them.

    The same found twice changes nothing, and what is pending and goes away was never there.
    """
    looking = _Looking(look)
    earlier = sorted(known, key=_place)
    before = {alert.key: alert for alert in earlier}
    found = [each for each in found if looking.is_watched(each.key)]
    conditions = {each.key: each for each in found if isinstance(each, Condition)}
    clears = {each.key: each for each in found if isinstance(each, Clear)}
    looks = (looking.look(before.get(key), conditions.get(key), clears.get(key)) for key in {*before, *conditions})
    alerts = sorted((alert for look in looks for alert in look), key=_place)
    past = [alert for alert in earlier if not alert.is_open and alert not in alerts]
    changed = [alert for alert in alerts if (alert.episode, alert.state) != _was(alert, before)]
    return Advance(
        _bounded([*past, *alerts]),
        tuple(alert for alert in changed if alert.state is AlertState.FIRING),
        tuple(alert for alert in changed if alert.state is AlertState.RESOLVED),
        looking.next_ms(alerts, conditions.values()),
        tuple(alert for alert in alerts if looking.begins_to_flap(alert, before.get(alert.key))),
    )


class _Looking:
    """One look at one session's alerts."""

    def __init__(self, look: Look) -> None:
        self._policies, self._now_ms, self._over = look.policies, look.now_ms, look.over
        self._hold, self._episodes = look.hold, look.episodes

    def is_watched(self, key: Key) -> bool:
        """Whether there is a rule that is called so, and it is enabled: another release may have had others."""
        policy = self._policies.get(key.rule)
        return policy is not None and policy.enabled

    def look(self, known: Alert | None, condition: Condition | None, clear: Clear | None) -> list[Alert]:
        """What the latest alert of one key is now, and, where that is over and the same is wrong anew, the next."""
        holding = condition if condition is not None and self._holds(condition) else None
        if known is None or not known.is_open:
            before = [known] if known else []
            return [*before, self._begin(holding, known)] if holding else before
        if holding is None:
            return self._clear(known, clear)
        if not self._is_another(known, holding):
            return [self._go_on(known, holding)]
        cleared = self._clear(known, Clear(known.key, holding.since_ms))
        if cleared[-1].is_open:  # it is held, and tells what is wrong now
            return [self._go_on(cleared[-1], holding)]
        return [*cleared, self._begin(holding, cleared[-1])]

    def next_ms(self, alerts: Iterable[Alert], conditions: Iterable[Condition]) -> int | None:
        """When the first of them changes by the mere passing of time."""
        times = [alert.due_ms for alert in alerts if alert.state is AlertState.PENDING]
        times += [alert.graver_ms + SETTLE_MS for alert in alerts if alert.graver_ms is not None]
        times += [alert.flapping_until_ms for alert in alerts if alert.flapping_until_ms is not None]
        times += [each.since_ms for each in conditions if each.foreseen]
        times += [each.expires_ms for each in conditions if each.expires_ms is not None]
        return min((time for time in times if time > self._now_ms), default=None)

    def begins_to_flap(self, alert: Alert, known: Alert | None) -> bool:
        """Whether `alert`, which was `known` before, flaps since this look."""
        before_ms = known.flapping_until_ms if known and known.episode == alert.episode else None
        return before_ms is None and alert.flapping_until_ms is not None

    def _holds(self, condition: Condition) -> bool:
        begun = not condition.foreseen or condition.since_ms <= self._now_ms
        over = condition.expires_ms is not None and condition.expires_ms <= self._now_ms
        return begun and not over

    def _is_another(self, alert: Alert, condition: Condition) -> bool:
        """Whether an alert that fires cannot be about this condition, as that has not lasted long enough."""
        lasting = condition.since_ms + self._policies[alert.key.rule].for_ms <= self._now_ms
        return alert.state is AlertState.FIRING and alert.beginning != condition.beginning and not lasting

    def _begin(self, condition: Condition, earlier: Alert | None) -> Alert:
        begun = Alert(
            key=condition.key,
            episode=1 + (earlier.episode if earlier else self._episodes.get(condition.key, 0)),
            severity=condition.severity or self._policies[condition.key.rule].severity,
            state=AlertState.PENDING,
            started_ms=condition.since_ms,
            found_ms=self._now_ms,
            due_ms=self._now_ms,
            summary=condition.summary,
            meaning=condition.meaning,
            action=condition.action,
            changes=earlier.changes if earlier else (),
        )
        return self._go_on(begun, condition)

    def _go_on(self, alert: Alert, condition: Condition) -> Alert:
        severity, graver_ms = self._severity(alert, condition)
        told = replace(
            alert,
            severity=severity,
            graver_ms=graver_ms,
            summary=condition.summary,
            meaning=condition.meaning,
            action=condition.action,
            expires_ms=condition.expires_ms,
        )
        if told.state is AlertState.FIRING:
            return told if self._flaps(told) else replace(told, flapping_until_ms=None)
        return self._wait(told, condition)

    def _severity(self, alert: Alert, condition: Condition) -> tuple[Severity, int | None]:
        """How bad it is, and since when it is found to be worse, ms, while that is too new to be said."""
        found = condition.severity or self._policies[alert.key.rule].severity
        if alert.state is AlertState.PENDING or found.rank <= alert.severity.rank:
            return found, None
        graver_ms = self._now_ms if alert.graver_ms is None else alert.graver_ms
        return (found, None) if graver_ms + SETTLE_MS <= self._now_ms else (alert.severity, graver_ms)

    def _wait(self, alert: Alert, condition: Condition) -> Alert:
        """A pending alert goes on, or fires. What was told since may move its beginning, or hold it back."""
        same = alert.beginning == condition.beginning
        started_ms = alert.started_ms if same else min(condition.since_ms, self._now_ms)
        begun_ms = started_ms + self._policies[alert.key.rule].for_ms
        due_ms = max(begun_ms, alert.found_ms + SETTLE_MS, condition.held_until_ms, self._held_until_ms(alert))
        told = replace(alert, started_ms=started_ms, due_ms=due_ms, beginning=condition.beginning)
        if due_ms > self._now_ms:
            return told
        changes = self._changed(told)
        until_ms = self._flapping_until_ms(changes)
        state = AlertState.FIRING
        return replace(told, state=state, fired_ms=self._now_ms, changes=changes, flapping_until_ms=until_ms)

    def _held_until_ms(self, alert: Alert) -> int:
        absent_ms = self._hold.absent_until_ms if alert.key.rule in FOUND_BY_ABSENCE else 0
        until_ms = min(self._hold.until_ms, alert.found_ms + MOST_HELD_MS)
        return max(absent_ms, until_ms)

    def _clear(self, alert: Alert, clear: Clear | None) -> list[Alert]:
        if alert.state is AlertState.PENDING:
            return []
        alert = replace(alert, graver_ms=None)
        ends = self._over or not self.is_watched(alert.key)  # whatever it did: nobody looks for more of it
        if self._flaps(alert) and not ends:
            return [alert]
        changes = self._changed(alert)
        until_ms = self._flapping_until_ms(changes) if alert.flapping_until_ms is None and not ends else None
        if until_ms is not None:
            return [replace(alert, changes=changes, flapping_until_ms=until_ms)]
        resolved = replace(
            alert,
            state=AlertState.RESOLVED,
            resolved_ms=self._now_ms,
            resolution=self._resolution(alert, clear),
            summary=f"{alert.summary}; {clear.instead}" if clear and clear.instead else alert.summary,
            changes=changes,
            flapping_until_ms=None,
        )
        return [resolved]

    def _changed(self, alert: Alert) -> tuple[int, ...]:
        return (*alert.changes, self._now_ms)[-FLAPPING_CHANGES:]

    def _flapping_until_ms(self, changes: tuple[int, ...]) -> int | None:
        """Until when it is held that something changed so often; None where that was not often."""
        often = len(changes) == FLAPPING_CHANGES and changes[0] > self._now_ms - FLAPPING_MS
        return self._now_ms + FLAPPING_MS if often else None

    def _flaps(self, alert: Alert) -> bool:
        return alert.flapping_until_ms is not None and alert.flapping_until_ms > self._now_ms

    def _resolution(self, alert: Alert, clear: Clear | None) -> Resolution:
        """What rules know to be well has recovered, also after the session's end."""
        if clear is not None and not clear.instead:
            retracted = clear.since_ms < alert.started_ms + self._policies[alert.key.rule].for_ms
            return Resolution.RETRACTED if retracted else Resolution.RECOVERED
        past = alert.expires_ms is not None and alert.expires_ms <= self._now_ms
        if clear is not None or past or not self.is_watched(alert.key):
            return Resolution.EXPIRED
        return Resolution.ENDED if self._over else Resolution.RECOVERED


def _was(alert: Alert, before: Mapping[Key, Alert]) -> tuple[int, AlertState] | None:
    known = before.get(alert.key)
    return (known.episode, known.state) if known else None


def _place(alert: Alert) -> tuple[Key, int]:
    return alert.key, alert.episode


def _bounded(alerts: list[Alert]) -> tuple[Alert, ...]:
    """The open ones, and those that were resolved last, in one order whatever was looked at before."""
    alerts.sort(key=_place)
    opened = [alert for alert in alerts if alert.is_open]
    resolved = sorted((alert for alert in alerts if not alert.is_open), key=lambda alert: alert.resolved_ms or 0)
    return (*resolved[-MOST_RESOLVED:], *opened)

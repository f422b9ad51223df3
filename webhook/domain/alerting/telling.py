"""Who is told what of alerts, and when: decided from what they are now and what was told before. No clock, no sending.

Each telling is written in the commit that decided it, and has a key under which it is never decided again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from webhook.domain.alerting.alerts import Alert, AlertState, Severity
from webhook.domain.alerting.dossier import Dossier, Told, Watched, alert_id, labels_of, last_episodes
from webhook.domain.alerting.lifecycle import Advance
from webhook.domain.alerting.matchers import Matcher, all_fit
from webhook.domain.alerting.policies import Policies
from webhook.domain.alerting.silences import Silence, silencing

TOGETHER_MS = 1000  # alerts of one channel that fire within this time go out as one
MUTED_LOOK_MS = 300_000  # a muted alert is looked at so often, lest the end of its silence be missed


Knowing = tuple[str, Severity]  # a sink, and how bad it was told that it is


class Transition(StrEnum):
    """What is told of an alert."""

    FIRING = "firing"
    REPEAT = "repeat"
    RISE = "rise"
    FLAPPING = "flapping"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Ack(Struct, frozen=True):
    """Somebody has it: who, when (ms), and what they said."""

    by: str
    at_ms: int
    note: str | None = None


class Route(Struct, frozen=True):
    """A sink, and which alerts it is told of."""

    sink: str
    matchers: tuple[Matcher, ...] = ()


class Telling(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One transition of one alert for one sink, with all there is to say; times are ms.

    `key` is the delivery key `id:transition`, the same however often it is sent. `group` names the channel: what
    concerns one goes out together. `first_severity` is what this sink was told when the alert began to fire.
    """

    key: str
    sink: str
    alert_id: str
    transition: Transition
    group: str
    decided_ms: int
    rule: str
    severity: Severity
    first_severity: Severity
    labels: dict[str, str]
    summary: str
    meaning: str
    action: str
    started_ms: int
    fired_ms: int | None = None
    resolved_ms: int | None = None
    resolution: str | None = None
    number: int = 0  # how often it was repeated, or rose, or was acknowledged
    flapping: bool = False
    acknowledged: Ack | None = None

    @property
    def due_ms(self) -> int:
        """When it is sent: a moment later than it was decided, so that others may go with it."""
        return self.decided_ms + TOGETHER_MS


class Context(Struct, frozen=True):
    """What decisions about one session's alerts depend on beside them. `over` says that the session has ended."""

    shard: int
    policies: Policies
    routes: Sequence[Route]
    silences: Sequence[Silence]
    acks: Mapping[str, Ack]
    now_ms: int
    over: bool


class Decision(Struct, frozen=True):
    """The dossier as it is now, what has to be told, and when somebody has to look again; None for never."""

    dossier: Dossier
    tellings: tuple[Telling, ...]
    next_ms: int | None


def decide(before: Dossier, seen: Advance, context: Context) -> Decision:
    """What is told of the alerts that were `seen`. The same seen twice tells nothing twice."""
    known = {(each.alert.key, each.alert.episode): each.told for each in before.watched}
    teller = _Teller(before, seen, context)
    watched = tuple(teller.watch(alert, known.get((alert.key, alert.episode), Told())) for alert in seen.alerts)
    dossier = replace(before, watched=watched, episodes=last_episodes(before, watched))
    times = [time for time in (seen.next_ms, *teller.times) if time is not None]
    return Decision(dossier, tuple(teller.tellings), min(times, default=None))


class _Teller:
    """One decision. `tellings` and `times` (when to look again) are filled as alerts are watched."""

    def __init__(self, dossier: Dossier, seen: Advance, context: Context) -> None:
        self.tellings: list[Telling] = []
        self.times: list[int] = []
        self._dossier, self._context = dossier, context
        self._resolved = {(alert.key, alert.episode) for alert in seen.resolved}
        self._flapping = {(alert.key, alert.episode) for alert in seen.flapping}

    def watch(self, alert: Alert, told: Told) -> Watched:
        """The alert with what will have been told of it."""
        if alert.state is AlertState.FIRING:
            return Watched(alert, self._fires(alert, told))
        if (alert.key, alert.episode) in self._resolved:
            self._tell(alert, Transition.RESOLVED, self._still(told.sinks))
            return Watched(alert, replace(told, repeat_ms=None, muted=False))
        return Watched(alert, told)

    def _fires(self, alert: Alert, told: Told) -> Told:
        now_ms, labels = self._context.now_ms, labels_of(self._dossier, alert)
        silences = silencing(self._context.silences, labels, now_ms, over=self._context.over)
        told = self._acknowledge(alert, told)
        if silences:
            self.times += [now_ms + MUTED_LOOK_MS, *(each.ends_ms for each in silences if each.ends_ms is not None)]
            return self._repeat(alert, replace(told, muted=True))
        told = self._repeat(alert, told)
        if told.acknowledged:
            return replace(told, muted=False)
        fitting = [route.sink for route in self._context.routes if all_fit(route.matchers, labels)]
        if (alert.key, alert.episode) in self._flapping:
            told = self._say(alert, Transition.FLAPPING, told)
        return replace(self._begin(alert, self._rise(alert, told), fitting), muted=False)

    def _begin(self, alert: Alert, told: Told, fitting: Iterable[str]) -> Told:
        """Whoever should know and does not is told that it fires."""
        new = (sink for sink in fitting if sink not in dict(told.sinks))
        fresh = tuple((sink, alert.severity) for sink in new)
        self._tell(alert, Transition.FIRING, fresh)
        sinks = (*told.sinks, *fresh)
        first_ms = self._next_repeat_ms(alert) if told.repeat_ms is None and sinks else told.repeat_ms
        self.times += [first_ms] if first_ms is not None else []
        return replace(told, sinks=sinks, repeat_ms=first_ms)

    def _rise(self, alert: Alert, told: Told) -> Told:
        """Whoever was told that it is less bad hears that it is worse. Nobody is told of a fall."""
        known = dict(told.sinks) | dict(told.latest)
        lower = [each for each in self._still(told.sinks) if known[each[0]].rank < alert.severity.rank]
        if not lower:
            return told
        self._tell(alert, Transition.RISE, lower, told.rises + 1)
        return _heard(replace(told, rises=told.rises + 1), lower, alert.severity)

    def _say(self, alert: Alert, transition: Transition, told: Told, number: int = 0) -> Told:
        """Tells everyone who knows of it, who know then how bad it is."""
        sinks = self._still(told.sinks)
        self._tell(alert, transition, sinks, number)
        return _heard(told, sinks, alert.severity)

    def _acknowledge(self, alert: Alert, told: Told) -> Told:
        ack = self._context.acks.get(self._id(alert))
        if ack is None:
            return replace(told, acknowledged=False)
        if told.acknowledged:
            return told
        self._tell(alert, Transition.ACKNOWLEDGED, self._still(told.sinks), told.acks + 1, ack)
        return replace(told, acknowledged=True, acks=told.acks + 1, repeat_ms=None)

    def _repeat(self, alert: Alert, told: Told) -> Told:
        """Tells it again when it is time. What falls into a silence is left out, not caught up with."""
        if told.repeat_ms is None or told.repeat_ms > self._context.now_ms:
            self.times += [told.repeat_ms] if told.repeat_ms is not None else []
            return told
        next_ms = self._next_repeat_ms(alert)
        self.times.append(next_ms)
        if told.muted:
            return replace(told, repeat_ms=next_ms)
        again = replace(told, repeats=told.repeats + 1, repeat_ms=next_ms)
        return self._say(alert, Transition.REPEAT, again, again.repeats)

    def _next_repeat_ms(self, alert: Alert) -> int:
        return self._context.now_ms + self._context.policies[alert.key.rule].repeat_ms

    def _still(self, sinks: Iterable[Knowing]) -> tuple[Knowing, ...]:
        """Those of them that there are still."""
        there = {route.sink for route in self._context.routes}
        return tuple((sink, severity) for sink, severity in sinks if sink in there)

    def _id(self, alert: Alert) -> str:
        return alert_id(self._context.shard, self._dossier.project, self._dossier.session_id, alert)

    def _tell(
        self, alert: Alert, transition: Transition, sinks: Iterable[Knowing], number: int = 0, ack: Ack | None = None
    ) -> None:
        identity, labels = self._id(alert), labels_of(self._dossier, alert)
        name = f"{transition.value}-{number}" if number else transition.value
        self.tellings += [
            Telling(
                key=f"{identity}:{name}",
                sink=sink,
                alert_id=identity,
                transition=transition,
                group=f"{self._dossier.project}/{labels.get('channel') or labels.get('session') or ''}",
                decided_ms=self._context.now_ms,
                rule=alert.key.rule,
                severity=alert.severity,
                first_severity=severity,
                labels=labels,
                summary=alert.summary,
                meaning=alert.meaning,
                action=alert.action,
                started_ms=alert.started_ms,
                fired_ms=alert.fired_ms,
                resolved_ms=alert.resolved_ms,
                resolution=alert.resolution.value if alert.resolution else None,
                number=number,
                flapping=alert.flapping_until_ms is not None,
                acknowledged=ack,
            )
            for sink, severity in sinks
        ]


def _heard(told: Told, sinks: Iterable[Knowing], severity: Severity) -> Told:
    """What was told, with these sinks knowing of this severity."""
    first = dict(told.sinks)
    latest = dict(told.latest) | {sink: severity for sink, _ in sinks}
    return replace(told, latest=tuple(sorted(each for each in latest.items() if first.get(each[0]) is not each[1])))

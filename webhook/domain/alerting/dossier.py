"""All alerts of one session, with what anybody was told of them: what is stored, and what is decided on."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from webhook.domain.alerting.alerts import Alert, AlertState, Key, Severity, fingerprint

VERSION = 1
SELF = "\x00vigil"  # stands for Vigil itself where others have the id of a session


class Told(Struct, frozen=True, array_like=True):
    """What was told of one alert. `sinks` got its firing, and get whatever follows, each with the severity that it was
    told; times are ms.

    `repeats` counts how often it was told again, `repeat_ms` is when it is told next. `acks` counts how often sinks
    were told that somebody has it. `muted` says that a silence kept it quiet at the last look. `latest` is what sinks
    were told of its severity since the first time, by those that were told another one; `rises` counts how often one
    was told because it had risen.
    """

    sinks: tuple[tuple[str, Severity], ...] = ()
    repeats: int = 0
    repeat_ms: int | None = None
    acknowledged: bool = False
    acks: int = 0
    muted: bool = False
    latest: tuple[tuple[str, Severity], ...] = ()
    rises: int = 0


class Watched(Struct, frozen=True, array_like=True):
    """One alert and what was told of it."""

    alert: Alert
    told: Told = Told()


class Dossier(Struct, frozen=True, array_like=True):
    """All alerts of one session. `labels` are those that its alerts share.

    `successor_ms` is when the next session of its channel began. `episodes` are the last of keys whose alerts are not
    kept any more: a number is never used twice.
    """

    version: int
    session_id: str
    labels: dict[str, str]
    watched: tuple[Watched, ...] = ()
    successor_ms: int | None = None
    episodes: tuple[tuple[Key, int], ...] = ()

    @property
    def project(self) -> str:
        """The project of its session; empty where nobody knows it."""
        return self.labels.get("project", "")

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """The alerts alone."""
        return tuple(each.alert for each in self.watched)

    @property
    def firing(self) -> tuple[Watched, ...]:
        """Those that fire."""
        return tuple(each for each in self.watched if each.alert.state is AlertState.FIRING)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to remember."""
        return not (self.watched or self.episodes) and self.successor_ms is None


def open_dossier(session_id: str) -> Dossier:
    """That of a session of which nothing was found yet."""
    return Dossier(VERSION, session_id, {})


def alert_id(shard: int, project: str, session_id: str, alert: Alert) -> str:
    """`shard-fingerprint-episode`: what the alert is called outside, and the key by which sinks know it again."""
    return f"{shard}-{fingerprint(project, session_id, alert.key)}-{alert.episode}"


def labels_of(dossier: Dossier, alert: Alert) -> dict[str, str]:
    """All labels of an alert: what matchers look at."""
    return {
        **dossier.labels,
        "rule": alert.key.rule,
        "severity": alert.severity.value,
        "uid": alert.key.uid,
        "track": alert.key.track,
    }


def last_episodes(before: Dossier, kept: Iterable[Watched]) -> tuple[tuple[Key, int], ...]:
    """The last episodes of keys of which no alert is `kept`."""
    last = dict(before.episodes)
    for alert in before.alerts:
        used = alert.episode - (alert.state is AlertState.PENDING)  # nobody heard of one that never fired
        last[alert.key] = max(used, last.get(alert.key, 0))
    here = {each.alert.key for each in kept}
    return tuple(sorted((key, episode) for key, episode in last.items() if episode and key not in here))

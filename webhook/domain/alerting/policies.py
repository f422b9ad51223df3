"""The rules' defaults as two tables (contract.md, section 5): how bad, after how long, how often told again; and from
when on something is too much. An operator may adjust all of it, for every source or for those with some labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType

from msgspec import Struct
from msgspec.structs import replace

from webhook.domain.alerting.alerts import Severity

SECOND, MINUTE, HOUR = 1000, 60_000, 3_600_000  # milliseconds
REPEAT_MS = 4 * HOUR
FOUND_BY_ABSENCE = frozenset(  # rules that speak because nothing was heard, which proves nothing while Vigil is deaf
    ("not_started", "session_silent", "notifications_missing", "snapshot_overdue", "upload_stalled", "not_uploaded")
)
OF_VIGIL = frozenset(  # rules about Vigil itself: no session and no source has a part in them
    ("ingest_lag", "inbox_backlog", "spool_in_use", "dead_letters", "signature_failures", "sink_failing")
)


class Policy(Struct, frozen=True, kw_only=True):
    """What holds for one rule. It fires `for_ms` after what it found began. `thresholds` are those that differ from
    THRESHOLDS, in their units.
    """

    severity: Severity
    for_ms: int = 0
    repeat_ms: int = REPEAT_MS
    enabled: bool = True
    thresholds: Mapping[str, int] = {}


Policies = dict[str, Policy]

_INFO, _WARNING, _CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL

DEFAULTS: Policies = {
    "video_stopped": Policy(severity=_WARNING, for_ms=10 * SECOND),
    "audio_stopped": Policy(severity=_INFO, for_ms=30 * SECOND),
    "recording_error": Policy(severity=_CRITICAL),
    "abnormal_exit": Policy(severity=_CRITICAL),
    "recorder_left_empty": Policy(severity=_WARNING),
    "failover": Policy(severity=_INFO),
    "failover_repeated": Policy(severity=_CRITICAL),
    "not_started": Policy(severity=_CRITICAL, for_ms=90 * SECOND),
    "session_silent": Policy(severity=_WARNING),
    "notifications_missing": Policy(severity=_INFO, for_ms=120 * SECOND),
    "snapshot_overdue": Policy(severity=_WARNING),
    "upload_stalled": Policy(severity=_WARNING, for_ms=5 * MINUTE),
    "upload_failed": Policy(severity=_CRITICAL),
    "upload_in_backup": Policy(severity=_INFO),
    "not_uploaded": Policy(severity=_CRITICAL, for_ms=15 * MINUTE),
    "transcode_failed": Policy(severity=_WARNING),
    "download_failed": Policy(severity=_WARNING),
    "rtmp_disconnected": Policy(severity=_WARNING),
    "web_recorder_stopped": Policy(severity=_WARNING),
    "abnormal_user": Policy(severity=_WARNING),
    "ingest_lag": Policy(severity=_WARNING, for_ms=30 * SECOND),
    "inbox_backlog": Policy(severity=_WARNING, for_ms=60 * SECOND),
    "spool_in_use": Policy(severity=_WARNING, for_ms=30 * SECOND),
    "dead_letters": Policy(severity=_WARNING, for_ms=30 * SECOND),
    "signature_failures": Policy(severity=_CRITICAL, for_ms=30 * SECOND),
    "sink_failing": Policy(severity=_CRITICAL, for_ms=30 * SECOND),
}


class Unit(StrEnum):
    """What a threshold counts: pieces, or ms."""

    COUNT = "count"
    DURATION = "duration"


class Threshold(Struct, frozen=True):
    """One figure of a rule that an operator may set, no lower than `least`; both in its unit."""

    default: int
    unit: Unit
    least: int


def _count(default: int, least: int = 1) -> Threshold:
    return Threshold(default, Unit.COUNT, least)


def _duration(default_ms: int, least_ms: int = SECOND) -> Threshold:
    return Threshold(default_ms, Unit.DURATION, least_ms)


_TOGETHER = {"together_within": _duration(60 * SECOND, 0)}  # streams that all stop within this time are one alert
_SHOWN = {"shown_for": _duration(10 * MINUTE)}

THRESHOLDS: Mapping[str, Mapping[str, Threshold]] = MappingProxyType(
    {
        "video_stopped": _TOGETHER,
        "audio_stopped": _TOGETHER,
        "recording_error": {"recovers_after": _duration(5 * MINUTE)},
        "abnormal_exit": {"shown_for": _duration(24 * HOUR)},
        # for so long a failover explains what stopped or fell silent
        "failover": {**_SHOWN, "explains_for": _duration(90 * SECOND, 0)},
        "failover_repeated": {**_SHOWN, "count": _count(3)},
        "snapshot_overdue": {"intervals": _count(3)},
        "ingest_lag": {"above": _duration(10 * SECOND), "critical_above": _duration(60 * SECOND)},
        "inbox_backlog": {"above": _count(10_000, 0)},
        "spool_in_use": {"above": _count(0, 0)},
        "dead_letters": {"above": _count(0, 0)},
        "signature_failures": {"count": _count(5)},
        "sink_failing": {"count": _count(3)},
    }
)


def threshold(policies: Policies, rule: str, name: str) -> int:
    """What is set for a rule, else its default; in the unit of the threshold. Raises KeyError for what is none."""
    default = THRESHOLDS[rule][name].default
    policy = policies.get(rule)
    return policy.thresholds.get(name, default) if policy else default


class Adjustment(Struct, frozen=True, kw_only=True):
    """What an operator wants of one rule otherwise: for all that sources with these `labels` tell, or without any for
    everything. None is for what stays as it is.
    """

    rule: str
    labels: Mapping[str, str] = {}
    severity: Severity | None = None
    for_ms: int | None = None
    repeat_ms: int | None = None
    enabled: bool | None = None
    thresholds: Mapping[str, int] = {}

    def fits(self, labels: Mapping[str, str]) -> bool:
        """Whether it is for a source with these labels: all of its own have to be among them."""
        return self.labels.items() <= labels.items()

    def adjust(self, policy: Policy) -> Policy:
        """The policy with what differs."""
        wanted = {"severity": self.severity, "for_ms": self.for_ms, "repeat_ms": self.repeat_ms}
        changes = {name: value for name, value in {**wanted, "enabled": self.enabled}.items() if value is not None}
        return replace(policy, **changes, thresholds={**policy.thresholds, **self.thresholds})


def adjusted(adjustments: Iterable[Adjustment], labels: Mapping[str, str] = MappingProxyType({})) -> Policies:
    """All rules as they are for a source with these labels. Of adjustments that both fit the later one wins."""
    policies = dict(DEFAULTS)
    for each in adjustments:
        if each.fits(labels):
            policies[each.rule] = each.adjust(policies[each.rule])
    return policies

"""The alerts of one session that tests find something wrong with, look after look."""

from __future__ import annotations

from typing import Any

from webhook.domain.alerting.alerts import Alert, AlertState, Condition, Finding, Key, Severity
from webhook.domain.alerting.lifecycle import Advance, Hold, Look, advance
from webhook.domain.alerting.policies import Policies, Policy

SLOW, QUICK = "video_stopped", "recording_error"  # 10 s and at once
POLICIES: Policies = {SLOW: Policy(severity=Severity.WARNING, for_ms=10_000), QUICK: Policy(severity=Severity.CRITICAL)}
BEGUN = 1_000_000


def wrong(rule: str = SLOW, since_ms: int = BEGUN, uid: str = "1", **more: Any) -> Condition:
    return Condition(key=Key(rule, uid), since_ms=since_ms, summary="it is wrong", meaning="m", action="a", **more)


class Life:
    """The alerts of one session, look after look."""

    def __init__(self, policies: Policies = POLICIES) -> None:
        self.policies = policies
        self.alerts: tuple[Alert, ...] = ()

    def look(self, now_ms: int, *found: Finding, over: bool = False, hold: Hold = Hold()) -> Advance:  # noqa: B008
        seen = advance(self.alerts, found, Look(policies=self.policies, now_ms=now_ms, over=over, hold=hold))
        self.alerts = seen.alerts
        return seen

    @property
    def states(self) -> list[tuple[int, AlertState]]:
        return [(alert.episode, alert.state) for alert in self.alerts]

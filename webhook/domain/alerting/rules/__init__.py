"""The rules, one function each or one for a few that go together; what all of them find is what there is to tell."""

from __future__ import annotations

from webhook.domain.alerting.alerts import Finding
from webhook.domain.alerting.rules import leaving, recordings, streams, uploads, users
from webhook.domain.alerting.subject import Rule, Subject

RULES: tuple[Rule, ...] = (
    streams.find,
    recordings.recording_error,
    recordings.abnormal_exit,
    recordings.failover,
    recordings.not_started,
    recordings.session_silent,
    recordings.notifications_missing,
    leaving.recorder_left_empty,
    leaving.web_recorder_stopped,
    uploads.upload,
    uploads.not_uploaded,
    uploads.snapshot_overdue,
    uploads.remarks,
    users.abnormal_user,
)


def evaluate(subject: Subject) -> list[Finding]:
    """What all rules find. Pure and total: what a session lacks, no rule speaks of."""
    return [finding for rule in RULES for finding in rule(subject)]

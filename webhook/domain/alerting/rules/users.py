"""Users of a channel who behave as no user does."""

from __future__ import annotations

from collections.abc import Iterator

from webhook.domain.alerting.alerts import Condition, Finding, Key
from webhook.domain.alerting.subject import Subject
from webhook.domain.products.rtc_terms import ABNORMAL_USER, BAN_AFTER_S, LEAVE_REASONS
from webhook.domain.rtc.presence import members
from webhook.domain.rtc.state import Channel, MarkKind


def abnormal_user(subject: Subject) -> Iterator[Finding]:
    """Somebody left as an abnormal user; a minute later is the time to ban."""
    channel = subject.session.state
    if not isinstance(channel, Channel):
        return
    told = LEAVE_REASONS[ABNORMAL_USER]
    for member in members(channel):
        leaves = [mark.at_ms for mark in member.marks if mark.kind is MarkKind.LEFT and mark.reason == ABNORMAL_USER]
        if leaves:
            yield Condition(
                key=Key("abnormal_user", member.uid),
                since_ms=leaves[-1],
                expires_ms=leaves[-1] + BAN_AFTER_S * 1000,
                summary=f"user {member.uid} {told.meaning}",
                meaning=told.cause,
                action=told.action,
            )

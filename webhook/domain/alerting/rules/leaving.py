"""What a recorder met with, or why it left, when nobody wanted it to."""

from __future__ import annotations

from collections.abc import Iterator

from webhook.domain.alerting.alerts import Clear, Condition, Finding, Key
from webhook.domain.alerting.subject import Subject
from webhook.domain.products.recording_terms import LIMITS
from webhook.domain.recording.events import LeaveReason, Topic
from webhook.domain.recording.status import latest_recorder
from webhook.domain.rtc.presence import people_present


def recorder_left_empty(subject: Subject) -> Iterator[Finding]:
    """The recorder left because it saw nobody, while RTC sees people, or before the end that was expected."""
    recording = subject.recording
    left = latest_recorder(recording).left if recording else None
    if left is None or not left[2] & LeaveReason.NO_USERS:
        return
    there = people_present(subject.channel) if subject.channel else 0
    registration = subject.session.registration
    early = registration is not None and (registration.expected_end_ms or 0) > left[0]
    if subject.successor_ms is not None:
        yield Clear(Key("recorder_left_empty"), subject.successor_ms)
    elif there or early:
        yield Condition(
            key=Key("recorder_left_empty"),
            since_ms=left[0],
            summary="the recorder left an empty channel"
            + (f", where RTC sees {there} people" if there else ", before its expected end"),
            meaning="It saw nobody for maxIdleTime, which is 30 s unless the start request says more.",
            action="Start another recording if it is still needed, with a maxIdleTime of 300 s.",
        )


def web_recorder_stopped(subject: Subject) -> Iterator[Finding]:
    """The recorder of a web page plays one that is too much for it. Where it stopped for that, the session failed."""
    recording = subject.recording
    if recording is None or subject.is_over:
        return
    for limit, word in recording.remarks.get(Topic.WEB_LIMIT.value, {}).items():
        told = LIMITS[limit].meaning if limit in LIMITS else f"its limit of {limit} is reached"
        yield Condition(
            key=Key("web_recorder_stopped", limit),
            since_ms=word.at_ms,
            summary=f"the web page is too much for its recorder: {told}",
            meaning="What is recorded may stutter, and the recorder may stop.",
            action="Make the page lighter or record it at a lower resolution.",
        )

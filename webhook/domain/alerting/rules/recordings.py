"""What goes wrong with a recording itself: errors, failovers, a start that does not come, silence, holes."""

from __future__ import annotations

from collections.abc import Iterator

from webhook.domain.alerting.alerts import Clear, Condition, Finding, Key
from webhook.domain.alerting.policies import threshold
from webhook.domain.alerting.subject import Subject
from webhook.domain.products.recording_terms import error_term, leave_words
from webhook.domain.recording.events import LeaveReason
from webhook.domain.recording.state import ProblemMark
from webhook.domain.recording.status import latest_recorder
from webhook.domain.sequences import missing
from webhook.domain.states import State
from webhook.domain.status import exit_of

GRAVE = frozenset({"major", "fatal"})


def recording_error(subject: Subject) -> Iterator[Finding]:
    """The latest grave error, until the recording has gone on for some minutes without another, or is over."""
    recording = subject.recording
    errors = [error for error in recording.errors if error.level in GRAVE] if recording else []
    if recording is None or not errors or subject.is_over:
        return
    latest = errors[-1]
    goes_on = recording.life_ms is not None and recording.life_ms > latest.at_ms
    key = Key("recording_error")
    recovers_after_ms = threshold(subject.policies, "recording_error", "recovers_after")
    expires_ms = latest.at_ms + recovers_after_ms if goes_on else None
    if expires_ms is not None and expires_ms <= subject.now_ms:
        yield Clear(key, expires_ms)
    else:
        yield _error(key, latest, expires_ms)


def abnormal_exit(subject: Subject) -> Iterator[Finding]:
    """A session of any product that failed or was aborted, or whose recorder could not start, for a day."""
    failure = _failure(subject)
    if failure is None:
        return
    since_ms, reasons = failure
    if subject.successor_ms is not None:
        # one that began while this one was still on its way out makes good what it says at last, and takes nothing back
        yield Clear(Key("abnormal_exit"), max(subject.successor_ms, since_ms))
        return
    yield Condition(
        key=Key("abnormal_exit"),
        since_ms=since_ms,
        expires_ms=since_ms + threshold(subject.policies, "abnormal_exit", "shown_for"),
        summary=f"{subject.session.product} failed: {', '.join(reasons) or 'no reason told'}",
        meaning="It is over, and not as it was meant to be.",
        action="Start another one if it is still needed; the session's errors and timeline tell more.",
    )


def _failure(subject: Subject) -> tuple[int, tuple[str, ...]] | None:
    over = exit_of(subject.session)
    if over is not None and not over.normal:
        return over.at_ms, over.reasons
    left = latest_recorder(subject.recording).left if subject.recording else None
    return (left[0], leave_words(left[2])) if left is not None and left[2] == LeaveReason.INIT_FAILED else None


def held_until_ms(subject: Subject) -> int:
    """Until when the latest failover holds back what it explains, ms; 0 where there was none."""
    recorders = subject.recording.recorders.values() if subject.recording else ()
    named = [each.named_ms for each in recorders if each.named_ms is not None]
    return max(named) + threshold(subject.policies, "failover", "explains_for") if named else 0


def failover(subject: Subject) -> Iterator[Finding]:
    """The recording moved to another server; some times are too many."""
    recording = subject.recording
    moved = sorted(each.named_ms for each in recording.recorders.values() if each.named_ms) if recording else []
    if not moved:
        return
    yield Condition(
        key=Key("failover"),
        since_ms=moved[-1],
        expires_ms=moved[-1] + threshold(subject.policies, "failover", "shown_for"),
        summary="the recording moved to another server",
        meaning="A server of Agora failed, and another one goes on within 90 s; what was said meanwhile is missing.",
        action="Nothing; look at what was not recorded where every second counts.",
    )
    too_many = threshold(subject.policies, "failover_repeated", "count")
    if len(moved) >= too_many:
        yield Condition(
            key=Key("failover_repeated"),
            since_ms=moved[too_many - 1],
            expires_ms=moved[-1] + threshold(subject.policies, "failover_repeated", "shown_for"),
            summary=f"the recording moved to another server {len(moved)} times",
            meaning="Servers fail again and again under this recording.",
            action="Start a second recording of the channel, and tell Agora's support the sid.",
        )


def not_started(subject: Subject) -> Iterator[Finding]:
    """Registered, and no sign of life."""
    registration = subject.session.registration
    if registration is not None and subject.status.state is State.EXPECTED:
        yield Condition(
            key=Key("not_started"),
            since_ms=registration.registered_ms,
            summary="the recording was registered and has not begun to speak",
            meaning="Either it did not start, or its notifications do not arrive.",
            action="Query the recording's state; start another one if there is none. Check the address in the Console.",
        )
    elif registration is not None and subject.session.first_ms is not None:
        yield Clear(Key("not_started"), subject.session.first_ms)


def session_silent(subject: Subject) -> Iterator[Finding]:
    """A session that should speak and does not."""
    if subject.status.state is State.LOST:
        yield Condition(
            key=Key("session_silent"),
            since_ms=subject.status.since_ms,
            held_until_ms=held_until_ms(subject),
            summary="the session fell silent",
            meaning="It should have given a sign of life by now, and did not end as far as anybody heard.",
            action="Query its state: it may have died, or its notifications do not arrive.",
        )


def notifications_missing(subject: Subject) -> Iterator[Finding]:
    """Holes in what the recorders numbered."""
    recording = subject.recording
    if recording is None or subject.is_over:
        return
    for uid, recorder in recording.recorders.items():
        holes = missing(recorder.sequences)
        if holes:
            told = ", ".join(str(low) if low == high else f"{low} to {high}" for low, high in holes[:5])
            yield Condition(
                key=Key("notifications_missing", uid),
                since_ms=recorder.last_ms,
                about=str(holes[0][0]),  # nobody knows when the hole opened: it counts from when it was found
                summary=f"notifications {told} of recorder {uid} have not arrived",
                meaning="Agora numbered more notifications than arrived; what they told is not known.",
                action="Check that every event type is subscribed in the Console; query the state where it matters.",
            )
        else:
            yield Clear(Key("notifications_missing", uid), subject.now_ms)


def _error(key: Key, error: ProblemMark, expires_ms: int | None) -> Condition:
    told = error_term(error.module, error.code)
    return Condition(
        key=key,
        since_ms=error.at_ms,
        expires_ms=expires_ms,
        summary=f"{error.level} error {error.code} of the {error.module}: {told.meaning}",
        meaning=error.message or told.cause,
        action=told.action or "Look whether the recording goes on; start another one if it does not.",
    )

"""A user's video or audio stopped while its session is live: whose, since when, and why as far as RTC tells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from webhook.domain.alerting.alerts import Clear, Condition, Finding, Key, Severity
from webhook.domain.alerting.policies import threshold
from webhook.domain.alerting.rules.recordings import held_until_ms
from webhook.domain.alerting.subject import Subject
from webhook.domain.events import Reception, Track
from webhook.domain.products.rtc_terms import LEAVE_REASONS, QUIT
from webhook.domain.products.vocabulary import term
from webhook.domain.recording.state import Recording, Stream
from webhook.domain.recording.status import reception
from webhook.domain.recording.streams import streams_of
from webhook.domain.rtc.presence import leave_reason

EVER_MS = 2**62  # no leave is later
NO_RTC = "RTC says nothing of this channel."
IN_ALL = "it goes on in the alert about all streams"
AT_ONCE = "The recorder, the channel or the app has trouble rather than one of the users."
ENABLE_RTC = "Enable notifications of RTC channel events, and Vigil can tell whether the user left, and why."
ACTION = "Ask whether the user's camera, app or network stopped; nothing is lost once the stream resumes."

Words = Mapping[str, tuple[Reception, int]]  # by uid: the state of the track, and its event time in ms


def find(subject: Subject) -> Iterator[Finding]:
    """What is wrong, or well, with each track of each stream."""
    recording = subject.recording
    if recording is None or not subject.is_running:
        return
    for track in Track:
        yield from _of_track(subject, recording, track, _words(recording, track))


def _of_track(subject: Subject, recording: Recording, track: Track, words: Words) -> Iterator[Finding]:
    rule = f"{track.value}_stopped"
    stopped = {uid: at_ms for uid, (state, at_ms) in words.items() if state is Reception.STOPPED}
    wanted = {uid: at_ms for uid, at_ms in stopped.items() if not _left_by_intention(subject, uid)}
    within_ms = threshold(subject.policies, rule, "together_within")
    together = _together(words, wanted, within_ms)
    for uid, (_, at_ms) in words.items():
        key = Key(rule, uid, track.value)
        if uid in wanted and not together:
            yield _of_one(subject, recording, key, at_ms)
        else:
            yield Clear(key, at_ms, IN_ALL if uid in wanted else "")
    key = Key(rule, "", track.value)
    if together:
        yield _of_all(subject, recording, key, wanted)
    elif words:
        yield Clear(key, max(at_ms for _, at_ms in words.values()))


def _of_all(subject: Subject, recording: Recording, key: Key, wanted: Mapping[str, int]) -> Condition:
    within_ms = threshold(subject.policies, key.rule, "together_within")
    severities = {_severity(subject, recording, key._replace(uid=uid)) for uid in wanted}
    return Condition(
        key=key,
        since_ms=min(wanted.values()),
        held_until_ms=held_until_ms(subject),
        summary=f"{key.track} of all {len(wanted)} streams stopped within {within_ms / 1000:g} s",
        meaning=AT_ONCE if subject.channel else f"{AT_ONCE} Or they left: {NO_RTC}",
        action=ACTION if subject.channel else ENABLE_RTC,
        severity=Severity.INFO if severities == {Severity.INFO} else None,
    )


def _of_one(subject: Subject, recording: Recording, key: Key, since_ms: int) -> Condition:
    told, meaning, action = _cause(subject, key.uid, since_ms)
    return Condition(
        key=key,
        since_ms=since_ms,
        held_until_ms=held_until_ms(subject),
        summary=f"{key.track} of user {key.uid} stopped{told}",
        meaning=meaning,
        action=action,
        severity=_severity(subject, recording, key),
    )


def _cause(subject: Subject, uid: str, at_ms: int) -> tuple[str, str, str]:
    """What RTC says of it: an addition to the summary, its meaning, what to do."""
    if subject.channel is None:
        return "", NO_RTC, ENABLE_RTC
    if uid in subject.present:
        return "", "The user is in the channel.", ACTION
    leave = leave_reason(subject.channel, uid, at_ms)
    if leave is None:
        return "", "RTC says nothing of this user.", ACTION
    reason = term(LEAVE_REASONS, leave.reason)
    return f": {reason.name}", f"The user {reason.meaning}. {reason.cause}".strip(), reason.action or ACTION


def _severity(subject: Subject, recording: Recording, key: Key) -> Severity | None:
    """Info where the user may just have left, and nobody can tell; None for the policy's."""
    if subject.channel is not None or key.track != Track.VIDEO.value:
        return None
    audio, _ = reception(recording, streams_of(recording)[key.uid].audio)
    return Severity.INFO if audio is Reception.STOPPED else None


def _left_by_intention(subject: Subject, uid: str) -> bool:
    if subject.channel is None or uid in subject.present:
        return False
    leave = leave_reason(subject.channel, uid, EVER_MS)
    return leave is not None and leave.reason == QUIT


def _together(words: Words, wanted: Mapping[str, int], within_ms: int) -> bool:
    """Whether every stream stopped, and all within a short time."""
    if len(wanted) < 2 or any(state is Reception.RECEIVING for state, _ in words.values()):
        return False
    return max(wanted.values()) - min(wanted.values()) <= within_ms


def _words(recording: Recording, track: Track) -> Words:
    found = ((uid, reception(recording, _marks(stream, track))) for uid, stream in streams_of(recording).items())
    return {uid: (state, at_ms) for uid, (state, at_ms) in found if at_ms is not None}


def _marks(stream: Stream, track: Track) -> dict[str, tuple[int, int, str]]:
    return stream.video if track is Track.VIDEO else stream.audio

"""What goes wrong with files: the upload, snapshots, and what is made of them."""

from __future__ import annotations

from collections.abc import Iterator

from webhook.domain.alerting.alerts import Clear, Condition, Finding, Key
from webhook.domain.alerting.policies import threshold
from webhook.domain.alerting.subject import Subject
from webhook.domain.events import Reception
from webhook.domain.products.recording_terms import PUBLISH_STATES, RESULTS
from webhook.domain.recording.events import Topic
from webhook.domain.recording.state import Recording, RemarkMark
from webhook.domain.recording.status import latest_recorder, mode, reception, snapshot_interval_ms
from webhook.domain.recording.streams import streams_of

CHECK_STORAGE = "Check the storage's settings, its credentials and its room."
UPLOAD_RULES = {  # by what the latest word makes of the upload: rule, summary, meaning, action
    "uploading": ("upload_stalled", "the upload stands at", "No more files reach the storage.", CHECK_STORAGE),
    "failed": ("upload_failed", "the upload failed", "Files did not reach the storage.", CHECK_STORAGE),
    "backed_up": (
        "upload_in_backup",
        "files went to Agora's backup",
        "The storage did not take all of them.",
        "Wait: Agora brings them to the storage later.",
    ),
}
SUCCESSES = frozenset({"all_success", "total_success", "started"})


def upload(subject: Subject) -> Iterator[Finding]:
    """The upload failed, stands still, or went to Agora's backup."""
    recording = subject.recording
    if recording is None or recording.upload is None:
        return
    at_ms, *_, state, progress = recording.upload
    wrong = UPLOAD_RULES.get("uploaded" if progress >= 1.0 and state == "uploading" else state)
    for rule, summary, meaning, action in UPLOAD_RULES.values():
        if wrong is None or wrong[0] != rule:
            yield Clear(Key(rule), at_ms)
            continue
        stalled = state == "uploading"
        yield Condition(
            key=Key(rule),
            since_ms=_flat_since_ms(recording, at_ms, progress) if stalled else at_ms,
            summary=f"{summary} {progress:.0%}" if stalled else summary,
            meaning=meaning,
            action=action,
        )


def _flat_since_ms(recording: Recording, at_ms: int, progress: float) -> int:
    """Since when the progress is what it is now, as far back as is known."""
    since_ms = at_ms
    for told_ms, _, told in reversed(recording.recent_progress):
        if told != progress:
            break
        since_ms = told_ms
    return since_ms


def not_uploaded(subject: Subject) -> Iterator[Finding]:
    """The recording is over, and nobody said that its files are stored. Snapshots alone are told of by no 31."""
    recording = subject.recording
    if recording is None or not subject.is_ending or _only_snapshots(subject, recording):
        return
    if recording.stored:
        yield Clear(Key("not_uploaded"), recording.stored[0])
        return
    latest = latest_recorder(recording)
    ends = (subject.status.since_ms, latest.left_ms, latest.exited[0] if latest.exited else None)
    yield Condition(
        key=Key("not_uploaded"),
        since_ms=min(at_ms for at_ms in ends if at_ms is not None),
        summary="the recording is over and its files are not stored yet",
        meaning="Agora keeps trying, and keeps the files for a limited time only.",
        action="Check the storage's settings and its room; ask Agora's support with the sid.",
    )


def _only_snapshots(subject: Subject, recording: Recording) -> bool:
    registration = subject.session.registration
    if registration and registration.expectation and registration.expectation.records is not None:
        return not registration.expectation.records
    return mode(recording) == "individual" and not recording.files and not recording.heartbeat


def snapshot_overdue(subject: Subject) -> Iterator[Finding]:
    """A video is received, and no snapshot of it was taken for some intervals."""
    recording, missed = subject.recording, threshold(subject.policies, "snapshot_overdue", "intervals")
    if recording is None or not subject.is_running:
        return
    for uid, stream in streams_of(recording).items():
        state, since_ms = reception(recording, stream.video)
        interval_ms = _interval_ms(subject, recording, uid)
        if state is not Reception.RECEIVING or interval_ms is None or since_ms is None:
            continue
        last_ms = max(stream.snapshots.last[0] if stream.snapshots.last else 0, since_ms)
        yield Condition(
            key=Key("snapshot_overdue", uid, "video"),
            since_ms=last_ms + missed * interval_ms,
            foreseen=True,
            summary=f"no snapshot of user {uid} for {missed} intervals of {interval_ms / 1000:g} s",
            meaning="The video is received, so a snapshot should have been taken.",
            action="Look at the latest snapshots and the recording's errors.",
        )


def remarks(subject: Subject) -> Iterator[Finding]:
    """What the last word on transcoding, downloading and pushing says went wrong."""
    recording = subject.recording
    if recording is None:
        return
    yield from _transcoding(recording)
    if subject.is_over:
        return
    for about, word in _words(recording, Topic.DOWNLOAD):
        yield _remark("download_failed", about, word, "files could not be downloaded")
    for about, word in _words(recording, Topic.PUBLISHING):
        if word.value == "disconnected":
            yield _remark("rtmp_disconnected", about, word, PUBLISH_STATES[word.value].meaning)


def _transcoding(recording: Recording) -> Iterator[Finding]:
    """What the later of 81 and 1001 says; that may be long after the session ended."""
    topics = (Topic.TRANSCODER, Topic.POSTPONED_TRANSCODING)
    latest = max((word for topic in topics for _, word in _words(recording, topic)), default=None)
    if latest is None or latest.value not in RESULTS:
        return
    if latest.value in SUCCESSES:
        yield Clear(Key("transcode_failed"), latest.at_ms)
    else:
        yield _remark("transcode_failed", "", latest, RESULTS[latest.value].meaning)


def _interval_ms(subject: Subject, recording: Recording, uid: str) -> int | None:
    registration = subject.session.registration
    told = registration.expectation.capture_interval if registration and registration.expectation else None
    return told * 1000 if told else snapshot_interval_ms(streams_of(recording)[uid].snapshots)


def _words(recording: Recording, topic: Topic) -> Iterator[tuple[str, RemarkMark]]:
    yield from recording.remarks.get(topic.value, {}).items()


def _remark(rule: str, about: str, word: RemarkMark, summary: str) -> Condition:
    items = ", ".join(filter(None, word.items))
    return Condition(
        key=Key(rule, about),
        since_ms=word.at_ms,
        summary=summary,
        meaning=f"Agora names {items}." if items else "Agora says no more of it.",
        action="The session's page has the details.",
    )

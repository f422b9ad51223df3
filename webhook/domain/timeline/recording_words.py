"""What marks of a recording say, in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from webhook.domain.products.recording_terms import (
    LEAVE_BITS,
    LEVELS,
    LIMITS,
    PUBLISH_STATES,
    RELOADS,
    RESULTS,
    STATUSES,
    STOPPED_NORMALLY,
    WEB_STOPS,
    error_term,
    leave_words,
    warning_term,
)
from webhook.domain.products.vocabulary import Term, term
from webhook.domain.recording import events
from webhook.domain.recording.events import NOT_TOLD, Severity, Topic
from webhook.domain.timeline.lanes import Says, sentence

LEAVE_TERMS = {word.name: word for word in LEAVE_BITS.values()}
LEVEL_TERMS = {word.name: word for word in LEVELS.values()}
FAILED_START = LEAVE_BITS[0].name


def recorder_started(event: events.RecorderStarted) -> Says:
    """40."""
    if event.normal:
        return Says("started", "the recorder is in the channel")
    return Says("started", "the recorder did not start as it should", "critical")


def recorder_left(event: events.RecorderLeft) -> Says:
    """41, with its reasons."""
    names = leave_words(int(event.reasons))
    reasons = [LEAVE_TERMS[name].meaning if name in LEAVE_TERMS else name for name in names]
    return Says("left", sentence("the recorder left", reasons), "critical" if FAILED_START in names else "info")


def session_exited(event: events.SessionExited) -> Says:
    """11."""
    if event.normal:
        return Says("exited", "the recording service is done with the session")
    return Says("exited", "the recording service exited abnormally", "critical")


def web_recorder_stopped(event: events.WebRecorderStopped) -> Says:
    """71."""
    stop = term(WEB_STOPS, event.code)
    severity = "info" if event.code == STOPPED_NORMALLY else "critical"
    return Says("stopped", sentence("the recorder of the web page stopped", (stop.meaning, event.message)), severity)


def status_reported(event: events.StatusReported) -> Says:
    """3."""
    status = term(STATUSES, event.code)
    return Says("status", sentence("a call did not fit the service's state", (status.meaning,)), status.severity)


def failed_over(event: events.FailedOver) -> Says:
    """12."""
    return Says("failover", f"the service moved to another server; {event.new_uid} records from here on")


def problem_reported(event: events.ProblemReported) -> Says:
    """1, 2. How grave an error is, its level says; where it has none, its code does."""
    meant = (error_term if event.severity is Severity.ERROR else warning_term)(event.module, event.code)
    coded = f"{meant.meaning} (code {event.code})" if event.code != NOT_TOLD else "no code was told"
    text = sentence(f"{event.level} {event.severity} of the {event.module}".lstrip(), (coded, event.message))
    return Says(event.severity.value, text, LEVEL_TERMS.get(event.level, meant).severity)


def first_file_written(event: events.FirstFileWritten) -> Says:
    """4."""
    return Says("first_file", sentence("the first playlist is written", (event.file or "",)))


def remarked(event: events.Remarked) -> Says:
    """13, 60, 61, 70, 72, 73, 80, 81, 90, 100, 1001."""
    head, parts, word = REMARKS[event.topic](event)
    return Says(event.topic.value, sentence(head, parts), word.severity if word else "info")


Remark = tuple[str, tuple[str, ...], Term | None]


def _plain(head: str) -> Callable[[events.Remarked], Remark]:
    return lambda event: (head, (event.about,), None)


def _termed(head: str, vocabulary: Mapping[str, Term]) -> Callable[[events.Remarked], Remark]:
    """Of a remark whose value is a word of the vocabulary."""
    return lambda event: (head, (_meaning(vocabulary, event.value), event.about), vocabulary.get(event.value))


def _about(head: str, vocabulary: Mapping[str, Term]) -> Callable[[events.Remarked], Remark]:
    """Of a remark that is about a word of the vocabulary."""
    return lambda event: (head, (_meaning(vocabulary, event.about),), vocabulary.get(event.about))


def _meaning(vocabulary: Mapping[str, Term], word: str) -> str:
    known = vocabulary.get(word)
    return known.meaning if known else word


def _vod(event: events.Remarked) -> Remark:
    return f"handing the files to video on demand: {event.value}", (event.about,), None


def _download_failed(event: events.Remarked) -> Remark:
    names = event.about.replace(";", ", ")
    return "files could not be fetched for transcoding", (names,), Term("failed", "", "warning")


REMARKS: dict[Topic, Callable[[events.Remarked], Remark]] = {
    Topic.HIGH_AVAILABILITY: _plain("high availability is registered"),
    Topic.STATUS: _termed("the service reports", {}),
    Topic.VOD: _vod,
    Topic.WEB_RECORDER: lambda event: ("the recorder of the web page started", (), None),
    Topic.WEB_LIMIT: _about("the page reached a limit", LIMITS),
    Topic.WEB_RELOAD: _about("the page was loaded again", RELOADS),
    Topic.TRANSCODER: _termed("transcoding", RESULTS),
    Topic.POSTPONED_TRANSCODING: _termed("postponed transcoding is over", RESULTS),
    Topic.DOWNLOAD: _download_failed,
    Topic.PUBLISHING: _termed("publishing", PUBLISH_STATES),
}

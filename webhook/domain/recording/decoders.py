"""Details of Cloud Recording's notifications to events, one function a type (agora-notifications.md, section 4).

Each raises Undecodable only where that is missing without which its type says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from webhook.domain.errors import Undecodable
from webhook.domain.events import Reception, Track, Unrecognised
from webhook.domain.facts import Event
from webhook.domain.filenames import LONGEST_NAME, parse_snapshot
from webhook.domain.products.recording_terms import LEVELS, MODULES
from webhook.domain.products.vocabulary import Term, term
from webhook.domain.recording import events
from webhook.domain.recording.events import MIXED_UID, NOT_TOLD, LeaveReason, Severity, Topic
from webhook.domain.recording.reading import (
    Details,
    code,
    files,
    names,
    need_code,
    need_ms,
    need_name,
    need_words,
    normal,
    words,
)
from webhook.domain.wire import mapping, milliseconds, text

FULL_PROGRESS = 10_000
MOST_ITEMS = 50
RECEPTIONS = {0: Reception.RECEIVING, 1: Reception.STOPPED}
LEAVE_MASK = 0b11110  # the bits that section 4 names


def unrecognised(details: Details) -> Event:
    """34, 46, 47: types that exist without documentation."""
    return Unrecognised()


def error(details: Details) -> Event:
    """1: an error. Needs a code or a level; in the field the message may be empty."""
    level, number = code(details, "errorLevel"), code(details, "errorCode")
    if level == number == NOT_TOLD:
        raise Undecodable("details.errorCode and details.errorLevel are both missing")
    return events.ProblemReported(
        Severity.ERROR, _module(details), _named(LEVELS, level), number, words(details.get("errorMsg"))
    )


def warning(details: Details) -> Event:
    """2: a warning. Needs its code."""
    return events.ProblemReported(Severity.WARNING, _module(details), "", need_code(details, "warnCode"), "")


def status(details: Details) -> Event:
    """3: the service's status, which it needs. `recordingMode` is ignored, as its documentation contradicts itself."""
    return events.StatusReported(need_code(details, "status"))


def first_file(details: Details) -> Event:
    """4: the first file. Its list is a string, now and then an array, and may be absent."""
    listed = files(details.get("fileList"))
    return events.FirstFileWritten(listed[0].name if listed else None)


def session_exited(details: Details) -> Event:
    """11: the end of the session. Needs its status."""
    return events.SessionExited(need_code(details, "exitStatus") == 0)


def failed_over(details: Details) -> Event:
    """12: a failover. Needs the new recorder's uid."""
    return events.FailedOver(need_name(details, "newUid"))


def upload_started(details: Details) -> Event:
    """30: the uploader's start, normal where no status is told."""
    return events.UploadStarted(normal(details, "status"))


def uploaded(details: Details) -> Event:
    """31: all files are in the customer's storage; web page recording sends no list of them."""
    return events.UploadFinished(normal(details, "status"), False, files(details.get("fileList")))


def backed_up(details: Details) -> Event:
    """32: all files are stored, at least one of them in Agora's backup."""
    return events.UploadFinished(normal(details, "status"), True, files(details.get("fileList")))


def upload_progressed(details: Details) -> Event:
    """33: the share that is uploaded. Needs its progress, 0 to 10 000."""
    return events.UploadProgressed(min(max(need_code(details, "progress") / FULL_PROGRESS, 0.0), 1.0))


def recorder_started(details: Details) -> Event:
    """40: the recorder's start, normal where no status is told."""
    return events.RecorderStarted(normal(details, "status"))


def recorder_left(details: Details) -> Event:
    """41: the recorder's leaving. Needs its code; bits that no table names count only where no other is set."""
    bits = need_code(details, "leaveCode")
    if bits < 0:
        raise Undecodable(f"details.leaveCode is {bits}, not a bit mask")
    return events.RecorderLeft(LeaveReason(bits & LEAVE_MASK or bits))


def slice_started(details: Details) -> Event:
    """42: a slice. Needs its stream and start; the end of the slice before it, where it is told, may show a loss."""
    uid = MIXED_UID if details.get("mixedAllUser") is True and not text(details.get("streamUid")) else None
    started_ms, ended_ms = need_ms(details, "startUtcMs"), milliseconds(details.get("discontinueUtcMs"))
    lost_from_ms = ended_ms if ended_ms is not None and ended_ms < started_ms else None
    track = words(details.get("trackType"))
    return events.SliceStarted(uid or need_name(details, "streamUid"), track, started_ms, lost_from_ms)


def stream_changed(track: Track) -> Callable[[Details], Event]:
    """43, 44: the decoder for one track. Needs the stream and a state of 0 (receiving) or 1."""

    def decode(details: Details) -> Event:
        state = need_code(details, "state")
        if state not in RECEPTIONS:
            raise Undecodable(f"details.state is {state}; known are 0 (receiving) and 1 (not receiving)")
        return events.StreamChanged(need_name(details, "streamUid"), track, RECEPTIONS[state])

    return decode


def snapshot_taken(details: Details) -> Event:
    """45: a snapshot. Needs the file's name, which says the rest by convention (section 5)."""
    file = need_name(details, "fileName")
    name = parse_snapshot(file)
    if name is None:
        return events.SnapshotTaken(None, file, None)
    return events.SnapshotTaken(name.uid, file, name.taken_ms, name.failover)


def high_availability(details: Details) -> Event:
    """13: high availability is registered."""
    return events.Remarked(Topic.HIGH_AVAILABILITY, "registered")


def vod_started(details: Details) -> Event:
    """60: files go to a video-on-demand service, under an id where it is told."""
    return events.Remarked(Topic.VOD, "started", words(mapping(details.get("aliVodInfo")).get("videoId")))


def vod_triggered(details: Details) -> Event:
    """61: that service was triggered."""
    return events.Remarked(Topic.VOD, "triggered", "")


def web_recorder_started(details: Details) -> Event:
    """70: the start of a web page's recorder; `value` is its own start time in ms, empty where that is not told."""
    return events.Remarked(Topic.WEB_RECORDER, str(milliseconds(details.get("recorderStartTime")) or ""), "started")


def web_recorder_stopped(details: Details) -> Event:
    """71: the stop of a web page's recorder. Needs its code."""
    told = (words(details.get(key)) for key in ("message", "details"))
    message = ": ".join(filter(None, told))
    return events.WebRecorderStopped(need_code(details, "code"), message, files(details.get("fileList")))


def web_limit(details: Details) -> Event:
    """72: a limit of the web page's recorder. Needs its kind."""
    return events.Remarked(Topic.WEB_LIMIT, "reached", need_words(details, "limitType"))


def web_reload(details: Details) -> Event:
    """73: the page was loaded again. Needs the reason."""
    return events.Remarked(Topic.WEB_RELOAD, "reloaded", need_words(details, "reason"))


def transcoder_started(details: Details) -> Event:
    """80: transcoding started."""
    return events.Remarked(Topic.TRANSCODER, "started")


def transcoder_completed(details: Details) -> Event:
    """81: transcoding ended. Needs the result; `items` are the uids."""
    uids = names(details.get("uids"), MOST_ITEMS) if details.get("uids") is not None else ()
    return events.Remarked(Topic.TRANSCODER, need_words(details, "result"), items=uids)


def postponed_transcoding(details: Details) -> Event:
    """1001: postponed transcoding ended. Needs the result."""
    listed = files(details.get("fileList"))
    return events.Remarked(Topic.POSTPONED_TRANSCODING, need_words(details, "result"), files=listed)


def download_failed(details: Details) -> Event:
    """90: files could not be downloaded; `items` are vendor, region and bucket, or empty."""
    place = tuple(words(details.get(key)) for key in ("vendor", "region", "bucket"))
    return events.Remarked(Topic.DOWNLOAD, "failed", (text(details.get("fileName")) or "")[:LONGEST_NAME], place)


def publish_changed(details: Details) -> Event:
    """100: publishing to an address. Needs it, whose stream key is masked by now, and the status."""
    return events.Remarked(Topic.PUBLISHING, need_words(details, "status"), need_name(details, "rtmpUrl"))


def _module(details: Details) -> str:
    return _named(MODULES, code(details, "module"))


def _named(vocabulary: Mapping[int, Term], number: int) -> str:
    return "unknown" if number == NOT_TOLD else term(vocabulary, number).name

"""The codes of Cloud Recording in words (agora-notifications.md, section 4)."""

from __future__ import annotations

from collections.abc import Mapping

from webhook.domain.products.vocabulary import Term, term

Terms = Mapping[int, Term]

RECORDER, UPLOADER, SERVICE = "recorder", "uploader", "service"
FATAL = "fatal"
EXITED_ABNORMALLY = 20  # the one status that says that the session failed
STOPPED_NORMALLY = 0  # the one code of a web page recorder's stop that was wanted

MODULES: Terms = {
    0: Term(RECORDER, "the part that sits in the channel and records"),
    1: Term(UPLOADER, "the part that brings files to the storage"),
    2: Term(SERVICE, "the service that runs the other parts"),
    6: Term("web_recorder", "the part that records a web page"),
}

LEVELS: Terms = {
    1: Term("debug", "of interest to developers only"),
    2: Term("minor", "something small went wrong and nothing is lost"),
    3: Term("medium", "something went wrong that may cost quality", "warning"),
    4: Term("major", "something went wrong that may cost part of the recording", "critical"),
    5: Term(FATAL, "the recording may have ended", "critical"),
}

UPLOADER_ERRORS: Terms = {
    32: Term(
        "storage_misconfigured",
        "the storage cannot be used as it is configured",
        "critical",
        "The bucket, its region, the vendor or the keys in storageConfig are wrong, or the keys may not write.",
        "Correct storageConfig and start a new recording; files of this one go to Agora's backup.",
    ),
    47: Term(
        "upload_failed",
        "files could not be uploaded",
        "critical",
        "The storage refused them or could not be reached.",
        "Check the bucket's rights, quota and region; Agora tries again and then falls back to its backup.",
    ),
    51: Term(
        "uploader_failed",
        "the uploader could not process the files",
        "critical",
        "The uploader met files that it could not read or finish.",
        "Compare the files in the bucket with the list of the upload; ask Agora's support with the sid.",
    ),
}

SERVICE_ERRORS: Terms = {
    50: Term(
        "upload_timed_out",
        "the upload took longer than the service waits",
        "critical",
        "The storage is slow or could not be reached.",
        "Look for the files in the bucket; what is missing may still come from Agora's backup.",
    ),
    52: Term(
        "start_timed_out",
        "the recording did not start in time",
        "critical",
        "The recorder could not get ready: the channel, the token or the service had trouble.",
        "Start another recording with a fresh resource id.",
    ),
}

COMMON_ERRORS: Terms = {
    110: Term(
        "token_refused",
        "the recorder could not join the channel, most likely because its token was refused",
        "critical",
        "The token is expired, or made for another channel, uid or app. Agora does not document this code.",
        "Make a token for the recorder's own uid and this channel, and start the recording again.",
    ),
}

UPLOADER_WARNINGS: Terms = {
    31: Term(
        "uploading_again",
        "files are uploaded to the storage once more",
        "warning",
        "The storage did not take them the first time.",
        "Nothing while it is rare; if it goes on, check that the storage can be reached.",
    ),
    32: Term(
        "uploading_to_backup_again",
        "files are uploaded to Agora's backup once more",
        "warning",
        "Neither the storage nor, at first, the backup took them.",
        "Check the storage; files in the backup arrive there later.",
    ),
}

_ERRORS: Mapping[str, Terms] = {UPLOADER: UPLOADER_ERRORS, SERVICE: SERVICE_ERRORS}
_WARNINGS: Mapping[str, Terms] = {UPLOADER: UPLOADER_WARNINGS}
UPLOAD_FAILURES = frozenset({(UPLOADER, code) for code in UPLOADER_ERRORS} | {(SERVICE, 50)})

STATUSES: Terms = {
    0: Term("not_started", "recording has not started"),
    1: Term("initialised", "the service is initialised"),
    2: Term("recorder_starting", "the recorder is starting"),
    3: Term("uploader_ready", "the uploader is ready"),
    4: Term("recorder_ready", "the recorder is ready"),
    5: Term("running", "the first file is uploaded and the recording runs"),
    6: Term("recording_stopped", "the recording has stopped"),
    7: Term("service_stopped", "the service has stopped"),
    8: Term("ready_to_exit", "the service is about to exit"),
    EXITED_ABNORMALLY: Term(
        "exited_abnormally",
        "the service exited abnormally",
        "critical",
        "Something stopped the service before the recording was complete.",
        "Start another recording, and compare the files in the storage with what is missing.",
    ),
}

LEAVE_BITS: Terms = {
    0: Term(
        "init_failed",
        "the recorder could not start",
        "critical",
        "Its parameters or its token were wrong, or the service had trouble.",
        "Check the start request and start again.",
    ),
    2: Term("sigint", "the recorder was told to stop by a signal"),
    4: Term(
        "no_users",
        "nobody was left in the channel",
        "info",
        "The channel stayed empty for longer than maxIdleTime.",
        "If people were to come back, set maxIdleTime to 300 s.",
    ),
    8: Term("ignore", "a reason that is to be ignored"),
    16: Term("left_channel", "the recorder left because it was asked to"),
}

WEB_STOPS: Terms = {
    STOPPED_NORMALLY: Term("ok", "the recorder stopped as asked"),
    1: Term(
        "max_recording_hour",
        "the longest time that was allowed for the recording is over",
        "warning",
        "maxRecordingHour of the start request was reached.",
        "Raise maxRecordingHour for pages that run longer.",
    ),
    2: Term(
        "capability_limit",
        "the page needs more than the recorder can give",
        "critical",
        "Its resolution, WebGL or bandwidth is beyond the limits.",
        "Make the page lighter or record it at a lower resolution.",
    ),
    3: Term("start_engine_failed", "the recorder's engine did not start", "critical", "", "Start another recording."),
    4: Term(
        "page_load_timeout",
        "the page did not load in time",
        "critical",
        "The page is slow or waits for something that never comes.",
        "Open the page from outside your network and see how long it takes.",
    ),
    5: Term(
        "access_url_failed",
        "the page could not be opened",
        "critical",
        "The URL is wrong, needs a login, or is closed to the internet.",
        "Open the URL without being logged in, from outside your network.",
    ),
    6: Term("recorder_error", "the recorder itself failed", "critical", "", "Start another recording."),
}

LIMITS: Mapping[str, Term] = {
    "resolution": Term("resolution", "the page's video is larger than the recorder can play smoothly", "warning"),
    "WebGL": Term("WebGL", "the page draws more with WebGL than the recorder can", "warning"),
    "bandwidth": Term("bandwidth", "the page loads more than the recorder's bandwidth allows", "warning"),
}

RELOADS: Mapping[str, Term] = {
    "audio_silence": Term("audio_silence", "the page had been silent, so it was loaded again", "warning"),
    "page_load_timeout": Term("page_load_timeout", "the page did not load in time, so it was tried again", "warning"),
}

RESULTS: Mapping[str, Term] = {
    "started": Term("started", "the files are being transcoded"),
    "all_success": Term("all_success", "every file was transcoded"),
    "total_success": Term("total_success", "every file was transcoded"),
    "partial_success": Term("partial_success", "only some of the files were transcoded", "warning"),
    "fail": Term("fail", "no file was transcoded", "critical"),
    "failed": Term("failed", "no file was transcoded", "critical"),
}

PUBLISH_STATES: Mapping[str, Term] = {
    "connecting": Term("connecting", "the server at the address is being contacted"),
    "publishing": Term("publishing", "the stream is being sent"),
    "onhold": Term("onhold", "sending is paused", "warning"),
    "disconnected": Term("disconnected", "the server at the address is not connected any more", "warning"),
}


def error_term(module: str, code: int) -> Term:
    """An error code in words; what it means depends on the module that reports it."""
    return term({**COMMON_ERRORS, **_ERRORS.get(module, {})}, code)


def warning_term(module: str, code: int) -> Term:
    """A warning code in words; what it means depends on the module that reports it."""
    return term(_WARNINGS.get(module, {}), code)


def leave_words(code: int) -> tuple[str, ...]:
    """The names of the reasons in a leave code, least bit first; bits that no table names make one of their own."""
    named = [bit for bit in LEAVE_BITS if bit & code]
    rest = code & ~sum(named)
    unnamed = (f"code_{rest}",) if rest else ()
    return (*(LEAVE_BITS[bit].name for bit in named), *unnamed) or (LEAVE_BITS[0].name,)

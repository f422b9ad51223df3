"""Events of recordings: what happened, free of the wire's codes and units (agora-notifications.md, section 4)."""

from __future__ import annotations

from enum import IntFlag, StrEnum

from msgspec import Struct

from webhook.domain.events import Reception, Track

NOT_TOLD = -1  # stands for a code that the wire leaves out, so that marks with and without one still compare
MIXED_UID = "0"  # under which a composite recording speaks of its mixed stream


class LeaveReason(IntFlag):
    """Why a recorder left, a bit mask: several may hold at once, and none set means that its start failed."""

    INIT_FAILED = 0
    SIGINT = 2
    NO_USERS = 4
    IGNORE = 8
    LEFT_CHANNEL = 16


class Severity(StrEnum):
    """Whether Agora reported a problem as an error (1) or as a warning (2)."""

    ERROR = "error"
    WARNING = "warning"


class Topic(StrEnum):
    """What a Remarked is about, where the latest word is all that is kept."""

    HIGH_AVAILABILITY = "high_availability"
    STATUS = "status"
    VOD = "vod"
    WEB_RECORDER = "web_recorder"
    WEB_LIMIT = "web_limit"
    WEB_RELOAD = "web_reload"
    TRANSCODER = "transcoder"
    POSTPONED_TRANSCODING = "postponed_transcoding"
    DOWNLOAD = "download"
    PUBLISHING = "publishing"


class RecordedFile(Struct, frozen=True, array_like=True):
    """One file of an upload's list. `track` is audio, video, audio_and_video or empty; `started_ms` its first slice."""

    name: str
    track: str
    uid: str
    playable: bool
    started_ms: int | None


class RecorderStarted(Struct, frozen=True):
    """40: the recorder joined the channel. `normal` is false where its status says that it did not work."""

    normal: bool


class RecorderLeft(Struct, frozen=True):
    """41: the recorder left the channel."""

    reasons: LeaveReason


class SessionExited(Struct, frozen=True):
    """11: the recording service is done with the session."""

    normal: bool


class FailedOver(Struct, frozen=True):
    """12: another server took over and records under `new_uid`."""

    new_uid: str


class StreamChanged(Struct, frozen=True):
    """43, 44: the recorder began or ceased to get one track of one user."""

    uid: str
    track: Track
    reception: Reception


class SliceStarted(Struct, frozen=True):
    """42: a slice of a stream begins at `started_ms`; from `lost_from_ms` until then nothing was recorded.

    `lost_from_ms` is None where the slice follows the one before without a gap.
    """

    uid: str
    track: str
    started_ms: int
    lost_from_ms: int | None


class SnapshotTaken(Struct, frozen=True):
    """45: a snapshot file was written. `uid` and `taken_ms` are None where its name does not follow the convention.

    `failover` is the number in the name's `bak<n>`, which counts failovers from 0.
    """

    uid: str | None
    file: str
    taken_ms: int | None
    failover: int | None = None


class FirstFileWritten(Struct, frozen=True):
    """4: the first playlist is there; `file` is None where the list names none."""

    file: str | None


class UploadProgressed(Struct, frozen=True):
    """33: the share of the recorded files that is uploaded, 0 to 1. While recording it comes once a minute."""

    progress: float


class UploadStarted(Struct, frozen=True):
    """30: the uploader started. `normal` is false where its status says that it did not."""

    normal: bool


class UploadFinished(Struct, frozen=True):
    """31, 32: all files are stored; `backed_up` means that at least one waits in Agora's backup."""

    normal: bool
    backed_up: bool
    files: tuple[RecordedFile, ...]


class ProblemReported(Struct, frozen=True):
    """1, 2: a part of the service complains. `module` and `level` are names of their vocabularies."""

    severity: Severity
    module: str
    level: str
    code: int
    message: str


class StatusReported(Struct, frozen=True):
    """3: a call did not fit the state that the service is in, which `code` names."""

    code: int


class WebRecorderStopped(Struct, frozen=True):
    """71: the recorder of a web page stopped, of its own accord where `code` is not 0."""

    code: int
    message: str
    files: tuple[RecordedFile, ...]


class Remarked(Struct, frozen=True):
    """13, 60, 61, 70, 72, 73, 80, 81, 90, 100, 1001: `value` is the latest word on `about` within a topic.

    `items` are the names that belong to it, in the order in which they were told; `files` are new among those stored.
    """

    topic: Topic
    value: str
    about: str = ""
    items: tuple[str, ...] = ()
    files: tuple[RecordedFile, ...] = ()


RecordingEvent = (
    RecorderStarted
    | RecorderLeft
    | SessionExited
    | FailedOver
    | StreamChanged
    | SliceStarted
    | SnapshotTaken
    | FirstFileWritten
    | UploadProgressed
    | UploadStarted
    | UploadFinished
    | ProblemReported
    | StatusReported
    | WebRecorderStopped
    | Remarked
)

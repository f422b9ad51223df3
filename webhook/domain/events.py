"""Typed events: what happened, free of the wire's codes and units."""

from __future__ import annotations

from enum import IntFlag, StrEnum

from msgspec import Struct


class Track(StrEnum):
    """What a stream carries."""

    VIDEO = "video"
    AUDIO = "audio"


class Reception(StrEnum):
    """Whether the recorder gets a stream. The wire says 0 for receiving and 1 for not receiving."""

    RECEIVING = "receiving"
    STOPPED = "stopped"
    UNKNOWN = "unknown"


class LeaveReason(IntFlag):
    """Why a recorder left, a bit mask: several may hold at once, and none set means that its start failed."""

    INIT_FAILED = 0
    SIGINT = 2
    NO_USERS = 4
    IGNORE = 8
    LEFT_CHANNEL = 16


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
    """41: the recorder left the channel. `code` is a mask of LeaveReason, and may have bits that are not documented."""

    code: int


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


class SnapshotTaken(Struct, frozen=True):
    """45: a snapshot file was written. `uid` and `taken_ms` are None where its name does not follow the convention."""

    uid: str | None
    file: str
    taken_ms: int | None


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


class Unrecognised(Struct, frozen=True):
    """A type that no table knows. It is kept and counted, and its sequence number counts as heard."""


class Undecoded(Struct, frozen=True):
    """A known type without what it needs, or one whose folding failed. It is a dead letter that counts as heard."""

    error: str


RecordingEvent = (
    RecorderStarted
    | RecorderLeft
    | SessionExited
    | FailedOver
    | StreamChanged
    | SnapshotTaken
    | UploadProgressed
    | UploadStarted
    | UploadFinished
)
Event = RecordingEvent | Unrecognised | Undecoded

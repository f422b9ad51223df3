"""What is known of a session: frozen values in which every field is a maximum, a minimum, a set or a guarded count.

That shape is what makes status independent of order: whichever way round two facts come, the greater one wins. Each
`Mark` compares by event time, then sequence, then what it says, so that even a tie has one outcome.
"""

from __future__ import annotations

from msgspec import Struct

from webhook.domain.events import RecordedFile
from webhook.domain.sequences import Sequences

VERSION = 1
RECENT_SNAPSHOTS = 9  # capture times kept a stream: eight gaps to learn the interval from
MOST_RECORDERS = 64  # far more than failovers ever make
MOST_STREAMS = 512
MOST_FILES = 50

StreamMark = tuple[int, int, str]  # event time ms, sequence, reception
LeaveMark = tuple[int, int, int]  # event time ms, sequence, leave code
ExitMark = tuple[int, int, bool]  # event time ms, sequence, whether abnormal
UploadMark = tuple[int, int, int, str, float]  # event time ms, sequence, rank, state, progress


class Snapshots(Struct, frozen=True, array_like=True):
    """The snapshots of one stream. `count` is of distinct files; `last` is the latest capture, ms and file."""

    count: int = 0
    last: tuple[int, str] | None = None
    recent: tuple[int, ...] = ()  # the latest capture times, ms, ascending


class Stream(Struct, frozen=True, array_like=True):
    """One publisher: per track the latest word of each recorder that spoke of it, by the recorder's uid."""

    video: dict[str, StreamMark] = {}
    audio: dict[str, StreamMark] = {}
    snapshots: Snapshots = Snapshots()


class Recorder(Struct, frozen=True, array_like=True):
    """One recorder of the session. Times are event times in ms."""

    first_ms: int
    last_ms: int
    named_ms: int | None = None  # of the latest failover that named it
    started_ms: int | None = None
    left: LeaveMark | None = None
    exited: ExitMark | None = None
    sequences: Sequences = Sequences()


class Recording(Struct, frozen=True, array_like=True):
    """What is special to a recording. `live_ms` is the first sign of recording, `life_ms` the latest sign of life."""

    recorders: dict[str, Recorder] = {}
    streams: dict[str, Stream] = {}
    upload: UploadMark | None = None
    stored: UploadMark | None = None  # the latest 31 or 32
    files: tuple[RecordedFile, ...] = ()
    files_count: int = 0
    live_ms: int | None = None
    life_ms: int | None = None
    heartbeat: bool = False  # has shown a 33, which comes once a minute


class Session(Struct, frozen=True, array_like=True):
    """One session's projection. It stays small however long the session runs; its log is kept beside it."""

    version: int
    id: str
    product: str
    project: str
    source: str
    channel: str | None
    first_ms: int  # least event time
    last_ms: int  # greatest event time
    last_received_ms: int
    state: Recording
    lost_ms: int | None = None  # the silence deadline, once it has passed
    received: int = 0
    duplicates: int = 0
    stale: int = 0
    logged: int = 0  # entries in the log
    log_floor: str | None = None  # the greatest place that was trimmed from the log
    revision: int = 0

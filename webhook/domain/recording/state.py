"""What is known of a recording: every field is a maximum, a minimum, a set or a guarded count.

Each mark compares by event time, then sequence, then what it says, so that even a tie has one outcome. Sets are
bounded to their greatest members, so they too are equal whatever came first.
"""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct

from webhook.domain.recording.events import RecordedFile
from webhook.domain.sequences import Sequences

RECENT_SNAPSHOTS = 9  # capture times kept a stream: eight gaps to learn the interval from
MOST_RECORDERS = 16
MOST_FORMER_RECORDERS = 48  # beside them, out of sight; of more than all these the greatest uids are known
MOST_STREAMS = 512
MOST_FILES = 50
MOST_PROGRESS = 8  # words on the upload's progress, one a minute
MOST_UPLOADS = 16  # times when all files were stored
MOST_PROBLEMS = 20  # errors, and as many warnings
MOST_LOSSES = 100
MOST_REMARKS = 16  # of each topic

StreamMark = tuple[int, int, str]  # event time ms, sequence, reception
StreamFloor = tuple[int, str]  # event time ms, uid
CodeMark = tuple[int, int, int]  # event time ms, sequence, code
ExitMark = tuple[int, int, bool]  # event time ms, sequence, whether abnormal
FileMark = tuple[int, int, str]  # event time ms, sequence, file
ProgressMark = tuple[int, int, float]  # event time ms, sequence, share
UploadMark = tuple[int, int, int, str, float]  # event time ms, sequence, rank, state, progress


class ProblemMark(NamedTuple):
    """One error or warning. `module` and `level` are names of their vocabularies."""

    at_ms: int
    sequence: int
    module: str
    level: str
    code: int
    message: str


class LossMark(NamedTuple):
    """A time during which nothing of one track was recorded, ms."""

    from_ms: int
    until_ms: int
    uid: str
    track: str


class RemarkMark(NamedTuple):
    """The latest word on something. `rank` decides between types at one instant."""

    at_ms: int
    sequence: int
    rank: int
    value: str
    items: tuple[str, ...]


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
    left: CodeMark | None = None  # the last time, with the leave code
    exited: ExitMark | None = None
    sequences: Sequences = Sequences()
    stopped: CodeMark | None = None  # the web page recorder, with the code of its stop
    status: CodeMark | None = None  # the latest that the service reported
    left_ms: int | None = None  # the first time


class Recording(Struct, frozen=True, array_like=True, tag="recording"):
    """What is special to a recording. `live_ms` is the first sign of recording, `life_ms` the latest sign of life.

    `streams_floor` is the greatest last word of a stream that was dropped because there are too many. Words up to it
    count for none, be they heard before or after.
    """

    recorders: dict[str, Recorder] = {}
    streams: dict[str, Stream] = {}
    upload: UploadMark | None = None
    stored: tuple[int, ...] = ()  # event times of 31 and 32, ms, ascending
    files: tuple[RecordedFile, ...] = ()
    files_count: int = 0
    live_ms: int | None = None
    life_ms: int | None = None
    heartbeat: bool = False  # has shown a 33, which comes once a minute
    progress: ProgressMark | None = None  # the latest 33
    errors: tuple[ProblemMark, ...] = ()  # ascending
    warnings: tuple[ProblemMark, ...] = ()  # ascending
    fatal: ProblemMark | None = None  # the latest fatal error, kept when twenty newer ones push it out of the list
    losses: tuple[LossMark, ...] = ()  # ascending
    first_file: FileMark | None = None
    failover_names: int | None = None  # the greatest n of a `bak<n>` in a snapshot's name
    remarks: dict[str, dict[str, RemarkMark]] = {}  # by topic, then by what it is about
    former: dict[str, Recorder] = {}  # recorders that too many others have spoken after
    unnamed: Recorder | None = None  # what was told of leaving and ending without a recorder's uid
    streams_floor: StreamFloor | None = None
    recent_progress: tuple[ProgressMark, ...] = ()  # the latest of 33, ascending

"""What Agora tells, and what the status API must say in the end of whom it tells of (contract.md, section 4)."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

Payload = dict[str, Any]
Gap = tuple[int, int]  # first and last missing number
Loss = tuple[str, int, int, str]  # uid, the ms since 1970 between which it was not recorded, and the track
Word = tuple[int, str]  # since when, ms since 1970, and which state


class Line(Struct, frozen=True):
    """One notification that Agora has to tell. It is posted for the first time at `sent_ms`, in ms since 1970."""

    notice_id: str
    product_id: int
    event_type: int
    sent_ms: int
    payload: Payload


class Truth(Struct, frozen=True, kw_only=True):
    """What every session has in the end. `exit_status` is None for one that is not over.

    `channel` is None where nothing told of one; `distinct` counts notifications, copies left out.
    """

    sid: str
    product: str
    channel: str | None
    state: str
    exit_status: str | None
    distinct: int


class StreamTruth(Struct, frozen=True):
    """One publisher in the end. `last_at_ms` is when the latest snapshot was taken, by its file name.

    `interval_ms` is the usual pause between its latest snapshots, None where there are too few to tell. The words are
    all that its lanes go through, one following when the other ends.
    """

    video: str = "unknown"
    audio: str = "unknown"
    snapshots: int = 0
    last_file: str | None = None
    last_at_ms: int | None = None
    interval_ms: int | None = None
    video_words: tuple[Word, ...] = ()
    audio_words: tuple[Word, ...] = ()


class RecorderTruth(Struct, frozen=True):
    """One recorder: from when until when it recorded, ms since 1970, None while it does; `reasons` are why it left."""

    uid: str
    from_ms: int
    until_ms: int | None
    reasons: tuple[str, ...]


class RecordingTruth(Truth, frozen=True, kw_only=True):
    """One recording in the end. Codes of errors and warnings are sets, ascending; so are the losses.

    The recorders are in the order in which they took over. `progress` is the share that was uploaded.
    """

    streams: dict[str, StreamTruth]
    recorders: tuple[RecorderTruth, ...]
    failovers: int
    upload_state: str
    progress: float
    files: int
    errors: tuple[int, ...]
    warnings: tuple[int, ...]
    losses: tuple[Loss, ...]
    highest: dict[str, int]
    missing: dict[str, list[Gap]]


class UserTruth(Struct, frozen=True):
    """One user in the newest life of a channel. `seconds` sums the durations of leaves.

    `left_s` is when the user left, in seconds since 1970, None for one who is there.
    """

    role: str
    account: str | None
    service: bool
    left_s: int | None
    seconds: int


class ChannelTruth(Truth, frozen=True, kw_only=True):
    """One RTC channel in the end: everybody in its newest life, by uid, and whole seconds of leaves by role.

    `reconnects` is how often somebody's SDK lost the channel in it and joined again.
    """

    users: dict[str, UserTruth]
    seconds: dict[str, int]
    reconnects: int

    @property
    def present(self) -> list[str]:
        """The uids of those who are there, sorted."""
        return sorted(uid for uid, user in self.users.items() if user.left_s is None) if self.is_open else []

    @property
    def is_open(self) -> bool:
        """Whether the newest life goes on."""
        return self.state == "live"


class EntityTruth(Truth, frozen=True, kw_only=True):
    """One converter, player, ingest stream, transcoder, agent or task in the end.

    `reason` is why it ended in the wire's words, None where no word was told. Codes of errors are a set, ascending.
    """

    reason: str | None
    errors: tuple[int, ...]


class Script(Struct, frozen=True):
    """All notifications of one session in the order of sending, and what must be known in the end."""

    sid: str
    lines: tuple[Line, ...]
    truth: Truth

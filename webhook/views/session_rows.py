"""Rows of the list of sessions: what one line says of how a recording goes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from webhook.domain.facets import UP
from webhook.views.times import parse_rfc3339

View = dict[str, Any]
RUNNING = frozenset(state.value for state in UP)
PAUSE = 2  # intervals without a snapshot are one, as they are in `gaps`


class Streams(Struct, frozen=True):
    """How many streams of a session there are, and while it runs, of how many the video comes and has stopped."""

    total: int
    on: int
    off: int


class Snapshots(Struct, frozen=True):
    """How many snapshots came, and how many more were due since the video of their streams last began to come in.

    How many there should be in all cannot be said here: while a video was off none was due, and a row knows only since
    when it is as it is.
    """

    received: int
    missing: int


class SessionRow(Struct, frozen=True):
    """One row. `session` is what the API answers; what a product does not have is None."""

    session: View
    runs: bool
    streams: Streams | None
    snapshots: Snapshots | None
    upload: float | None  # share of the files


def session_row(session: View, now_ms: int) -> SessionRow:
    """The row of a session, of what the API answers for it."""
    runs, upload = session["state"] in RUNNING, session["upload"]
    return SessionRow(
        session=session,
        runs=runs,
        streams=_streams(session["streams"]),
        snapshots=_snapshots(session["streams"], now_ms if runs else None),
        upload=None if upload["state"] == "none" else upload["progress"],
    )


def _streams(streams: list[View]) -> Streams | None:
    if not streams:
        return None
    on, off = (sum(stream["video"] == word for stream in streams) for word in ("receiving", "stopped"))
    return Streams(len(streams), on, off)


def _snapshots(streams: Iterable[View], now_ms: int | None) -> Snapshots | None:
    """None where none was taken; `now_ms` is None once the session is over."""
    taken = [stream for stream in streams if stream["snapshots"]["count"]]
    missing = sum(_missing(stream, now_ms) for stream in taken)
    return Snapshots(sum(stream["snapshots"]["count"] for stream in taken), missing) if taken else None


def _missing(stream: View, now_ms: int | None) -> int:
    shots = stream["snapshots"]
    interval_ms = (shots["interval"] or 0) * 1000
    if not interval_ms or stream["video"] != "receiving":
        return 0
    since_ms = parse_rfc3339(stream["videoSince"])
    spans = [(parse_rfc3339(gap["from"]), parse_rfc3339(gap["until"])) for gap in shots["gaps"]]
    if now_ms is not None:
        spans.append((parse_rfc3339(shots["lastAt"]), now_ms))
    pauses = (until_ms - max(from_ms, since_ms) for from_ms, until_ms in spans)
    return sum(round(pause_ms / interval_ms) - 1 for pause_ms in pauses if pause_ms > PAUSE * interval_ms)

"""How recordings begin and end when nothing is wrong, and single things that happen in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from random import Random
from typing import Any

from webhook.samples import recording as tell
from webhook.samples.recording import MIXED, Payload, Speaker
from webhook.simulation.recording.model import Happening, Publisher

LEAVE_CODES = (16, 24)


def happens(at_ms: int, event_type: int, build: Callable[..., Payload], *arguments: Any, **named: Any) -> Happening:
    """What a builder of samples tells with those arguments; the moment it happened does not enter."""

    def told(by: Speaker, happened_ms: int) -> Payload:
        return build(by, *arguments, **named)

    return Happening(at_ms, event_type, told)


def begins() -> tuple[Happening, ...]:
    """The recorder starts."""
    return (happens(0, 40, tell.recorder_started),)


def ends(rng: Random, leaves_ms: int, publishers: Sequence[Publisher]) -> tuple[Happening, ...]:
    """41, then 11, then 31: the recorder leaves, the service exits, all files are stored (section 1)."""
    exits_ms = leaves_ms + rng.randint(800, 2_000)
    return (
        leaves(leaves_ms, rng.choice(LEAVE_CODES)),
        exits(exits_ms),
        stores(exits_ms + rng.randint(500, 4_000), publishers),
    )


def leaves(at_ms: int, code: int) -> Happening:
    """41: the recorder leaves, `code` being a bit mask."""
    return happens(at_ms, 41, tell.recorder_left, code)


def exits(at_ms: int, status: int = tell.NORMAL) -> Happening:
    """11: the session is over."""
    return happens(at_ms, 11, tell.session_exit, status)


def stores(
    at_ms: int, publishers: Sequence[Publisher], *, status: int = tell.NORMAL, backed_up: bool = False
) -> Happening:
    """31, or 32 where a file went to the backup: the files of `publishers` are stored."""

    def build(by: Speaker, happened_ms: int) -> Payload:
        files = list(_files(by, happened_ms - at_ms, publishers))
        return tell.backed_up(by, files, status) if backed_up else tell.uploaded(by, files, status)

    return Happening(at_ms, 32 if backed_up else 31, build)


def _files(by: Speaker, begins_ms: int, publishers: Iterable[Publisher]) -> Iterator[Payload]:
    for each in publishers:
        if each.uid == MIXED:
            yield tell.mixed_file(by, begins_ms + each.video[0])
        else:
            yield tell.video_file(by, each.uid, begins_ms + each.video[0])


def slices(at_ms: int, uid: str, track: str, lost_ms: int | None = None) -> Happening:
    """42: a slice begins; with `lost_ms` nothing was recorded for so long before it."""

    def build(by: Speaker, happened_ms: int) -> Payload:
        since_ms = None if lost_ms is None else happened_ms - lost_ms
        return tell.slice_started(by, uid, happened_ms, lost_since_ms=since_ms, track=track)

    return Happening(at_ms, 42, build)

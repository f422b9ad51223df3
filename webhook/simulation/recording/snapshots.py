"""Recordings that take snapshots: videos that stop and resume, failovers, storms."""

from __future__ import annotations

from random import Random

from msgspec.structs import replace

from webhook.samples import recording as tell
from webhook.simulation import names
from webhook.simulation.recording import course
from webhook.simulation.recording.course import happens
from webhook.simulation.recording.model import (
    MOVE_MS,
    STAGGER_MS,
    Happening,
    Publisher,
    Recording,
    hold_still,
    publishers,
)

PREFIXES = ("", "", "snapshots/", "eu/2026/shots/")
INTERVALS_MS = (5_000, 8_000, 10_000, 10_000)
STANDS_BY_MS = 1_000  # before the recording begins
STORM_MS = 90_000  # when it breaks, in ms since the simulation began
GUST_MS = 400  # within which it stops everything


def screenshots(rng: Random) -> Recording:
    """A user's video stops and resumes; snapshots cease and come back. One session in four has a failover."""
    lasts_ms = rng.randrange(90_000, 200_000)
    moves_ms = (rng.randrange(lasts_ms // 4, lasts_ms * 3 // 4),) if rng.random() < 0.25 else ()
    return _taking_snapshots(rng, lasts_ms, moves_ms)


def failover(rng: Random) -> Recording:
    """One to three failovers in which the recorders interleave and tell some things both; the old ones may leave.

    In every other one the last successor is heard even before the first recorder: it stands by, and only the 12 says
    when it took over.
    """
    count = rng.randint(1, 3)
    lasts_ms = rng.randrange(100_000, 180_000)
    part_ms = lasts_ms // (count + 1)
    moves_ms = tuple(part_ms * (place + 1) + rng.randint(-4_000, 4_000) for place in range(count))
    recording = _taking_snapshots(rng, lasts_ms, moves_ms)
    goodbyes = [last for old, at_ms in enumerate(moves_ms) if rng.random() < 0.5 for last in _goodbye(rng, old, at_ms)]
    told = replace(recording, echoes=True, happenings=(*recording.happenings, *goodbyes))
    return _standing_by(told, count) if rng.random() < 0.5 else told


def _standing_by(recording: Recording, successor: int) -> Recording:
    early = happens(-STANDS_BY_MS // 2, 13, tell.high_availability_registered)
    happenings = (*recording.happenings, replace(early, recorder=successor))
    return replace(recording, happenings=happenings, begins_ms=recording.begins_ms + STANDS_BY_MS)


def _goodbye(rng: Random, old: int, moves_ms: int) -> list[Happening]:
    """The old recorder's own end, even an abnormal one, is not that of the session."""
    left = course.leaves(moves_ms + MOVE_MS - 600, 2)
    exited = course.exits(moves_ms + MOVE_MS - 300, rng.choice((tell.NORMAL, tell.ABNORMAL)))
    return [replace(last, recorder=old) for last in (left, exited)]


def storm(rng: Random) -> Recording:
    """Many streams stop at once, in all sessions of the simulation at the same moment; many of them come back."""
    begins_ms = rng.randrange(STORM_MS // 2)
    breaks_ms = STORM_MS - begins_ms
    leaves_ms = breaks_ms + rng.randrange(40_000, 80_000)
    crowd = tuple(_caught(rng, str(uid), breaks_ms) for uid in names.uids(rng, rng.randint(5, 10)))
    return Recording(
        seed=rng.getrandbits(64),
        place=rng.getrandbits(64),
        channel=rng.choice(names.CHANNELS),
        publishers=crowd,
        interval_ms=10_000,
        begins_ms=begins_ms,
        leaves_ms=leaves_ms,
        happenings=(*course.begins(), *course.ends(rng, leaves_ms, crowd)),
    )


def _caught(rng: Random, uid: str, breaks_ms: int) -> Publisher:
    tracks = [_until_it_broke(rng, breaks_ms) for _ in range(2)]
    return Publisher(uid, *tracks)


def _until_it_broke(rng: Random, breaks_ms: int) -> tuple[int, ...]:
    begun_ms, broken_ms = rng.randrange(1_000, 4_000), breaks_ms + rng.randrange(GUST_MS)
    back_ms = broken_ms + rng.choice((1_000, 10_000, 10_000, 25_000))
    return (begun_ms, broken_ms, back_ms) if rng.random() < 0.7 else (begun_ms, broken_ms)


def _taking_snapshots(rng: Random, lasts_ms: int, moves_ms: tuple[int, ...]) -> Recording:
    crowd = tuple(hold_still(each, moves_ms) for each in publishers(rng, lasts_ms))
    leaves_ms = lasts_ms + MOVE_MS * len(moves_ms)
    return Recording(
        seed=rng.getrandbits(64),
        place=rng.getrandbits(64),
        channel=rng.choice(names.CHANNELS),
        prefix=rng.choice(PREFIXES),
        publishers=crowd,
        interval_ms=rng.choice(INTERVALS_MS),
        begins_ms=rng.randrange(STAGGER_MS),
        moves_ms=moves_ms,
        leaves_ms=leaves_ms,
        happenings=(*course.begins(), *course.ends(rng, leaves_ms, crowd)),
    )

"""Scenarios in which several sessions have to do with each other: two recordings and the people of one channel."""

from __future__ import annotations

from random import Random

from msgspec.structs import replace

from webhook.simulation import names
from webhook.simulation.channel.model import Call, call
from webhook.simulation.recording.files import individual
from webhook.simulation.recording.model import Recording
from webhook.simulation.recording.snapshots import screenshots

NEXT_AFTER_MS = 5_000  # from when one recording's recorder leaves until the next recording begins
LAST_WORDS = (41, 11, 31)


def two_sessions(rng: Random) -> tuple[Recording | Call, ...]:
    """One session of a channel records, one takes snapshots, the channel has people, and a next recording begins.

    The first recording's last words are posted when the next one has long begun (F19).
    """
    place, channel = rng.getrandbits(64), rng.choice(names.CHANNELS)
    first, taking, following = individual(rng), screenshots(rng), individual(rng)
    begins_ms = first.begins_ms + first.leaves_ms + NEXT_AFTER_MS
    sessions = [_late(rng, first), taking, replace(following, begins_ms=begins_ms)]
    people = call(rng, place, channel)
    return (*(replace(session, place=place, channel=channel) for session in sessions), people)


def _late(rng: Random, recording: Recording) -> Recording:
    """The same recording, whose last words are posted 20 to 60 s after they were said."""
    happenings = tuple(
        replace(it, late_ms=rng.randrange(20_000, 60_000)) if it.event_type in LAST_WORDS else it
        for it in recording.happenings
    )
    return replace(recording, happenings=happenings)

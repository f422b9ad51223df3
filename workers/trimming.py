"""What a batch takes away: the least entries of full logs, sessions whose time is over, and dead letters too old."""

from __future__ import annotations

from collections.abc import Mapping

from webhook.domain.folding import Folding, Spot
from webhook.domain.log import DEAD, Entry, session_log
from webhook.store.record import Recorder
from webhook.store.shard import Batch, Shard


def trim(shard: Shard, folding: Folding, recorder: Recorder) -> None:
    """Each log that grew over its bound loses its least entries."""
    overflow = folding.overflow()
    if not overflow:
        return
    stored = shard.least(overflow)
    trimmed = {name: folding.trim(name, count, stored[name]) for name, count in overflow.items()}
    entries = shard.entries(trimmed)
    for name, spots in trimmed.items():
        recorder.drop(name, spots, {key: entry for key, entry in entries.items() if key[0] == name})
        recorder.drop_effects(name, _untold(shard, folding, name, spots, entries))


def _untold(
    shard: Shard, folding: Folding, name: str, spots: list[Spot], entries: Mapping[tuple[str, str], Entry]
) -> list[str]:
    """The effects that went with trimmed entries because no later one tells of them."""
    floors = {entry.effect: spot.floor for spot in spots if (entry := entries.get((name, spot.field))) and entry.effect}
    told = shard.effects(name, list(floors)) | {
        digest: floor for (log_name, digest), floor in folding.effects.items() if log_name == name
    }
    return [digest for digest, floor in floors.items() if told.get(digest, "") <= floor]


def forget(shard: Shard, folding: Folding, recorder: Recorder) -> None:
    """Forgotten sessions go, with their logs."""
    for session in folding.forgotten:
        name = session_log(session.id)
        recorder.forget(session, shard.entries({name: shard.whole_log(name)}))


def expire(shard: Shard, batch: Batch, folding: Folding, recorder: Recorder) -> None:
    """Dead letters that are too old go."""
    spots = [Spot(0, place) for place in batch.expired]
    spots = [spot for spot in spots if (DEAD, spot.field) not in folding.entries]  # those go with the next batch
    if spots:
        recorder.drop(DEAD, spots, shard.entries({DEAD: spots}))

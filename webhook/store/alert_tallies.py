"""How many alerts the tabs of the dashboard hold, as far as that costs no scan; and which was resolved last."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from webhook.domain.alerting.alerts import AlertState
from webhook.store import keys
from webhook.store.keys import ShardKeys
from webhook.store.known_alerts import KnownAlert, reading_known
from webhook.store.paging import Row, Span, read_rows
from webhook.store.rounds import Reader, read_rounds
from webhook.store.silences import decode_all

MOST_LOOKED_AT = 100  # firing alerts, the last begun: whether a silence keeps one quiet is told by its labels alone
MOST_ENDED = 50  # resolved ones, the last begun, among which the one that was resolved last is looked for
MINUTE_MS, DAY_MINUTES = 60_000, 1440


class Tally(Struct, frozen=True):
    """So many, or, where not all were looked at, at least so many."""

    count: int
    at_least: bool


class Tallies(Struct, frozen=True):
    """`resolved` are those resolved since `day_ms`, a day ago; `last` is the one resolved last, where nothing fires."""

    silenced: Tally
    resolved: Tally
    day_ms: int
    last: KnownAlert | None


def reading(shards: int) -> Reader[Tallies]:
    """In two steps, whatever there is."""
    of_shards = [ShardKeys(shard) for shard in range(shards)]
    firing, ended, (silences, now_ms, kept) = yield from read_rounds(
        read_rows(_index(of_shards, AlertState.FIRING), Span(None, None, None, MOST_LOOKED_AT + 1)),
        read_rows(_index(of_shards, AlertState.RESOLVED), Span(None, None, None, MOST_ENDED)),
        _around(of_shards),
    )
    in_force = any(silence.covers(now_ms, over=False) for silence in decode_all(silences))
    day_ms = (now_ms // MINUTE_MS - DAY_MINUTES) * MINUTE_MS
    silenced, last, begun = yield from read_rounds(
        _silenced(firing if in_force else []), _resolved_last(ended if not firing else []), _begun(of_shards, day_ms)
    )
    # what began within a day was resolved within it, too; of what began before only some was
    return Tallies(silenced, Tally(begun, kept > begun), day_ms, last)


def _index(of_shards: Sequence[ShardKeys], state: AlertState) -> list[tuple[int, str]]:
    return [(of.shard, of.alerts(f"state:{state.value}")) for of in of_shards]


def _around(of_shards: Sequence[ShardKeys]) -> Reader[tuple[list[bytes], int, int]]:
    """All silences as they are stored, the server's time in ms, and how many resolved alerts are kept."""
    resolved = [("ZCARD", key) for _, key in _index(of_shards, AlertState.RESOLVED)]
    silences, (seconds, micros), *counts = yield [("HVALS", keys.SILENCES), ("TIME",), *resolved]
    return silences, int(seconds) * 1000 + int(micros) // 1000, sum(counts)


def _silenced(rows: Sequence[Row]) -> Reader[Tally]:
    looked_at = rows[:MOST_LOOKED_AT]
    kept = yield from reading_known(looked_at)
    found = [found for row in looked_at if (found := kept.find(row)) is not None]
    return Tally(sum(bool(kept.all_of(each).silenced_by) for each in found), len(rows) > MOST_LOOKED_AT)


def _resolved_last(rows: Sequence[Row]) -> Reader[KnownAlert | None]:
    kept = yield from reading_known(rows)
    found = [found for row in rows if (found := kept.find(row)) is not None]
    last = max(found, key=lambda each: each.alert.resolved_ms or 0, default=None)
    return None if last is None else kept.all_of(last)


def _begun(of_shards: Sequence[ShardKeys], since_ms: int) -> Reader[int]:
    """How many of those that are resolved began since then."""
    counts = yield [("ZCOUNT", key, since_ms, "+inf") for _, key in _index(of_shards, AlertState.RESOLVED)]
    return sum(counts)

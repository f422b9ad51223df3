"""How Vigil itself is: the server, each shard's inbox, the sweep, sinks, who posted, what was refused, who did what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from webhook.store import history, keys
from webhook.store.audit import Deed
from webhook.store.codec import decode_entry
from webhook.store.dead_deliveries import SinkFigures
from webhook.store.history import MOST_MINUTES, Sample
from webhook.store.keys import ShardKeys, SinkKeys
from webhook.store.members import read_reference
from webhook.store.paging import Row, Span, read_rows
from webhook.store.rounds import Command, Reader, Tried, read_rounds
from webhook.store.sinks import heads_of
from webhook.store.spools import Report

MOST_DEEDS = 50
MOST_POSTS = 50  # among which the last one of each source is looked for
CONFIGURED = ("appendfsync", "save", "maxclients")


class Inbox(Struct, frozen=True):
    """One shard's inbox: how much waits, since when the first of it, ms, and how many deadlines have passed unseen."""

    shard: int
    depth: int
    oldest_ms: int | None
    overdue: int


class Server(Struct, frozen=True):
    """What the server says of itself; empty is what it refuses to say. `swept_ms` and `deaf_until_ms` are the sweep's,
    `web_seen_ms` is the latest sign of life of any web process.
    """

    info: Mapping[str, Any]
    config: Mapping[str, str]
    swept_ms: int | None
    deaf_until_ms: int | None
    web_seen_ms: int | None


class Refusal(Struct, frozen=True):
    """One post that was refused."""

    at_ms: int
    reason: str
    detail: str


class Findings(Struct, frozen=True, kw_only=True):
    """All that was read. `posted` is when each source posted last, ms, as far as the newest MOST_POSTS tell it."""

    server: Server
    inboxes: list[Inbox]
    sinks: Mapping[str, SinkFigures]
    posted: Mapping[str, int]
    refusals: list[Refusal]
    spools: list[Report]
    deeds: list[Deed]
    samples: Mapping[int, Sample]


def reading(shards: int, sinks: Sequence[str], now_ms: int) -> Reader[Findings]:
    """How Vigil is at `now_ms`, in two steps."""
    each = [ShardKeys(shard) for shard in range(shards)]
    server, inboxes, figures, posted, lists, samples = yield from read_rounds(
        _server(), _inboxes(each, now_ms), _sinks(each, sinks), _posted(each), _lists(), history.reading(MOST_MINUTES)
    )
    refusals, spools, deeds = lists
    return Findings(
        server=server,
        inboxes=inboxes,
        sinks=figures,
        posted=posted,
        refusals=refusals,
        spools=spools,
        deeds=deeds,
        samples=samples,
    )


def _server() -> Reader[Server]:
    info, *rest = yield [
        Tried(("INFO",)),  # Redis 6.2 takes one section at most
        *(Tried(("CONFIG GET", name)) for name in CONFIGURED),  # and CONFIG GET one name
        ("GET", keys.SWEPT),
        ("GET", keys.DEAF_UNTIL),
        ("GET", keys.WEB_SEEN),
    ]
    configured = {name: value for part in rest[: len(CONFIGURED)] for name, value in (part or {}).items()}
    return Server(info or {}, configured, *(int(at) if at else None for at in rest[len(CONFIGURED) :]))


def _inboxes(each: Sequence[ShardKeys], now_ms: int) -> Reader[list[Inbox]]:
    answers = yield [command for of in each for command in _of_inbox(of, now_ms)]
    return [
        Inbox(of.shard, depth, int(first[0][0].partition(b"-")[0]) if first else None, overdue)
        for of, depth, first, overdue in zip(each, answers[0::3], answers[1::3], answers[2::3], strict=True)
    ]


def _of_inbox(of: ShardKeys, now_ms: int) -> Iterable[Command]:
    yield ("XLEN", of.inbox)
    yield ("XRANGE", of.inbox, "-", "+", "COUNT", 1)
    yield ("ZCOUNT", of.deadlines, "-inf", f"({now_ms}")


def _sinks(each: Sequence[ShardKeys], sinks: Sequence[str]) -> Reader[dict[str, SinkFigures]]:
    answers = yield [command for sink in sinks for command in _of_sink(each, sink)]
    width = 2 + 5 * len(each)
    return {sink: _figures(answers[at * width : (at + 1) * width], len(each)) for at, sink in enumerate(sinks)}


def _of_sink(each: Sequence[ShardKeys], sink: str) -> Iterable[Command]:
    yield ("HGETALL", SinkKeys(sink).state)
    for of in each:
        yield ("ZRANGE", of.waiting(sink), 0, 0, "WITHSCORES")
        yield ("ZRANGE", of.sealed(sink), 0, 0, "WITHSCORES")
    yield ("HGET", SinkKeys(sink).counts, "delivered")
    for of in each:
        yield from (("ZCARD", of.waiting(sink)), ("HLEN", of.busy(sink)), ("ZCARD", of.failed(sink)))


def _figures(answers: Sequence[Any], shards: int) -> SinkFigures:
    heads, (delivered, *sizes) = heads_of(answers[: 1 + 2 * shards]), answers[1 + 2 * shards :]
    return SinkFigures(
        state=heads.state,
        next_ms=heads.next_ms,
        waiting=sum(sizes[0::3]) + sum(sizes[1::3]),
        dead=sum(sizes[2::3]),
        delivered=int(delivered or 0),
    )


def _posted(each: Sequence[ShardKeys]) -> Reader[dict[str, int]]:
    rows = yield from read_rows([(of.shard, of.received) for of in each], Span(None, None, None, MOST_POSTS))
    places = [read_reference(row.member) for row in rows]
    entries = yield [
        ("HGET", each[row.shard].log(log), field) for row, (_, log, field) in zip(rows, places, strict=True)
    ]
    return _latest(rows, entries)


def _latest(rows: Iterable[Row], entries: Iterable[bytes | None]) -> dict[str, int]:
    """When each source posted last; the rows are in turn, the newest first."""
    found: dict[str, int] = {}
    for row, stored in zip(rows, entries, strict=True):
        source = _source(stored)
        if source is not None:
            found.setdefault(source, row.score)
    return found


def _source(stored: bytes | None) -> str | None:
    try:
        return None if stored is None else decode_entry(stored).source
    except msgspec.MsgspecError:  # another release's
        return None


def _lists() -> Reader[tuple[list[Refusal], list[Report], list[Deed]]]:
    refused, reports, deeds = yield [
        ("LRANGE", keys.REJECTIONS, 0, -1),
        ("HVALS", keys.SPOOLS),
        ("LRANGE", keys.AUDIT, 0, MOST_DEEDS - 1),
    ]
    spools = sorted((msgspec.json.decode(each, type=Report) for each in reports), key=lambda report: report.host)
    return [_refusal(each) for each in refused], spools, [msgspec.json.decode(each, type=Deed) for each in deeds]


def _refusal(stored: bytes) -> Refusal:
    at_ms, reason, detail = stored.decode("utf-8", "replace").split(" ", 2)
    return Refusal(int(at_ms), reason, detail)

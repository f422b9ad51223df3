"""Log entries as readers see them: by noticeId, by session, or all, newest first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from redis import Redis

from webhook.domain.decoding import event_name
from webhook.domain.log import Copy, Entry, session_log
from webhook.store.codec import decode_entry
from webhook.store.connection import store_errors
from webhook.store.keys import ShardKeys
from webhook.store.loading import EFFECT
from webhook.store.members import SEPARATOR, escape, read_reference
from webhook.store.paging import MOST_LOOKED_AT, Cursor, Row, Span, read_rows
from webhook.store.rounds import Reader, read

AFTER_SEPARATOR = chr(ord(SEPARATOR) + 1)
COUNTED = EFFECT.encode()  # begins the fields of a log that are no entries
MOST_SAME_NOTICE = 500  # entries that one noticeId may name


class Item(Struct, frozen=True):
    """One noticeId's arrival: its entry, which of the entry's copies it is, 0 the first."""

    entry: Entry
    position: int

    @property
    def copy(self) -> Copy:
        """The copy this item stands for."""
        return self.entry.copies[self.position]


class ItemPage(Struct, frozen=True):
    """Items, newest first, and where the next page begins; None at the end."""

    items: list[Item]
    next: Cursor | None


class ItemFilter(Struct, frozen=True, kw_only=True):
    """Which items a list shows. Times are ms of receiving, `since_ms` included, `until_ms` not."""

    notice_id: str | None = None
    session: str | None = None
    channel: str | None = None
    uid: str | None = None
    product: str | None = None
    event_type: int | None = None
    event: str | None = None  # what the type is called
    outcome: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None

    def admits(self, item: Item) -> bool:
        """Whether the item passes."""
        wanted_and_found = (
            (self.notice_id, item.copy.notice_id),
            (self.session, item.entry.session_id),
            (self.channel, item.entry.channel),
            (self.product, item.entry.product),
            (self.event_type, item.entry.event_type),
            (self.event, event_name(item.entry.product, item.entry.event_type)),
            (self.outcome, outcome_of(item)),
        )
        received_ms = item.copy.received_ms
        in_range = (self.since_ms or 0) <= received_ms and (self.until_ms is None or received_ms < self.until_ms)
        of_user = self.uid is None or self.uid in item.entry.uids
        return in_range and of_user and all(wanted is None or wanted == found for wanted, found in wanted_and_found)


def outcome_of(item: Item) -> str:
    """What became of this arrival: only an entry's first copy was applied."""
    return item.entry.outcome.value if item.position == 0 else "duplicate"


class Notifications:
    """Reads log entries."""

    def __init__(self, redis: Redis, shards: int) -> None:
        self._redis = redis
        self._keys = [ShardKeys(shard) for shard in range(shards)]

    def of_session(
        self, shard: int, session_id: str, wanted: ItemFilter, limit: int, cursor: Cursor | None
    ) -> ItemPage:
        """A page of one session's log, latest event first. Raises StoreError."""
        reader = self.reading_session([shard], session_id, wanted, limit, cursor)
        return read(self._redis, "reading a session's notifications", reader)

    def reading_session(
        self, shards: Iterable[int], session_id: str, wanted: ItemFilter, limit: int, cursor: Cursor | None
    ) -> Reader[ItemPage]:
        """The same, in two steps, whichever of `shards` the log is in."""
        log, most = session_log(session_id), _most(wanted, limit)
        places = [(shard, self._keys[shard].places(log)) for shard in shards]
        rest = yield from _rows(places, Span(cursor, None, None, most + 2))
        entries = yield from self._load([(row.shard, log, row.member.partition("|")[2]) for row in rest[:most]])
        items: list[Item] = []
        finished = cursor
        for row, entry in zip(rest, entries, strict=False):
            skipped = cursor.shown if cursor and (row.score, row.member) == (cursor.score, cursor.member) else 0
            for position, item in list(enumerate(_items(entry)))[skipped:]:
                if len(items) == limit:
                    return ItemPage(items, Cursor(row.score, row.member, position) if position else finished)
                items += [item] if wanted.admits(item) else []
            finished = Cursor(row.score, row.member)
        return ItemPage(items, finished if len(rest) > most else None)

    def whole_session(self, shard: int, session_id: str) -> list[Entry]:
        """Every entry of one session's log that this release can read, in no order. Raises StoreError."""
        with store_errors("reading a session's log"):
            fields: Any = self._redis.hgetall(self._keys[shard].log(session_log(session_id)))
        found = [_decoded(value) for name, value in fields.items() if not name.startswith(COUNTED)]
        return [entry for entry in found if entry is not None]

    def all(self, wanted: ItemFilter, limit: int, cursor: Cursor | None) -> ItemPage:
        """A page of everything kept, latest received first. Raises StoreError."""
        return read(self._redis, "reading notifications", self.reading_all(wanted, limit, cursor))

    def reading_all(self, wanted: ItemFilter, limit: int, cursor: Cursor | None) -> Reader[ItemPage]:
        """The same, in two steps."""
        most = _most(wanted, limit)
        until = None if wanted.until_ms is None else wanted.until_ms - 1
        received = [(of.shard, of.received) for of in self._keys]
        rest = yield from _rows(received, Span(cursor, wanted.since_ms, until, most + 2))
        copies = yield from self._copies([(row.shard, row.member) for row in rest[:most]])
        loaded = zip(rest, copies, strict=False)
        found = [(row, item) for row, item in loaded if item is not None and wanted.admits(item)]
        if len(found) > limit:
            last = found[limit - 1][0]
            return ItemPage([item for _, item in found[:limit]], Cursor(last.score, last.member))
        end = Cursor(rest[most - 1].score, rest[most - 1].member) if len(rest) > most else None
        return ItemPage([item for _, item in found], end)

    def called(self, notice_id: str, wanted: ItemFilter, limit: int, cursor: Cursor | None) -> ItemPage:
        """A page of the items of one noticeId, latest received first. Raises StoreError."""
        return read(self._redis, "looking for a noticeId", self.reading_called(notice_id, wanted, limit, cursor))

    def reading_called(self, notice_id: str, wanted: ItemFilter, limit: int, cursor: Cursor | None) -> Reader[ItemPage]:
        """The same, in two steps."""
        name = escape(notice_id)
        within = f"[{name}{SEPARATOR}", f"({name}{AFTER_SEPARATOR}", "LIMIT", 0, MOST_SAME_NOTICE
        answers = yield [("ZRANGEBYLEX", of.notices, *within) for of in self._keys]
        members = [
            (of.shard, member.decode()) for of, found in zip(self._keys, answers, strict=True) for member in found
        ]
        copies = yield from self._copies(members)
        items = [item for item in copies if item is not None and wanted.admits(item)]
        items.sort(key=lambda item: (item.copy.received_ms, item.entry.session_id or ""), reverse=True)
        begin = cursor.shown if cursor else 0
        more = len(items) > begin + limit
        return ItemPage(items[begin : begin + limit], Cursor(0, notice_id, begin + limit) if more else None)

    def _copies(self, members: Sequence[tuple[int, str]]) -> Reader[list[Item | None]]:
        """The item that each member of an index names, by its shard; None where it is gone meanwhile. One step."""
        references = [(shard, *read_reference(member)) for shard, member in members]
        entries = yield from self._load([(shard, log, field) for shard, _, log, field in references])
        return [
            next((item for item in _items(entry) if item.copy.notice_id == notice_id), None)
            for (_, notice_id, _, _), entry in zip(references, entries, strict=True)
        ]

    def _load(self, places: Sequence[tuple[int, str, str]]) -> Reader[list[Entry | None]]:
        """The entries at (shard, log, field), None where there is none that this release can read. One step."""
        stored = yield [("HGET", self._keys[shard].log(log), field) for shard, log, field in places]
        return [_decoded(value) for value in stored]


def _rows(indexes: Sequence[tuple[int, str]], span: Span) -> Reader[list[Row]]:
    """The rows of a page, without the one that the page before ended with. One step."""
    rows = yield from read_rows(indexes, span)
    return [row for row in rows if span.cursor is None or not span.cursor.ends_with(row)]


def _most(wanted: ItemFilter, limit: int) -> int:
    """How many entries a page looks at: no more than it shows, unless a filter may drop some."""
    return limit if wanted == ItemFilter() else max(limit, MOST_LOOKED_AT)


def _decoded(value: bytes | None) -> Entry | None:
    """The entry that is stored, None where there is none or another release wrote it."""
    try:
        return None if value is None else decode_entry(value)
    except msgspec.MsgspecError:  # what this release cannot read it leaves out, as it does with sessions
        return None


def _items(entry: Entry | None) -> list[Item]:
    return [] if entry is None else [Item(entry, position) for position in range(len(entry.copies))]

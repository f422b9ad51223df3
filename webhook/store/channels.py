"""Channels as readers see them: everything that Vigil knows of one room, whatever the product."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

from msgspec import Struct
from redis import Redis

from webhook.domain.channels import channel_id
from webhook.domain.facets import of_channel, of_channel_elsewhere, of_running_channel, of_running_elsewhere
from webhook.domain.session import Session
from webhook.store.connection import store_errors
from webhook.store.keys import ShardKeys
from webhook.store.members import channel_place, parts
from webhook.store.paging import Cursor, Pager, Row, Span
from webhook.store.scripts import source
from webhook.store.sessions import decoded

MOST_LOOKED_AT = 500  # sessions that a page of channels looks at
MOST_SESSIONS = 500  # of one channel, newest activity first

Name = tuple[str, str]  # project and channel
Place = tuple[int, bytes]  # of a channel in the list: ms of its newest event, and the index's member for that session


class ChannelRow(Struct, frozen=True):
    """One channel of a list. `rtc` is its presence, None where Agora posts no RTC notifications of it."""

    project: str
    channel: str
    last_ms: int
    sessions: int
    running: int
    rtc: Session | None


class ChannelPage(Struct, frozen=True):
    """Channels, newest activity first, and where the next page begins; None at the end."""

    channels: list[ChannelRow]
    next: Cursor | None


class ChannelQuery(Struct, frozen=True, kw_only=True):
    """Which channels a list shows. `live` are those with a session that runs."""

    projects: tuple[str, ...] = ()  # where a channel may be that is asked for by name; all that are configured
    project: str | None = None
    name: str | None = None
    live: bool = False

    def admits(self, row: ChannelRow) -> bool:
        """Whether the row passes."""
        return (
            row.sessions > 0
            and (self.project is None or self.project == row.project)
            and (row.running > 0 or not self.live)
        )


class Tally(Struct, frozen=True):
    """The sessions of one channel over all shards. `place` is the newest one's."""

    sessions: int
    running: int
    place: Place


class Channels:
    """Reads channels. Two pipelines a page, and two more for each time that filters leave it with too few rows."""

    def __init__(self, redis: Redis, shards: int) -> None:
        self._redis = redis
        self._keys = [ShardKeys(shard) for shard in range(shards)]
        self._pager = Pager(redis)
        self._script = source("tally")  # sent whole, as the pager's

    def page(self, query: ChannelQuery, limit: int, cursor: Cursor | None) -> ChannelPage:
        """At most `limit` channels that pass; looks at no more than MOST_LOOKED_AT sessions. Raises StoreError.

        A channel stands where its newest session does; its others, which the index also lists, are passed over.
        """
        if query.name is not None:
            return self._named(query, query.name, limit, cursor)
        found: list[tuple[Row, ChannelRow]] = []
        at, looked_at, chunk = cursor, 0, limit + 1  # one row more tells whether there is a next page
        seen: set[Name] = set()
        while len(found) <= limit and looked_at < MOST_LOOKED_AT:
            rows = self._rows(at, chunk)
            found += self._admitted(query, _first_of_each(rows, seen), cursor)
            looked_at += len(rows)
            if len(rows) < chunk:
                return _cut(found, limit, None)
            at, chunk = Cursor(rows[-1].score, rows[-1].member), min(4 * chunk, max(1, MOST_LOOKED_AT - looked_at))
        return _cut(found, limit, at)

    def sessions(self, project: str, channel: str) -> list[Session]:
        """All sessions of a channel, newest activity first, its RTC session among them. Raises StoreError."""
        names = (of_channel(project, channel), of_channel_elsewhere(project, channel))
        indexes = [(of.shard, of.index(name)) for of in self._keys for name in names]
        rows = self._pager.rows(indexes, Span(None, None, None, MOST_SESSIONS))
        with store_errors("reading a channel"), self._redis.pipeline(transaction=False) as pipe:
            for row in rows:
                pipe.get(self._keys[row.shard].session(row.member))
            values = pipe.execute()
        return [session for session in map(decoded, values) if session is not None]

    def _named(self, query: ChannelQuery, name: str, limit: int, cursor: Cursor | None) -> ChannelPage:
        """The channels of that name: one a project, so that no index has to be walked."""
        projects = (query.project,) if query.project is not None else query.projects
        names = [(project, name) for project in projects]
        tallies = self._tally(names)
        in_turn = sorted(zip(tallies, names, strict=True), key=lambda each: each[0][0].place, reverse=True)
        shown = [
            (Row(tally.place[0], tally.place[1].decode(), 0), row)
            for (tally, rtc), of in in_turn
            if query.admits(row := _row(of, tally, rtc)) and (cursor is None or tally.place < _place(cursor))
        ]
        return _cut(shown, limit, None)

    def _rows(self, at: Cursor | None, most: int) -> list[Row]:
        """The next rows of the index after `at`."""
        span = Span(at, None, None, most + 1)  # the cursor's own row was shown
        rows = self._pager.rows([(of.shard, of.channels) for of in self._keys], span)
        return [row for row in rows if at is None or not at.ends_with(row)][:most]

    def _admitted(
        self, query: ChannelQuery, rows: Sequence[tuple[Row, Name]], cursor: Cursor | None
    ) -> list[tuple[Row, ChannelRow]]:
        """The channels of these rows that pass, without those whose newest session stands before the page's begin."""
        wanted = [(row, name) for row, name in rows if query.project in (None, name[0])]
        tallies = self._tally([name for _, name in wanted])
        found = [
            (row, _row(name, tally, rtc, row.score))
            for (row, name), (tally, rtc) in zip(wanted, tallies, strict=True)
            if cursor is None or tally.place < _place(cursor)
        ]
        return [(row, channel) for row, channel in found if query.admits(channel)]

    def _tally(self, names: Sequence[Name]) -> list[tuple[Tally, Session | None]]:
        """What there is of each channel over all shards, and its RTC session."""
        if not names:
            return []
        with store_errors("reading channels"), self._redis.pipeline(transaction=False) as pipe:
            for of in self._keys:
                keys = [of.index(index) for name in names for index in _indexes(name)]
                pipe.eval(self._script, len(keys), *keys)
                pipe.mget([of.session(channel_id(*name)) for name in names])
            answers = pipe.execute()
        counted, stored = answers[::2], answers[1::2]
        return [
            (
                _summed(name, [found[4 * at : 4 * at + 4] for found in counted]),
                next((session for values in stored if (session := decoded(values[at]))), None),
            )
            for at, name in enumerate(names)
        ]


def _indexes(name: Name) -> tuple[str, ...]:
    """The indexes that list a channel's sessions, and then those that list the ones that run."""
    return of_channel(*name), of_channel_elsewhere(*name), of_running_channel(*name), of_running_elsewhere(*name)


def _summed(name: Name, counted: Sequence[Sequence[Any]]) -> Tally:
    """One channel by what the shards counted in each of its indexes."""
    every = [index for shard in counted for index in shard[:2] if index[0]]
    places = [(int(float(score)), channel_place(*name, member.decode()).encode()) for _, member, score in every]
    running = sum(index[0] for shard in counted for index in shard[2:])
    return Tally(sum(index[0] for index in every), running, max(places, default=(0, b"")))


def _first_of_each(rows: Sequence[Row], seen: set[Name]) -> list[tuple[Row, Name]]:
    """The first row of each channel that is not among those `seen` already, which grow by them."""
    found = []
    for row in rows:
        project, channel, _ = parts(row.member)
        if (project, channel) not in seen:
            seen.add((project, channel))
            found.append((row, (project, channel)))
    return found


def _row(name: Name, tally: Tally, rtc: Session | None, last_ms: int | None = None) -> ChannelRow:
    return ChannelRow(*name, tally.place[0] if last_ms is None else last_ms, tally.sessions, tally.running, rtc)


def _place(cursor: Cursor) -> Place:
    return cursor.score, cursor.member.encode()


def _cut(found: Sequence[tuple[Row, ChannelRow]], limit: int, end: Cursor | None) -> ChannelPage:
    """The first `limit` of the channels; `end` is where the walk stopped, None at the end of the list."""
    shown = list(islice(found, limit))
    if len(found) > limit:
        last = shown[-1][0]
        end = Cursor(last.score, last.member)
    return ChannelPage([channel for _, channel in shown], end)

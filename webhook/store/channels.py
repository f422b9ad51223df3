"""Channels as readers see them: everything that Vigil knows of one room, whatever the product."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from redis import Redis

from webhook.domain.channels import channel_id
from webhook.domain.facets import of_channel, of_channel_elsewhere, of_running_channel, of_running_elsewhere
from webhook.domain.session import Session
from webhook.store.connection import store_errors
from webhook.store.keys import ShardKeys
from webhook.store.paging import Cursor, Pager, Row, Span
from webhook.store.record import parts
from webhook.store.sessions import decoded

MOST_LOOKED_AT = 200  # sessions that a page of channels looks at
MOST_SESSIONS = 500  # of one channel, newest activity first


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

    project: str | None = None
    name: str | None = None
    live: bool = False

    def admits(self, row: ChannelRow) -> bool:
        """Whether the row passes."""
        return (
            (self.project is None or self.project == row.project)
            and (self.name is None or self.name == row.channel)
            and (row.running > 0 or not self.live)
        )


class Channels:
    """Reads channels. Two pipelines a page."""

    def __init__(self, redis: Redis, shards: int) -> None:
        self._redis = redis
        self._keys = [ShardKeys(shard) for shard in range(shards)]
        self._pager = Pager(redis)

    def page(self, query: ChannelQuery, limit: int, cursor: Cursor | None) -> ChannelPage:
        """At most `limit` channels that pass; looks at no more than MOST_LOOKED_AT sessions. Raises StoreError.

        A channel stands where its newest session does; its others, which the index also lists, are passed over.
        """
        span = Span(cursor, None, None, MOST_LOOKED_AT + 2)
        rows = self._pager.rows([(of.shard, of.channels) for of in self._keys], span)
        rest = [row for row in rows if cursor is None or not cursor.ends_with(row)]
        looked_at = rest[:MOST_LOOKED_AT]
        found = [
            (row, channel)
            for row, channel in zip(looked_at, self._load(looked_at), strict=True)
            if channel is not None and query.admits(channel)
        ]
        if len(found) > limit:
            last = found[limit - 1][0]
            return ChannelPage([channel for _, channel in found[:limit]], Cursor(last.score, last.member))
        end = Cursor(looked_at[-1].score, looked_at[-1].member) if len(rest) > MOST_LOOKED_AT else None
        return ChannelPage([channel for _, channel in found], end)

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

    def _load(self, rows: list[Row]) -> list[ChannelRow | None]:
        """The channel of each row, None where a newer session of it stands before."""
        answers = self._ask(rows)
        width = 4 + 2 * len(self._keys)
        return [_row(row, answers[width * at : width * (at + 1)]) for at, row in enumerate(rows)]

    def _ask(self, rows: list[Row]) -> list[Any]:
        with store_errors("reading channels"), self._redis.pipeline(transaction=False) as pipe:
            for row in rows:
                project, channel, _ = parts(row.member)
                of = self._keys[row.shard]
                pipe.zrange(of.index(of_channel(project, channel)), 0, 0, desc=True)
                pipe.zcard(of.index(of_channel(project, channel)))
                pipe.zcard(of.index(of_running_channel(project, channel)))
                pipe.get(of.session(channel_id(project, channel)))
                for other in self._keys:
                    pipe.zcard(other.index(of_channel_elsewhere(project, channel)))
                    pipe.zcard(other.index(of_running_elsewhere(project, channel)))
            answers: list[Any] = pipe.execute()
        return answers


def _row(row: Row, answers: list[Any]) -> ChannelRow | None:
    newest, sessions, running, rtc, *elsewhere = answers
    project, channel, session_id = parts(row.member)
    if not newest or newest[0].decode() != session_id:
        return None
    total, up = sessions + sum(elsewhere[::2]), running + sum(elsewhere[1::2])
    return ChannelRow(project, channel, row.score, total, up, decoded(rtc))

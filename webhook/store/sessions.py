"""Sessions as readers see them: one by id, or a page by activity. Costs depend on the page, not on their number."""

from __future__ import annotations

import msgspec
from msgspec import Struct
from redis import Redis

from webhook.domain.errors import StoreError
from webhook.domain.facets import ALERTING, ALL, RUNNING, STOPPED, indexes, of_channel, of_channel_elsewhere, of_state
from webhook.domain.session import Session
from webhook.domain.states import State
from webhook.domain.status import status_of
from webhook.store.codec import decode_session
from webhook.store.connection import store_errors
from webhook.store.keys import ShardKeys
from webhook.store.paging import MOST_LOOKED_AT, Cursor, Row, Span, read_rows
from webhook.store.rounds import Reader, read


class SessionQuery(Struct, frozen=True, kw_only=True):
    """Which sessions a list shows. Times are ms of the last event, `since_ms` included, `until_ms` not."""

    projects: tuple[str, ...]  # where a channel may be; all that are configured unless one is asked for
    project: str | None = None
    product: str | None = None
    state: State | None = None
    channel: str | None = None
    source: str | None = None
    stopped: bool = False
    running: bool = False
    alerting: bool = False
    since_ms: int | None = None
    until_ms: int | None = None

    def admits(self, session: Session) -> bool:
        """Whether `session` passes every filter."""
        wanted_and_found = (
            (self.project, session.project),
            (self.product, session.product),
            (self.source, session.source),
            (self.channel, session.channel),
            (self.state, status_of(session).state),
        )
        return (
            all(wanted is None or wanted == found for wanted, found in wanted_and_found)
            and (not self.stopped or STOPPED in indexes(session))
            and (not self.running or RUNNING in indexes(session))
            and (not self.alerting or ALERTING in indexes(session))
        )

    @property
    def filtered(self) -> bool:
        """Whether a row of the driving index may still be dropped."""
        beside_channel = self.channel is not None and (self.state is not None or self.stopped or self.alerting)
        beside_stopped = self.stopped and self.state is not None
        beside_alerting = self.alerting and (self.stopped or self.state is not None)
        beside_all = any((self.project and self.channel is None, self.product, self.source))
        return beside_channel or beside_stopped or beside_alerting or beside_all


class SessionPage(Struct, frozen=True):
    """Sessions, newest activity first, and where the next page begins; None at the end."""

    sessions: list[Session]
    next: Cursor | None


class Sessions:
    """Reads projections."""

    def __init__(self, redis: Redis, shards: int) -> None:
        self._redis = redis
        self._keys = [ShardKeys(shard) for shard in range(shards)]

    def find(self, session_id: str) -> tuple[int, Session] | None:
        """The session called so and its shard, or None. Raises StoreError."""
        return read(self._redis, "reading a session", self.finding(session_id))

    def finding(self, session_id: str) -> Reader[tuple[int, Session] | None]:
        """The same, in one step."""
        answers = yield [("GET", of.session(session_id)) for of in self._keys]
        found = [(shard, _read(session_id, value)) for shard, value in enumerate(answers) if value is not None]
        # one that was registered for another channel than it is heard of in is in two shards: what was heard counts
        return max(found, key=lambda each: (each[1].last_ms or 0, -each[0]), default=None)

    def page(self, query: SessionQuery, limit: int, cursor: Cursor | None) -> SessionPage:
        """At most `limit` sessions that pass `query`; looks at no more than MOST_LOOKED_AT rows. Raises StoreError."""
        return read(self._redis, "reading sessions", self.paging(query, limit, cursor))

    def paging(self, query: SessionQuery, limit: int, cursor: Cursor | None) -> Reader[SessionPage]:
        """The same, in two steps."""
        most = max(limit, MOST_LOOKED_AT) if query.filtered else limit
        until = None if query.until_ms is None else query.until_ms - 1
        # two rows more: the cursor's own, which was shown, and one that tells whether there is a next page
        rows = yield from read_rows(self._indexes(query), Span(cursor, query.since_ms, until, most + 2))
        rows = [row for row in rows if cursor is None or not cursor.ends_with(row)]
        stored = yield [("GET", self._keys[row.shard].session(row.member)) for row in rows[:most]]
        loaded = zip(rows, map(decoded, stored), strict=False)
        found = [(row, session) for row, session in loaded if session and query.admits(session)]
        if len(found) > limit:
            return SessionPage([session for _, session in found[:limit]], _cursor(found[limit - 1][0]))
        return SessionPage([session for _, session in found], _cursor(rows[most - 1]) if len(rows) > most else None)

    def ids(self) -> list[tuple[int, str]]:
        """The shard and the id of every session, in no order. Raises StoreError."""
        with store_errors("listing sessions"):
            return [
                (of.shard, member.decode())
                for of in self._keys
                for member, _ in self._redis.zscan_iter(of.index(ALL), count=1000)
            ]

    def _indexes(self, query: SessionQuery) -> list[tuple[int, str]]:
        if query.channel is not None:
            projects = (query.project,) if query.project else query.projects
            names = [of(project, query.channel) for project in projects for of in (of_channel, of_channel_elsewhere)]
            return [(of.shard, of.index(name)) for of in self._keys for name in names]
        return [(of.shard, of.index(_driving(query))) for of in self._keys]


def _driving(query: SessionQuery) -> str:
    """The index that drives where no channel is asked for: of those that list all that pass, the one likely least."""
    if query.alerting:
        return ALERTING
    if query.stopped:
        return STOPPED
    return of_state(query.state) if query.state else RUNNING if query.running else ALL


def _read(session_id: str, value: bytes) -> Session:
    try:
        return decode_session(value)
    except msgspec.MsgspecError as mistake:
        raise StoreError(f"session {session_id!r} cannot be read by this release: {mistake}") from mistake


def decoded(value: bytes | None) -> Session | None:
    """The session that is stored, None where there is none or a later release wrote it."""
    try:
        return None if value is None else decode_session(value)
    except msgspec.MsgspecError:  # written by a later release; its own pages show it
        return None


def _cursor(row: Row) -> Cursor:
    return Cursor(row.score, row.member)

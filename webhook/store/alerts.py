"""Alerts as readers see them: one by id, or a page by their beginning, with what people and sinks did about each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct
from redis import Redis

from webhook.domain.alerting.alerts import AlertState, Severity
from webhook.domain.alerting.dossier import Dossier
from webhook.domain.alerting.telling import Ack
from webhook.store.connection import store_errors
from webhook.store.dossiers import named
from webhook.store.keys import ShardKeys
from webhook.store.known_alerts import FoundAlert, KnownAlert, read_dossier, read_known, reading_known
from webhook.store.members import alert_member, parts
from webhook.store.paging import MOST_LOOKED_AT, Cursor, Row, Span, read_rows
from webhook.store.rounds import Reader, read
from webhook.store.scripts import source

__all__ = ["AlertPage", "AlertQuery", "Alerts", "FoundAlert", "KnownAlert"]

ACKNOWLEDGE = source("acknowledge")
_ID = re.compile(r"(?P<shard>0|[1-9]\d{0,3})-(?P<fingerprint>[0-9a-f]{16})-[1-9]\d{0,9}", re.ASCII)


class AlertQuery(Struct, frozen=True, kw_only=True):
    """Which alerts a list shows. Times are ms of their beginning, `since_ms` included, `until_ms` not."""

    projects: tuple[str, ...]  # where a channel may be; all that are configured unless one is asked for
    project: str | None = None
    state: AlertState | None = None
    severity: Severity | None = None
    rule: str | None = None
    channel: str | None = None
    session: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None

    def admits(self, found: FoundAlert) -> bool:
        """Whether it is one of them; of its times the span of the page has taken care."""
        alert, labels = found.alert, found.dossier.labels
        wanted_and_found = (
            (self.project, labels.get("project")),
            (self.channel, labels.get("channel")),
            (self.session, found.session_id),
            (self.state, alert.state),
            (self.severity, alert.severity),
            (self.rule, alert.key.rule),
        )
        return all(wanted is None or wanted == found for wanted, found in wanted_and_found)

    @property
    def filtered(self) -> bool:
        """Whether a row of the driving index may still be dropped."""
        beside_channel = self.channel is not None and self.state is not None
        beside_all = self.project is not None and self.channel is None
        return any((beside_channel, beside_all, self.session is not None, self.severity, self.rule is not None))


class AlertPage(Struct, frozen=True):
    """Alerts, the last begun first, and where the next page begins; None at the end."""

    items: list[KnownAlert]
    next: Cursor | None


class Alerts:
    """Reads alerts, and keeps what people say about them. All methods raise StoreError."""

    def __init__(self, redis: Redis, shards: int) -> None:
        self._redis = redis
        self._keys = [ShardKeys(shard) for shard in range(shards)]

    def page(self, query: AlertQuery, limit: int, cursor: Cursor | None) -> AlertPage:
        """At most `limit` alerts that pass `query`; looks at no more than MOST_LOOKED_AT rows. Raises StoreError."""
        return read(self._redis, "reading alerts", self.paging(query, limit, cursor))

    def paging(self, query: AlertQuery, limit: int, cursor: Cursor | None) -> Reader[AlertPage]:
        """The same, in two steps."""
        most = max(limit, MOST_LOOKED_AT) if query.filtered else limit
        until = None if query.until_ms is None else query.until_ms - 1
        # two rows more: the cursor's own, which was shown, and one that tells whether there is a next page
        rows = yield from self._rows(query, Span(cursor, query.since_ms, until, most + 2))
        rows = [row for row in rows if cursor is None or not cursor.ends_with(row)]
        kept = yield from reading_known(rows[:most])
        loaded = ((row, kept.find(row)) for row in rows[:most])
        admitted = [(row, found) for row, found in loaded if found is not None and query.admits(found)]
        items = [kept.all_of(found) for _, found in admitted[:limit]]
        if len(admitted) > limit:
            return AlertPage(items, _cursor(admitted[limit - 1][0]))
        return AlertPage(items, _cursor(rows[most - 1]) if len(rows) > most else None)

    def find(self, name: str) -> KnownAlert | None:
        """The alert of this id, `shard-fingerprint-episode`; None where there is none, or a later release has it."""
        told = _ID.fullmatch(name)
        if told is None or int(told["shard"]) >= len(self._keys):
            return None
        shard = int(told["shard"])
        with store_errors("finding an alert"):
            session_id: Any = self._redis.hget(self._keys[shard].subjects, told["fingerprint"])
        if session_id is None:
            return None
        row = Row(0, alert_member(name, session_id.decode()), shard)
        kept = read_known(self._redis, [row])
        found = kept.find(row)
        return None if found is None else kept.all_of(found)

    def firing(self, most: int = 10_000) -> list[FoundAlert]:
        """Those that fire, at most so many, in no order."""
        firing = read_rows(self._index(f"state:{AlertState.FIRING.value}"), Span(None, None, None, most))
        rows = read(self._redis, "reading what fires", firing)
        places = list(dict.fromkeys((row.shard, parts(row.member)[1]) for row in rows))
        chunks = [places[at : at + MOST_LOOKED_AT] for at in range(0, len(places), MOST_LOOKED_AT)]
        found = [
            FoundAlert(shard, dossier, watched)
            for chunk in chunks
            for shard, dossier in read(self._redis, "reading dossiers", self._dossiers(chunk))
            for watched in dossier.firing
        ]
        return found[:most]

    def acknowledge(self, found: FoundAlert, ack: Ack) -> bool:
        """Keeps that somebody has it, over what was kept before. False where it is not open any more."""
        of, member = self._keys[found.shard], alert_member(found.id, found.session_id)
        opened = [of.alerts(f"state:{state.value}") for state in (AlertState.PENDING, AlertState.FIRING)]
        with store_errors("keeping an acknowledgement"):
            kept = self._redis.eval(ACKNOWLEDGE, 3, of.acks, *opened, found.id, member, msgspec.json.encode(ack))
        return bool(kept)

    def take_back(self, found: FoundAlert) -> None:
        """Forgets that somebody has it."""
        with store_errors("taking back an acknowledgement"):
            self._redis.hdel(self._keys[found.shard].acks, found.id)

    def _index(self, name: str) -> list[tuple[int, str]]:
        return [(of.shard, of.alerts(name)) for of in self._keys]

    def _rows(self, query: AlertQuery, span: Span) -> Reader[list[Row]]:
        """The next rows of the most selective index."""
        if query.session is not None:
            return self._rows_of_session(query.session, span)
        if query.channel is not None:
            projects = (query.project,) if query.project is not None else query.projects
            indexes = [of for project in projects for of in self._index(f"channel:{project}:{query.channel}")]
            return read_rows(indexes, span)
        return read_rows(self._index(f"state:{query.state.value}" if query.state else "all"), span)

    def _rows_of_session(self, session_id: str, span: Span) -> Reader[list[Row]]:
        """The same of a session, whose dossier lists its alerts. It is looked for in all shards, as sessions are."""
        dossiers = yield from self._dossiers([(of.shard, session_id) for of in self._keys])
        rows = (
            Row(each.alert.started_ms, alert_member(name, session_id), shard)
            for shard, dossier in dossiers
            for name, each in named(dossier, shard, dossier.watched)
        )
        return sorted((row for row in rows if _is_in(span, row)), key=_place, reverse=True)[: span.most]

    def _dossiers(self, places: Sequence[tuple[int, str]]) -> Reader[list[tuple[int, Dossier]]]:
        """The dossiers that there are, each with its shard, in one step."""
        stored = yield [("GET", self._keys[shard].dossier(session_id)) for shard, session_id in places]
        found = ((shard, read_dossier(value)) for (shard, _), value in zip(places, stored, strict=True))
        return [(shard, dossier) for shard, dossier in found if dossier is not None]


def _is_in(span: Span, row: Row) -> bool:
    """Whether the page may show the row, or showed it last."""
    after = span.cursor is None or _place(row) <= (span.cursor.score, span.cursor.member.encode())
    late = span.least is None or span.least <= row.score
    return after and late and (span.greatest is None or row.score <= span.greatest)


def _place(row: Row) -> tuple[int, bytes]:
    return row.score, row.member.encode()


def _cursor(row: Row) -> Cursor:
    return Cursor(row.score, row.member)

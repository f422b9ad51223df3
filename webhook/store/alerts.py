"""Alerts as readers see them: one by id, or a page by their beginning, with what people and sinks did about each."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec
from msgspec import Struct
from redis import Redis

from webhook.domain.alerting.alerts import AlertState, Severity
from webhook.domain.alerting.dossier import Dossier
from webhook.domain.alerting.silences import Silence
from webhook.domain.alerting.telling import Ack
from webhook.store import keys
from webhook.store.connection import store_errors
from webhook.store.dossiers import named
from webhook.store.keys import ShardKeys
from webhook.store.known_alerts import FoundAlert, Kept, KnownAlert, read_dossier, reading_known
from webhook.store.members import alert_member, parts
from webhook.store.paging import Cursor, Row, Span, read_rows
from webhook.store.rounds import Reader, read, read_rounds
from webhook.store.scripts import source
from webhook.store.silences import decode_all

__all__ = ["AlertPage", "AlertQuery", "Alerts", "FoundAlert", "FullAlert", "KnownAlert"]

MOST_LOOKED_AT = 250  # rows a page looks at where a filter may drop some: each costs a dossier and its deliveries
ACKNOWLEDGE = source("acknowledge")
_ID = re.compile(r"(?P<shard>0|[1-9]\d{0,3})-(?P<fingerprint>[0-9a-f]{16})-[1-9]\d{0,9}", re.ASCII)


class AlertQuery(Struct, frozen=True, kw_only=True):
    """Which alerts a list shows. Times are ms of their beginning, `since_ms` included, `until_ms` not.

    `acknowledged` are those that somebody has, or where it is False nobody. `silenced` are those that some silence
    keeps quiet now, `silenced_by` those that the silence of this id does. `resolved_since_ms` is when they were over.
    """

    projects: tuple[str, ...]  # where a channel may be; all that are configured unless one is asked for
    project: str | None = None
    state: AlertState | None = None
    severity: Severity | None = None
    rule: str | None = None
    channel: str | None = None
    session: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    acknowledged: bool | None = None
    silenced: bool = False
    silenced_by: str | None = None
    resolved_since_ms: int | None = None

    def admits(self, found: FoundAlert) -> bool:
        """Whether it is one of them, as far as it tells itself; when it began is for the span of the page."""
        alert, labels = found.alert, found.dossier.labels
        wanted_and_found = (
            (self.project, labels.get("project")),
            (self.channel, labels.get("channel")),
            (self.session, found.session_id),
            (self.state, alert.state),
            (self.severity, alert.severity),
            (self.rule, alert.key.rule),
        )
        lately = self.resolved_since_ms is None or self.resolved_since_ms <= (alert.resolved_ms or -1)
        return lately and all(wanted is None or wanted == found for wanted, found in wanted_and_found)

    def admits_quiet(self, silenced_by: Sequence[str]) -> bool:
        """Whether one that these silences keep quiet is one of them."""
        some = bool(silenced_by) or not self.silenced
        return some and self.silenced_by in (None, *silenced_by)

    @property
    def asks_for_silence(self) -> bool:
        """Whether `admits_quiet` may say no."""
        return self.silenced or self.silenced_by is not None

    @property
    def filtered(self) -> bool:
        """Whether a row of the driving index may still be dropped."""
        beside_channel = self.channel is not None and self.state is not None
        beside_all = self.project is not None and self.channel is None
        by_itself = (self.session, self.severity, self.rule, self.acknowledged, self.resolved_since_ms)
        dropped = any(wanted is not None for wanted in by_itself)
        return dropped or beside_channel or beside_all or self.asks_for_silence


class AlertPage(Struct, frozen=True):
    """Alerts, the last begun first, and where the next page begins; None at the end."""

    items: list[KnownAlert]
    next: Cursor | None


class FullAlert(Struct, frozen=True):
    """An alert, and the silences that keep it quiet now."""

    alert: KnownAlert
    silences: tuple[Silence, ...]


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
        span = Span(cursor, query.since_ms, until, most + 2)
        rows, claimed = yield from read_rounds(self._rows(query, span), self._claimed(query))
        rows = [row for row in rows if cursor is None or not cursor.ends_with(row)]
        wanted = [row for row in rows[:most] if claimed is None or (_name(row) in claimed) is query.acknowledged]
        kept = yield from reading_known(wanted)
        admitted = _admitted(query, kept, wanted)
        items = [kept.all_of(found) for _, found in admitted[:limit]]
        if len(admitted) > limit:
            return AlertPage(items, _cursor(admitted[limit - 1][0]))
        return AlertPage(items, _cursor(rows[most - 1]) if len(rows) > most else None)

    def find(self, name: str) -> KnownAlert | None:
        """The alert of this id, `shard-fingerprint-episode`; None where there is none, or a later release has it."""
        found = read(self._redis, "finding an alert", self.finding(name))
        return found.alert if found else None

    def finding(self, name: str) -> Reader[FullAlert | None]:
        """The same with what silences it, in two steps."""
        told = _ID.fullmatch(name)
        if told is None or int(told["shard"]) >= len(self._keys):
            return None
        shard = int(told["shard"])
        commands = [("HGET", self._keys[shard].subjects, told["fingerprint"]), ("HVALS", keys.SILENCES)]
        session_id, silences = yield commands
        if session_id is None:
            return None
        row = Row(0, alert_member(name, session_id.decode()), shard)
        kept = yield from reading_known([row])
        found = kept.find(row)
        if found is None:
            return None
        known = kept.all_of(found)
        return FullAlert(known, tuple(each for each in decode_all(silences) if each.id in known.silenced_by))

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

    def _claimed(self, query: AlertQuery) -> Reader[set[str] | None]:
        """The ids of alerts that somebody has; None where that is not asked for."""
        if query.acknowledged is None:
            return None
        answers = yield [("HKEYS", of.acks) for of in self._keys]
        return {name.decode() for names in answers for name in names}

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
        by_shard: dict[int, list[str]] = {}
        for shard, session_id in places:
            by_shard.setdefault(shard, []).append(self._keys[shard].dossier(session_id))
        answers = yield [("MGET", *stored) for stored in by_shard.values()]
        found = (
            (shard, read_dossier(value)) for shard, values in zip(by_shard, answers, strict=True) for value in values
        )
        return [(shard, dossier) for shard, dossier in found if dossier is not None]


def _admitted(query: AlertQuery, kept: Kept, rows: Sequence[Row]) -> list[tuple[Row, FoundAlert]]:
    """Those that pass the query, each with its row. What silences it is worked out only where that is asked for."""
    loaded = [(row, found) for row in rows if (found := kept.find(row)) is not None and query.admits(found)]
    if not query.asks_for_silence:
        return loaded
    return [(row, found) for row, found in loaded if query.admits_quiet(kept.all_of(found).silenced_by)]


def _is_in(span: Span, row: Row) -> bool:
    """Whether the page may show the row, or showed it last."""
    after = span.cursor is None or _place(row) <= (span.cursor.score, span.cursor.member.encode())
    late = span.least is None or span.least <= row.score
    return after and late and (span.greatest is None or row.score <= span.greatest)


def _place(row: Row) -> tuple[int, bytes]:
    return row.score, row.member.encode()


def _name(row: Row) -> str:
    return parts(row.member)[0]


def _cursor(row: Row) -> Cursor:
    return Cursor(row.score, row.member)

"""What is kept about alerts whose ids and sessions are known: read in one pipeline, however many they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import msgspec
from msgspec import Struct
from redis import Redis

from webhook.domain.alerting.alerts import Alert
from webhook.domain.alerting.delivery import Note
from webhook.domain.alerting.dossier import Dossier, Watched, alert_id, labels_of
from webhook.domain.alerting.silences import Silence, silencing
from webhook.domain.alerting.telling import Ack
from webhook.domain.facets import of_state
from webhook.domain.states import OVER
from webhook.store import keys
from webhook.store.codec import decode_dossier
from webhook.store.dossiers import named
from webhook.store.keys import ShardKeys
from webhook.store.members import parts
from webhook.store.paging import Row
from webhook.store.rounds import Command, Reader, read
from webhook.store.silences import decode_all


class FoundAlert(Struct, frozen=True):
    """One alert, and the dossier and the shard where it is kept."""

    shard: int
    dossier: Dossier
    watched: Watched

    @property
    def alert(self) -> Alert:
        """The alert itself."""
        return self.watched.alert

    @property
    def session_id(self) -> str:
        """The session that it is about."""
        return self.dossier.session_id

    @property
    def labels(self) -> dict[str, str]:
        """What matchers look at."""
        return labels_of(self.dossier, self.alert)

    @property
    def id(self) -> str:
        """What it is called outside."""
        return alert_id(self.shard, self.dossier.project, self.session_id, self.alert)


class Delivery(Struct, frozen=True):
    """What became of one transition of an alert at one sink, by the latest attempt to tell it."""

    sink: str
    transition: str
    note: Note


class KnownAlert(Struct, frozen=True):
    """An alert with all that was done about it. `silenced_by` names the silences that keep it quiet now."""

    found: FoundAlert
    ack: Ack | None
    silenced_by: tuple[str, ...]
    deliveries: tuple[Delivery, ...]


_note = msgspec.json.Decoder(Note)


def read_known(redis: Redis, rows: Sequence[Row]) -> Kept:
    """All that is kept about the alerts of these rows, as of now. Raises StoreError."""
    return read(redis, "reading alerts", reading_known(rows))


def reading_known(rows: Sequence[Row]) -> Reader[Kept]:
    """The same, in one step, which asks nothing where there are no rows."""
    shelves: dict[int, _Shelf] = {}
    for row in rows:
        shelves.setdefault(row.shard, _Shelf(ShardKeys(row.shard))).want(*parts(row.member))
    if not shelves:
        return Kept({}, (), 0)
    of_shelves = [command for shelf in shelves.values() for command in shelf.questions()]
    *answers, silences, (seconds, micros) = yield [*of_shelves, ("HVALS", keys.SILENCES), ("TIME",)]
    in_turn = iter(answers)
    for shelf in shelves.values():
        shelf.read(in_turn)
    return Kept(shelves, decode_all(silences), seconds * 1000 + micros // 1000)


class _Shelf:
    """What one shard keeps about some of its alerts: asked for in a pipeline, and read from its answers in turn."""

    def __init__(self, shard_keys: ShardKeys) -> None:
        self._keys = shard_keys
        self._sessions: dict[str, None] = {}
        self._ids: dict[str, None] = {}
        self.found: dict[str, FoundAlert] = {}
        self.acks: dict[str, Ack] = {}
        self.over: set[str] = set()
        self.deliveries: dict[str, list[Delivery]] = {}

    def want(self, name: str, session_id: str) -> None:
        """Asks for this alert of this session too."""
        self._ids[name] = self._sessions[session_id] = None

    def questions(self) -> Iterator[Command]:
        """Asks for all that is wanted."""
        yield "MGET", *(self._keys.dossier(session_id) for session_id in self._sessions)
        yield "HMGET", self._keys.acks, *self._ids
        for state in OVER:  # by the indexes: a session's own projection is much longer than what is asked of it
            yield "ZMSCORE", self._keys.index(of_state(state)), *self._sessions
        for session_id in self._sessions:
            yield "HGETALL", self._keys.deliveries(session_id)

    def read(self, answers: Iterator[Any]) -> None:
        """Takes as many answers as were asked for."""
        for dossier in map(read_dossier, next(answers)):
            if dossier is not None:
                shard = self._keys.shard
                told = named(dossier, shard, dossier.watched)
                self.found |= {name: FoundAlert(shard, dossier, watched) for name, watched in told}
        acks = zip(self._ids, next(answers), strict=True)
        self.acks = {name: msgspec.json.decode(ack, type=Ack) for name, ack in acks if ack is not None}
        for _ in OVER:
            scores = zip(self._sessions, next(answers), strict=True)
            self.over |= {session_id for session_id, score in scores if score is not None}
        for _ in self._sessions:
            for told_of, delivery in _deliveries(next(answers)):
                self.deliveries.setdefault(told_of, []).append(delivery)


class Kept:
    """What is kept about the alerts of a page, and the silences there are at `now_ms`."""

    def __init__(self, shelves: dict[int, _Shelf], silences: Sequence[Silence], now_ms: int) -> None:
        self._shelves, self._now_ms = shelves, now_ms
        self._silences = [each for each in silences if each.covers(now_ms, over=False)]

    def find(self, row: Row) -> FoundAlert | None:
        """The alert of a row; None where its dossier has it no longer, or this release cannot read it."""
        return self._shelves[row.shard].found.get(parts(row.member)[0])

    def all_of(self, found: FoundAlert) -> KnownAlert:
        """The alert with all that was done about it. One that is resolved no silence keeps quiet."""
        shelf, name = self._shelves[found.shard], found.id
        over = found.session_id in shelf.over
        silences = self._silences if found.alert.is_open else []
        quiet = silencing(silences, found.labels, self._now_ms, over=over)
        deliveries = sorted(shelf.deliveries.get(name, []), key=_turn)
        return KnownAlert(found, shelf.acks.get(name), tuple(each.id for each in quiet), tuple(deliveries))


def _deliveries(stored: dict[bytes, bytes]) -> Iterator[tuple[str, Delivery]]:
    """Each delivery of a session's alerts with the alert's id."""
    for field, value in stored.items():
        name, _, rest = field.decode().partition("|")
        sink, _, transition = rest.rpartition("|")
        with suppress(msgspec.MsgspecError):  # a later release noted it, and shows it
            yield name, Delivery(sink, transition, _note.decode(value))


def _turn(delivery: Delivery) -> tuple[int, str, str]:
    return delivery.note.at_ms, delivery.sink, delivery.transition


def read_dossier(value: bytes | None) -> Dossier | None:
    """The dossier that is stored, None where there is none or a later release wrote it."""
    try:
        return None if value is None else decode_dossier(value)
    except msgspec.MsgspecError:
        return None

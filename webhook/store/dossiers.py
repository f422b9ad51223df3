"""Alerts as the one writer of their shard sees them: what it reads to decide on them, and what it writes of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Struct, field
from redis import Redis

from webhook.domain.alerting.alerts import AlertState
from webhook.domain.alerting.dossier import Dossier, Watched, alert_id
from webhook.domain.alerting.telling import Ack
from webhook.domain.session import Session
from webhook.store import keys
from webhook.store.codec import decode_dossier
from webhook.store.connection import store_errors
from webhook.store.keys import ShardKeys
from webhook.store.members import alert_member
from webhook.store.sessions import decoded

MOST_AROUND = 100  # sessions of one channel that are looked at beside one another


class Around(Struct):
    """What is to be read: dossiers and sessions by id, and the newest sessions that indexes list, by their names."""

    dossiers: list[str] = field(default_factory=list)
    sessions: list[str] = field(default_factory=list)
    indexes: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.dossiers or self.sessions or self.indexes)


class Found(Struct):
    """What was read, by id or name. Dossiers that a later release wrote are `unreadable`."""

    dossiers: dict[str, Dossier] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    listed: dict[str, list[str]] = field(default_factory=dict)
    unreadable: set[str] = field(default_factory=set)


class Dossiers:
    """Reads what alerts of one shard depend on. All methods raise StoreError."""

    def __init__(self, redis: Redis, shard_keys: ShardKeys) -> None:
        self._redis = redis
        self._keys = shard_keys

    def read(self, around: Around) -> Found:
        """What there is of all that is asked for, in one pipeline."""
        found = Found()
        if not around:
            return found
        with store_errors(f"reading alerts of shard {self._keys.shard}"), self._redis.pipeline(False) as pipe:
            for name in around.indexes:
                pipe.zrange(self._keys.index(name), 0, MOST_AROUND - 1, desc=True)
            for session_id in around.sessions:
                pipe.get(self._keys.session(session_id))
            for session_id in around.dossiers:
                pipe.get(self._keys.dossier(session_id))
            answers = iter(pipe.execute())
        found.listed = {name: [member.decode() for member in next(answers)] for name in around.indexes}
        for session_id in around.sessions:
            session = decoded(next(answers))
            found.sessions |= {session_id: session} if session else {}
        for session_id in around.dossiers:
            _know(found, session_id, next(answers))
        return found

    def silences(self) -> list[bytes]:
        """Every silence, as it is stored."""
        with store_errors("reading silences"):
            stored: Any = self._redis.hvals(keys.SILENCES)
        return list(stored)

    def acks(self, alert_ids: Sequence[str]) -> dict[str, Ack]:
        """The acknowledgements that there are of these alerts."""
        if not alert_ids:
            return {}
        with store_errors(f"reading acknowledgements of shard {self._keys.shard}"):
            stored: Any = self._redis.hmget(self._keys.acks, list(alert_ids))
        return {
            name: msgspec.json.decode(value, type=Ack)
            for name, value in zip(alert_ids, stored, strict=True)
            if value is not None
        }


def _know(found: Found, session_id: str, stored: bytes | None) -> None:
    try:
        found.dossiers |= {session_id: decode_dossier(stored)} if stored is not None else {}
    except msgspec.MsgspecError:  # its own release goes on with it
        found.unreadable.add(session_id)


class AlertFacets(Struct, frozen=True):
    """Where the alerts of a dossier are listed, with scores in ms, and what they add to each gauge."""

    members: dict[tuple[str, str], int]  # by index and member
    gauges: Counter[str]
    ids: frozenset[str]

    @property
    def fingerprints(self) -> set[str]:
        """By which the session of each alert is found."""
        return {name.split("-")[1] for name in self.ids}


def alert_facets(dossier: Dossier, shard: int) -> AlertFacets:
    """What follows from a dossier alone, for indexes and gauges."""
    members: dict[tuple[str, str], int] = {}
    gauges: Counter[str] = Counter()
    told = named(dossier, shard, dossier.watched)
    for name, each in told:
        member, alert = alert_member(name, dossier.session_id), each.alert
        members |= {(index, member): alert.started_ms for index in _indexes(dossier, alert.state)}
        if alert.is_open:
            gauges[f"alert:{alert.key.rule}:{alert.severity.value}:{alert.state.value}"] += 1
        gauges["alerts:unacknowledged"] += alert.state is AlertState.FIRING and not each.told.acknowledged
    return AlertFacets(members, gauges, frozenset(name for name, _ in told))


def named(dossier: Dossier, shard: int, watched: Iterable[Watched]) -> list[tuple[str, Watched]]:
    """Each of these alerts of a dossier with its id."""
    return [(alert_id(shard, dossier.project, dossier.session_id, each.alert), each) for each in watched]


def _indexes(dossier: Dossier, state: AlertState) -> list[str]:
    names = ["all", f"state:{state.value}"]
    channel = dossier.labels.get("channel")
    return [*names, f"channel:{dossier.project}:{channel}"] if channel else names

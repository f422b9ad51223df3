"""Walks the alerts of one shard and asserts that indexes, gauges and outboxes follow from the dossiers there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec
from redis import Redis

from webhook.domain.alerting.alerts import AlertState, fingerprint
from webhook.domain.alerting.delivery import Batch
from webhook.domain.alerting.dossier import SELF, Dossier
from webhook.domain.alerting.telling import Telling
from webhook.domain.session import Session
from webhook.store.codec import decode_dossier
from webhook.store.keys import ShardKeys
from webhook.store.members import refer

OUTBOX = ("deliveries:", "waiting:", "outbox:", "sealed:", "batches:", "busy:", "failed:", "failures:")


class AlertWalk:
    """One shard's alerts; `names` are its keys without their prefix, `sessions` those that it has."""

    def __init__(self, redis: Redis, keys: ShardKeys, names: set[str], sessions: Mapping[str, Session]) -> None:
        self.redis, self.keys, self.names, self.sessions = redis, keys, names, sessions
        stored = {name: redis.get(keys.dossier(name)) for name in self._called("dossier:")}
        self.dossiers = {name: decode_dossier(value) for name, value in stored.items() if value is not None}

    def check(self) -> None:
        for name, dossier in self.dossiers.items():
            self._check_dossier(name, dossier)
        self._check_indexes()
        self._check_gauges()
        self._check_sessions()
        for sink in self._called("waiting:", "outbox:"):
            self._check_waiting(sink)
        for sink in self._called("sealed:", "batches:", "busy:"):
            self._check_sealed(sink)
        for sink in self._called("failed:", "failures:"):
            given_up = {name.decode() for name in self.redis.hkeys(self.keys.failures(sink))}
            assert set(self._scores(self.keys.failed(sink))) == given_up, "what was given up is kept once"

    def _called(self, *prefixes: str) -> list[str]:
        return sorted(
            {name.removeprefix(prefix) for prefix in prefixes for name in self.names if name.startswith(prefix)}
        )

    def _check_dossier(self, name: str, dossier: Dossier) -> None:
        assert dossier.session_id == name
        assert not dossier.is_empty
        assert name in self.sessions or name == SELF, f"the alerts of {name!r} are those of no session"
        places = [(each.alert.key, each.alert.episode) for each in dossier.watched]
        assert len(places) == len(set(places)), "each episode of a key is kept once"
        opened = Counter(each.alert.key for each in dossier.watched if each.alert.is_open)
        assert set(opened.values()) <= {1}, "at most one alert of a key is open"
        for each in dossier.watched:
            assert each.alert.state is not AlertState.PENDING or not each.told.sinks, (
                "nobody is told of what is pending"
            )

    def _named(self) -> dict[str, tuple[Dossier, Any]]:
        return {
            f"{self.keys.shard}-{fingerprint(of.labels['project'], name, each.alert.key)}-{each.alert.episode}": (
                of,
                each,
            )
            for name, of in self.dossiers.items()
            for each in of.watched
        }

    def _check_indexes(self) -> None:
        expected: dict[str, dict[str, int]] = {}
        subjects = {}
        for identity, (dossier, each) in self._named().items():
            channel, project = dossier.labels["channel"], dossier.labels["project"]
            names = ["all", f"state:{each.alert.state.value}", *([f"channel:{project}:{channel}"] if channel else [])]
            member = "\x1f".join((identity, refer("", "", dossier.session_id)[2:]))
            for name in names:
                expected.setdefault(name, {})[member] = each.alert.started_ms
            subjects[identity.split("-")[1]] = dossier.session_id
        found = {name: self._scores(self.keys.alerts(name)) for name in self._called("alerts:")}
        assert found == expected, "indexes list each alert where it belongs, by when it began"
        stored: dict[bytes, bytes] = self.redis.hgetall(self.keys.subjects)
        assert {name.decode(): value.decode() for name, value in stored.items()} == subjects
        acks = {name.decode() for name in self.redis.hkeys(self.keys.acks)}
        assert acks <= set(self._named()), "only what is kept is acknowledged"

    def _check_gauges(self) -> None:
        expected: Counter[str] = Counter()
        for _, each in self._named().values():
            alert = each.alert
            if alert.is_open:
                expected[f"alert:{alert.key.rule}:{alert.severity.value}:{alert.state.value}"] += 1
            if alert.state is AlertState.FIRING and not each.told.acknowledged:
                expected["alerts:unacknowledged"] += 1
        stored: dict[bytes, bytes] = self.redis.hgetall(self.keys.counts)
        found = {
            name.decode(): int(count) for name, count in stored.items() if name.startswith(b"alert") and int(count)
        }
        assert found == dict(expected), "gauges are sums over alerts"

    def _check_sessions(self) -> None:
        firing: dict[str, list[str]] = {}
        for identity, (dossier, each) in self._named().items():
            if each.alert.state is AlertState.FIRING and dossier.session_id != SELF:
                firing.setdefault(dossier.session_id, []).append(identity)
        told = {name: sorted(session.alerts) for name, session in self.sessions.items() if session.alerts}
        assert told == {name: sorted(ids) for name, ids in firing.items()}, "each session names the alerts that fire"

    def _check_waiting(self, sink: str) -> None:
        stored: dict[bytes, bytes] = self.redis.hgetall(self.keys.outbox(sink))
        tellings = {name.decode(): msgspec.json.decode(value, type=Telling) for name, value in stored.items()}
        waiting = self._scores(self.keys.waiting(sink))
        assert set(waiting) == set(tellings), "what waits is kept, and what is kept waits"
        assert all(waiting[name] >= telling.due_ms for name, telling in tellings.items()), "nothing goes out too soon"
        assert all(name == telling.key and telling.sink == sink for name, telling in tellings.items())

    def _check_sealed(self, sink: str) -> None:
        stored: dict[bytes, bytes] = self.redis.hgetall(self.keys.batches(sink))
        batches = {name.decode(): msgspec.json.decode(value, type=Batch) for name, value in stored.items()}
        assert set(batches) == set(self._scores(self.keys.sealed(sink))), "each sealed batch has its time"
        busy: dict[bytes, bytes] = self.redis.hgetall(self.keys.busy(sink))
        expected = {telling.alert_id: name for name, batch in batches.items() for telling in batch.tellings}
        assert {name.decode(): value.decode() for name, value in busy.items()} == expected, "busy is who is sealed"

    def _scores(self, key: str) -> dict[str, int]:
        members: Any = self.redis.zrange(key, 0, -1, withscores=True)
        return {member.decode(): int(score) for member, score in members}

"""Walks every key of every shard and asserts that all of it follows from the sessions and the log entries there are."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
from redis import Redis

from tests.store.alert_consistency import OUTBOX, AlertWalk
from webhook.domain.alerting.dossier import SELF
from webhook.domain.decoding import BY_NAME, routes_by_channel
from webhook.domain.facets import gauges, indexes
from webhook.domain.log import DEAD, LOOSE, MOST_COPIES, Entry, Outcome, session_log
from webhook.domain.session import Session
from webhook.domain.states import State
from webhook.domain.status import status_of
from webhook.store.codec import decode_entry, decode_session
from webhook.store.keys import ShardKeys
from webhook.store.loading import EFFECT
from webhook.store.members import refer

Logs = dict[str, dict[str, Entry]]
Indexes = dict[str, dict[str, int]]
SINGLE = {
    *("inbox", "pending", "lease", "attempts", "deadlines", "received", "notices", "channels", "drift", "counts"),
    *("subjects", "acks"),
}
PREFIXES = ("session:", "log:", "places:", "index:", "minute:", "answer:", "heard:", "dossier:", "alerts:", *OUTBOX)
MORTAL = ("minute:", "answer:", "pending", "lease", "deliveries:")
UP = (State.STARTING, State.LIVE, State.ENDING)


def check(redis: Redis, shards: int, drifted: int = 500) -> None:
    """Raises AssertionError, naming the first thing that does not fit. `drifted` bounds each shard's drift."""
    for shard in range(shards):
        _Walk(redis, ShardKeys(shard)).check(drifted)


class _Walk:
    def __init__(self, redis: Redis, keys: ShardKeys) -> None:
        self.redis, self.keys = redis, keys
        prefix = keys.inbox.removesuffix("inbox")
        self.names = {key.decode().removeprefix(prefix) for key in redis.scan_iter(f"{prefix}*", count=1000)}
        self.sessions: dict[str, Session] = {}
        self.unreadable: set[str] = set()
        self.hashes = {name: redis.hgetall(keys.log(name)) for name in self._called("log:")}

    def check(self, drifted: int) -> None:
        self._read_sessions()
        logs = self._logs()
        self._check_names()
        self._check_attempts()
        self._check_logs(logs)
        self._check_dead(logs.get(DEAD, {}))
        self._check_references(logs)
        self._check_deadlines()
        self._check_drift(drifted)
        if not self.unreadable:
            found = {name: self._scores(self.keys.index(name)) for name in self._called("index:")}
            self._check_indexes(found)
            self._check_running(found)
            self._check_channels()
            self._check_gauges()
            AlertWalk(self.redis, self.keys, self.names, self.sessions).check()

    def _called(self, prefix: str) -> list[str]:
        return sorted(name.removeprefix(prefix) for name in self.names if name.startswith(prefix))

    def _read_sessions(self) -> None:
        for session_id in self._called("session:"):
            stored = self.redis.get(self.keys.session(session_id))
            assert stored is not None
            try:
                self.sessions[session_id] = decode_session(stored)
            except msgspec.MsgspecError:
                self.unreadable.add(session_id)

    def _logs(self) -> Logs:
        return {
            log: {
                field.decode(): decode_entry(value)
                for field, value in fields.items()
                if not field.startswith(EFFECT.encode())
            }
            for log, fields in self.hashes.items()
        }

    def _check_names(self) -> None:
        unknown = {name for name in self.names if not name.startswith(PREFIXES)} - SINGLE
        assert not unknown, f"keys that store/keys.py does not name: {unknown}"
        mortal = {name for name in self.names if self.redis.ttl(self.keys.inbox.removesuffix("inbox") + name) != -1}
        wrong = {name for name in mortal if not name.startswith(MORTAL)}
        assert not wrong, f"keys with a TTL that indexes may name: {wrong}"
        immortal = {name for name in self.names - mortal if name.startswith(("minute:", "answer:"))}
        assert not immortal, f"keys that nothing bounds: {immortal}"

    def _check_attempts(self) -> None:
        attempts: dict[bytes, bytes] = self.redis.hgetall(self.keys.attempts)
        others = [name for name in attempts if name != b"singles" and not name.startswith(b"by:")]
        assert not others, f"attempts holds something else: {others}"
        assert all(int(count) >= 0 for count in attempts.values()), f"fewer attempts than none: {attempts}"

    def _check_dead(self, dead: dict[str, Entry]) -> None:
        """Their age alone bounds them: each stands at the time at which it was first received."""
        places = self._scores(self.keys.places(DEAD))
        assert places == {f"|{field}": entry.copies[0].received_ms for field, entry in dead.items()}
        assert {entry.outcome for entry in dead.values()} <= {Outcome.DEAD_LETTER, Outcome.QUARANTINED}
        heard: Indexes = {}
        for field, entry in dead.items():
            if entry.heard:
                heard.setdefault(entry.session_id or "", {})[field] = entry.copies[0].received_ms
        found = {session_id: self._scores(self.keys.heard(session_id)) for session_id in self._called("heard:")}
        assert found == heard, "each session finds its dead letters that count as heard, and no others"

    def _check_logs(self, logs: Logs) -> None:
        assert sorted(logs) == self._called("places:"), "each log has its places, and the other way round"
        for log, entries in logs.items():
            places = self._scores(self.keys.places(log))
            fields = [place.partition("|")[2] for place in places]
            assert sorted(fields) == sorted(entries), f"the places of {log} are those of its entries"
            self._check_effects(log, entries)
            self._check_owner(log, len(entries))
            assert all(1 <= len(entry.copies) <= MOST_COPIES for entry in entries.values())

    def _check_effects(self, log: str, entries: dict[str, Entry]) -> None:
        kept = {field.decode() for field in self.hashes[log] if field.startswith(EFFECT.encode())}
        told = {EFFECT + entry.effect for entry in entries.values() if entry.effect}
        assert kept == told, f"the effects remembered in {log} are those of its entries"

    def _check_owner(self, log: str, size: int) -> None:
        if log in (DEAD, LOOSE):
            return
        session_id = log.removeprefix(session_log(""))
        assert session_id in self.sessions or session_id in self.unreadable, f"{log} belongs to no session"
        if session_id in self.sessions:
            assert self.sessions[session_id].logged == size, f"{log} is as long as its session says"

    def _check_references(self, logs: Logs) -> None:
        copies = {
            refer(copy.notice_id, log, field): copy.received_ms
            for log, entries in logs.items()
            for field, entry in entries.items()
            for copy in entry.copies
        }
        assert self._scores(self.keys.received) == copies, "received lists each copy once, and nothing else"
        assert set(self._scores(self.keys.notices)) == set(copies), "notices lists each copy, and nothing else"

    def _check_deadlines(self) -> None:
        found = set(self._scores(self.keys.deadlines)) - {SELF}
        assert found == set(self.sessions) | self.unreadable, "each session has a deadline, and nothing else has"

    def _check_drift(self, most: int) -> None:
        drift: dict[bytes, bytes] = self.redis.hgetall(self.keys.drift)
        assert len(drift) <= most, "no more fields are counted than the bound allows"
        assert all(int(count) > 0 for count in drift.values()), "what drifts was seen at least once"
        products = {field.decode().partition(":")[0] for field in drift}
        assert products <= set(BY_NAME), "what drifts is a field of a known product"

    def _check_indexes(self, found: Indexes) -> None:
        expected: Indexes = {}
        for session in self.sessions.values():
            for name in indexes(session):
                expected.setdefault(name, {})[session.id] = session.activity_ms
        assert found == expected, "the indexes list each session where it belongs, by its activity"

    def _check_running(self, found: Indexes) -> None:
        """By states alone, whatever the product counts as an index: who is up is listed, and nobody else."""
        up = [session for session in self.sessions.values() if status_of(session).state in UP]
        expected: dict[str, set[str]] = {"running": {session.id for session in up}} if up else {}
        for session in up:
            if session.channel is not None:
                kind = "running" if routes_by_channel(session.product) else "running-elsewhere"
                expected.setdefault(f"{kind}:{session.project}:{session.channel}", set()).add(session.id)
        running = {name: set(scores) for name, scores in found.items() if name.startswith("running")}
        assert running == expected, "the running ones are those that are starting, live or ending"

    def _check_channels(self) -> None:
        expected = {
            refer(session.project, session.channel, session.id): session.activity_ms
            for session in self.sessions.values()
            if session.channel is not None
        }
        found = self._scores(self.keys.channels)
        assert found == expected, "each session that names a channel lists it, by its activity"

    def _check_gauges(self) -> None:
        expected: Counter[str] = Counter()
        for session in self.sessions.values():
            expected.update(gauges(session))
        stored: dict[bytes, bytes] = self.redis.hgetall(self.keys.counts)
        found = {name.decode(): int(count) for name, count in stored.items() if int(count)}
        found = {name: count for name, count in found.items() if not name.startswith("alert")}
        assert found == {name: count for name, count in expected.items() if count}, "gauges are sums over sessions"

    def _scores(self, key: str) -> dict[str, int]:
        members: Any = self.redis.zrange(key, 0, -1, withscores=True)
        return {member.decode(): int(score) for member, score in members}

"""Alerts put into the store as the writer of their shard keeps them, without rules: what a reader may find there."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace
from redis import Redis

from tests.store.build import AT_MS
from webhook.domain.alerting.alerts import Alert, AlertState, Key, Resolution, Severity
from webhook.domain.alerting.dossier import Dossier, Watched, alert_id, open_dossier
from webhook.domain.alerting.matchers import parse_matcher
from webhook.domain.alerting.silences import Silence
from webhook.store import keys
from webhook.store.codec import encode_dossier
from webhook.store.connection import server_now_ms
from webhook.store.inbox import shard_of
from webhook.store.keys import ShardKeys
from webhook.store.members import alert_member

FIRING, PENDING, RESOLVED = AlertState.FIRING, AlertState.PENDING, AlertState.RESOLVED
HOUR_MS = 3_600_000


def alert(
    rule: str = "video_stopped", at_ms: int = AT_MS, state: AlertState = FIRING, uid: str = "7", **more: Any
) -> Alert:
    """One that began at `at_ms`; where it fires or is resolved it did so 10 and 60 s later."""
    over = state is RESOLVED
    told: dict[str, Any] = {
        "episode": 1,
        "severity": Severity.WARNING,
        "found_ms": at_ms,
        "due_ms": at_ms + 10_000,
        "summary": f"{rule} of {uid}",
        "meaning": "nothing arrives",
        "action": "look at the encoder",
        "fired_ms": None if state is PENDING else at_ms + 10_000,
        "resolved_ms": at_ms + 60_000 if over else None,
        "resolution": Resolution.RECOVERED if over else None,
    }
    return Alert(key=Key(rule, uid, "video"), state=state, started_ms=at_ms, **told | more)


class Alerted:
    """Dossiers of one server, with what is kept beside them."""

    def __init__(self, redis: Redis, shards: int) -> None:
        self.redis, self.shards = redis, shards
        self._dossiers: dict[tuple[int, str], Dossier] = {}

    def add(
        self,
        told: Alert | None = None,
        session: str = "s1",
        channel: str = "lobby",
        project: str = "default",
        shard: int | None = None,
    ) -> str:
        """Keeps an alert of a session; returns its id."""
        told = told or alert()
        at = shard_of(session, self.shards) if shard is None else shard
        labels = {"product": "rtc", "project": project, "channel": channel, "session": session, "source": "default"}
        before = self._dossiers.get((at, session), replace(open_dossier(session), labels=labels))
        self._dossiers[at, session] = dossier = replace(before, watched=(*before.watched, Watched(told)))
        name = alert_id(at, project, session, told)
        of, member = ShardKeys(at), alert_member(name, session)
        with self.redis.pipeline() as pipe:
            pipe.set(of.dossier(session), encode_dossier(dossier))
            for index in ("all", f"state:{told.state.value}", f"channel:{project}:{channel}"):
                pipe.zadd(of.alerts(index), {member: told.started_ms})
            pipe.hset(of.subjects, name.split("-")[1], session)
            pipe.execute()
        return name

    def deliver(self, name: str, sink: str, transition: str, session: str = "s1", **told: Any) -> None:
        """Keeps that a sink was told."""
        attempt = {"at_ms": AT_MS, "reason": "first", "result": "delivered", "attempt": 1, "error": None} | told
        of = ShardKeys(int(name.partition("-")[0]))
        self.redis.hset(of.deliveries(session), f"{name}|{sink}|{transition}", msgspec.json.encode(attempt))

    def silence(self, name: str, *matchers: str, ends_in_ms: int | None = HOUR_MS, **more: Any) -> None:
        """Keeps a silence that began an hour ago; until the session ends where it has no end."""
        now_ms = server_now_ms(self.redis)
        told: dict[str, Any] = {
            "id": name,
            "matchers": tuple(map(parse_matcher, matchers)),
            "starts_ms": now_ms - HOUR_MS,
            "ends_ms": None if ends_in_ms is None else now_ms + ends_in_ms,
            "by": "ann",
            "reason": "maintenance",
            "created_ms": now_ms - HOUR_MS,
        }
        self.redis.hset(keys.SILENCES, name, msgspec.json.encode(Silence(**told | more)))

    def forget(self, session: str) -> None:
        """Takes the dossier away, as if it had changed between two looks of a reader."""
        for shard in range(self.shards):
            self.redis.delete(ShardKeys(shard).dossier(session))

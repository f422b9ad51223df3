"""Sessions watched on the real server while a clock of the test's own goes on: what is decided, and what is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from redis import Redis

from tests.store.build import AT_MS
from tests.store.rig import Rig
from webhook.domain.alerting.alerts import AlertState
from webhook.domain.alerting.dossier import Dossier, Watched
from webhook.domain.alerting.guide import Guide
from webhook.domain.alerting.telling import Route, Telling
from webhook.domain.arrivals import Arrival, Kind
from webhook.store.codec import decode_dossier
from webhook.store.inbox import to_fields
from webhook.store.keys import ShardKeys
from webhook.store.outbox import Outbox
from workers.deliver import Deliverer
from workers.drain import drain_once
from workers.sinks.sink import Sink
from workers.watching import Watch

Line = tuple[float, str, str]  # seconds since the beginning, sink, `rule:transition`


class Ward:
    """One server's sessions, as their time goes by. Every second the shards that have something due are drained."""

    def __init__(self, redis: Redis, *routes: Route, shards: int = 1, **guide: Any) -> None:
        self.rig = Rig(redis, shards)
        self.rig.now_ms = AT_MS
        self.woken: list[str] = []
        told = Guide(routes=routes or (Route("chat"),), **guide)
        self.rig.watch = Watch(guide=told, wake=self.woken.extend)

    @property
    def now_ms(self) -> int:
        """The time in force."""
        return self.rig.clock()

    def hear(self, *bodies: Any, at: float | None = None) -> None:
        """All of it received now, or at that second, to which time goes on first; then drained."""
        if at is not None:
            self.wait_until(at)
        for body in bodies:
            self.rig.put(body, self.now_ms)
        self.rig.drain()

    def look(self, *session_ids: str) -> None:
        """As the API asks for a look at the alerts of sessions of the first shard."""
        words = to_fields(Arrival("", "", "", 0, msgspec.json.encode(session_ids), Kind.LOOK))
        fields: dict[Any, Any] = dict(zip(words[::2], words[1::2], strict=True))
        self.rig.redis.xadd(ShardKeys(0).inbox, fields, id=f"{self.now_ms}-*")
        self.rig.drain()

    def wait_until(self, second: float) -> None:
        """Time goes on; whatever falls due is looked at within a second."""
        until_ms = AT_MS + round(second * 1000)
        while (due_ms := self._due_ms()) is not None and due_ms <= until_ms:
            self.rig.now_ms = max(due_ms, self.now_ms)
            self.drain()
        self.rig.now_ms = max(until_ms, self.now_ms)

    def drain(self) -> None:
        """Drains every shard, without checking that all is consistent, which costs more than it."""
        self.rig.attend()
        for number in range(self.rig.shards):
            shard = self.rig.shard(number)
            while True:
                drain_once(shard, self.rig.limits, self.rig.watch)
                if shard.release():
                    break

    def deliver(self, sink: Sink, chance: Callable[[], float] = lambda: 0.0) -> None:
        """Sends what is due to `sink` now, until nothing is."""
        outbox = Outbox(self.rig.redis, sink.name, self.rig.shards, "deliverer")
        assert outbox.lease.acquire()
        deliverer = Deliverer(outbox, sink, chance)
        while (next_ms := deliverer.step(self.now_ms)) is not None and next_ms <= self.now_ms:
            pass
        outbox.lease.let_go()

    def _due_ms(self) -> int | None:
        earliest = [
            self.rig.redis.zrange(ShardKeys(number).deadlines, 0, 0, withscores=True)
            for number in range(self.rig.shards)
        ]
        return min((int(rows[0][1]) for rows in earliest if rows), default=None)

    def dossier(self, session_id: str = "s1") -> Dossier | None:
        for number in range(self.rig.shards):
            stored = self.rig.redis.get(ShardKeys(number).dossier(session_id))
            if stored is not None:
                return decode_dossier(stored)
        return None

    def alerts(self, session_id: str = "s1") -> list[Watched]:
        """All that are kept of a session."""
        dossier = self.dossier(session_id)
        return list(dossier.watched) if dossier else []

    def firing(self, session_id: str = "s1") -> list[str]:
        """The rules whose alerts fire."""
        return [each.alert.key.rule for each in self.alerts(session_id) if each.alert.state is AlertState.FIRING]

    def tellings(self) -> list[Telling]:
        """All that waits to be told, in the order in which it was decided."""
        found: list[Telling] = []
        for number in range(self.rig.shards):
            for route in self.rig.watch.guide.routes:
                stored: Mapping[bytes, bytes] = self.rig.redis.hgetall(ShardKeys(number).outbox(route.sink))
                found += [msgspec.json.decode(value, type=Telling) for value in stored.values()]
        return sorted(found, key=lambda telling: (telling.decided_ms, telling.key, telling.sink))

    def lines(self) -> list[Line]:
        return [
            ((each.decided_ms - AT_MS) / 1000, each.sink, f"{each.rule}:{each.key.rpartition(':')[2]}")
            for each in self.tellings()
        ]

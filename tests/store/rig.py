"""Vigil's store and drain without web and RQ: append, drain to the end, look, and check that all is consistent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from redis import Redis

from tests.store.build import arrival, route_of
from tests.store.consistency import check
from webhook.domain.errors import VigilError
from webhook.domain.folding import Limits
from webhook.domain.session import Session
from webhook.store.connection import server_now_ms
from webhook.store.inbox import Inbox, shard_of, to_fields
from webhook.store.keys import SWEPT, WEB_SEEN, ShardKeys
from webhook.store.sessions import Sessions
from webhook.store.shard import Shard
from workers.drain import drain_once
from workers.watching import Watch

WEEK_MS = 7 * 86_400_000
YEARS_MS = 30 * 365 * 86_400_000  # so that the fixed event times of tests are never too old


class Rig:
    """The store of one server, with shards of its own choosing.

    `watch` is what is done about alerts. Where `now_ms` is set it is the time, whatever the server's clock says.
    """

    def __init__(self, redis: Redis, shards: int, **bounds: int) -> None:
        self.redis, self.shards = redis, shards
        self.limits = Limits(**{"log_per_session": 4096, "retention_ms": YEARS_MS} | bounds)
        self.inbox = Inbox(redis, shards, 1_000_000)
        self.sessions = Sessions(redis, shards)
        self.watch = Watch()
        self.now_ms: int | None = None

    def append(self, *bodies: Any, ago_ms: int | None = None, **origin: str) -> None:
        """Into the inbox, as received now, or `ago_ms` before now by the server's clock.

        `origin` may name a source and a project.
        """
        for body in bodies:
            key = route_of(body, origin.get("project", "default"))
            if ago_ms is None:
                self.inbox.append(key, arrival(body, **origin))
            else:
                self.put(body, server_now_ms(self.redis) - ago_ms, key, **origin)

    def put(self, body: Any, received_ms: int, key: str | None = None, **more: str) -> None:
        """Into the inbox, as received at `received_ms`, without a wake-up. Calls must not go back in time."""
        words = to_fields(arrival(body, **more))
        fields: dict[Any, Any] = dict(zip(words[::2], words[1::2], strict=True))
        self.redis.xadd(self.keys_of(body, key).inbox, fields, id=f"{received_ms}-*")

    def keys_of(self, body: Any, key: str | None = None) -> ShardKeys:
        return ShardKeys(shard_of(key or route_of(body), self.shards))

    def shard(self, number: int, holder: str = "rig") -> Shard:
        """The shard with its lease taken, from whoever held it."""
        shard = Shard(self.redis, number, holder, self.clock if self.now_ms is not None else None)
        self.redis.delete(shard.keys.lease)
        assert shard.acquire()
        return shard

    def drain(self, *, attended: bool = True) -> int:
        """Drains every shard until nothing is left, and checks that all is consistent; returns how many were taken."""
        if attended:
            self.attend()
        taken = sum(map(self._drain, range(self.shards)))
        self.check()
        return taken

    def attend(self) -> None:
        """As if the sweep and some web process had just been there: without them silence proves nothing."""
        self.redis.set(WEB_SEEN, self.clock())
        self.redis.set(SWEPT, self.clock())

    def clock(self) -> int:
        """The time in force, in ms."""
        return server_now_ms(self.redis) if self.now_ms is None else self.now_ms

    def _drain(self, number: int) -> int:
        shard, taken = self.shard(number), 0
        for _ in range(1000):
            taken += drain_once(shard, self.limits, self.watch)
            if shard.release():
                return taken
        raise VigilError(f"shard {number} does not become empty")

    def check(self) -> None:
        check(self.redis, self.shards, self.limits.drifted)

    def session(self, session_id: str = "s1") -> Session:
        found = self.sessions.find(session_id)
        assert found, f"no session {session_id}"
        return found[1]

    def has(self, session_id: str) -> bool:
        return self.sessions.find(session_id) is not None

    def ids(self) -> list[str]:
        """The ids of all sessions; one that is in two shards stands twice."""
        prefixes = [ShardKeys(shard).session("") for shard in range(self.shards)]
        return sorted(
            key.decode().removeprefix(prefix)
            for prefix in prefixes
            for key in self.redis.scan_iter(f"{prefix}*", count=1000)
        )

    def outcomes(self) -> dict[str, int]:
        """How many notifications had which outcome, by the counts of all minutes."""
        counts: dict[str, int] = {}
        for key in self.redis.scan_iter("vigil:*:minute:*"):
            hashed: Mapping[bytes, bytes] = self.redis.hgetall(key)
            for name, count in hashed.items():
                if name.startswith(b"outcome:"):
                    outcome = name.decode().removeprefix("outcome:")
                    counts[outcome] = counts.get(outcome, 0) + int(count)
        return counts

    def deafen(self, until_ms: int) -> None:
        self.redis.set("vigil:deaf_until", until_ms)


def dump(redis: Redis) -> dict[bytes, bytes]:
    """Every key with its serialised value."""
    return {key: redis.dump(key) or b"" for key in sorted(redis.scan_iter(count=1000))}

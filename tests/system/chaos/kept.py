"""What Vigil kept in the end: a walk over every log in Redis."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from msgspec import Struct
from redis import Redis

from tests.system.stack import SHARDS
from webhook.domain.log import Entry, session_log
from webhook.domain.session import Session
from webhook.store.codec import decode_entry, decode_session
from webhook.store.keys import ShardKeys
from webhook.store.loading import EFFECT


class Place(Struct, frozen=True, gc=False):
    """Where a noticeId stands, as what, and how often it is counted there."""

    log: str
    outcome: str
    count: int


class Tally(Struct):
    """The entries that speak of one session, in whatever log, and how often they came."""

    entries: int = 0
    arrivals: int = 0


class Kept:
    """All that is in the logs. Entries are not held; they are read once more, session by session."""

    def __init__(self, redis: Redis) -> None:
        self.places: dict[str, Place] = {}
        self.twice: list[str] = []
        self.tallies: defaultdict[str, Tally] = defaultdict(Tally)
        self.folded: Counter[str] = Counter()  # entries by outcome
        self.counted: Counter[str] = Counter()  # arrivals by outcome, as the statistics of minutes say
        self.silent: set[str] = set()  # sessions that are lost, of those that were looked at
        self._shards: dict[str, list[int]] = defaultdict(list)
        self._redis = redis
        for shard in range(SHARDS):
            self._walk(ShardKeys(shard))

    @property
    def session_ids(self) -> set[str]:
        """Every session there is."""
        return set(self._shards)

    def shards_of(self, sid: str) -> list[int]:
        """The shards in which the session stands; there should be one."""
        return self._shards.get(sid, [])

    def session(self, sid: str) -> tuple[Session, dict[str, Entry]] | None:
        """The session's projection and its log, entries by field; None where it is in no shard."""
        shards = self.shards_of(sid)
        if not shards:
            return None
        keys = ShardKeys(shards[0])
        stored: Any = self._redis.get(keys.session(sid))
        session = decode_session(stored)
        self.silent |= {sid} if session.lost_ms is not None else set()
        return session, self._entries(keys.log(session_log(sid)))

    def _walk(self, keys: ShardKeys) -> None:
        for key in self._redis.scan_iter(keys.session("*"), count=1000):
            self._shards[key.decode().removeprefix(keys.session(""))].append(keys.shard)
        for key in self._redis.scan_iter(keys.log("*"), count=1000):
            log = key.decode().removeprefix(keys.log(""))
            for entry in self._entries(key).values():
                self._list(log, entry)
        for key in self._redis.scan_iter(keys.inbox.removesuffix("inbox") + "minute:*", count=1000):
            counts: Any = self._redis.hgetall(key)
            for name, count in counts.items():
                if name.startswith(b"outcome:"):
                    self.counted[name.decode().removeprefix("outcome:")] += int(count)

    def _entries(self, key: Any) -> dict[str, Entry]:
        fields: Any = self._redis.hgetall(key)
        return {
            name.decode(): decode_entry(value) for name, value in fields.items() if not name.startswith(EFFECT.encode())
        }

    def _list(self, log: str, entry: Entry) -> None:
        self.folded[entry.outcome.value] += 1
        for copy in entry.copies:
            if copy.notice_id in self.places:
                self.twice.append(f"{copy.notice_id} is in {self.places[copy.notice_id].log} and again in {log}")
            self.places[copy.notice_id] = Place(log, entry.outcome.value, copy.count)
        if entry.session_id is not None:
            tally = self.tallies[entry.session_id]
            tally.entries += 1
            tally.arrivals += sum(copy.count for copy in entry.copies)

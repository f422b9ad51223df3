"""One shard as its writer sees it: the lease, the inbox, what is known, and the commit that the lease fences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from redis import Redis

from webhook.domain.arrivals import Arrival, Reading
from webhook.domain.errors import LeaseLost
from webhook.domain.folding import Known, Spot, stale_field
from webhook.domain.log import DEAD, LOOSE, Entry, session_log
from webhook.domain.session import Session
from webhook.store import keys
from webhook.store.codec import decode_entry, decode_session
from webhook.store.commit import Commit
from webhook.store.connection import store_errors
from webhook.store.inbox import PENDING_MS, from_fields
from webhook.store.keys import ShardKeys
from webhook.store.scripts import source
from webhook.store.watch import DEAF_MS, away

LEASE_MS = 5000
FIRST_ENTRIES = 32  # of a slice
BATCH_BYTES = 2_000_000  # of bodies that a batch aims at
MOST_DUE = 200  # sessions whose deadlines one batch looks at
EFFECT = "\x00e:"  # marks, among a log's fields, what was counted; no name of an entry begins so


class Received(Struct, frozen=True):
    """An arrival with its place in the inbox. The received time, in ms, is the server's at the append."""

    entry_id: str
    received_ms: int
    arrival: Arrival


class Batch(Struct, frozen=True):
    """What waits in a shard: the head of its inbox and the sessions that are due. `now_ms` is the server's.

    `full` tells that the inbox may hold more than was read.
    """

    received: list[Received]
    full: bool
    due: list[str]
    expired: list[str]  # dead letters older than their bound
    now_ms: int
    deaf_until_ms: int
    attended: bool  # the sweep and some web process were there lately

    @property
    def deaf(self) -> bool:
        """Whether silence proves nothing now."""
        return self.now_ms < self.deaf_until_ms or not self.attended


class Lost(Struct, frozen=True):
    """Sessions whose projection cannot be read, with the reason; their notifications become dead letters."""

    reasons: dict[str, str]


class Shard:
    """The only writer of a shard's state, while it holds the lease."""

    def __init__(self, redis: Redis, shard: int, token: str) -> None:
        self.keys = ShardKeys(shard)
        self._redis = redis
        self._token = token
        self._size = FIRST_ENTRIES
        self._acquire = redis.register_script(source("acquire"))
        self._commit = redis.register_script(source("commit"))
        self._release = redis.register_script(source("release"))
        self._hand_over = redis.register_script(source("hand_over"))

    def acquire(self) -> bool:
        """Takes the lease; False while another holds it."""
        with store_errors(f"taking the lease of shard {self.keys.shard}"):
            return bool(self._acquire(keys=[self.keys.lease], args=[self._token, LEASE_MS]))

    def release(self) -> bool:
        """Gives up the lease if the inbox is empty; False, keeping it, where work is left. Raises LeaseLost."""
        with store_errors(f"releasing the lease of shard {self.keys.shard}"):
            answer = self._release(keys=[self.keys.lease, self.keys.pending, self.keys.inbox], args=[self._token])
        return self._held(answer) == 1

    def hand_over(self) -> None:
        """Gives up the lease with work left; the caller sends the wake-up. Raises LeaseLost."""
        with store_errors(f"handing over shard {self.keys.shard}"):
            self._held(self._hand_over(keys=[self.keys.lease, self.keys.pending], args=[self._token, PENDING_MS]))

    def batch(self, most: int, dead_ms: int) -> Batch:
        """The next entries of the inbox, oldest first, and the deadlines that have passed.

        At most `most` entries, and few at first: what a batch reads it has to fold before the lease ends, and bodies
        may be large.
        """
        asked = min(most, self._size)
        with store_errors(f"reading shard {self.keys.shard}"), self._redis.pipeline(transaction=False) as pipe:
            pipe.time()
            pipe.xrange(self.keys.inbox, count=asked)
            pipe.zrange(self.keys.deadlines, 0, MOST_DUE - 1, withscores=True)
            pipe.zrange(self.keys.places(DEAD), 0, MOST_DUE - 1, withscores=True)
            pipe.mget(keys.DEAF_UNTIL, keys.SWEPT, keys.WEB_SEEN)
            (seconds, micros), entries, due, oldest_dead, (deaf_until, swept, web_seen) = pipe.execute()
        now_ms = seconds * 1000 + micros // 1000
        received = [_received(entry_id, fields) for entry_id, fields in entries]
        self._size = _next_size(asked, received)
        return Batch(
            received,
            len(received) == asked,
            [session_id.decode() for session_id, at_ms in due if at_ms <= now_ms],
            [place.decode() for place, at_ms in oldest_dead if at_ms <= now_ms - dead_ms],
            now_ms,
            min(int(deaf_until or 0), now_ms + DEAF_MS),  # a clock that was set back must not prolong it
            not (away(swept, now_ms) or away(web_seen, now_ms)),
        )

    def load(self, readings: Iterable[Reading], others: Sequence[str]) -> tuple[Known, Lost]:
        """All that is known of what the readings speak of, and of the `others`, which are ids of sessions."""
        wanted = _Wanted(readings, others)
        with store_errors(f"loading from shard {self.keys.shard}"), self._redis.pipeline(transaction=False) as pipe:
            pipe.zcard(self.keys.places(LOOSE))
            pipe.hkeys(self.keys.drift)
            if wanted.sessions:
                pipe.mget([self.keys.session(session_id) for session_id in wanted.sessions])
            for log, fields in wanted.fields.items():
                pipe.hmget(self.keys.log(log), fields)
            answers = iter(pipe.execute())
        known = Known(loose=next(answers), drifted={name.decode() for name in next(answers)})
        lost = _decode_sessions(wanted.sessions, next(answers) if wanted.sessions else [], known)
        for (log, fields), values in zip(wanted.fields.items(), answers, strict=True):
            _sort_fields(log, fields, values, known)
        return known, lost

    def least(self, overflow: dict[str, int]) -> dict[str, list[Spot]]:
        """The least spots of each log, as many as it is over its bound."""
        with store_errors(f"reading logs of shard {self.keys.shard}"), self._redis.pipeline(transaction=False) as pipe:
            for log, count in overflow.items():
                pipe.zrange(self.keys.places(log), 0, count - 1, withscores=True)
            answers = pipe.execute()
        return {
            log: [Spot(int(at_ms), place.decode()) for place, at_ms in spots]
            for log, spots in zip(overflow, answers, strict=True)
        }

    def entries(self, spots: dict[str, list[Spot]]) -> dict[tuple[str, str], Entry]:
        """The stored entries at these spots; those that are not stored are left out."""
        with store_errors(f"reading logs of shard {self.keys.shard}"), self._redis.pipeline(transaction=False) as pipe:
            wanted = {log: [spot.field for spot in of] for log, of in spots.items() if of}
            for log, fields in wanted.items():
                pipe.hmget(self.keys.log(log), fields)
            answers = pipe.execute()
        known = Known()
        for (log, fields), values in zip(wanted.items(), answers, strict=True):
            _sort_fields(log, fields, values, known)
        return known.entries

    def effects(self, log: str, digests: Sequence[str]) -> dict[str, str]:
        """The floor of the last spot that told of each effect, of those that are stored."""
        if not digests:
            return {}
        with store_errors(f"reading a log of shard {self.keys.shard}"):
            values: Any = self._redis.hmget(self.keys.log(log), [EFFECT + digest for digest in digests])
        return {digest: value.decode() for digest, value in zip(digests, values, strict=True) if value is not None}

    def whole_log(self, log: str) -> list[Spot]:
        """Every spot of a log, in total order."""
        with store_errors(f"reading a log of shard {self.keys.shard}"):
            spots: Any = self._redis.zrange(self.keys.places(log), 0, -1, withscores=True)
        return [Spot(int(at_ms), place.decode()) for place, at_ms in spots]

    def commit(self, commit: Commit) -> None:
        """Writes all of `commit` or none of it. Raises LeaseLost when another took the lease meanwhile."""
        commands = commit.commands()
        keys_of_slot = [self.keys.lease, *(key for key, _ in commands)]
        words = [word for _, command in commands for word in (len(command), *command)]
        with store_errors(f"committing to shard {self.keys.shard}"):
            self._held(self._commit(keys=keys_of_slot, args=[self._token, LEASE_MS, *words]))

    def _held(self, answer: Any) -> int:
        if answer == -1:
            raise LeaseLost(f"shard {self.keys.shard} is another worker's now; nothing was written")
        return int(answer)


def _next_size(asked: int, received: list[Received]) -> int:
    """How many entries the next batch reads: four times as many while they are small, fewer where they are large."""
    size = sum(len(each.arrival.body) for each in received) // max(1, len(received))
    return max(1, min(4 * asked, BATCH_BYTES // max(1, size)))


class _Wanted:
    """Which sessions and log fields a batch needs, each once."""

    def __init__(self, readings: Iterable[Reading], due: Sequence[str]) -> None:
        sessions = dict.fromkeys(due)
        fields: dict[str, dict[str, None]] = {}
        for reading in readings:
            names = fields.setdefault(reading.log, {})
            names[reading.field] = None
            if reading.entry.effect is not None:
                names[EFFECT + reading.entry.effect] = None
            if reading.fact is not None:
                sessions[reading.fact.session_id] = None
                # where it goes if it is stale, or cannot be folded
                fields.setdefault(LOOSE, {})[stale_field(reading)] = None
                fields.setdefault(DEAD, {})[reading.field] = None
        self.sessions = list(sessions)
        self.fields = {log: list(names) for log, names in fields.items()}


def _received(entry_id: bytes, fields: dict[bytes, bytes]) -> Received:
    name = entry_id.decode()
    return Received(name, int(name.partition("-")[0]), from_fields(fields))


def _decode_sessions(session_ids: Sequence[str], stored: Sequence[bytes | None], known: Known) -> Lost:
    reasons = {}
    for session_id, value in zip(session_ids, stored, strict=True):
        try:
            if value is not None:
                known.sessions[session_id] = decode_session(value)
        except msgspec.MsgspecError as mistake:
            reasons[session_id] = f"the session's projection cannot be read: {mistake}"
    return Lost(reasons)


def _sort_fields(log: str, fields: Sequence[str], values: Sequence[bytes | None], known: Known) -> None:
    for field, value in zip(fields, values, strict=True):
        if value is None:
            continue
        if field.startswith(EFFECT):
            known.effects[log, field.removeprefix(EFFECT)] = value.decode()
        else:
            _know(known, log, field, value)


def _know(known: Known, log: str, field: str, value: bytes) -> None:
    try:
        known.entries[log, field] = decode_entry(value)
    except msgspec.MsgspecError:  # written by a later release, which this one leaves as it is
        known.unreadable.add((log, field))


def session_keys(shard_keys: ShardKeys, session: Session) -> list[str]:
    """The keys that go with a session when it is forgotten."""
    log = session_log(session.id)
    return [shard_keys.session(session.id), shard_keys.log(log), shard_keys.places(log)]

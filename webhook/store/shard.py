"""One shard as its writer sees it: the lease, the inbox, what is known, and the commit that the lease fences."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import IntEnum
from typing import Any

from msgspec import Struct
from redis import Redis

from webhook.domain.alerting.dossier import SELF
from webhook.domain.arrivals import Arrival, Reading
from webhook.domain.errors import LeaseLost
from webhook.domain.folding import Known, Spot
from webhook.domain.log import DEAD, LOOSE, Entry, session_log
from webhook.domain.session import Session
from webhook.store import keys
from webhook.store.commit import Commit, Value
from webhook.store.connection import server_now_ms, store_errors
from webhook.store.dossiers import Dossiers
from webhook.store.inbox import PENDING_MS, from_fields
from webhook.store.keys import ShardKeys
from webhook.store.loading import EFFECT, Lost, Wanted, decode_sessions, sort_fields
from webhook.store.scripts import source
from webhook.store.spools import LISTENED_TO_MS, together
from webhook.store.watch import DEAF_MS, unseen, waits

LEASE_MS = 5000
MOST_ENTRIES = 500  # of a batch
CRASHES = 3  # after which entries are taken singly; after as many more the head is set aside, in the end unread
FIRST_ENTRIES = 32  # of a slice
BATCH_BYTES = 2_000_000  # of bodies that a batch aims at
MOST_DUE = 200  # sessions whose deadlines one batch looks at


class Received(Struct, frozen=True):
    """An arrival with its place in the inbox. The received time, in ms, is the server's at the append; where the
    notification was spooled it is when that was, and never later than the append.
    """

    entry_id: str
    received_ms: int
    arrival: Arrival


class Care(IntEnum):
    """How a batch is to be taken, by how often its predecessors died before they could commit."""

    NONE = 0  # as a whole
    SINGLE = 1  # it is one entry
    SET_ASIDE = 2  # that entry is read, and becomes a dead letter
    UNREAD = 3  # that entry becomes a dead letter as it is


class Batch(Struct, frozen=True):
    """What waits in a shard: the head of its inbox and the sessions that are due. `now_ms` is the server's.

    `full` tells that the inbox may hold more than was read.
    """

    received: list[Received]
    care: Care
    full: bool
    due: list[str]
    expired: list[str]  # dead letters older than their bound
    now_ms: int
    deaf_until_ms: int
    spooled: bool  # some spool holds what was received longer ago than what is read here
    unwatched: bool  # nobody looks after Vigil itself yet, and this is the shard whose writer does
    attended: bool  # the sweep and some web process were there lately, and no spool holds what has to be heard

    @property
    def deaf(self) -> bool:
        """Whether silence proves nothing now."""
        return self.now_ms < self.deaf_until_ms or not self.attended


class Shard:
    """The only writer of a shard's state, while it holds the lease. A `clock` says the ms in the server's stead."""

    def __init__(self, redis: Redis, shard: int, token: str, clock: Callable[[], int] | None = None) -> None:
        self.keys = ShardKeys(shard)
        self.dossiers = Dossiers(redis, self.keys)
        self._redis = redis
        self._clock = clock
        self._token = token
        self._size = FIRST_ENTRIES
        self._tried, self._singles = 1, 0  # attempts at the head, this one included; entries to be taken singly
        self._acquire = redis.register_script(source("acquire"))
        self._commit = redis.register_script(source("commit"))
        self._release = redis.register_script(source("release"))
        self._hand_over = redis.register_script(source("hand_over"))
        self._forgive = redis.register_script(source("forgive"))

    def acquire(self) -> bool:
        """Takes the lease; False while another holds it."""
        with store_errors(f"taking the lease of shard {self.keys.shard}"):
            answer: Any = self._acquire(keys=[self.keys.lease, self.keys.attempts], args=[self._token, LEASE_MS])
        if not answer:
            return False
        self._tried, self._singles = answer
        return True

    def release(self) -> bool:
        """Gives up the lease if the inbox is empty; False, keeping it, where work is left. Raises LeaseLost."""
        with store_errors(f"releasing the lease of shard {self.keys.shard}"):
            keys_of_slot = [self.keys.lease, self.keys.pending, self.keys.inbox, self.keys.attempts]
            answer = self._release(keys=keys_of_slot, args=[self._token])
        return self._held(answer) == 1

    def hand_over(self) -> None:
        """Gives up the lease with work left; the caller sends the wake-up. Raises LeaseLost."""
        with store_errors(f"handing over shard {self.keys.shard}"):
            keys_of_slot = [self.keys.lease, self.keys.pending, self.keys.attempts]
            self._held(self._hand_over(keys=keys_of_slot, args=[self._token, PENDING_MS]))

    def forgive(self) -> None:
        """Takes back an attempt that failed without a crash, whoever holds the lease by now, and gives up the lease."""
        with store_errors(f"giving up shard {self.keys.shard}"):
            self._forgive(keys=[self.keys.lease, self.keys.attempts], args=[self._token])

    @property
    def care(self) -> Care:
        """How the next batch is to be taken."""
        crashes = (self._tried - 1) // CRASHES + (1 if self._singles else 0)
        return Care(min(crashes, Care.UNREAD))

    def now_ms(self) -> int:
        """The server's clock."""
        with store_errors("reading the server's clock"):
            return server_now_ms(self._redis)

    def batch(self, dead_ms: int) -> Batch:
        """The next entries of the inbox, oldest first, and the deadlines that have passed.

        At most MOST_ENTRIES, and few at first: what a batch reads it has to fold before the lease ends, and bodies
        may be large. One while its predecessors have died.
        """
        care = self.care
        asked = 1 if care else min(MOST_ENTRIES, self._size)
        with store_errors(f"reading shard {self.keys.shard}"), self._redis.pipeline(transaction=False) as pipe:
            pipe.time()
            pipe.xrange(self.keys.inbox, count=asked)
            pipe.zrange(self.keys.deadlines, 0, MOST_DUE - 1, withscores=True)
            pipe.zrange(self.keys.places(DEAD), 0, MOST_DUE - 1, withscores=True)
            pipe.mget(keys.DEAF_UNTIL, keys.SWEPT, keys.WEB_SEEN)
            pipe.hvals(keys.SPOOLS)
            pipe.zscore(self.keys.deadlines, SELF)
            (seconds, micros), entries, due, oldest_dead, (deaf_until, swept, web_seen), spools, own = pipe.execute()
        now_ms = self._clock() if self._clock else seconds * 1000 + micros // 1000
        held = together(spools, now_ms, LISTENED_TO_MS)
        received = [_received(entry_id, fields) for entry_id, fields in entries]
        self._size = _next_size(asked, received) if not care else FIRST_ENTRIES
        return Batch(
            received,
            care,
            len(received) == asked,
            [session_id.decode() for session_id, at_ms in due if at_ms <= now_ms],
            [place.decode() for place, at_ms in oldest_dead if at_ms <= now_ms - dead_ms],
            now_ms,
            min(int(deaf_until or 0), now_ms + DEAF_MS),  # a clock that was set back must not prolong it
            waits(held, now_ms),
            self.keys.shard == 0 and own is None,
            not (unseen(swept, now_ms) or unseen(web_seen, now_ms) or waits(held, now_ms)),
        )

    def load(self, readings: Iterable[Reading], others: Sequence[str]) -> tuple[Known, Lost]:
        """All that is known of what the readings speak of, and of the `others`, which are ids of sessions."""
        wanted = Wanted(readings, others)
        with store_errors(f"loading from shard {self.keys.shard}"), self._redis.pipeline(transaction=False) as pipe:
            pipe.zcard(self.keys.places(LOOSE))
            pipe.hkeys(self.keys.drift)
            if wanted.sessions:
                pipe.mget([self.keys.session(session_id) for session_id in wanted.sessions])
            for log, fields in wanted.fields.items():
                pipe.hmget(self.keys.log(log), fields)
            answers = iter(pipe.execute())
        known = Known(loose=next(answers), drifted={name.decode() for name in next(answers)})
        lost = decode_sessions(wanted.sessions, next(answers) if wanted.sessions else [], known)
        for (log, fields), values in zip(wanted.fields.items(), answers, strict=True):
            sort_fields(log, fields, values, known)
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
            sort_fields(log, fields, values, known)
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

    def heard(self, session_id: str) -> list[Spot]:
        """The dead letters that a session counts as heard, the first received first."""
        with store_errors(f"reading what shard {self.keys.shard} heard"):
            names: Any = self._redis.zrange(self.keys.heard(session_id), 0, -1, withscores=True)
        return [Spot(int(at_ms), f"|{name.decode()}") for name, at_ms in names]

    def told_of(self, session_id: str) -> dict[tuple[str, str], Entry]:
        """Every stored entry that a session is folded from: of its log, and the dead letters that it heard."""
        name = session_log(session_id)
        return self.entries({name: self.whole_log(name), DEAD: self.heard(session_id)})

    def amend(self, commit: Commit) -> None:
        """Writes all of `commit` or none of it, apart from any batch: who died at the inbox stays counted.

        Raises LeaseLost when another took the lease meanwhile.
        """
        self._write(commit.commands())

    def commit(self, commit: Commit) -> None:
        """Writes all of `commit` or none of it; the next batch has then begun.

        Raises LeaseLost when another took the lease meanwhile.
        """
        singles = self._singles_left()
        begun: list[Value] = ["HSET", f"by:{self._token}", 1]
        begun += ["singles", singles] if singles else []
        anew: list[tuple[str, list[Value]]] = [(self.keys.attempts, ["UNLINK"]), (self.keys.attempts, begun)]
        self._write([*commit.commands(), *anew])
        self._tried, self._singles = 1, singles

    def _write(self, commands: list[tuple[str, list[Value]]]) -> None:
        keys_of_slot = [self.keys.lease, *(key for key, _ in commands)]
        words = [word for _, command in commands for word in (len(command), *command)]
        with store_errors(f"committing to shard {self.keys.shard}"):
            self._held(self._commit(keys=keys_of_slot, args=[self._token, LEASE_MS, *words]))

    def _singles_left(self) -> int:
        # whoever killed the batches before is among the first MOST_ENTRIES
        if self._tried > CRASHES and not self._singles:
            return MOST_ENTRIES - 1
        return max(0, self._singles - 1)

    def _held(self, answer: Any) -> int:
        if answer == -1:
            raise LeaseLost(f"shard {self.keys.shard} is another worker's now; nothing was written")
        return int(answer)


def _next_size(asked: int, received: list[Received]) -> int:
    """How many entries the next batch reads: four times as many while they are small, fewer where they are large."""
    size = sum(len(each.arrival.body) for each in received) // max(1, len(received))
    return max(1, min(4 * asked, BATCH_BYTES // max(1, size)))


def _received(entry_id: bytes, fields: dict[bytes, bytes]) -> Received:
    name = entry_id.decode()
    arrival, appended_ms = from_fields(fields), int(name.partition("-")[0])
    return Received(name, min(appended_ms, arrival.received_ms or appended_ms), arrival)


def session_keys(shard_keys: ShardKeys, session: Session) -> list[str]:
    """The keys that go with a session when it is forgotten."""
    log = session_log(session.id)
    return [shard_keys.session(session.id), shard_keys.log(log), shard_keys.places(log)]

"""Silences as they are kept: one hash of the whole installation, which web processes write and drains read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace
from redis import Redis

from webhook.domain.alerting.silences import Silence
from webhook.domain.arrivals import Arrival, Kind
from webhook.domain.errors import Rejected
from webhook.domain.facets import ALL, of_state
from webhook.domain.states import OVER
from webhook.receipts import new_receipt
from webhook.store import keys
from webhook.store.connection import store_errors
from webhook.store.inbox import Appended, Inbox
from webhook.store.keys import ShardKeys

MOST = 1000
MOST_LOOKS = 200  # sessions an entry of an inbox names
KEPT_MS = 7 * 86_400_000  # after its end, or for a session that was never heard of
_silence = msgspec.json.Decoder(Silence)

T = TypeVar("T")
Ends = Mapping[str, int]  # id of a silence -> since when, ms, the session is over with which it ends
Activity = dict[str, int]  # session -> its last event, ms


class Silences:
    """Reads and writes them. All methods raise StoreError."""

    def __init__(self, redis: Redis, shards: int) -> None:
        self._redis = redis
        self._keys = [ShardKeys(shard) for shard in range(shards)]

    def all(self) -> list[Silence]:
        """Those that this release can read, last created first."""
        with store_errors("reading silences"):
            stored: Any = self._redis.hvals(keys.SILENCES)
        return sorted(decode_all(stored), key=place, reverse=True)

    def find(self, silence_id: str) -> Silence | None:
        """The silence of this id; None where there is none, or a later release wrote it."""
        with store_errors("reading a silence"):
            stored: Any = self._redis.hget(keys.SILENCES, silence_id)
        return None if stored is None else _decoded(stored)

    def add(self, silence: Silence, now_ms: int) -> None:
        """Keeps a new one, and forgets those that ended long ago: where there is no room for it, before their time.

        Raises Rejected (409) where MOST of them have not ended.
        """
        ends = self.ends(self.all(), now_ms)

        def write(pipe: Any) -> None:
            stored = pipe.hgetall(keys.SILENCES)
            forgotten = _forgotten(decode_all(stored.values()), ends, now_ms, room=MOST - 1 - len(stored))
            if len(stored) - len(forgotten) >= MOST:
                advice = f"{MOST} silences have not ended, as many as may be; expire those that nobody needs"
                raise Rejected(409, "Too many silences", advice)
            pipe.multi()
            _forget(pipe, forgotten)
            pipe.hset(keys.SILENCES, silence.id, msgspec.json.encode(silence))

        with store_errors("keeping a silence"):
            self._transact(write)

    def expire(self, silence_id: str, now_ms: int) -> Silence | None:
        """Ends one at `now_ms`, unless somebody did before; returns it as it is now, None where there is none.

        Others that ended long ago are forgotten.
        """
        ends = self.ends(self.all(), now_ms)

        def write(pipe: Any) -> Silence | None:
            stored = pipe.hgetall(keys.SILENCES)
            known = {silence.id: silence for silence in decode_all(stored.values())}
            silence = known.pop(silence_id, None)
            pipe.multi()
            _forget(pipe, _forgotten(known.values(), ends, now_ms))
            if silence is not None and silence.expired_ms is None:
                silence = replace(silence, expired_ms=now_ms)
                pipe.hset(keys.SILENCES, silence_id, msgspec.json.encode(silence))
            return silence

        with store_errors("ending a silence"):
            return self._transact(write)

    def _transact(self, write: Callable[[Any], T]) -> T:
        """What `write` returns, which reads and then writes in one MULTI; again, where somebody else wrote between."""
        transaction: Any = self._redis.transaction
        answer: T = transaction(write, keys.SILENCES, value_from_callable=True)
        return answer

    def ends(self, silences: Iterable[Silence], now_ms: int) -> dict[str, int]:
        """Of those that end with a session that is over: since when it is, in ms of event time, by their ids.

        A session that is not known a week after its silence was created was over before.
        """
        bound = [(silence, silence.session_id) for silence in silences if silence.session_id is not None]
        known, over = self._sessions({session_id for _, session_id in bound})
        found: dict[str, int] = {}
        for silence, session_id in bound:
            if session_id in over:
                found[silence.id] = max(over[session_id], silence.created_ms)
            elif session_id not in known and silence.created_ms < now_ms - KEPT_MS:
                found[silence.id] = silence.created_ms
        return found

    def _sessions(self, session_ids: Collection[str]) -> tuple[Activity, Activity]:
        """Those that are known, and among them those that are over; by the indexes, which are shorter than sessions."""
        if not session_ids:
            return {}, {}
        wanted = list(session_ids)
        with store_errors("looking for sessions"), self._redis.pipeline(transaction=False) as pipe:
            for of in self._keys:
                for name in (ALL, *map(of_state, OVER)):
                    pipe.zmscore(of.index(name), wanted)
            answers = pipe.execute()
        each = 1 + len(OVER)
        known = [answer for number, answer in enumerate(answers) if number % each == 0]
        over = [answer for number, answer in enumerate(answers) if number % each]
        return _latest(wanted, known), _latest(wanted, over)


def look_again(inbox: Inbox, places: Iterable[tuple[int, str]]) -> Iterator[Appended]:
    """Asks the workers to look at the alerts of these sessions, each named with its shard: one entry after the other.

    Raises StoreError.
    """
    by_shard: dict[int, list[str]] = {}
    for shard, session_id in dict.fromkeys(places):
        by_shard.setdefault(shard, []).append(session_id)
    for shard, session_ids in by_shard.items():
        for first in range(0, len(session_ids), MOST_LOOKS):
            body = msgspec.json.encode(session_ids[first : first + MOST_LOOKS])
            yield inbox.append_to(shard, Arrival(new_receipt(), "", "", 0, body, Kind.LOOK))


def decode_all(stored: Iterable[bytes]) -> tuple[Silence, ...]:
    """The silences that are stored, without those that a later release wrote: what they mean is not known here."""
    return _decoded_all(tuple(stored))


def place(silence: Silence) -> tuple[int, str]:
    """Where it stands in the order of lists."""
    return silence.created_ms, silence.id


@lru_cache(maxsize=4)  # whoever asks again finds them as they were, but for a few times a day
def _decoded_all(stored: tuple[bytes, ...]) -> tuple[Silence, ...]:
    return tuple(silence for silence in map(_decoded, stored) if silence is not None)


def _decoded(stored: bytes) -> Silence | None:
    try:
        return _silence.decode(stored)
    except msgspec.MsgspecError:
        return None


def _forgotten(silences: Iterable[Silence], ends: Ends, now_ms: int, room: int = 0) -> list[str]:
    """The ids of those that ended more than KEPT_MS ago, and where `room` is negative of so many more, at least, that
    have ended.
    """
    ended = sorted((ended_ms, silence.id) for silence in silences if (ended_ms := _ended_ms(silence, ends)) <= now_ms)
    old = sum(ended_ms < now_ms - KEPT_MS for ended_ms, _ in ended)
    return [silence_id for _, silence_id in ended[: max(old, -room)]]


def _ended_ms(silence: Silence, ends: Ends) -> float:
    """When it ended or will; infinite where it ends with a session that goes on."""
    told = (silence.expired_ms, silence.ends_ms, ends.get(silence.id))
    return min((ended_ms for ended_ms in told if ended_ms is not None), default=float("inf"))


def _latest(session_ids: Sequence[str], answers: Iterable[Sequence[float | None]]) -> Activity:
    """The latest activity of each session that any of these indexes has."""
    found: dict[str, int] = {}
    for scores in answers:
        for session_id, score in zip(session_ids, scores, strict=True):
            if score is not None:
                found[session_id] = max(int(score), found.get(session_id, 0))
    return found


def _forget(pipe: Any, silence_ids: Collection[str]) -> None:
    if silence_ids:
        pipe.hdel(keys.SILENCES, *silence_ids)

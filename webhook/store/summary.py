"""The figures of the first screen, from gauges and counts that commits keep: the cost does not grow with sessions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec import Struct
from redis import Redis

from webhook.domain.alerting.alerts import AlertState, Severity
from webhook.domain.log import DEAD
from webhook.store import keys
from webhook.store.connection import server_now_ms, store_errors
from webhook.store.keys import ShardKeys
from webhook.store.rounds import Command, Reader, read
from webhook.store.spools import Spooled, together

WINDOW_MINUTES = 5
KEPT_REJECTIONS = 20
MINUTE_TTL = 7200  # seconds


class Counts(Struct, frozen=True):
    """What was counted in some minutes: notifications by outcome, lags by bucket (store/lags.py), posts refused."""

    outcomes: Counter[str]
    lags: Counter[int]
    rejected: Counter[str]


class Figures(Struct, frozen=True):
    """Gauges now, and what was counted in the last WINDOW_MINUTES. Ages are ms."""

    gauges: Counter[str]
    recent: Counts
    inbox_depth: int
    inbox_oldest_ms: int
    dead_letters: int
    spooled: Spooled
    now_ms: int

    @property
    def pending(self) -> int:
        """How many alerts are pending."""
        return sum(self._alerts(severity, AlertState.PENDING) for severity in Severity)

    @property
    def firing(self) -> dict[Severity, int]:
        """How many alerts of each severity fire."""
        return {severity: self._alerts(severity, AlertState.FIRING) for severity in Severity}

    def _alerts(self, severity: Severity, state: AlertState) -> int:
        """Those of all rules, each of which has a gauge `alert:rule:severity:state` of its own."""
        end = f":{severity.value}:{state.value}"
        counts = (count for name, count in self.gauges.items() if name.startswith("alert:") and name.endswith(end))
        return sum(counts)


class Summary:
    """Reads figures and counts rejections."""

    def __init__(self, redis: Redis, shards: int) -> None:
        self._redis = redis
        self._keys = [ShardKeys(shard) for shard in range(shards)]

    def read(self) -> Figures:
        """All figures. Raises StoreError."""
        return read(self._redis, "reading the summary", self.reading())

    def reading(self) -> Reader[Figures]:
        """The same, in two steps: which minutes to ask for is known by the server's time."""
        (seconds, micros), reports, *per_shard = yield [
            ("TIME",),
            ("HVALS", keys.SPOOLS),
            *(command for of in self._keys for command in _of_shard(of)),
        ]
        now_ms = int(seconds) * 1000 + int(micros) // 1000
        recent = yield from self.counting(range(now_ms // 60_000 - WINDOW_MINUTES + 1, now_ms // 60_000 + 1))
        oldest = [int(entries[0][0].partition(b"-")[0]) for entries in per_shard[2::4] if entries]
        return Figures(
            gauges=_sum(per_shard[0::4]),
            recent=recent,
            inbox_depth=sum(per_shard[1::4]),
            inbox_oldest_ms=max(0, now_ms - min(oldest)) if oldest else 0,
            dead_letters=sum(per_shard[3::4]),
            spooled=together(reports, now_ms),
            now_ms=now_ms,
        )

    def counting(self, minutes: Iterable[int]) -> Reader[Counts]:
        """What was counted in these minutes since the epoch, in one step. They are kept for two hours."""
        names = [
            key for minute in minutes for key in (keys.rejected(minute), *(of.minute(minute) for of in self._keys))
        ]
        answers = yield [("HGETALL", name) for name in names]
        refused = _sum(answers[:: len(self._keys) + 1])
        taken = _sum(answer for at, answer in enumerate(answers) if at % (len(self._keys) + 1))
        lags = {int(number): count for number, count in _under("lag:", taken).items()}
        return Counts(outcomes=_under("outcome:", taken), lags=Counter(lags), rejected=refused)

    def count_rejection(self, reason: str, detail: str) -> None:
        """Counts a post that was refused and keeps its reason among the last few. Raises StoreError."""
        with store_errors("counting a rejection"):
            now_ms = server_now_ms(self._redis)
            key = keys.rejected(now_ms // 60_000)
            with self._redis.pipeline(transaction=True) as pipe:
                pipe.hincrby(key, reason, 1)
                pipe.expire(key, MINUTE_TTL)
                pipe.lpush(keys.REJECTIONS, f"{now_ms} {reason} {detail}")
                pipe.ltrim(keys.REJECTIONS, 0, KEPT_REJECTIONS - 1)
                pipe.execute()


def _of_shard(of: ShardKeys) -> list[Command]:
    return [
        ("HGETALL", of.counts),
        ("XLEN", of.inbox),
        ("XRANGE", of.inbox, "-", "+", "COUNT", 1),
        ("ZCARD", of.places(DEAD)),
    ]


def _sum(hashes: Iterable[Mapping[bytes, bytes]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for counts in hashes:
        total.update({name.decode(): int(count) for name, count in counts.items()})
    return total


def _under(prefix: str, counts: Counter[str]) -> Counter[str]:
    return Counter({name.removeprefix(prefix): n for name, n in counts.items() if name.startswith(prefix)})

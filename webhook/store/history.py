"""A figure a minute for a day: what sparklines and charts are drawn from. Lost minutes are gaps, never guesses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct
from redis import Redis
from redis.exceptions import ResponseError

from webhook.domain.alerting.alerts import Severity
from webhook.domain.log import Outcome
from webhook.store import keys
from webhook.store.connection import store_errors
from webhook.store.lags import percentile
from webhook.store.rounds import Reader, read_together
from webhook.store.summary import Counts, Figures, Summary

MINUTE_MS = 60_000
MOST_MINUTES = 24 * 60 + 1
ASKED_FOR = 120  # seconds that a minute's mark is kept
RUNNING = ("starting", "live", "ending")


class Sample(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How things stood at the end of a minute, and what was counted in it. Lags are seconds."""

    minute: int  # since the epoch
    live: int = 0
    receiving: int = 0
    stopped: int = 0
    firing: int = 0
    critical: int = 0
    unacknowledged: int = 0
    lag_p50: float | None = None
    lag_p95: float | None = None
    depth: int = 0
    oldest: float = 0.0  # age in seconds
    accepted: int = 0
    duplicate: int = 0
    unknown: int = 0
    rejected: int = 0


def sample_once(redis: Redis, shards: int) -> Sample | None:
    """The sample that this call added: of the minute that ended last, if nobody else did. Raises StoreError."""
    summary = Summary(redis, shards)
    with store_errors("asking for a minute's figures"):
        minute = int(redis.time()[0]) // 60 - 1
        if redis.set(keys.SAMPLED, minute, ex=ASKED_FOR, get=True) == str(minute).encode():
            return None
    figures, counts = read_together(redis, "reading a minute", summary.reading(), summary.counting([minute]))
    taken = _sample(minute, figures, counts)
    return taken if _add(redis, taken) else None


def reading(minutes: int) -> Reader[dict[int, Sample]]:
    """The samples of the newest `minutes` by their minute, in one step."""
    (stored,) = yield [("XREVRANGE", keys.HISTORY, "+", "-", "COUNT", minutes)]
    samples = (_decoded(fields) for _, fields in stored)
    return {sample.minute: sample for sample in samples if sample is not None}


def _add(redis: Redis, sample: Sample) -> bool:
    """Whether it was added: the stream takes a minute once, and none before the newest."""
    name, fields = f"{sample.minute}-1", {"sample": msgspec.json.encode(sample)}
    with store_errors("keeping a minute's figures"):
        try:
            redis.xadd(keys.HISTORY, fields, id=name, maxlen=MOST_MINUTES, approximate=False)  # type: ignore[arg-type]
        except ResponseError as refused:
            if "ID" not in str(refused):
                raise
            return False
    return True


def _sample(minute: int, figures: Figures, counts: Counts) -> Sample:
    gauges, outcomes = figures.gauges, counts.outcomes
    return Sample(
        minute=minute,
        live=sum(gauges[f"state:{state}"] for state in RUNNING),
        receiving=gauges["streams:receiving"],
        stopped=gauges["streams:stopped"],
        firing=sum(figures.firing.values()),
        critical=figures.firing[Severity.CRITICAL],
        unacknowledged=gauges["alerts:unacknowledged"],
        lag_p50=percentile(counts.lags, 0.5),
        lag_p95=percentile(counts.lags, 0.95),
        depth=figures.inbox_depth,
        oldest=figures.inbox_oldest_ms / 1000,
        accepted=sum(outcomes[outcome.value] for outcome in Outcome),
        duplicate=outcomes[Outcome.DUPLICATE.value],
        unknown=outcomes[Outcome.UNKNOWN.value],
        rejected=sum(counts.rejected.values()),
    )


def _decoded(fields: Mapping[bytes, Any]) -> Sample | None:
    try:
        return msgspec.json.decode(fields[b"sample"], type=Sample)
    except (KeyError, msgspec.MsgspecError):  # written by a later release
        return None

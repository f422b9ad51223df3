"""What hosts last reported of their spools, in Redis, where everyone can see it."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import Struct
from redis import Redis

from webhook.store import keys
from webhook.store.connection import store_errors
from webhook.store.scripts import source

SCRIPT = source("report_spool")
REPORT_KEPT_MS = 24 * 3_600_000  # a host that has been away for longer is taken for gone
LISTENED_TO_MS = 600_000  # for so long what a host holds that went away keeps silence from being judged


class Report(Struct, frozen=True):
    """What one host's spool holds. Times are ms by the server's clock; `oldest_ms` is None where nothing waits.

    `depth` waits for Redis, `unconfirmed` is there and has not been confirmed, `damaged` files were set aside.
    """

    host: str
    reported_ms: int
    depth: int = 0
    oldest_ms: int | None = None
    unconfirmed: int = 0
    damaged: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tell."""
        return not (self.depth or self.unconfirmed or self.damaged)


class Spooled(Struct, frozen=True):
    """All hosts together. `oldest_ms` is None where nothing waits."""

    depth: int
    oldest_ms: int | None
    unconfirmed: int
    damaged: int


def save_report(redis: Redis, directory_id: str, report: Report) -> None:
    """Tells what the spool directory with this id holds on that host; an empty one is not listed. Raises StoreError.

    The host is part of the name: a directory that was copied to another host keeps its id.
    """
    told = [] if report.is_empty else [msgspec.json.encode(report)]
    with store_errors("reporting the spool"):
        redis.eval(SCRIPT, 1, keys.SPOOLS, f"{report.host}/{directory_id}", *told)


def together(stored: Iterable[bytes], now_ms: int, kept_ms: int = REPORT_KEPT_MS) -> Spooled:
    """The sum of the reports, as they are stored, that are not older than `kept_ms`."""
    reports = [msgspec.json.decode(value, type=Report) for value in stored]
    fresh = [report for report in reports if report.reported_ms >= now_ms - kept_ms]
    return Spooled(
        depth=sum(report.depth for report in fresh),
        oldest_ms=min((report.oldest_ms for report in fresh if report.oldest_ms is not None), default=None),
        unconfirmed=sum(report.unconfirmed for report in fresh),
        damaged=sum(report.damaged for report in fresh),
    )

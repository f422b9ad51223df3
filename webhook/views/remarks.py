"""What of Vigil itself needs a look, gravest first, each as a sentence with the part that it is about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from webhook.domain.alerting.delivery import PROBED_AFTER
from webhook.settings import Settings
from webhook.store.health import CLOCK_OFF_MS, SWEEP_LATE_MS
from webhook.store.system import Findings, Inbox, Server
from webhook.store.workforce import Workforce
from webhook.views.ages import age

NEARLY_FULL = 0.9  # of the memory that the server may use
WAITS_LONG_MS = 5_000
BAD, WARN = "bad", "warn"
Remark = dict[str, str]  # part, tone (bad or warn) and text


def remarks(found: Findings, force: Workforce, now_ms: int, ahead_ms: int, settings: Settings) -> list[Remark]:
    """The sentences; none where all that is known is well."""
    told = [
        *_of_workers(force),
        *_of_sweep(found.server, now_ms),
        *_of_inboxes(found.inboxes, now_ms),
        *_of_memory(found.server.info),
        *_of_persistence(found.server),
        *_of_spools(found),
        *_of_sinks(found),
        *_of_sources(settings),
        *_of_clock(ahead_ms),
    ]
    return sorted(told, key=lambda remark: remark["tone"] != BAD)


def _of_workers(force: Workforce) -> Iterator[Remark]:
    for queue in force.queues:
        if not force.working(queue.name):
            yield _remark("workers", BAD, f"No worker is alive for queue {queue.name}; is the worker process running?")


def _of_sweep(server: Server, now_ms: int) -> Iterator[Remark]:
    if server.swept_ms is None:
        yield _remark("sweeper", BAD, "The clock process has never swept: silence is noticed by nobody.")
    elif now_ms - server.swept_ms > SWEEP_LATE_MS:
        passed = age((now_ms - server.swept_ms) / 1000)
        yield _remark("sweeper", BAD, f"The last sweep was {passed} ago: is the clock process running?")


def _of_inboxes(inboxes: list[Inbox], now_ms: int) -> Iterator[Remark]:
    late = [inbox.shard for inbox in inboxes if now_ms - (inbox.oldest_ms or now_ms) > WAITS_LONG_MS]
    if late:
        named = ", ".join(map(str, late[:8])) + (" and more" if len(late) > 8 else "")
        yield _remark("inboxes", WARN, f"Notifications have waited for more than 5 s in shard {named}.")


def _of_memory(info: Mapping[str, Any]) -> Iterator[Remark]:
    policy, limit, used = info.get("maxmemory_policy"), info.get("maxmemory") or 0, info.get("used_memory") or 0
    if policy not in (None, "noeviction"):
        text = f"Redis drops what it holds when its memory is full (maxmemory-policy {policy}); set it to noeviction."
        yield _remark("redis", BAD, text)
    if limit and used > NEARLY_FULL * limit:
        yield _remark("redis", WARN, f"Redis uses {used / limit:.0%} of the memory that it may use.")


def _of_persistence(server: Server) -> Iterator[Remark]:
    if server.info.get("aof_enabled") == 0:
        yield _remark("redis", BAD, "Redis keeps no append-only file: what it holds is lost when it stops.")
    elif server.config.get("appendfsync") not in (None, "always"):
        fsync = server.config["appendfsync"]
        text = (
            f"Redis does not sync its file for each append (appendfsync {fsync}); set it to always, or VIGIL_ACK=aof."
        )
        yield _remark("redis", WARN, text)
    if server.info.get("aof_last_write_status", "ok") != "ok":
        yield _remark("redis", BAD, "Redis could not write its append-only file: is its disk full?")


def _of_spools(found: Findings) -> Iterator[Remark]:
    for report in found.spools:
        if report.depth or report.damaged:
            text = f"The spool of {report.host} is in use: {report.depth} waiting, files damaged: {report.damaged}."
            yield _remark("spools", WARN, text)


def _of_sinks(found: Findings) -> Iterator[Remark]:
    for name, figures in found.sinks.items():
        failures = figures.state.failures
        if failures:
            text = f"Sink {name} has failed, {failures} in a row: whom it tells hears of no alert."
            yield _remark("sinks", BAD if failures >= PROBED_AFTER else WARN, text)
        if figures.dead:
            yield _remark(
                "sinks", WARN, f"Deliveries to sink {name} were given up, {figures.dead} in all; replay them."
            )


def _of_sources(settings: Settings) -> Iterator[Remark]:
    for source in settings.sources:
        if not source.secrets and not settings.allow_unsigned:
            yield _remark("sources", BAD, f"Source {source.name} has no secret: all that it posts is refused.")


def _of_clock(ahead_ms: int) -> Iterator[Remark]:
    if abs(ahead_ms) > CLOCK_OFF_MS:
        way = "ahead of" if ahead_ms > 0 else "behind"
        yield _remark("process", WARN, f"This host's clock is {abs(ahead_ms) / 1000:.1f} s {way} that of Redis.")


def _remark(part: str, tone: str, text: str) -> Remark:
    return {"part": part, "tone": tone, "text": text}

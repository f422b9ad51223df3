"""How Vigil itself is, as the API and the page about it show it: `GET /system`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from webhook.settings import Settings
from webhook.store.spools import Report
from webhook.store.system import Findings, Inbox, Refusal, Server
from webhook.store.workforce import Queue, Worker, Workforce
from webhook.views.courses import day_view
from webhook.views.dead_letters import deed_view
from webhook.views.remarks import remarks
from webhook.views.settings_in_force import secret_of, settings_view
from webhook.views.sinks import sink_view
from webhook.views.times import rfc3339, rfc3339_or_none

View = dict[str, Any]


class Here(Struct, frozen=True, kw_only=True):
    """What only the process knows that answers. `ahead_ms` is its clock's lead, `latency` a round trip in seconds."""

    now_ms: int  # by the server's clock
    latency: float
    ahead_ms: int
    host: str
    pid: int
    open_feeds: int
    most_feeds: int
    versions: Mapping[str, str | None]


def system_view(found: Findings, force: Workforce, here: Here, settings: Settings) -> View:
    """`GET /system`. What the server does not say is None; ages are for the reader to count."""
    return {
        "now": rfc3339(here.now_ms),
        "remarks": remarks(found, force, here.now_ms, here.ahead_ms, settings),
        "process": _process(found.server, here, settings),
        "workers": [_worker(worker) for worker in force.workers],
        "queues": [_queue(queue, force, here.now_ms) for queue in force.queues],
        "inboxes": _inboxes(found.inboxes),
        "sweeper": _sweeper(found),
        "redis": _redis(found.server, here.latency),
        "sinks": [sink_view(sink.name, sink.kind, found.sinks[sink.name]) for sink in settings.sinks],
        "sources": _sources(found.posted, settings),
        "refused": [_refusal(refusal) for refusal in found.refusals],
        "spools": [_spool(report) for report in found.spools],
        "versions": _versions(found.server, here.versions),
        "settings": settings_view(settings),
        "audit": [deed_view(deed) for deed in found.deeds],
        "history": day_view(found.samples, here.now_ms),
    }


def _process(server: Server, here: Here, settings: Settings) -> View:
    return {
        "host": here.host,
        "pid": here.pid,
        "openFeeds": here.open_feeds,
        "mostFeeds": here.most_feeds,
        "clockAhead": here.ahead_ms / 1000,
        "webWorkers": settings.web_workers,
        "webSeenAt": rfc3339_or_none(server.web_seen_ms),
    }


def _worker(worker: Worker) -> View:
    return {
        "name": worker.name,
        "queue": worker.queue,
        "state": (worker.state or "unknown") if worker.alive else "lost",
        "job": worker.job,
        "jobSince": rfc3339_or_none(worker.job_ms),
        "heartbeatAt": rfc3339_or_none(worker.seen_ms),
        "startedAt": rfc3339_or_none(worker.begun_ms),
        "host": worker.host,
        "pid": worker.pid,
        "done": worker.done,
        "failed": worker.failed,
    }


def _queue(queue: Queue, force: Workforce, now_ms: int) -> View:
    working = force.working(queue.name)
    return {
        "name": queue.name,
        "workers": len(working),
        "depth": queue.depth,
        "oldestAt": rfc3339_or_none(queue.oldest_ms),
        "perMinute": round(sum(worker.per_minute(now_ms) for worker in working), 1),
        "failed": queue.failed,
    }


def _inboxes(inboxes: Sequence[Inbox]) -> View:
    return {
        "depth": sum(inbox.depth for inbox in inboxes),
        "oldestAt": rfc3339_or_none(_oldest(inboxes)),
        "shards": [
            {
                "shard": inbox.shard,
                "depth": inbox.depth,
                "oldestAt": rfc3339_or_none(inbox.oldest_ms),
                "overdue": inbox.overdue,
            }
            for inbox in inboxes
        ],
    }


def _oldest(inboxes: Iterable[Inbox]) -> int | None:
    return min((inbox.oldest_ms for inbox in inboxes if inbox.oldest_ms is not None), default=None)


def _sweeper(found: Findings) -> View:
    return {
        "sweptAt": rfc3339_or_none(found.server.swept_ms),
        "overdue": sum(inbox.overdue for inbox in found.inboxes),
        "deafUntil": rfc3339_or_none(found.server.deaf_until_ms),
    }


def _redis(server: Server, latency: float) -> View:
    info, config = server.info, server.config
    saved = info.get("rdb_last_save_time")
    return {
        "version": version_of(info),
        "role": info.get("role"),
        "replicas": info.get("connected_slaves"),
        "uptime": info.get("uptime_in_seconds"),
        "latency": round(latency, 6),
        "memory": {
            "used": info.get("used_memory"),
            "peak": info.get("used_memory_peak"),
            "limit": info.get("maxmemory") or None,
        },
        "evictionPolicy": info.get("maxmemory_policy"),
        "evicted": info.get("evicted_keys"),
        "clients": info.get("connected_clients"),
        "mostClients": info.get("maxclients") or config.get("maxclients"),
        "persistence": {
            "appendOnly": None if "aof_enabled" not in info else bool(info["aof_enabled"]),
            "appendFsync": config.get("appendfsync"),
            "lastWrite": info.get("aof_last_write_status"),
            "savedAt": rfc3339(saved * 1000) if saved else None,
        },
    }


def version_of(info: Mapping[str, Any]) -> str | None:
    """The server by the name and version that it gives itself; None where it does not tell."""
    if "valkey_version" in info:
        return f"Valkey {info['valkey_version']}"
    return f"Redis {info['redis_version']}" if "redis_version" in info else None


def _sources(posted: Mapping[str, int], settings: Settings) -> list[View]:
    return [
        {
            "name": source.name,
            "project": source.project,
            "products": list(source.products),
            "secret": secret_of(source),
            "lastPostAt": rfc3339_or_none(posted.get(source.name)),
        }
        for source in settings.sources
    ]


def _refusal(refusal: Refusal) -> View:
    return {"at": rfc3339(refusal.at_ms), "reason": refusal.reason, "detail": refusal.detail}


def _spool(report: Report) -> View:
    return {
        "host": report.host,
        "reportedAt": rfc3339(report.reported_ms),
        "depth": report.depth,
        "oldestAt": rfc3339_or_none(report.oldest_ms),
        "unconfirmed": report.unconfirmed,
        "damaged": report.damaged,
    }


def _versions(server: Server, versions: Mapping[str, str | None]) -> View:
    return {**versions, "server": version_of(server.info)}

"""Workers and their queues as they are now; webhook/queues.py reads them from RQ's registries."""

from __future__ import annotations

from msgspec import Struct


class Worker(Struct, frozen=True, kw_only=True):
    """One worker that RQ lists. Times are ms; `job` is in words what it works on since `job_ms`, None for nothing."""

    name: str
    queue: str
    alive: bool
    state: str | None
    host: str | None
    pid: int | None
    begun_ms: int | None
    seen_ms: int | None
    job: str | None
    job_ms: int | None
    done: int
    failed: int

    def per_minute(self, now_ms: int) -> float:
        """How many jobs it has done a minute, on average since it began; 0 in its first second."""
        age_ms = now_ms - (self.begun_ms or now_ms)
        return self.done * 60_000 / age_ms if age_ms >= 1000 else 0.0


class Queue(Struct, frozen=True):
    """One queue: how many jobs wait, since when the first of them, ms, and how many failed lately."""

    name: str
    depth: int
    oldest_ms: int | None
    failed: int


class Workforce(Struct, frozen=True):
    """All of them. A worker that listens to several queues stands once for each."""

    workers: list[Worker]
    queues: list[Queue]

    def working(self, queue: str) -> list[Worker]:
        """The workers of a queue that are alive."""
        return [worker for worker in self.workers if worker.queue == queue and worker.alive]

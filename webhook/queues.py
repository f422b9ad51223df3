"""RQ as the waker: jobs carry no notification and no alert, only which shard or which sink to look at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from rq import Queue
from rq.executions import Execution
from rq.job import Job
from rq.registry import FailedJobRegistry, StartedJobRegistry
from rq.serializers import JSONSerializer
from rq.utils import utcparse
from rq.worker_registration import WORKERS_BY_QUEUE_KEY

from webhook.clock import now_ms
from webhook.store import workforce
from webhook.store.connection import Redis, store_errors
from webhook.store.rounds import Command, Reader, read
from webhook.store.workforce import Worker, Workforce

FOLD = "fold"
DELIVER = "deliver"
QUEUES = (FOLD, DELIVER)
DRAIN = "workers.jobs.drain"
SWEEP = "workers.jobs.sweep"
DELIVER_TO = "workers.jobs.deliver"
BEAT = "workers.jobs.beat"
JOB_TIMEOUT = 9  # seconds; no job may be longer
DRAIN_TIMEOUT = 5  # seconds, as long as the lease: what a drain does after that is in vain
FAILURE_TTL = 600  # seconds that a failed job is kept for a look
MOST_WAITING = 1024  # wake-ups that wait at once on a queue; more than VIGIL_SHARDS can be
OF_QUEUE = 5  # commands that ask about a queue
OF_WORKER = (
    *("last_heartbeat", "death", "state", "birth", "hostname", "pid"),
    *("successful_job_count", "failed_job_count"),
)  # fields of RQ's hash of a worker
WORKER_SEEN = timedelta(seconds=45)  # a worker without a heartbeat for longer is not alive


class Waker:
    """Sends wake-ups. Losing one, or sending one twice, changes nothing: the sweep looks each second."""

    def __init__(self, redis: Redis) -> None:
        self._queues = {name: Queue(name, connection=redis, serializer=JSONSerializer) for name in QUEUES}

    def wake(self, shard: int) -> None:
        """Has `shard` drained by some worker. Raises StoreError."""
        with store_errors(f"waking the drain of shard {shard}"):
            self._enqueue(FOLD, DRAIN, (shard,), DRAIN_TIMEOUT, f"drain {shard}")

    def deliver(self, sink: str) -> None:
        """Has what waits for `sink` delivered by some worker. Raises StoreError."""
        with store_errors(f"waking the deliverer of sink {sink}"):
            self._enqueue(DELIVER, DELIVER_TO, (sink,), JOB_TIMEOUT, f"deliver {sink}")

    def beat(self) -> None:
        """Has some worker tell that Vigil is alive. Raises StoreError."""
        with store_errors("asking for a heartbeat"):
            self._enqueue(DELIVER, BEAT, (), JOB_TIMEOUT, "heartbeat")

    def _enqueue(self, queue: str, job: str, args: tuple[Any, ...], timeout: int, description: str) -> None:
        """Adds nothing while MOST_WAITING wake-ups wait: then nobody works, and whoever comes has work enough until the
        sweep looks again.
        """
        if self._queues[queue].count < MOST_WAITING:
            self._queues[queue].enqueue_call(
                job,
                args=args,
                timeout=timeout,
                result_ttl=0,
                failure_ttl=FAILURE_TTL,
                description=description,
            )


def workers_alive(redis: Redis) -> int:
    """How many fold workers gave a sign of life lately. Raises StoreError."""
    return read(redis, "counting workers", counting_workers())


def counting_workers() -> Reader[int]:
    """The same, in two steps."""
    (names,) = yield [("SMEMBERS", WORKERS_BY_QUEUE_KEY % FOLD)]
    answers = yield [("HMGET", name, "last_heartbeat", "death") for name in names]
    return _alive(answers)


def surveying() -> Reader[Workforce]:
    """Workers, what each of them does, and their queues, in two steps."""
    answers = yield [command for name in QUEUES for command in _of_queue(name)]
    listed = [(name, *answers[at * OF_QUEUE : (at + 1) * OF_QUEUE]) for at, name in enumerate(QUEUES)]
    places = [(name, key.decode()) for name, keys, *_ in listed for key in sorted(keys)]
    runs = [run.decode() for _, _, running, *_ in listed for run in running]
    first = [waiting[0].decode() for *_, waiting, _ in listed if waiting]
    found = yield [
        *(("HMGET", key, *OF_WORKER) for _, key in places),
        *(command for run in runs for command in _of_run(run)),
        *(("HGET", Job.key_for(job), "enqueued_at") for job in first),
    ]
    began, workers = len(places), found[: len(places)]
    jobs = _jobs(found[began : began + 2 * len(runs)])
    oldest = iter(found[began + 2 * len(runs) :])
    return Workforce(
        [_worker(queue, key, told, jobs) for (queue, key), told in zip(places, workers, strict=True)],
        [
            workforce.Queue(name, depth, _ms(next(oldest)) if waiting else None, failed)
            for name, _, _, depth, waiting, failed in listed
        ],
    )


def _of_queue(name: str) -> list[Command]:
    """OF_QUEUE commands: its workers, what they do, how many jobs wait, the first of those, and how many failed."""
    waiting = Queue.redis_queue_namespace_prefix + name
    return [
        ("SMEMBERS", WORKERS_BY_QUEUE_KEY % name),
        ("ZRANGE", StartedJobRegistry.key_template.format(name), 0, -1),
        ("LLEN", waiting),
        ("LRANGE", waiting, 0, 0),
        ("ZCARD", FailedJobRegistry.key_template.format(name)),
    ]


def _of_run(run: str) -> list[Command]:
    """Who is at it and since when, then what it is; `run` is named `job:run`, as RQ lists it."""
    job, _, name = run.partition(":")
    execution = Execution(name, job, None)  # type: ignore[arg-type]  # of which only the key is asked
    return [("HMGET", execution.key, "worker_name", "created_at"), ("HGET", Job.key_for(job), "description")]


def _jobs(answers: Sequence[Any]) -> dict[str, tuple[str, int | None]]:
    """What each worker does, by its name, and since when in ms."""
    return {
        who.decode(): (_text(what) or "a job", int(float(since) * 1000) if since else None)
        for (who, since), what in zip(answers[::2], answers[1::2], strict=True)
        if who
    }


def _worker(queue: str, key: str, answers: Sequence[Any], jobs: Mapping[str, tuple[str, int | None]]) -> Worker:
    told = dict(zip(OF_WORKER, map(_text, answers), strict=True))
    name = key.rpartition(":")[2]
    job, job_ms = jobs.get(name, (None, None))
    return Worker(
        name=name,
        queue=queue,
        alive=_is_alive(*answers[:2]),
        state=told["state"],
        host=told["hostname"],
        pid=int(told["pid"] or 0) or None,
        begun_ms=_ms(told["birth"]),
        seen_ms=_ms(told["last_heartbeat"]),
        job=job,
        job_ms=job_ms,
        done=int(told["successful_job_count"] or 0),
        failed=int(told["failed_job_count"] or 0),
    )


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "replace")


def _ms(written: bytes | str | None) -> int | None:
    """A time as RQ writes it, in ms; None where there is none."""
    text = written.decode() if isinstance(written, bytes) else written
    return int(utcparse(text).timestamp() * 1000) if text else None


def _alive(answers: Iterable[tuple[bytes | None, bytes | None]]) -> int:
    return sum(1 for seen, death in answers if _is_alive(seen, death))


def _is_alive(seen: bytes | None, death: bytes | None) -> bool:
    since = datetime.fromtimestamp(now_ms() / 1000, UTC) - WORKER_SEEN
    return bool(seen and not death and utcparse(seen.decode()) >= since)

"""RQ as the waker: jobs carry no notification and no alert, only which shard or which sink to look at."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from rq import Queue
from rq.serializers import JSONSerializer
from rq.utils import utcparse
from rq.worker_registration import WORKERS_BY_QUEUE_KEY

from webhook.clock import now_ms
from webhook.store.connection import Redis, store_errors
from webhook.store.rounds import Reader, read

FOLD = "fold"
DELIVER = "deliver"
DRAIN = "workers.jobs.drain"
SWEEP = "workers.jobs.sweep"
DELIVER_TO = "workers.jobs.deliver"
BEAT = "workers.jobs.beat"
JOB_TIMEOUT = 9  # seconds; no job may be longer
DRAIN_TIMEOUT = 5  # seconds, as long as the lease: what a drain does after that is in vain
FAILURE_TTL = 600  # seconds that a failed job is kept for a look
MOST_WAITING = 1024  # wake-ups that wait at once on a queue; more than VIGIL_SHARDS can be
WORKER_SEEN = timedelta(seconds=45)  # a worker without a heartbeat for longer is not alive


class Waker:
    """Sends wake-ups. Losing one, or sending one twice, changes nothing: the sweep looks each second."""

    def __init__(self, redis: Redis) -> None:
        self._queues = {name: Queue(name, connection=redis, serializer=JSONSerializer) for name in (FOLD, DELIVER)}

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


def _alive(answers: Iterable[tuple[bytes | None, bytes | None]]) -> int:
    since = datetime.fromtimestamp(now_ms() / 1000, UTC) - WORKER_SEEN
    return sum(1 for seen, death in answers if seen and not death and utcparse(seen.decode()) >= since)

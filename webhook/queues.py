"""RQ as the waker: jobs carry no notification, only the number of a shard to look at."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from rq import Queue
from rq.serializers import JSONSerializer
from rq.utils import utcparse
from rq.worker_registration import get_keys

from webhook.clock import now_ms
from webhook.store.connection import Redis, store_errors

FOLD = "fold"
DRAIN = "workers.jobs.drain"
SWEEP = "workers.jobs.sweep"
JOB_TIMEOUT = 9  # seconds; no job may be longer
DRAIN_TIMEOUT = 5  # seconds, as long as the lease: what a drain does after that is in vain
FAILURE_TTL = 600  # seconds that a failed job is kept for a look
MOST_WAITING = 1024  # wake-ups that wait at once; more than VIGIL_SHARDS can be
WORKER_SEEN = timedelta(seconds=45)  # a worker without a heartbeat for longer is not alive


class Waker:
    """Sends wake-ups. Losing one, or sending one twice, changes nothing: the sweep looks each second."""

    def __init__(self, redis: Redis) -> None:
        self._queue = Queue(FOLD, connection=redis, serializer=JSONSerializer)

    def wake(self, shard: int) -> None:
        """Has `shard` drained by some worker. Raises StoreError.

        Adds nothing while MOST_WAITING wake-ups wait: then nobody works, and whoever comes has work enough until the
        sweep looks again.
        """
        with store_errors(f"waking the drain of shard {shard}"):
            if self._queue.count < MOST_WAITING:
                self._queue.enqueue_call(
                    DRAIN,
                    args=(shard,),
                    timeout=DRAIN_TIMEOUT,
                    result_ttl=0,
                    failure_ttl=FAILURE_TTL,
                    description=f"drain {shard}",
                )


def workers_alive(redis: Redis) -> int:
    """How many fold workers gave a sign of life lately. Raises StoreError."""
    with store_errors("counting workers"), redis.pipeline(transaction=False) as pipe:
        for key in get_keys(queue=Queue(FOLD, connection=redis), connection=redis):
            pipe.hmget(key, "last_heartbeat", "death")
        return _alive(pipe.execute())


def _alive(answers: Iterable[tuple[bytes | None, bytes | None]]) -> int:
    since = datetime.fromtimestamp(now_ms() / 1000, UTC) - WORKER_SEEN
    return sum(1 for seen, death in answers if seen and not death and utcparse(seen.decode()) >= since)

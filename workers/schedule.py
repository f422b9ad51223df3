"""The clock: wakes the sweep every second. It holds no state, so it may be killed, doubled or late without harm."""

from __future__ import annotations

import logging
import signal
from contextlib import suppress
from types import FrameType
from typing import Any
from uuid import uuid4

from rq import Queue
from rq.cron import CronJob, CronScheduler
from rq.exceptions import SchedulerNotFound, StopRequested
from rq.job import Job
from rq.serializers import JSONSerializer

from webhook import clock
from webhook.domain.errors import StoreError
from webhook.process import log_to_stderr, settings_or_exit
from webhook.queues import FOLD, JOB_TIMEOUT, SWEEP
from webhook.store import keys
from webhook.store.connection import store_errors
from webhook.wiring import connect_worker

INTERVAL = 1  # seconds from one sweep to the next, and after an error
PENDING_FOR = 3_000  # milliseconds until a sweep that was lost is replaced
KEPT_FOR = 60  # seconds that a sweep is kept when it failed, or when nobody took it

log = logging.getLogger(__name__)


class WakeUp(CronJob):
    """A cron job that is enqueued as JSON (RQ's own are pickled) and never waits twice on its queue."""

    def enqueue(self, connection: Any) -> Job:
        """The job put on the queue, in place of the one before if nobody took it; Redis remembers one id.

        `connection` is a redis.Redis; what it raises is not caught.
        """
        queue = Queue(self.queue_name, connection=connection, serializer=JSONSerializer)
        for earlier in self.get_job_ids(connection):
            if queue.remove(earlier):
                connection.delete(Job.key_for(earlier))
        with connection.pipeline() as pipeline:
            job = queue.enqueue(self.func_name, job_id=uuid4().hex, pipeline=pipeline, **self.job_options)
            pipeline.delete(self.job_history_key)
            pipeline.zadd(self.job_history_key, {job.id: clock.now_ms() / 1000})
            pipeline.execute()
        return job


class Clock(CronScheduler):
    """RQ's scheduler, which goes on while Redis is away and enqueues nothing while what it enqueued has not begun."""

    def __init__(self, connection: Any, sweep: str = SWEEP) -> None:
        super().__init__(connection)
        wake_up = WakeUp(
            FOLD,
            func_name=sweep,
            interval=INTERVAL,
            job_timeout=JOB_TIMEOUT,
            result_ttl=0,
            ttl=KEPT_FOR,
            failure_ttl=KEPT_FOR,
        )
        self._cron_jobs.append(wake_up)
        self._stopping = False

    def start(self) -> None:
        """Returns after SIGTERM or SIGINT, at once."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._request_stop)
        with suppress(StopRequested):
            while not self._stopping:
                self.tick()
                clock.sleep(INTERVAL)
        with suppress(StopRequested, StoreError, SchedulerNotFound), store_errors("taking leave"):
            self.register_death()

    def tick(self) -> None:
        """Wakes the sweep unless one is pending, here or by another clock. Redis away is one line in the log."""
        try:
            with store_errors("waking the sweep"):
                if self.connection.set(keys.SWEEP_PENDING, self.name, nx=True, px=PENDING_FOR):
                    self._cron_jobs[0].enqueue(self.connection)
                self.heartbeat()
        except StoreError as failure:
            log.warning("%s; trying again in %d s", failure, INTERVAL)

    def _request_stop(self, signum: int, frame: FrameType | None) -> None:
        # the flag too: a library that the exception passes through may swallow it
        self._stopping = True
        raise StopRequested


def main() -> None:
    """Runs the clock until it is told to stop. Ends with code 2 when the settings cannot work."""
    settings = settings_or_exit()
    log_to_stderr("clock", settings.log_level)
    Clock(connect_worker(settings)).start()


if __name__ == "__main__":
    main()

"""The worker: keeps RQ workers alive, one queue each, forked once all they need is imported."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from typing import Any

from rq import SimpleWorker
from rq.serializers import JSONSerializer

from webhook.domain.errors import ConfigurationError, StoreError
from webhook.process import exit_with, log_to_stderr, settings_or_exit
from webhook.queues import DELIVER, FOLD
from webhook.settings import Settings
from webhook.store.connection import claim_shards, store_errors
from webhook.supervisor import Child, Stage, Supervisor
from webhook.wiring import connect_worker
from workers import jobs
from workers.sinks.making import check_sinks

STOP_WITHIN = 6.0  # seconds for the job in hand; `vigil up` gives this whole process 7
WORKER_TTL = 30  # seconds; RQ waits half of it for a job, then shows a sign of life

SINK_MODULES = {"apprise": "workers.sinks.apprise_sink", "pagerduty": "workers.sinks.pagerduty_sink"}

log = logging.getLogger(__name__)


class Worker(SimpleWorker):
    """RQ's worker, back within a second when Redis is: as shipped it waits up to a minute."""

    exponential_backoff_factor = 1.0
    max_connection_wait_time = 1.0

    def set_shutdown_requested_date(self) -> None:
        """Nothing: RQ would talk to Redis inside its signal handler, perhaps in the middle of another command."""


def work(connection: Any, queue: str) -> None:
    """Returns when told to stop by SIGTERM, after the job in hand, or when Redis went away.

    `connection` is a redis.Redis that no other process uses.
    """
    worker = Worker(
        [queue], connection=connection, serializer=JSONSerializer, worker_ttl=WORKER_TTL, log_job_description=False
    )
    worker.work(logging_level=logging.getLevelName(logging.getLogger("rq").level))  # else RQ's own INFO


def _fold(settings: Settings) -> None:
    with _told(FOLD):
        connection = connect_worker(settings)
        claim_shards(connection, settings.shards)
        jobs.drain_all()
        work(connection, FOLD)


def _deliver(settings: Settings) -> None:
    with _told(DELIVER):
        connection = connect_worker(settings)
        claim_shards(connection, settings.shards)
        work(connection, DELIVER)


@contextmanager
def _told(queue: str) -> Iterator[None]:
    """Ends this process with code 1 where Redis is away."""
    try:
        with store_errors(f"working on queue {queue}"):
            yield
    except StoreError as failure:
        log.error("%s", failure)
        raise SystemExit(1) from None


def _import_for(settings: Settings) -> None:
    """Imports what takes long and only some sinks need, so that all workers share it."""
    for kind in sorted({sink.kind for sink in settings.sinks} & SINK_MODULES.keys()):
        import_module(SINK_MODULES[kind])


def main() -> None:
    """Runs the workers until SIGTERM, within 8 s of it. Ends with code 2 when the settings cannot work."""
    settings = settings_or_exit()
    log_to_stderr("worker", settings.log_level)
    _import_for(settings)
    try:
        check_sinks(settings.sinks)
    except ConfigurationError as mistake:
        exit_with(mistake.problems)
    children = [Child(f"fold worker {number}", partial(_fold, settings)) for number in range(settings.fold_workers)]
    children += [
        Child(f"deliver worker {number}", partial(_deliver, settings)) for number in range(settings.delivering)
    ]
    Supervisor([Stage(children, STOP_WITHIN)]).run()


if __name__ == "__main__":
    main()

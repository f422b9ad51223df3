"""`python -m workers.main` with a real server: jobs are run, finished at the end, and run again after a failure."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

from tests.servers import EmbeddedServer
from tests.waiting import is_running, wait_for
from webhook import embedded
from webhook.queues import DELIVER, FOLD, workers_alive

JOB = "tests.workers.test_main.note"


def note(path: str, seconds: float) -> None:
    """A job: writes its process id, and after `seconds` that it is done."""
    with Path(path).open("a") as file:
        file.write(f"began {os.getpid()}\n")
    threading.Event().wait(seconds)
    with Path(path).open("a") as file:
        file.write(f"done {os.getpid()}\n")


class Workers:
    """The worker as the Procfile starts it, with the notes of its jobs."""

    def __init__(self, server: EmbeddedServer, directory: Path) -> None:
        self.notes, self.log = directory / "notes", directory / "log"
        self.notes.touch()
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "workers.main"],
                env={
                    **os.environ,
                    "REDIS_URL": embedded.url(server.var),
                    "VIGIL_FOLD_WORKERS": "2",
                    "VIGIL_DELIVER_WORKERS": "2",
                },
                stderr=log,
            )

    def enqueue(self, redis: Redis, seconds: float = 0.0, queue: str = FOLD) -> None:
        Queue(queue, connection=redis, serializer=JSONSerializer).enqueue(JOB, str(self.notes), seconds, result_ttl=0)

    def noted(self, what: str) -> bool:
        return what in self.notes.read_text()

    def pids(self, of: str = "") -> list[int]:
        """Of those whose name begins so."""
        return [int(pid) for pid in re.findall(of + r".*started \(pid (\d+)\)", self.log.read_text())]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(tmp_path / "var") as started:
        yield started


@pytest.fixture
def workers(server: EmbeddedServer, tmp_path: Path) -> Iterator[Workers]:
    redis = server.start()
    with Workers(server, tmp_path) as started:
        wait_for(lambda: workers_alive(redis) == 2, 20, "there are not two workers")
        yield started


def client(server: EmbeddedServer) -> Redis:
    return Redis.from_url(embedded.url(server.var))


def test_a_job_is_run_and_said_nothing_about(server: EmbeddedServer, workers: Workers) -> None:
    workers.enqueue(client(server))
    wait_for(lambda: workers.noted("done"), 10, "the job was not run")
    assert "Job OK" not in workers.log.read_text()
    assert "Listening" not in workers.log.read_text()


def test_jobs_that_deliver_have_workers_of_their_own(server: EmbeddedServer, workers: Workers) -> None:
    redis = client(server)
    for _ in range(4):
        workers.enqueue(redis, 3.0)
    workers.enqueue(redis, queue=DELIVER)
    wait_for(lambda: workers.noted("done"), 10, "no job of the queue deliver was run")
    assert workers.noted(f"done {workers.pids('deliver')[0]}") or workers.noted(f"done {workers.pids('deliver')[1]}")


def test_the_job_in_hand_is_finished_before_the_end(server: EmbeddedServer, workers: Workers) -> None:
    redis = client(server)
    workers.enqueue(redis, 1.0)
    wait_for(lambda: workers.noted("began"), 10, "the job has not begun")
    workers.process.send_signal(signal.SIGTERM)
    assert workers.process.wait(timeout=8) == 0
    assert workers.noted("done")
    assert workers_alive(redis) == 0
    assert not any(map(is_running, workers.pids()))


def test_a_killed_worker_is_replaced(server: EmbeddedServer, workers: Workers) -> None:
    first, second = workers.pids("fold")
    os.kill(first, signal.SIGKILL)
    os.kill(second, signal.SIGKILL)
    wait_for(lambda: len(workers.pids("fold")) == 4, 10, "they were not replaced")
    workers.enqueue(client(server))
    wait_for(lambda: workers.noted("done"), 10, "no new worker ran the job")
    assert not workers.noted(str(first))
    assert not workers.noted(str(second))


def test_jobs_are_run_again_soon_after_the_server_was_killed_in_the_middle_of_one(
    server: EmbeddedServer, workers: Workers
) -> None:
    workers.enqueue(client(server), 0.5)
    wait_for(lambda: workers.noted("began"), 10, "the job has not begun")
    server.kill()
    wait_for(lambda: workers.noted("done"), 10, "the job in hand did not end")
    workers.notes.write_text("")
    workers.enqueue(server.start())
    wait_for(lambda: workers.noted("done"), 10, "no job was run after the restart")


def test_workers_started_before_the_server_work_once_it_is_there(server: EmbeddedServer, tmp_path: Path) -> None:
    with Workers(server, tmp_path) as workers:
        wait_for(lambda: "starting again" in workers.log.read_text(), 10, "they do not say that the server is away")
        workers.enqueue(server.start())
        wait_for(lambda: workers.noted("done"), 10, "no job was run")
        assert "Traceback" not in workers.log.read_text()

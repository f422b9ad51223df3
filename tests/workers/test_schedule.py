"""The clock with a real server: what it enqueues, how little, and through what it lives."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest
from redis import Redis
from rq import Queue, SimpleWorker
from rq.job import Job
from rq.serializers import JSONSerializer

from tests.servers import EmbeddedServer
from tests.waiting import wait_for
from webhook import embedded
from webhook.queues import FOLD, SWEEP
from webhook.store import keys
from webhook.store.connection import connect
from workers.schedule import PENDING_FOR, Clock

SWEEPS = "test:sweeps"


def note_sweep() -> None:
    """Stands in for the sweep: counts itself, and is no longer pending, in the server that the test names."""
    with Redis.from_url(os.environ["TEST_REDIS_URL"]) as redis:
        redis.delete(keys.SWEEP_PENDING)
        redis.incr(SWEEPS)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(tmp_path_factory.mktemp("clock") / "var") as started:
        started.start()
        yield started


@pytest.fixture
def redis(server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Redis]:
    monkeypatch.setenv("TEST_REDIS_URL", embedded.url(server.var))
    with Redis.from_url(embedded.url(server.var)) as client:
        client.flushall()
        yield client


def make_clock(server: EmbeddedServer, sweep: str = "tests.workers.test_schedule.note_sweep") -> Clock:
    return Clock(connect(embedded.url(server.var), 5.0), sweep)


def work_off(redis: Redis) -> None:
    SimpleWorker([Queue(FOLD, connection=redis, serializer=JSONSerializer)], serializer=JSONSerializer).work(burst=True)


class ClockProcess:
    """`python -m workers.schedule` as the Procfile starts it."""

    def __init__(self, server: EmbeddedServer, log: Path) -> None:
        self.log = log
        with log.open("a") as stream:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "workers.schedule"],
                env={**os.environ, "REDIS_URL": embedded.url(server.var)},
                stderr=stream,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.process.kill()
        self.process.wait()


def test_the_sweep_is_enqueued_as_json_with_short_lives(server: EmbeddedServer, redis: Redis) -> None:
    make_clock(server, SWEEP).tick()
    (job,) = Queue(FOLD, connection=redis, serializer=JSONSerializer).jobs
    raw = redis.hget(job.key, "data")
    assert isinstance(raw, bytes)
    assert json.loads(zlib.decompress(raw)) == [SWEEP, None, [], {}]
    assert (job.timeout, job.result_ttl, job.failure_ttl) == (9, 0, 60)


def test_a_worker_that_reads_only_json_runs_it_and_nothing_of_it_remains(server: EmbeddedServer, redis: Redis) -> None:
    make_clock(server).tick()
    work_off(redis)
    assert redis.get(SWEEPS) == b"1"
    assert redis.keys("rq:job:*") == []
    assert redis.llen(Queue(FOLD, connection=redis).key) == 0


def test_nothing_is_enqueued_while_a_sweep_is_pending(server: EmbeddedServer, redis: Redis) -> None:
    clock = make_clock(server)
    for _ in range(5):
        clock.tick()
    assert redis.llen("rq:queue:fold") == 1
    work_off(redis)
    clock.tick()
    assert redis.llen("rq:queue:fold") == 1


def test_the_pending_flag_ends_by_itself_so_that_a_lost_sweep_is_replaced(server: EmbeddedServer, redis: Redis) -> None:
    make_clock(server).tick()
    assert 0 < redis.pttl(keys.SWEEP_PENDING) <= PENDING_FOR


def test_with_nobody_working_sweeps_do_not_pile_up(server: EmbeddedServer, redis: Redis) -> None:
    clocks = [make_clock(server), make_clock(server)]
    for _ in range(20):
        for clock in clocks:
            clock.tick()
            redis.delete(keys.SWEEP_PENDING)  # as its TTL does when nobody takes the job
    assert redis.llen("rq:queue:fold") == 1
    assert len(redis.keys("rq:job:*")) == 1
    assert redis.zcard("rq:cron_job:tests.workers.test_schedule.note_sweep:jobs") == 1


def test_what_others_enqueued_is_left_alone(server: EmbeddedServer, redis: Redis) -> None:
    queue = Queue(FOLD, connection=redis, serializer=JSONSerializer)
    drain = queue.enqueue("workers.jobs.drain", 3)
    clock = make_clock(server)
    for _ in range(3):
        clock.tick()
        redis.delete(keys.SWEEP_PENDING)
    assert drain.id in queue.job_ids
    assert len(queue.job_ids) == 2


def test_a_sweep_that_runs_is_not_withdrawn(server: EmbeddedServer, redis: Redis) -> None:
    clock = make_clock(server)
    clock.tick()
    taken = redis.lpop("rq:queue:fold")
    assert isinstance(taken, bytes)
    redis.delete(keys.SWEEP_PENDING)
    clock.tick()
    assert redis.exists(Job.key_for(taken.decode())) == 1


def test_two_clocks_at_once_do_no_harm(server: EmbeddedServer, redis: Redis, tmp_path: Path) -> None:
    with ClockProcess(server, tmp_path / "one"), ClockProcess(server, tmp_path / "two"):
        wait_for(lambda: redis.zcard("rq:cron_schedulers") == 2, 20, "the clocks do not show themselves")
        wait_for(lambda: redis.llen("rq:queue:fold"), 10, "no sweep was enqueued")
        redis.delete(keys.SWEEP_PENDING)
        wait_for(lambda: redis.exists(keys.SWEEP_PENDING), 10, "no sweep was enqueued again")
        # the one that waits is replaced, so for a moment there is none
        wait_for(lambda: redis.llen("rq:queue:fold") == 1, 10, "not one sweep waits")


def test_the_clock_survives_a_restart_of_the_server(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with EmbeddedServer(tmp_path / "var") as server, ClockProcess(server, log) as clock:
        wait_for(lambda: "trying again in 1 s" in log.read_text(), 20, "it does not say that the server is away")
        redis = server.start()
        wait_for(lambda: redis.llen("rq:queue:fold"), 10, "no sweep was enqueued")
        said = log.read_text().count("\n")
        server.kill()
        wait_for(lambda: log.read_text().count("\n") > said, 10, "it does not say that the server is away")
        redis = server.start()
        redis.delete(keys.SWEEP_PENDING)
        wait_for(lambda: redis.exists(keys.SWEEP_PENDING), 10, "no sweep was enqueued after the restart")
        assert clock.process.poll() is None
        lines = log.read_text().splitlines()
        assert lines
        assert all("waking the sweep: " in line for line in lines)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_clock_stops_at_once_and_takes_its_leave(
    server: EmbeddedServer, redis: Redis, tmp_path: Path, number: int
) -> None:
    with ClockProcess(server, tmp_path / "log") as clock:
        wait_for(lambda: redis.zcard("rq:cron_schedulers"), 20, "the clock does not show itself")
        clock.process.send_signal(number)
        assert clock.process.wait(timeout=2) == 0
    assert redis.zcard("rq:cron_schedulers") == 0
    assert (tmp_path / "log").read_text() == ""

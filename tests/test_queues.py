"""What RQ's registries say of workers and queues."""

from __future__ import annotations

import pytest
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer
from rq.utils import now, utcformat

from tests.routes.dashboard.counting import Counting
from webhook.queues import DELIVER, FOLD, Waker, surveying, workers_alive
from webhook.store.connection import server_now_ms
from webhook.store.rounds import read
from webhook.store.workforce import Workforce
from workers.main import Worker


def survey(redis: Redis) -> Workforce:
    return read(redis, "looking at workers", surveying())


def worker(redis: Redis, queue: str = FOLD, **more: str) -> Worker:
    """One that has begun and waits; `more` is what its hash says otherwise."""
    born = Worker([queue], connection=redis, serializer=JSONSerializer)
    born.register_birth()
    born.set_state("idle")
    if more:
        redis.hset(born.key, mapping=more)
    return born


def test_without_workers_and_jobs_both_queues_are_empty(redis: Redis) -> None:
    force = survey(redis)
    assert force.workers == []
    assert [(queue.name, queue.depth, queue.oldest_ms, queue.failed) for queue in force.queues] == [
        (FOLD, 0, None, 0),
        (DELIVER, 0, None, 0),
    ]


def test_what_waits_is_told_with_the_oldest(redis: Redis) -> None:
    began_ms = server_now_ms(redis)
    waker = Waker(redis)
    waker.wake(0)
    first_ms = server_now_ms(redis)
    waker.wake(1)
    waker.deliver("log")
    fold, deliver = survey(redis).queues
    assert (fold.depth, deliver.depth) == (2, 1)
    assert fold.oldest_ms is not None
    assert began_ms - 5 <= fold.oldest_ms <= first_ms + 5


def test_a_worker_is_told_with_its_queue_and_host(redis: Redis) -> None:
    of_rq = worker(redis, DELIVER)
    (found,) = survey(redis).workers
    assert (found.name, found.queue, found.state, found.alive) == (of_rq.name, DELIVER, "idle", True)
    assert (found.host, found.pid) == (of_rq.hostname, of_rq.pid)
    assert (found.job, found.done, found.failed) == (None, 0, 0)
    assert found.begun_ms is not None
    assert abs(found.begun_ms - server_now_ms(redis)) < 5000


def test_a_worker_without_a_sign_of_life_is_not_alive_and_counted_as_workers_alive_does(redis: Redis) -> None:
    worker(redis)
    worker(redis, last_heartbeat="2026-01-01T00:00:00.000000Z")
    worker(redis, death=utcformat(now()))
    force = survey(redis)
    assert [each.alive for each in force.workers].count(True) == len(force.working(FOLD)) == workers_alive(redis) == 1
    assert force.working(DELIVER) == []


def test_the_job_in_hand_is_told_in_words(redis: Redis) -> None:
    Waker(redis).wake(7)
    busy, _ = worker(redis), worker(redis)
    job = Queue(FOLD, connection=redis, serializer=JSONSerializer).jobs[0]
    busy.prepare_execution(job)
    force = survey(redis)
    assert {each.name: each.job for each in force.workers if each.job} == {busy.name: "drain 7"}
    since_ms = next(each.job_ms for each in force.workers if each.job)
    assert since_ms is not None
    assert abs(since_ms - server_now_ms(redis)) < 5000


@pytest.mark.parametrize(("age_s", "per_minute"), [(120, 60.0), (0, 0.0)])
def test_jobs_a_minute_are_counted_since_a_worker_began(redis: Redis, age_s: int, per_minute: float) -> None:
    worker(redis, successful_job_count="120", failed_job_count="3")
    (found,) = survey(redis).workers
    assert found.begun_ms is not None
    assert (found.done, found.failed) == (120, 3)
    assert found.per_minute(found.begun_ms + age_s * 1000) == per_minute


def test_it_costs_two_round_trips(redis: Redis) -> None:
    for _ in range(3):
        worker(redis)
        Waker(redis).wake(0)
    counting = Counting(connection_pool=redis.connection_pool)
    survey(counting)
    assert counting.trips == 2

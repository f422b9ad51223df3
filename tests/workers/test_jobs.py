"""Jobs on a real queue: JSON only, short-lived, named by dotted paths that exist (failure-modes R6, R8, R10)."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq import Queue, SimpleWorker
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.utils import import_attribute

from tests.receivers import Answer, HttpReceiver
from tests.routes.posting import Post
from tests.servers import EmbeddedServer
from tests.store.build import started, video
from tests.store.outboxes import batches, left, put, telling
from tests.store.rig import Rig
from webhook import embedded, queues
from webhook import settings as configuration
from webhook.domain.errors import ConfigurationError
from webhook.queues import DELIVER, FOLD, Waker
from webhook.store import keys
from webhook.store.keys import SinkKeys
from workers import jobs

PICKLES = tuple(b"\x80" + bytes([protocol]) for protocol in range(2, 6))


@pytest.fixture
def queue(redis: Redis) -> Queue:
    return Queue(FOLD, connection=redis, serializer=JSONSerializer)


@pytest.fixture
def deliveries(redis: Redis) -> Queue:
    return Queue(DELIVER, connection=redis, serializer=JSONSerializer)


@pytest.fixture
def worker(valkey: EmbeddedServer, queue: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A worker of this very process, whose jobs find the tests' server by their environment."""
    monkeypatch.setenv("REDIS_URL", embedded.url(valkey.var))
    monkeypatch.setenv("VIGIL_SHARDS", "2")
    (tmp_path / "empty.toml").touch()
    monkeypatch.setenv("VIGIL_CONFIG", str(tmp_path / "empty.toml"))
    monkeypatch.setenv("VIGIL_RETENTION", "36500d")
    jobs._process.cache_clear()
    yield SimpleWorker(
        [queue, Queue(DELIVER, connection=queue.connection, serializer=JSONSerializer)],
        connection=queue.connection,
        serializer=JSONSerializer,
    )
    if jobs._process.cache_info().currsize:
        jobs._process().redis.close()
    jobs._process.cache_clear()


def only_job(queue: Queue) -> Job:
    (job,) = queue.jobs
    return job


@pytest.mark.parametrize("path", [queues.DRAIN, queues.SWEEP, queues.DELIVER_TO, queues.BEAT])
def test_every_dotted_path_names_a_job(path: str) -> None:
    assert callable(import_attribute(path))
    assert path.startswith("workers.jobs.")


def test_a_wake_up_is_the_number_of_a_shard_as_json(queue: Queue) -> None:
    Waker(queue.connection).wake(3)
    stored = queue.connection.hget(only_job(queue).key, "data")
    assert stored
    assert json.loads(zlib.decompress(stored)) == ["workers.jobs.drain", None, [3], {}]


def test_a_wake_up_lives_as_long_as_it_may_be_of_use(queue: Queue) -> None:
    Waker(queue.connection).wake(3)
    job = only_job(queue)
    assert (job.timeout, job.result_ttl) == (5, 0)
    assert job.failure_ttl is not None
    assert 0 < job.failure_ttl <= 3600


def test_as_many_wake_ups_may_wait_as_there_can_be_shards() -> None:
    with pytest.raises(ConfigurationError):
        configuration.load({"VIGIL_SHARDS": str(queues.MOST_WAITING)})


def test_a_notification_with_an_id_full_of_colons_travels_from_post_to_status(
    post: Post, rig: Rig, worker: SimpleWorker, client: Any
) -> None:
    assert post(video(1, notice_id="2000001428:4330:107")).json == {
        "status": "accepted",
        "noticeId": "2000001428:4330:107",
    }
    worker.work(burst=True)
    assert client.get("/api/v1/sessions/s1").json["streams"][0]["video"] == "stopped"
    items = client.get("/api/v1/notifications", query_string={"noticeId": "2000001428:4330:107"}).json["items"]
    assert [item["outcome"] for item in items] == ["applied"]
    rig.check()


def test_a_job_that_succeeded_leaves_nothing(post: Post, worker: SimpleWorker, redis: Redis) -> None:
    post(started())
    worker.work(burst=True)
    assert list(redis.scan_iter("rq:job:*")) == []
    assert list(redis.scan_iter("rq:results:*")) == []


def test_a_wake_up_that_runs_twice_changes_nothing(post: Post, rig: Rig, worker: SimpleWorker, queue: Queue) -> None:
    post(started())
    Waker(queue.connection).wake(rig.keys_of(started()).shard)
    assert queue.count == 2
    worker.work(burst=True)
    assert (rig.session().received, rig.session().revision) == (1, 1)


def test_a_sweep_finds_what_a_lost_wake_up_left(post: Post, rig: Rig, worker: SimpleWorker, queue: Queue) -> None:
    post(started())
    queue.connection.delete(queue.key)
    queue.connection.pexpireat(rig.keys_of(started()).pending, 1)
    queue.enqueue(queues.SWEEP)
    worker.work(burst=True)
    assert rig.has("s1")


def test_a_sweep_is_no_longer_pending_once_it_runs(redis: Redis, worker: SimpleWorker, queue: Queue) -> None:
    redis.set(keys.SWEEP_PENDING, "clock")
    queue.enqueue(queues.SWEEP)
    worker.work(burst=True)
    assert not redis.exists(keys.SWEEP_PENDING)


def test_no_key_holds_a_pickle(post: Post, redis: Redis, worker: SimpleWorker, queue: Queue) -> None:
    post(started())
    queue.enqueue(queues.SWEEP)
    queue.enqueue("workers.jobs.no_such_job")
    Waker(redis).wake(1)
    found = [value for key in redis.scan_iter() for value in values_of(redis, key)]
    worker.work(burst=True)
    found += [value for key in redis.scan_iter() for value in values_of(redis, key)]
    assert len(found) > 20
    assert [value for value in found if opened(value).startswith(PICKLES)] == []


def values_of(redis: Redis, key: bytes) -> list[bytes]:
    kind = redis.type(key)
    if kind == b"string":
        return [redis.get(key) or b""]
    if kind == b"hash":
        return list(redis.hgetall(key).values())
    if kind == b"list":
        return list(redis.lrange(key, 0, -1))
    if kind == b"stream":
        return [value for _, fields in redis.xrange(key) for value in fields.values()]
    return list(redis.smembers(key) if kind == b"set" else redis.zrange(key, 0, -1))


def opened(value: bytes) -> bytes:
    try:
        return zlib.decompress(value)
    except zlib.error:
        return value


def test_with_nobody_working_a_stream_of_posts_does_not_pile_up_wake_ups(
    post: Post, rig: Rig, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, "MOST_WAITING", 5)
    for _ in range(20):
        assert post(started()).status_code == 200
        queue.connection.pexpireat(rig.keys_of(started()).pending, 1)  # as PENDING_MS after each post
    assert queue.count == 5


def test_a_worker_that_begins_drains_every_shard_though_the_server_is_full(
    post: Post, rig: Rig, worker: SimpleWorker, redis: Redis
) -> None:
    post(started())
    redis.config_set("maxmemory", 1)
    jobs.drain_all()
    redis.config_set("maxmemory", 0)
    assert rig.has("s1")


def configure(tmp_path: Path, text: str) -> None:
    """What the jobs of the worker find in their vigil.toml."""
    (tmp_path / "empty.toml").write_text(text)


def sink_at(receiver: HttpReceiver) -> str:
    return f'[[sink]]\nname = "ops"\nkind = "alertmanager"\nurl = "{receiver.url}"\n'


def test_a_wake_up_of_a_sink_is_its_name_as_json(deliveries: Queue) -> None:
    Waker(deliveries.connection).deliver("ops")
    job = only_job(deliveries)
    stored = deliveries.connection.hget(job.key, "data")
    assert stored
    assert json.loads(zlib.decompress(stored)) == ["workers.jobs.deliver", None, ["ops"], {}]
    assert (job.timeout, job.result_ttl) == (9, 0)


def test_a_job_delivers_what_waits_for_its_sink_and_leaves_nothing(
    worker: SimpleWorker, redis: Redis, tmp_path: Path
) -> None:
    with HttpReceiver() as receiver:
        configure(tmp_path, sink_at(receiver))
        put(redis, telling(decided_ms=1))
        Waker(redis).deliver("ops")
        worker.work(burst=True)
        assert len(receiver.received) == 1
    assert left(redis) == []
    assert list(redis.scan_iter("rq:job:*")) == []


def test_the_alarm_of_a_job_ends_a_sink_that_hangs_and_is_a_failure(
    worker: SimpleWorker, redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, "JOB_TIMEOUT", 1)
    with HttpReceiver(Answer(hangs=True)) as receiver:
        configure(tmp_path, sink_at(receiver))
        put(redis, telling())
        Waker(redis).deliver("ops")
        worker.work(burst=True, max_jobs=1)
    (batch,) = batches(redis)
    assert (batch.attempts, batch.error) == (1, "no answer within 8 s")
    assert redis.exists(SinkKeys("ops").lease) == 0


@pytest.mark.parametrize("text", ["", '[[sink]]\nname = "ops"\nkind = "pagerduty"\nrouting_key = "none"\n'])
def test_what_waits_for_a_sink_that_is_not_there_or_cannot_work_is_kept(
    worker: SimpleWorker, redis: Redis, tmp_path: Path, text: str
) -> None:
    configure(tmp_path, text)
    put(redis, telling())
    Waker(redis).deliver("ops")
    worker.work(burst=True)
    assert left(redis) == left(redis, "waiting", "outbox") != []
    assert redis.exists(SinkKeys("ops").lease) == 0


def test_with_nobody_delivering_wake_ups_do_not_pile_up(deliveries: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queues, "MOST_WAITING", 5)
    for _ in range(20):
        Waker(deliveries.connection).deliver("ops")
        Waker(deliveries.connection).beat()
    assert deliveries.count == 5


def test_the_sweep_has_sinks_delivered_to_and_hearts_beat(
    worker: SimpleWorker, queue: Queue, redis: Redis, tmp_path: Path
) -> None:
    with HttpReceiver() as receiver:
        heartbeat = f'[heartbeat]\nurl = "{receiver.url}/beat"\nevery = "60s"\n'
        configure(tmp_path, sink_at(receiver) + heartbeat)
        put(redis, telling(decided_ms=1))
        queue.enqueue(queues.SWEEP)
        worker.work(burst=True)
        assert sorted((each.method, each.path) for each in receiver.received) == [
            ("GET", "/beat"),
            ("POST", "/api/v2/alerts"),
        ]
    assert left(redis) == []

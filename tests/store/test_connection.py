"""Connections: errors become ours, the number of shards is fixed at the first start."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest
from redis import Redis, exceptions
from redis.exceptions import AuthenticationError, RedisError, ResponseError

from tests.system.servers import LOOPBACK, SentinelServer, TcpServer
from tests.waiting import wait_for
from webhook.domain.errors import StoreError, WrongShards
from webhook.store import keys
from webhook.store.connection import claim_shards, connect, server_now_ms, store_errors


@pytest.mark.parametrize(
    "raised", [RedisError, ResponseError, AuthenticationError, exceptions.ConnectionError, exceptions.TimeoutError]
)
def test_whatever_redis_raises_says_what_was_being_done(raised: type[Exception]) -> None:
    with pytest.raises(StoreError, match=f"counting sheep: {raised.__name__}: why"), store_errors("counting sheep"):
        raise raised("why")


def test_what_others_raise_is_left_alone() -> None:
    with pytest.raises(KeyError), store_errors("counting sheep"):
        raise KeyError


def test_the_first_start_writes_the_number_of_shards_and_the_next_agrees(redis: Redis) -> None:
    claim_shards(redis, 4)
    claim_shards(redis, 4)
    assert redis.get(keys.SHARDS) == b"4"


def test_another_number_of_shards_is_refused_with_what_to_do(redis: Redis) -> None:
    claim_shards(redis, 4)
    with pytest.raises(WrongShards, match=r"VIGIL_SHARDS is 8, but what is in Redis .* with 4: set VIGIL_SHARDS=4"):
        claim_shards(redis, 8)
    assert redis.get(keys.SHARDS) == b"4"


def test_the_servers_clock_is_in_milliseconds(redis: Redis) -> None:
    seconds, _ = redis.time()
    assert 0 <= server_now_ms(redis) - seconds * 1000 < 10_000


def test_a_full_server_that_knows_the_number_of_shards_is_good_to_start_on(redis: Redis) -> None:
    claim_shards(redis, 4)
    redis.config_set("maxmemory", 1)
    claim_shards(redis, 4)


class Interrupted(BaseException):
    """What a worker is told to stop by, or a request that takes too long."""


@pytest.fixture(params=["redis", "redis+sentinel"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with TcpServer(tmp_path / "server") as server:
        server.start()
        if request.param == "redis":
            yield server.url
        else:
            with SentinelServer(tmp_path / "sentinel", server, quorum=1) as sentinel:
                yield f"redis+sentinel://{LOOPBACK}:{sentinel.start().port}/vigil"


def test_whoever_is_interrupted_in_the_middle_of_a_command_leaves_its_answer_to_nobody(url: str) -> None:
    def interrupt(number: int, frame: FrameType | None) -> None:
        raise Interrupted

    with connect(url, 5.0) as redis, connect(url, 5.0) as other:
        redis.ping()

        def interrupt_when_blocked() -> None:
            wait_for(lambda: other.info("clients")["blocked_clients"] == 1, 10, "nobody waits")
            os.kill(os.getpid(), signal.SIGUSR1)

        before = signal.signal(signal.SIGUSR1, interrupt)
        interrupter = threading.Thread(target=interrupt_when_blocked)
        try:
            interrupter.start()
            with pytest.raises(Interrupted):
                redis.blpop("nothing", 3)
        finally:
            interrupter.join()
            signal.signal(signal.SIGUSR1, before)
        assert redis.echo("mine") == b"mine"


def test_the_primary_is_found_and_where_no_sentinel_answers_it_is_an_error_of_redis(url: str) -> None:
    with connect(url, 5.0) as redis:
        assert redis.info("replication")["role"] == "master"
    with connect("rediss+sentinel://127.0.0.1:1/vigil", 0.3) as nowhere, pytest.raises(RedisError):
        nowhere.ping()


def test_where_no_sentinel_knows_the_primary_it_says_who_was_asked_for_whom() -> None:
    nowhere = connect("redis+sentinel://:secret@127.0.0.1:1,127.0.0.1:2/vigil", 0.3)
    with pytest.raises(StoreError) as failure, store_errors("asking"):
        nowhere.ping()
    assert "'vigil'" in str(failure.value)
    assert "asked were 127.0.0.1:1, 127.0.0.1:2" in str(failure.value)
    assert len(str(failure.value)) < 160

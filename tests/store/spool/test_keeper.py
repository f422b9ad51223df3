"""The keeper: Redis while it is well, the spool while it is not, and nobody waits for what is known to be away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest
from msgspec.structs import replace
from redis import Redis

from tests.servers import EmbeddedServer
from tests.store.build import arrival, route_of, started
from tests.store.spool.spooling import abandon, files, found, keeper_of, spool_in, spooled
from webhook import embedded
from webhook.domain.errors import InboxFull, SpoolError, StoreError, WrongShards
from webhook.store import keys
from webhook.store.connection import WEB_TIMEOUT, connect, server_now_ms
from webhook.store.inbox import Appended
from webhook.store.spool.breaker import MOST_FAILURES
from webhook.store.spool.framing import Spooled
from webhook.store.spool.keeper import Keeper
from webhook.store.spool.spool import SpoolLimits
from webhook.store.spool.tender import Tender
from webhook.store.spools import together

KEY = route_of(started())
STALLED = """
from gevent import monkey
monkey.patch_all()
import os, time, _socket, gevent
sleep = monkey.get_original("time", "sleep")
_socket.getaddrinfo = lambda *arguments, **more: sleep(30)
from tests.store.build import arrival, started
from webhook import wsgi
began = time.monotonic()
posts = [gevent.spawn(wsgi._keeper.keep, "key", arrival(started(f"s{n}")), "") for n in range(60)]
assert gevent.wait(posts, timeout=20) and all(post.successful() for post in posts)
print(time.monotonic() - began, flush=True)
os._exit(0)
"""


def keep(keeper: Keeper, sid: str = "s1") -> Appended | None:
    return keeper.keep(KEY, arrival(started(sid)), "c1a1")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(tmp_path / "var") as server:
        server.start().close()
        yield server


@pytest.fixture
def away(server: EmbeddedServer) -> Iterator[Redis]:
    """A web's client of a server that hangs."""
    assert server.process
    server.process.send_signal(signal.SIGSTOP)
    with connect(embedded.url(server.var), WEB_TIMEOUT) as redis:
        yield redis


def test_while_redis_is_well_nothing_is_spooled(redis: Redis, tmp_path: Path) -> None:
    keeper = keeper_of(redis, spool_in(tmp_path / "spool"))
    kept = keep(keeper)
    assert kept
    assert kept.wake
    assert files(tmp_path / "spool") == []


def test_what_redis_does_not_take_is_spooled_with_all_that_belongs_to_it(tmp_path: Path) -> None:
    keeper = keeper_of(connect(embedded.url(tmp_path / "none"), WEB_TIMEOUT), spool_in(tmp_path / "spool"))
    keeper.now_ms = lambda: 17
    came = arrival(started(), receipt="r1", source="eu", project="europe")
    assert keeper.keep(KEY, came, "c1a1") is None
    (held,) = found(tmp_path / "spool")
    assert isinstance(held, Spooled)
    assert (held.routing_key, held.claim) == (KEY, "c1a1")
    assert held.arrival(0) == replace(came, received_ms=17)


def test_after_a_few_failures_nobody_waits_for_redis_until_the_tender_finds_it_well(
    server: EmbeddedServer, away: Redis, tmp_path: Path
) -> None:
    keeper = keeper_of(away, spool_in(tmp_path / "spool"))
    opened = [(keep(keeper), keeper.breaker.is_open)[1] for _ in range(MOST_FAILURES)]
    assert opened == [False] * (MOST_FAILURES - 1) + [True]
    began = monotonic()
    assert [keep(keeper) for _ in range(10)] == [None] * 10
    assert monotonic() - began < WEB_TIMEOUT
    tender = Tender(away, keeper)
    with pytest.raises(StoreError):
        tender.tend()
    assert keeper.breaker.is_open
    assert tender.is_busy
    assert server.process
    server.process.send_signal(signal.SIGCONT)
    embedded.wait_until_ready(server.var, 10)
    tender.tend()
    assert not keeper.breaker.is_open
    assert keep(keeper) is not None
    assert files(tmp_path / "spool") == []


def test_a_success_forgives_failures(server: EmbeddedServer, tmp_path: Path) -> None:
    assert server.process
    with connect(embedded.url(server.var), WEB_TIMEOUT) as redis:
        keeper = keeper_of(redis, spool_in(tmp_path / "spool"))
        for _ in range(2):
            server.process.send_signal(signal.SIGSTOP)
            assert [keep(keeper) for _ in range(MOST_FAILURES - 1)] == [None] * (MOST_FAILURES - 1)
            server.process.send_signal(signal.SIGCONT)
            embedded.wait_until_ready(server.var, 10)
            assert keep(keeper) is not None
        assert not keeper.breaker.is_open


def test_a_server_that_answers_and_cannot_write_keeps_the_breaker_open(redis: Redis, tmp_path: Path) -> None:
    keeper = keeper_of(redis, spool_in(tmp_path / "spool"))
    redis.set(keys.SHARDS, 2)
    redis.config_set("maxmemory", 1)
    assert [keep(keeper) for _ in range(MOST_FAILURES)] == [None] * MOST_FAILURES
    with pytest.raises(StoreError, match="OutOfMemory"):
        Tender(redis, keeper).tend()
    assert keeper.breaker.is_open
    assert together(redis.hvals(keys.SPOOLS), server_now_ms(redis)).depth == MOST_FAILURES
    assert redis.exists(keys.WEB_SEEN)
    redis.config_set("maxmemory", 0)
    Tender(redis, keeper).tend()
    assert not keeper.breaker.is_open


def test_a_full_inbox_spools_and_does_not_count_against_redis(redis: Redis, tmp_path: Path) -> None:
    keeper = keeper_of(redis, spool_in(tmp_path / "spool"), shards=1, most=1)
    kept = [keep(keeper, f"s{number}") is not None for number in range(2 * MOST_FAILURES)]
    assert kept == [True] + [False] * (2 * MOST_FAILURES - 1)
    assert not keeper.breaker.is_open
    assert len(found(tmp_path / "spool")) == 2 * MOST_FAILURES - 1


def test_another_number_of_shards_is_refused_and_nothing_is_spooled(redis: Redis, tmp_path: Path) -> None:
    redis.set(keys.SHARDS, 4)
    keeper = keeper_of(redis, spool_in(tmp_path / "spool"))
    for _ in range(MOST_FAILURES + 1):
        with pytest.raises(WrongShards):
            keep(keeper)
    assert files(tmp_path / "spool") == []


def test_without_a_spool_what_redis_does_not_take_is_refused(redis: Redis, tmp_path: Path) -> None:
    nowhere = keeper_of(connect(embedded.url(tmp_path / "none"), WEB_TIMEOUT), None)
    full = keeper_of(redis, None, shards=1, most=1)
    keep(full)
    with pytest.raises(StoreError):
        keep(nowhere)
    with pytest.raises(InboxFull):
        keep(full)
    with pytest.raises(StoreError, match="VIGIL_SPOOL_DIR"):
        full.check()


def test_with_the_disk_full_too_it_is_refused_and_both_recover_by_themselves(redis: Redis, tmp_path: Path) -> None:
    spool = spool_in(tmp_path / "spool", SpoolLimits(most=6000, free=0))
    keeper = keeper_of(redis, spool)
    redis.config_set("maxmemory", 1)
    while not refuses(keeper):
        pass
    with pytest.raises(SpoolError):
        keeper.check()
    redis.config_set("maxmemory", 0)
    Tender(redis, keeper).tend()
    keeper.check()
    assert keep(keeper) is not None


def refuses(keeper: Keeper) -> bool:
    try:
        return keep(keeper) is not None
    except SpoolError:
        return True


def test_what_others_left_is_found_by_whoever_starts_next(redis: Redis, tmp_path: Path) -> None:
    abandon(tmp_path / "spool", spooled(started()))
    Tender(redis, keeper_of(redis, spool_in(tmp_path / "spool"))).tend()
    assert files(tmp_path / "spool") == []


def test_a_server_whose_name_is_looked_up_for_long_holds_up_neither_the_spool_nor_those_who_post(
    tmp_path: Path,
) -> None:
    environment = {
        **os.environ,
        "REDIS_URL": "redis://redis.stalled.test:6379/0",
        "VIGIL_VAR": str(tmp_path / "var"),
        "VIGIL_SPOOL_MIN_FREE_BYTES": "0",
    }
    took = subprocess.run(
        [sys.executable, "-c", STALLED], env=environment, capture_output=True, text=True, check=True, timeout=50
    )
    assert float(took.stdout) < 4
    assert len(found(tmp_path / "var" / "spool")) == 60

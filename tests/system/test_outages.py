"""Redis dies, hangs, fills up, loads or turns read-only under a running Vigil: every post is 200 and applied once."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import suppress
from itertools import count

import pytest
from redis.exceptions import RedisError

from tests.system.outages import Load, external, rig_is_idle, spool_files
from tests.system.servers import TcpServer
from tests.system.stack import Stack, needs_proc, send
from tests.waiting import wait_for

pytestmark = needs_proc

LATEST_S = 3.0  # seconds; beyond it something waits that should not
EMPTIED_WITHIN = 20.0
SLOW = {"key-load-delay": "1000", "loading-process-events-interval-bytes": "1024"}  # microseconds a key
_numbers = count()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TcpServer]:
    with TcpServer(tmp_path_factory.mktemp("server")) as server:
        yield server.start()


@pytest.fixture(scope="module")
def running(server: TcpServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with external(tmp_path_factory.mktemp("outages") / "vigil", server.url, VIGIL_WEB_WORKERS="2") as vigil:
        yield vigil.start()


@pytest.fixture
def vigil(running: Stack) -> Stack:
    """Vigil, well, with nothing spooled."""
    wait_for(running.is_sound, 30, "vigil does not recover from the test before")
    return running


def loading(server: TcpServer) -> bool:
    with suppress(RedisError):
        return bool(server.redis.info("persistence")["loading"])
    return False


def load(vigil: Stack, posts: int, rate: float = 200.0) -> Load:
    return Load(vigil, f"o{next(_numbers)}-", posts, rate)


def degraded(vigil: Stack) -> list[str]:
    answer = vigil.ask("GET", "/readyz")
    assert answer.status == 200
    names: list[str] = answer.json()["degraded"]
    return names


def assert_kept(posted: Load, server: TcpServer, vigil: Stack) -> None:
    """All was acknowledged without delay, is applied once, and nothing is left in the spool."""
    posted.assert_acknowledged()
    assert posted.latest_s < LATEST_S
    posted.assert_applied(server.redis)
    wait_for(lambda: spool_files(vigil) == [], EMPTIED_WITHIN, "the spool does not become empty")


def test_a_server_that_is_killed_under_load_costs_nothing(vigil: Stack, server: TcpServer) -> None:
    posted = load(vigil, 400)
    with posted.running():
        posted.wait_for(100)
        server.kill()
        posted.wait_for(280)
        server.launch()
    wait_for(server.answers, 20, "the server does not come back")
    assert_kept(posted, server, vigil)


def test_a_server_that_hangs_under_load_costs_nothing(vigil: Stack, server: TcpServer) -> None:
    posted = load(vigil, 240)
    with posted.running():
        posted.wait_for(50)
        server.send(signal.SIGSTOP)
        posted.wait_for(200)
        server.send(signal.SIGCONT)
    assert_kept(posted, server, vigil)


def test_what_web_workers_spooled_that_were_killed_is_drained_by_those_who_follow(
    vigil: Stack, server: TcpServer
) -> None:
    posted = load(vigil, 60)
    server.kill()
    posted.run()
    assert spool_files(vigil)
    killed = vigil.web_workers()
    send(killed, signal.SIGKILL)
    wait_for(lambda: set(vigil.web_workers()).isdisjoint(killed), 10, "they are not replaced")
    server.start()
    assert_kept(posted, server, vigil)


def test_a_server_that_takes_no_writes_costs_nothing_and_vigil_is_ready(vigil: Stack, server: TcpServer) -> None:
    posted = load(vigil, 60)
    server.redis.replicaof("127.0.0.1", "1")
    try:
        posted.run()
        assert "redis" in degraded(vigil)
    finally:
        server.redis.replicaof("NO", "ONE")
    assert_kept(posted, server, vigil)


def test_a_full_server_costs_nothing_and_is_drained_meanwhile(vigil: Stack, server: TcpServer) -> None:
    before, posted = load(vigil, 40), load(vigil, 60)
    workers = vigil.fold_workers()
    send(workers, signal.SIGSTOP)
    before.run()
    assert not rig_is_idle(server.redis)
    server.redis.config_set("maxmemory", 1)
    try:
        posted.run()
        send(workers, signal.SIGCONT)
        assert "redis" in degraded(vigil)
        before.assert_applied(server.redis)
        assert spool_files(vigil)
    finally:
        server.redis.config_set("maxmemory", 0)
    assert_kept(posted, server, vigil)


def test_a_server_that_still_loads_its_files_costs_nothing(vigil: Stack, server: TcpServer) -> None:
    server.redis.mset({f"filler:{number}": "x" for number in range(1500)})
    server.redis.bgrewriteaof()
    wait_for(lambda: not server.redis.info("persistence")["aof_rewrite_in_progress"], 10, "it does not rewrite")
    server.kill()
    server.options |= SLOW
    server.launch()
    try:
        wait_for(lambda: loading(server), 10, "the server does not load")
        posted = load(vigil, 60)
        posted.run()
        assert loading(server)
    finally:
        server.options = {name: value for name, value in server.options.items() if name not in SLOW}
        wait_for(server.answers, 20, "the server does not come back")
    server.redis.delete(*(f"filler:{number}" for number in range(1500)))
    assert_kept(posted, server, vigil)


def test_a_server_that_may_throw_away_what_it_took_is_named(vigil: Stack, server: TcpServer) -> None:
    server.redis.config_set("maxmemory-policy", "allkeys-lru")
    try:
        assert degraded(vigil) == ["eviction"]
    finally:
        server.redis.config_set("maxmemory-policy", "noeviction")

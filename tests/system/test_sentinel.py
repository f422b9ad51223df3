"""A primary, a replica and three sentinels: the primary dies under load, and nothing acknowledged is lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from redis.exceptions import RedisError

from tests.system.outages import Load, external, spool_files
from tests.system.servers import LOOPBACK, SentinelServer, TcpServer
from tests.system.stack import Stack, needs_proc
from tests.waiting import wait_for

pytestmark = needs_proc

SENTINELS = 3
POSTS, RATE = 800, 200.0
FAILS_OVER_WITHIN, RETURNS_WITHIN = 20.0, 30.0  # seconds
LATEST_S = 3.0


class Watched:
    """Two servers, one of which follows the other, and who decides that it shall not any more."""

    def __init__(self, directory: Path, processes: ExitStack) -> None:
        self.first = processes.enter_context(TcpServer(directory / "first"))
        self.second = processes.enter_context(TcpServer(directory / "second"))
        self.first.start()
        self.second.start().follow(self.first)
        self.sentinels = [
            processes.enter_context(SentinelServer(directory / f"sentinel{number}", self.first)).launch()
            for number in range(SENTINELS)
        ]
        wait_for(lambda: all(map(self._knows_all, self.sentinels)), 20, "the sentinels do not find each other")

    @property
    def url(self) -> str:
        hosts = ",".join(f"{LOOPBACK}:{sentinel.port}" for sentinel in self.sentinels)
        return f"redis+sentinel://{hosts}/vigil/0"

    def _knows_all(self, sentinel: SentinelServer) -> bool:
        try:
            told = sentinel.redis.sentinel_master("vigil")
        except RedisError:
            return False
        return (told["num-other-sentinels"], told["num-slaves"]) == (SENTINELS - 1, 1)


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    with ExitStack() as processes:
        yield Watched(tmp_path, processes)


@pytest.fixture
def vigil(watched: Watched, tmp_path: Path) -> Iterator[Stack]:
    with external(tmp_path / "vigil", watched.url, VIGIL_ACK="replica") as vigil:
        yield vigil.start()


def role(server: TcpServer) -> str:
    told: str = server.redis.info("replication")["role"]
    return told


def test_a_primary_that_is_killed_under_load_costs_nothing_and_may_come_back(watched: Watched, vigil: Stack) -> None:
    posted = Load(vigil, "s", POSTS, RATE)
    with posted.running():
        posted.wait_for(POSTS // 5)
        watched.first.kill()
        wait_for(lambda: role(watched.second) == "master", FAILS_OVER_WITHIN, "the replica is not made the primary")
    posted.assert_acknowledged()
    assert posted.latest_s < LATEST_S
    posted.assert_applied(watched.second.redis)  # though no replica is left to confirm it
    assert spool_files(vigil)
    watched.first.options["replicaof"] = f"{LOOPBACK} {watched.second.port}"  # else the sentinels take 10 s to say so
    watched.first.start()
    wait_for(lambda: spool_files(vigil) == [], RETURNS_WITHIN, "the spool does not become empty")
    wait_for(vigil.is_sound, RETURNS_WITHIN, "vigil does not become sound again")

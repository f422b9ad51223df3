"""`/livez` and `/readyz`: ready as long as a notification can be kept; the reasons are for readers."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from redis import Redis

from tests import unserved
from tests.servers import EmbeddedServer
from tests.store.build import arrival, started
from tests.store.spool.spooling import keeper_of, spool_in
from webhook import app, clock, embedded
from webhook import settings as configuration
from webhook.domain.errors import StoreError
from webhook.settings import Settings
from webhook.store import keys
from webhook.store.acknowledgement import Acknowledgement, Level
from webhook.store.connection import WEB_TIMEOUT, connect, server_now_ms
from webhook.store.spool.breaker import MOST_FAILURES
from webhook.store.spool.spool import SpoolLimits

ABROAD = {"REMOTE_ADDR": "198.51.100.1"}


@pytest.fixture
def away(settings: Settings, tmp_path: Path) -> Iterator[FlaskClient]:
    """The application before a server that is not there."""
    with connect(embedded.url(tmp_path / "none"), WEB_TIMEOUT) as redis:
        yield unserved.create(settings, redis).test_client()


@pytest.fixture
def well(client: FlaskClient, redis: Redis) -> FlaskClient:
    """The application before a server that was swept lately."""
    redis.set(keys.SWEPT, server_now_ms(redis))
    return client


def test_a_process_that_answers_is_alive(client: FlaskClient) -> None:
    assert client.get("/livez").json == {"alive": True}


def test_a_process_is_alive_though_redis_is_away(away: FlaskClient) -> None:
    assert away.get("/livez").status_code == 200


def test_it_is_ready_while_redis_takes_notifications(well: FlaskClient) -> None:
    answer = well.get("/readyz")
    assert answer.status_code == 200
    assert answer.json["ready"] is True
    assert answer.json["degraded"] == ["workers"]
    assert answer.json["checks"]["workers"] == "0"
    assert answer.json["checks"]["redis"]


def test_with_redis_away_it_is_not_ready_and_says_when_to_come_back(away: FlaskClient) -> None:
    answer = away.get("/readyz")
    assert (answer.status_code, answer.json["ready"]) == (503, False)
    assert "Retry-After" in answer.headers
    assert "redis" in answer.json["checks"]


def test_with_redis_full_it_is_not_ready(well: FlaskClient, redis: Redis) -> None:
    redis.config_set("maxmemory", 1)
    assert well.get("/readyz").status_code == 503


def test_a_sweep_that_does_not_come_is_named(client: FlaskClient, redis: Redis) -> None:
    redis.set(keys.SWEPT, server_now_ms(redis) - 11_000)
    assert client.get("/readyz").json["degraded"] == ["sweep", "workers"]


@pytest.fixture
def configured(redis: Redis) -> Iterator[Redis]:
    """A server whose configuration a test may change."""
    before = redis.config_get("appendfsync", "maxmemory-policy", "appendonly")
    yield redis
    for name, value in before.items():
        redis.config_set(name, value)


@pytest.mark.parametrize(
    ("name", "value", "degraded"),
    [("appendfsync", "everysec", "persistence"), ("maxmemory-policy", "allkeys-lru", "eviction")],
)
def test_a_server_that_may_lose_what_it_took_is_named(
    well: FlaskClient, configured: Redis, name: str, value: str, degraded: str
) -> None:
    configured.config_set(name, value)
    answer = well.get("/readyz")
    assert (answer.status_code, answer.json["degraded"]) == (200, [degraded, "workers"])


def test_a_server_without_an_append_only_file_is_named(well: FlaskClient, configured: Redis) -> None:
    configured.config_set("appendonly", "no")
    assert well.get("/readyz").json["degraded"] == ["persistence", "workers"]


def test_a_source_without_a_secret_is_named(redis: Redis, tmp_path: Path) -> None:
    redis.set(keys.SWEPT, server_now_ms(redis))
    client = unserved.create(configuration.load({}, tmp_path), redis).test_client()
    assert client.get("/readyz").json["degraded"] == ["workers", "secrets"]


def test_reasons_are_for_readers_only(well: FlaskClient, away: FlaskClient) -> None:
    assert well.get("/readyz", environ_base=ABROAD).json == {"ready": True}
    assert away.get("/readyz", environ_base=ABROAD).json == {"ready": False}


def test_neither_needs_a_token(redis: Redis, tmp_path: Path) -> None:
    settings = configuration.load({"VIGIL_API_TOKENS": "ann:reader:reader-token"}, tmp_path)
    client = unserved.create(settings, redis).test_client()
    assert [client.get(path).status_code for path in ("/livez", "/readyz")] == [200, 200]
    told = client.get("/readyz", headers={"Authorization": "Bearer reader-token"}).json
    assert (set(client.get("/readyz").json), set(told)) == ({"ready"}, {"ready", "degraded", "checks"})


def test_with_redis_dead_from_one_moment_to_the_next_it_is_not_ready(settings: Settings, tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path / "var") as server:
        server.start().close()
        with connect(embedded.url(server.var), 5.0) as redis:
            client = unserved.create(settings, redis).test_client()
            ready = client.get("/readyz").status_code
            server.kill()
            assert (ready, client.get("/readyz").status_code) == (200, 503)


class Spooling:
    """The application with a spool, and what is behind it."""

    def __init__(self, redis: Redis, directory: Path, level: Level = Level.REDIS) -> None:
        settings = configuration.load({"AGORA_NOTIFICATION_SECRET": "s", "VIGIL_SHARDS": "2"}, directory)
        self.directory = directory / "spool"
        self.spool = spool_in(self.directory)
        self.keeper = keeper_of(redis, self.spool, by=lambda _: Acknowledgement(level))
        self.client = app.create(settings, redis, self.keeper).test_client()

    def keep(self, count: int) -> None:
        for number in range(count):
            self.keeper.keep("key", arrival(started(f"s{number}")), "")

    def fill(self) -> None:
        self.spool._limits = SpoolLimits(most=1, free=0)

    def ready(self) -> tuple[int, Any]:
        answer = self.client.get("/readyz")
        return answer.status_code, answer.json


@pytest.fixture
def spooling(redis: Redis, tmp_path: Path) -> Spooling:
    redis.set(keys.SWEPT, server_now_ms(redis))
    return Spooling(redis, tmp_path)


def test_a_spool_that_cannot_keep_is_named_while_redis_is_well(spooling: Spooling) -> None:
    assert spooling.ready()[1]["degraded"] == ["workers"]
    spooling.fill()
    status, told = spooling.ready()
    assert (status, told["degraded"]) == (200, ["spool", "workers"])
    assert "VIGIL_SPOOL_MAX_BYTES=1" in told["checks"]["spool"]


def test_a_spool_directory_that_cannot_be_made_again_is_named(spooling: Spooling) -> None:
    shutil.rmtree(spooling.directory)
    spooling.directory.write_text("")
    assert "spool" in spooling.ready()[1]["degraded"]


@pytest.mark.parametrize("opened", [True, False])
def test_with_nothing_confirmed_and_a_spool_that_cannot_keep_it_is_not_ready(
    redis: Redis, tmp_path: Path, opened: bool
) -> None:
    spooling = Spooling(redis, tmp_path, Level.REPLICA)
    spooling.keep(MOST_FAILURES if opened else 1)
    status, told = spooling.ready()
    assert (status, "replica" in told["degraded"], "redis" in told["degraded"]) == (200, True, opened)
    assert "has no replica" in told["checks"]["replica"]
    spooling.fill()
    with pytest.raises(StoreError):
        spooling.keep(1)
    assert (spooling.ready()[0], spooling.ready()[1]["ready"]) == (503, False)


def test_each_name_is_told_in_words(client: FlaskClient, configured: Redis) -> None:
    configured.config_set("appendonly", "no")
    configured.config_set("maxmemory-policy", "allkeys-lru")
    told = client.get("/readyz").json
    assert set(told["degraded"]) <= set(told["checks"])
    assert "appendonly no" in told["checks"]["persistence"]
    assert "allkeys-lru" in told["checks"]["eviction"]
    assert "never swept" in told["checks"]["sweep"]
    assert "no spool" in told["checks"]["spool"]


def test_with_redis_away_it_tells_how_many_wait_here_and_for_how_long(tmp_path: Path) -> None:
    with connect(embedded.url(tmp_path / "none"), WEB_TIMEOUT) as redis:
        spooling = Spooling(redis, tmp_path)
        spooling.keeper.now_ms = lambda: clock.now_ms() - 90_000
        spooling.keep(3)
        spooling.keeper.now_ms = clock.now_ms
        status, told = spooling.ready()
    assert (status, told["degraded"]) == (200, ["redis"])
    assert re.search(r"3 wait here, the oldest for 9\d s", told["checks"]["spool"])

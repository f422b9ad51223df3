"""Ingest while Redis keeps nothing: 200 from the spool and applied later; 503 where that cannot keep it either."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from redis import Redis
from werkzeug.test import TestResponse

from tests import unserved
from tests.routes.posting import SECRET
from tests.servers import EmbeddedServer
from tests.store.build import raw, started
from tests.store.rig import Rig
from tests.store.spool.spooling import files
from webhook import embedded
from webhook import settings as configuration
from webhook.domain.signature import signed_headers
from webhook.routes.ingest import EXTENSION
from webhook.store.connection import WEB_TIMEOUT, connect
from webhook.store.spool.tender import Tender

ADDRESS = "/webhooks/agora"
POSTS = 6


class Site:
    """The application with a spool before a server of its own, and the tender beside it."""

    def __init__(self, server: EmbeddedServer, redis: Redis, directory: Path, **environment: str) -> None:
        told = {"VIGIL_SHARDS": "2", "AGORA_NOTIFICATION_SECRET": SECRET, "VIGIL_VAR": str(directory)}
        settings = configuration.load(told | {"VIGIL_SPOOL_DIR": str(directory / "spool")} | environment, directory)
        self.server, self.redis, self.spool = server, redis, directory / "spool"
        application = unserved.create(settings, redis)
        self.client: FlaskClient = application.test_client()
        self.tender = Tender(redis, application.extensions[EXTENSION].keeper)
        self.rig = Rig(redis, 2)

    def post(self, body: Any) -> TestResponse:
        return self.client.post(ADDRESS, data=raw(body), headers=signed_headers(raw(body), SECRET))

    def ready(self) -> tuple[int, list[str]]:
        answer = self.client.get("/readyz")
        return answer.status_code, answer.json["degraded"]

    def signal(self, number: int) -> None:
        assert self.server.process
        self.server.process.send_signal(number)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(tmp_path_factory.mktemp("outages") / "var") as server:
        server.start().close()
        yield server


@pytest.fixture
def fast(server: EmbeddedServer) -> Iterator[Redis]:
    """A web's client of the server, which is well, and empty."""
    with connect(embedded.url(server.var), WEB_TIMEOUT) as redis:
        redis.flushall()
        yield redis


@pytest.fixture
def site(server: EmbeddedServer, fast: Redis, tmp_path: Path) -> Site:
    return Site(server, fast, tmp_path)


def hang(site: Site) -> Callable[[], None]:
    site.signal(signal.SIGSTOP)
    return lambda: site.signal(signal.SIGCONT)


def die(site: Site) -> Callable[[], None]:
    site.server.kill()
    return lambda: site.server.start().close()


def fill(site: Site) -> Callable[[], None]:
    site.redis.config_set("maxmemory", 1)
    return lambda: bool(site.redis.config_set("maxmemory", 0)) and None


def follow(site: Site) -> Callable[[], None]:
    site.redis.replicaof("127.0.0.1", "1")
    return lambda: bool(site.redis.replicaof("NO", "ONE")) and None


@pytest.mark.parametrize("outage", [hang, die, fill, follow], ids=lambda outage: outage.__name__)
def test_while_redis_keeps_nothing_every_post_is_200_and_applied_once_it_is_back(
    site: Site, outage: Callable[[Site], Callable[[], None]]
) -> None:
    assert site.post(started("before")).status_code == 200
    end = outage(site)
    answers = [site.post(started(f"s{number}")) for number in range(POSTS)]
    ready = site.ready()
    end()
    embedded.wait_until_ready(site.server.var, 10)
    assert [answer.status_code for answer in answers] == [200] * POSTS
    assert answers[0].json == {"status": "accepted", "noticeId": "40:s0"}
    assert ready == (200, ["redis"])
    site.tender.tend()
    assert files(site.spool) == []
    site.rig.drain()
    assert site.rig.ids() == ["before", *(f"s{number}" for number in range(POSTS))]
    assert site.rig.outcomes() == {"applied": POSTS + 1}


def test_what_is_quarantined_is_spooled_too(site: Site) -> None:
    end = fill(site)
    answer = site.post(b"no JSON")
    end()
    assert (answer.status_code, answer.json["status"]) == (200, "quarantined")
    site.tender.tend()
    site.rig.drain()
    assert site.rig.outcomes() == {"quarantined": 1}


def test_what_is_not_signed_is_refused_and_never_spooled(site: Site) -> None:
    end = fill(site)
    answer = site.client.post(ADDRESS, data=raw(started()), headers=signed_headers(raw(started()), "another"))
    end()
    assert answer.status_code == 401
    assert files(site.spool) == []


def test_with_the_inbox_full_posts_are_200_and_ready_says_what_waits(
    server: EmbeddedServer, fast: Redis, tmp_path: Path
) -> None:
    site = Site(server, fast, tmp_path, VIGIL_INBOX_MAX="2", VIGIL_SHARDS="2")
    assert [site.post(started()).status_code for _ in range(4)] == [200] * 4
    site.tender.tend()
    assert set(site.ready()[1]) >= {"inbox", "spool"}
    taken = 0
    while files(site.spool):
        taken += site.rig.drain()
        site.tender.tend()
    assert taken + site.rig.drain() == 4
    assert site.rig.session().received == 4


def test_with_the_disk_full_too_it_is_503_with_the_time_to_come_back_until_one_of_them_has_room(
    server: EmbeddedServer, fast: Redis, tmp_path: Path
) -> None:
    site = Site(server, fast, tmp_path, VIGIL_SPOOL_MAX_BYTES="6000")
    end = fill(site)
    statuses = [site.post(started(f"s{number}")).status_code for number in range(40)]
    answer, probe = site.post(started()), site.client.get("/readyz")
    end()
    kept = statuses.count(200)
    assert statuses == [200] * kept + [503] * (40 - kept)
    assert 0 < kept < 40
    assert (answer.status_code, answer.content_type) == (503, "application/problem+json")
    assert int(answer.headers["Retry-After"]) > 0
    assert str(site.spool) not in answer.get_data(as_text=True)
    assert (probe.status_code, probe.json["degraded"], "Retry-After" in probe.headers) == (
        503,
        ["redis", "spool"],
        True,
    )
    site.tender.tend()
    assert (site.post(started("after")).status_code, site.ready()[0]) == (200, 200)
    site.rig.drain()
    assert site.rig.ids() == sorted(["after", *(f"s{number}" for number in range(kept))])


def test_with_another_number_of_shards_it_is_not_ready_though_there_is_a_spool(site: Site) -> None:
    site.redis.set("vigil:shards", 4)
    assert (site.post(started()).status_code, site.ready()) == (503, (503, ["redis"]))
    assert files(site.spool) == []

"""Ingest as gunicorn serves it: chunked bodies, a hung server behind it, with a spool and without (R9, R18)."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from redis import Redis

from tests.routes.posting import SECRET
from tests.servers import EmbeddedServer
from tests.store.build import raw, started
from tests.waiting import wait_for
from webhook import embedded
from webhook.domain.signature import signed_headers

LIMIT = 1_048_576
PIECE = 65_536


class Web:
    """The web as the Procfile starts it, with one worker."""

    def __init__(self, server: EmbeddedServer, directory: Path, **settings: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        environment = {
            **os.environ,
            "PORT": str(self.port),
            "VIGIL_HOST": "127.0.0.1",
            "VIGIL_WEB_WORKERS": "1",
            "VIGIL_CONFIG": os.devnull,
            "REDIS_URL": embedded.url(server.var),
            "VIGIL_VAR": str(directory),
            "AGORA_NOTIFICATION_SECRET": SECRET,
            **settings,
        }
        self.log = (directory / "web.log").open("w")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "--config", "python:webhook.serving", "webhook.wsgi:app"],
            env=environment,
            stderr=self.log,
        )

    def post(self, body: bytes, pieces: Iterable[bytes] | None = None) -> tuple[int, dict[str, Any]]:
        """The answer to `body`, signed; sent in chunks where `pieces` are given."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {**signed_headers(body, SECRET), "Content-Type": "application/json"}
        chunked = pieces is not None
        with suppress(BrokenPipeError, ConnectionResetError):  # answered before all of it was sent
            connection.request("POST", "/webhooks/agora", pieces if chunked else body, headers, encode_chunked=chunked)
        answer: HTTPResponse = connection.getresponse()
        content = json.loads(answer.read())
        connection.close()
        return answer.status, content

    def timed(self, body: bytes) -> tuple[int, float]:
        """The answer's status, and the seconds until it came."""
        began = monotonic()
        return self.post(body)[0], monotonic() - began

    def answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                connection.sendall(b"GET /livez HTTP/1.0\r\n\r\n")
                return b"200" in connection.recv(100)
        except OSError:
            return False

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        finally:
            self.process.kill()
            self.process.wait()
            self.log.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(tmp_path_factory.mktemp("served") / "var") as started_server:
        started_server.start().close()
        yield started_server


@contextmanager
def serving(server: EmbeddedServer, directory: Path, **settings: str) -> Iterator[Web]:
    web = Web(server, directory, **settings)
    try:
        wait_for(web.answers, 20, "the web does not answer")
        yield web
    finally:
        web.stop()


@pytest.fixture(scope="module")
def web(server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """It has no spool."""
    with serving(server, tmp_path_factory.mktemp("web"), VIGIL_SPOOL_DIR="") as web:
        yield web


@pytest.fixture
def behind(server: EmbeddedServer) -> Iterator[Redis]:
    """A client of the server behind the web, empty."""
    with Redis.from_url(embedded.url(server.var)) as client:
        client.flushall()
        yield client


def bodies(redis: Redis) -> list[bytes]:
    return [fields[b"b"] for key in redis.scan_iter("vigil:*:inbox") for _, fields in redis.xrange(key)]


def in_pieces(body: bytes, size: int = PIECE) -> list[bytes]:
    return [body[at : at + size] for at in range(0, len(body), size)]


@pytest.mark.parametrize("size", [1, 100])
def test_a_chunked_body_is_accepted_whole(web: Web, behind: Redis, size: int) -> None:
    body = raw(started())
    assert web.post(body, in_pieces(body, size))[0] == 200
    assert bodies(behind) == [body]


def test_a_chunked_body_of_exactly_the_limit_is_accepted_whole(web: Web, behind: Redis) -> None:
    body = raw(started()).ljust(LIMIT)
    assert web.post(body, in_pieces(body))[0] == 200
    assert bodies(behind) == [body]


def test_a_chunked_body_over_the_limit_is_413_and_never_cut(web: Web, behind: Redis) -> None:
    body = raw(started()).ljust(LIMIT + 1)
    status, problem = web.post(body, in_pieces(body))
    assert (status, problem["status"]) == (413, 413)
    assert bodies(behind) == []


def test_a_declared_body_over_the_limit_is_413(web: Web, behind: Redis) -> None:
    assert web.post(raw(started()).ljust(2 * LIMIT))[0] == 413
    assert bodies(behind) == []


def test_what_is_accepted_has_its_wake_up_on_the_queue(web: Web, behind: Redis) -> None:
    assert web.post(raw(started())) == (200, {"status": "accepted", "noticeId": "40:s1"})
    assert behind.llen("rq:queue:fold") == 1


def test_with_the_server_hung_all_are_200_in_time_and_in_their_inboxes_once_it_goes_on(
    server: EmbeddedServer, behind: Redis, tmp_path: Path
) -> None:
    posted = [raw(started(f"s{number}")) for number in range(40)]
    assert server.process
    with serving(server, tmp_path) as web:
        server.process.send_signal(signal.SIGSTOP)
        try:
            with ThreadPoolExecutor(8) as threads:
                answers = list(threads.map(web.timed, posted))
            waiting = [path for path in (tmp_path / "spool").iterdir() if path.suffix == ".seg"]
        finally:
            server.process.send_signal(signal.SIGCONT)
        assert {status for status, _ in answers} == {200}
        assert max(took for _, took in answers) < 2.0
        assert len(waiting) == 1
        wait_for(lambda: set(bodies(behind)) == set(posted), 10, "not all are drained")
        wait_for(lambda: [path.name for path in (tmp_path / "spool").iterdir()] == ["id"], 10, "files are left")


def test_without_a_spool_and_with_the_server_hung_the_answer_is_503_within_about_a_second_and_the_post_is_good_later(
    web: Web, server: EmbeddedServer, behind: Redis
) -> None:
    assert web.post(raw(started()))[0] == 200
    assert server.process
    server.process.send_signal(signal.SIGSTOP)
    try:
        began = monotonic()
        status, problem = web.post(raw(started("s2")))
        took = monotonic() - began
    finally:
        server.process.send_signal(signal.SIGCONT)
    assert (status, problem["title"]) == (503, "Cannot keep this now")
    assert took < 2.0
    wait_for(lambda: web.post(raw(started("s2")))[0] == 200, 10, "it is not accepted once the server goes on")

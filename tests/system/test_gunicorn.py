"""gunicorn with the settings of webhook.serving, before a trivial application (failure-modes.md, R17)."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.waiting import wait_for

APPLICATION = """
    import os
    import time
    from flask import Flask

    app = Flask(__name__)

    @app.get("/")
    def answer():
        return f"{os.getpid()}"

    @app.get("/slow")
    def slow():
        open("slow-began", "w").close()
        time.sleep(1)
        return "finished"
"""
HALF_A_HEADER = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Half"
IDLE_CONNECTIONS = 2_500
ANSWER_WITHIN = 2.0  # seconds; in trials it takes milliseconds
DESCRIPTORS = 8_192


class Web:
    """gunicorn as the Procfile starts it, with another application."""

    def __init__(self, directory: Path, **environment: str) -> None:
        (directory / "trivial.py").write_text(textwrap.dedent(APPLICATION))
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "--config", "python:webhook.serving", "trivial:app"],
            cwd=directory,
            env={**os.environ, "PORT": str(self.port), "VIGIL_HOST": "127.0.0.1", **environment},
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def get(self, path: str = "/") -> str:
        """The body of the answer, which came on a new connection. Raises OSError when none comes in time."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_WITHIN)
        try:
            connection.request("GET", path, headers={"Connection": "close"})
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    def connect(self, sent: bytes) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        connection.sendall(sent)
        return connection

    def answers(self) -> bool:
        try:
            return bool(self.get())
        except OSError:
            return False


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    raise_descriptor_limit()
    with serve(tmp_path) as server:
        yield server


@contextmanager
def serve(directory: Path, **environment: str) -> Iterator[Web]:
    server = Web(directory, **environment)
    try:
        wait_for(server.answers, 20, "gunicorn does not answer")
        yield server
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.process.pid, signal.SIGKILL)
        server.process.communicate()


def raise_descriptor_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < DESCRIPTORS:
        resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, hard))


def ask(connection: HTTPConnection) -> bytes:
    connection.request("GET", "/")
    return connection.getresponse().read()


def test_forty_half_sent_headers_stop_nobody_else(web: Web) -> None:
    connections = [web.connect(HALF_A_HEADER) for _ in range(40)]
    assert all(web.get() for _ in range(20))
    for connection in connections:
        connection.close()


def test_thousands_of_idle_keep_alive_connections_stop_nobody_else(web: Web) -> None:
    idle = [HTTPConnection("127.0.0.1", web.port, timeout=20) for _ in range(IDLE_CONNECTIONS)]
    assert all(ask(connection) for connection in idle)
    assert all(web.get() for _ in range(20))
    assert all(connection.sock and ask(connection) for connection in idle[::100]), "they were not kept alive"
    for connection in idle:
        connection.close()


def test_a_client_that_never_finishes_its_headers_is_cut_off(tmp_path: Path) -> None:
    with serve(tmp_path, GUNICORN_CMD_ARGS="--keep-alive 1") as web, web.connect(HALF_A_HEADER) as connection:
        assert connection.recv(4096) == b""


def test_there_are_as_many_workers_as_configured(tmp_path: Path) -> None:
    with serve(tmp_path, VIGIL_WEB_WORKERS="2") as web:
        first = web.get()
        wait_for(lambda: web.get() != first, 20, "only one worker answers")


def test_on_sigterm_the_request_in_hand_is_finished(web: Web, tmp_path: Path) -> None:
    with web.connect(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n") as connection:
        wait_for((tmp_path / "slow-began").exists, 5, "the request has not begun")
        web.process.send_signal(signal.SIGTERM)
        assert connection.makefile("rb").read().endswith(b"finished")
    assert web.process.wait(timeout=8) == 0


def test_there_is_no_control_socket(tmp_path: Path) -> None:
    with serve(tmp_path, HOME=str(tmp_path), XDG_RUNTIME_DIR=str(tmp_path)) as web:
        assert web.get()
        assert not [path for path in tmp_path.rglob("*") if path.is_socket()]


def test_mistakes_in_the_settings_are_said_without_a_traceback(tmp_path: Path) -> None:
    web = Web(tmp_path, PORT="abc", VIGIL_WEB_WORKERS="0")
    _, error = web.process.communicate(timeout=20)
    assert web.process.returncode == 2
    assert "Traceback" not in error
    assert sorted(line.partition("=")[0] for line in error.splitlines()) == ["PORT", "VIGIL_WEB_WORKERS"]


def test_a_spool_directory_that_cannot_be_used_is_refused_once_at_the_start(tmp_path: Path) -> None:
    web = Web(tmp_path, VIGIL_SPOOL_DIR=str(tmp_path / "trivial.py"))
    _, error = web.process.communicate(timeout=20)
    assert web.process.returncode == 2
    assert error.count("VIGIL_SPOOL_DIR") == 1
    assert "Traceback" not in error

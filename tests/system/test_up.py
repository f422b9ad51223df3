"""`vigil up`: what it refuses, what it starts, and that it leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.waiting import is_running, wait_for
from webhook import embedded
from webhook.cli.up import PROCESSES
from webhook.settings import SETTING_NAMES

ROOT = Path(__file__).parents[2]
FOREIGN = {*SETTING_NAMES.values(), "AGORA_NOTIFICATION_SECRET", "VIGIL_API_TOKENS", "VIGIL_CONFIG"}


class Up:
    """`vigil up` in a session of its own, as if at a terminal of its own."""

    def __init__(self, directory: Path, **environment: str) -> None:
        clean = {name: value for name, value in os.environ.items() if name not in FOREIGN}
        self.output = directory / "output"
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", "from webhook.cli import main; main()", "up"],
                cwd=directory,
                env={**clean, "PORT": "0", **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def said(self) -> str:
        return self.output.read_text()

    def ended(self) -> tuple[int, list[str]]:
        try:
            return self.process.wait(timeout=20), self.said().splitlines()
        finally:
            self.process.kill()

    def pids(self) -> list[int]:
        return [int(pid) for pid in re.findall(r"started \(pid (\d+)\)", self.said())]


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    started = Up(tmp_path)
    try:
        wait_for(lambda: "Vigil is up" in started.said(), 30, "vigil up does not say that it is up")
        yield started
    finally:
        started.process.kill()
        started.process.wait()


def test_the_procfile_says_what_up_starts() -> None:
    lines = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
    commands = {name: ("python", "-m", *arguments) for name, arguments in PROCESSES.items()}
    assert {name: tuple(line.split()) for name, line in lines.items()} == {
        **commands,
        "web": ("VIGIL_HOST=${VIGIL_HOST:-0.0.0.0}", *commands["web"]),
    }


def test_a_spool_directory_that_cannot_be_used_is_refused_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, lines = Up(tmp_path, VIGIL_SPOOL_DIR=str(tmp_path / "file")).ended()
    assert (code, len(lines)) == (2, 1)
    assert "VIGIL_SPOOL_DIR" in lines[0]


def test_every_mistake_in_the_settings_is_said_on_a_line_of_its_own(tmp_path: Path) -> None:
    code, lines = Up(tmp_path, PORT="abc", VIGIL_SHARDS="0", VIGIL_LOG_LEVEL="loud").ended()
    assert code == 2
    assert [line.partition("=")[0] for line in lines] == ["PORT", "VIGIL_SHARDS", "VIGIL_LOG_LEVEL"]


def test_a_port_that_is_taken_is_one_sentence_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, lines = Up(tmp_path, PORT=str(port)).ended()
    assert code == 2
    assert lines == [
        f"PORT={port} on VIGIL_HOST=127.0.0.1: Address already in use; set another PORT, or PORT=0 for any"
    ]
    assert not (tmp_path / "var" / "valkey").exists()


def test_a_second_up_on_the_same_var_is_refused(tmp_path: Path) -> None:
    held = embedded.claim(tmp_path / "var")
    code, (line,) = Up(tmp_path).ended()
    os.close(held)
    assert code == 2
    assert f"is in use by process {os.getpid()}; stop that one, or set VIGIL_VAR to another directory" in line


def test_it_says_where_the_development_secret_lies_and_not_what_it_is(up: Up) -> None:
    secret = up.output.parent / "var" / "development-secret"
    assert secret.stat().st_mode & 0o077 == 0
    assert "var/development-secret" in up.said()
    assert secret.read_text() not in up.said()


def test_it_answers_at_the_address_that_it_says(up: Up) -> None:
    found = re.search(r"http://127\.0\.0\.1:(\d+)/livez", up.said())
    assert found
    connection = HTTPConnection("127.0.0.1", int(found[1]), timeout=5)
    connection.request("GET", "/livez")
    assert connection.getresponse().status == 200
    connection.close()


def test_ctrl_c_stops_everything_in_time_and_leaves_no_process(up: Up) -> None:
    pids = up.pids()
    assert len(pids) >= 1 + len(PROCESSES)
    os.killpg(up.process.pid, signal.SIGINT)
    assert up.process.wait(timeout=10) == 0
    assert not any(map(is_running, up.pids()))
    assert "Traceback" not in up.said()
    stopped = re.findall(r" up: (\w+) \(pid \d+\) .*; stopped", up.said())
    assert sorted(stopped[:-1]) == sorted(PROCESSES)
    assert stopped[-1] == "valkey"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent died")
def test_kill_9_leaves_no_process_and_the_next_start_works(up: Up, tmp_path: Path) -> None:
    up.process.kill()
    up.process.wait()
    wait_for(lambda: not any(map(is_running, up.pids())), 10, "a process is left")
    again = Up(tmp_path)
    try:
        wait_for(lambda: "Vigil is up" in again.said(), 30, "it does not start again")
    finally:
        again.process.send_signal(signal.SIGTERM)
        assert again.process.wait(timeout=10) == 0

"""All of Vigil as the Procfile starts it: `vigil up` on a free port with its own files, and its processes by role."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, NamedTuple, Self

import pytest
from redis import Redis

from tests.waiting import wait_for
from webhook import embedded
from webhook.development import find_secret
from webhook.domain.signature import signed_headers
from webhook.queues import FOLD
from webhook.settings import SECRETS_NAME, SETTING_NAMES, TOKENS_NAME
from webhook.simulation.agora import INGEST_PATH
from webhook.store.keys import ShardKeys

VIGIL = [sys.executable, "-c", "from webhook.cli import main; main()"]
AT_A_TERMINAL = [
    sys.executable,
    "-c",
    "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); from webhook.cli import main; main()",
]
FOREIGN = {*SETTING_NAMES.values(), SECRETS_NAME, TOKENS_NAME, "VIGIL_CONFIG"}
STARTS_WITHIN, STOPS_WITHIN, ANSWERS_WITHIN = 30.0, 10.0, 10.0  # seconds
SHARDS = 8
QUEUE = f"rq:queue:{FOLD}"
Json = dict[str, Any]

needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc, which only Linux has")


class Answer(NamedTuple):
    """An HTTP answer; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Json:
        content: Json = json.loads(self.body)
        return content


class Process(NamedTuple):
    """One process of this machine: its state as `ps` shows it, its parent and its command line."""

    pid: int
    state: str
    parent: int
    command: tuple[str, ...]


def processes() -> list[Process]:
    """All that run."""
    found = [find(int(path.name)) for path in Path("/proc").iterdir() if path.name.isdecimal()]
    return [process for process in found if process]


def find(pid: int) -> Process | None:
    """The process of that id; None where there is none, or where it has ended and waits for its parent."""
    try:
        state, parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
        command = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # the server puts its address behind its name, with a space between
    return None if state in "ZX" else Process(pid, state, int(parent), tuple(command.replace("\0", " ").split()))


def children(parent: int, named: str = "") -> list[int]:
    """The ids of the children of `parent`, those in whose command line a word ends with `named`."""
    found = [process for process in processes() if process.parent == parent]
    return [process.pid for process in found if any(word.endswith(named) for word in process.command)]


def send(pids: Iterable[int], number: int) -> None:
    """Sends the signal to each of them."""
    for pid in pids:
        os.kill(pid, number)


class Stack:
    """One `vigil up`, in a session of its own; a context manager that stops it and leaves no process behind."""

    def __init__(self, directory: Path, **environment: str) -> None:
        self.directory, self.var = directory, directory / "var"
        clean = {name: value for name, value in os.environ.items() if name not in FOREIGN}
        self.environment = {**clean, "PORT": "0", "VIGIL_VAR": str(self.var), **environment}
        self.process: subprocess.Popen[bytes] | None = None
        self.port = 0
        other = environment.get("REDIS_URL", "")
        self.redis = Redis.from_url(other if other.startswith(("redis:", "unix:")) else embedded.url(self.var))

    # starting and stopping

    def launch(self, terminal: int | None = None, **environment: str) -> subprocess.Popen[bytes]:
        """Starts it and does not wait; with `terminal`, a descriptor of one, it is that one's foreground."""
        with (self.directory / "output").open("w") as output:
            self.process = subprocess.Popen(
                [*(VIGIL if terminal is None else AT_A_TERMINAL), "up"],
                cwd=self.directory,
                env={**self.environment, **environment},
                stdin=subprocess.DEVNULL if terminal is None else terminal,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self.process

    def start(self, terminal: int | None = None) -> Self:
        """Starts it and returns when it is ready in every respect."""
        self.launch(terminal)
        wait_for(self.is_announced, STARTS_WITHIN, "vigil does not say that it is up")
        wait_for(self.is_sound, STARTS_WITHIN, "vigil is not ready, or degraded")
        return self

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Its exit code, after the signal; fails where anything is left of it, or where it takes too long."""
        assert self.process
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> int:
        """Its exit code, once it was told to stop."""
        assert self.process
        code = self.process.wait(timeout=STOPS_WITHIN)
        assert self.left() == [], f"of vigil up these are left: {self.left()}"
        return code

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        try:
            if self.process and self.process.poll() is None:
                assert self.stop() == 0, self.said()
        finally:
            self.redis.close()
            for process in self.left():
                os.kill(process.pid, signal.SIGKILL)
            if self.process:
                self.process.wait()

    def said(self) -> str:
        """What it has written so far."""
        return (self.directory / "output").read_text()

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Another command of Vigil, with the settings of this one, once it is over."""
        return subprocess.run(
            [*VIGIL, *arguments],
            cwd=self.directory,
            env=self.environment | {"PORT": str(self.port)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    # its processes

    def left(self) -> list[Process]:
        """Every process that was started with the settings of this one, however it came to be."""
        mark = f"VIGIL_VAR={self.var}".encode()
        return [process for process in processes() if mark in _environment(process.pid)]

    def pids(self, named: str) -> list[int]:
        """The ids of the children of `vigil up` in whose command lines a word ends with `named`."""
        assert self.process
        return children(self.process.pid, named)

    def server(self) -> list[int]:
        """The Valkey server; none while it is being started again."""
        return self.pids("valkey-server")

    def web_master(self) -> list[int]:
        """gunicorn's first process."""
        return self.pids("gunicorn")

    def web_workers(self) -> list[int]:
        """The processes that answer."""
        return [pid for master in self.web_master() for pid in children(master)]

    def worker(self) -> list[int]:
        """The process that keeps the workers alive."""
        return self.pids("workers.main")

    def fold_workers(self) -> list[int]:
        """The RQ workers that drain: those that the log calls so, for Redis may be away or paused."""
        told = {int(pid) for pid in re.findall(r"fold worker \d+ started \(pid (\d+)\)", self.said())}
        return [pid for parent in self.worker() for pid in children(parent) if pid in told]

    def clock(self) -> list[int]:
        """The clock."""
        return self.pids("workers.schedule")

    # what it answers

    @property
    def secret(self) -> str:
        """The secret that notifications are signed with."""
        secret = find_secret(self.var)
        assert secret
        return secret

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def connect(self) -> HTTPConnection:
        """A connection of one's own, which is kept alive."""
        return HTTPConnection("127.0.0.1", self.port, timeout=ANSWERS_WITHIN)

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """The answer to one request on a connection of its own. Raises OSError or HTTPException where none comes."""
        connection = self.connect()
        try:
            connection.request(method, path, body, {"Connection": "close", **(headers or {})})
            return read_answer(connection)
        finally:
            connection.close()

    def get(self, path: str) -> Json:
        """What the API says at `path`."""
        answer = self.ask("GET", path)
        assert answer.status == 200, answer
        return answer.json()

    def post(self, body: bytes) -> Answer:
        """The answer to a notification that is signed as Agora signs."""
        return self.ask("POST", INGEST_PATH, body, self.signed(body))

    def signed(self, body: bytes) -> dict[str, str]:
        """The headers of a post of `body`."""
        return {"Content-Type": "application/json", **signed_headers(body, self.secret)}

    def is_announced(self) -> bool:
        """Whether it says that it is up; then its port is known."""
        found = re.search(r":(\d+)/livez", self.said())
        self.port = int(found[1]) if found else 0
        return found is not None

    def is_sound(self) -> bool:
        """Whether it can keep notifications and nothing is degraded: workers, clock and web do what they should."""
        try:
            answer = self.ask("GET", "/readyz")
        except (OSError, HTTPException):
            return False
        return answer.status == 200 and answer.json()["degraded"] == []

    def applied(self, notice_id: str) -> list[Json]:
        """The arrivals under this noticeId that were folded."""
        items: list[Json] = self.get(f"/api/v1/notifications?noticeId={notice_id}")["items"]
        return [item for item in items if item["outcome"] == "applied"]

    def waiting(self) -> int:
        """How many notifications are in the inboxes."""
        return sum(int(self.redis.xlen(ShardKeys(shard).inbox)) for shard in range(SHARDS))


def read_answer(connection: HTTPConnection) -> Answer:
    """The whole answer to the request that was sent on the connection."""
    response = connection.getresponse()
    return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return []

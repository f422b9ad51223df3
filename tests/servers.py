"""The embedded Valkey as a process that tests start, kill and start again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Self

from redis import Redis

from webhook import embedded

EXEC_SERVER = "import sys, pathlib; from webhook.embedded import exec_server; exec_server(pathlib.Path(sys.argv[1]))"


class EmbeddedServer:
    """The server of one `var`; a context manager that leaves no process behind."""

    def __init__(self, var: Path) -> None:
        self.var = var
        self.process: subprocess.Popen[str] | None = None

    def launch(self) -> subprocess.Popen[str]:
        """Starts the server and does not wait for it."""
        self.process = subprocess.Popen(
            [sys.executable, "-c", EXEC_SERVER, str(self.var)], stderr=subprocess.PIPE, text=True
        )
        return self.process

    def start(self) -> Redis:
        """A client of the server, which answers now."""
        self.launch()
        embedded.wait_until_ready(self.var, 20)
        return Redis.from_url(embedded.url(self.var))

    def kill(self) -> None:
        """Ends the server, if it still runs, without a chance to tidy up."""
        assert self.process
        self.process.kill()
        self.process.communicate(timeout=10)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        if self.process:
            self.kill()

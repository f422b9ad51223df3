"""Processes kept alive: children are started in stages, restarted when they die, stopped in reverse order.

No threads: one loop waits on a pipe that the signal handlers write to, so that forking is safe at any moment.
"""

from __future__ import annotations

import logging
import os
import select
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from webhook.forking import fork_session

BACKOFF_FIRST, BACKOFF_LIMIT, LIVED_LONG = 0.2, 5.0, 10.0  # seconds
POLL, IDLE = 0.05, 60.0  # seconds between two looks, while a stage is awaited and while nothing is
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
log = logging.getLogger(__name__)


@dataclass(slots=True)
class Child:
    """One process to keep alive: `run` is called in a forked process in a session of its own; it may os.exec.

    The other fields are the supervisor's: `pid` is 0 while it does not run, the times are of the monotonic clock.
    """

    name: str
    run: Callable[[], object]
    pid: int = 0
    began: float = 0.0
    due: float = 0.0
    backoff: float = BACKOFF_FIRST


@dataclass(frozen=True, slots=True)
class Stage:
    """Children that start once the stage before says it is ready, and get `stop_within` seconds to end."""

    children: Sequence[Child]
    stop_within: float
    is_ready: Callable[[], bool] = lambda: True

    def alive(self) -> list[Child]:
        """The children that run."""
        return [child for child in self.children if child.pid]


class Supervisor:
    """Runs the stages until SIGTERM, SIGINT or SIGHUP; belongs in the main thread of a process without others."""

    def __init__(self, stages: Sequence[Stage]) -> None:
        self._stages, self._stopping, self._wakeup = stages, False, -1

    def run(self, when_ready: Callable[[], object] = lambda: None) -> None:
        """Returns when a signal has asked to stop and every child is gone; calls `when_ready` once all stages are.

        What `is_ready` or `when_ready` raises stops everything in order, too, and is raised again.
        """
        self._wakeup = _signal_pipe()
        try:
            for number, stage in enumerate(self._stages, start=1):
                self._tend(self._stages[:number], stage.is_ready)
            if not self._stopping:
                when_ready()
            self._tend(self._stages, None)
        finally:
            self._stopping = True
            for stage in reversed(self._stages):
                self._stop(stage)

    def _tend(self, stages: Sequence[Stage], is_done: Callable[[], bool] | None) -> None:
        children = [child for stage in stages for child in stage.children]
        while not self._stopping:
            for child in (child for child in children if not child.pid and child.due <= time.monotonic()):
                child.pid, child.began = fork_session(child.run), time.monotonic()
                log.info("%s started (pid %d)", child.name, child.pid)
            if is_done and is_done():
                return
            dues = [child.due - time.monotonic() for child in children if not child.pid]
            self._wait(max(0.0, min([POLL if is_done else IDLE, *dues])))

    def _wait(self, seconds: float) -> None:
        if select.select([self._wakeup], [], [], seconds)[0]:
            self._stopping |= not set(os.read(self._wakeup, 4096)).isdisjoint(STOP_SIGNALS)
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                self._bury(*ended)

    def _bury(self, pid: int, status: int) -> None:
        # none is called so: an orphan came to us because we are process 1 of a container
        for child in (child for stage in self._stages for child in stage.children if child.pid == pid):
            # what it leaves behind would hold its port or its files; macOS does not permit it for a group of zombies
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
            pause = BACKOFF_FIRST if time.monotonic() - child.began >= LIVED_LONG else child.backoff
            child.pid, child.due, child.backoff = 0, time.monotonic() + pause, min(pause * 2, BACKOFF_LIMIT)
            fate = "stopped" if self._stopping else f"starting again in {pause:.1f} s"
            level = logging.INFO if self._stopping else logging.WARNING
            log.log(level, "%s (pid %d) %s; %s", child.name, pid, _cause(status), fate)

    def _stop(self, stage: Stage) -> None:
        for number, seconds in ((signal.SIGTERM, stage.stop_within), (signal.SIGKILL, IDLE)):
            deadline = time.monotonic() + seconds
            for child in stage.alive():
                log.info("stopping %s (pid %d) with %s", child.name, child.pid, number.name)
                os.kill(child.pid, number)
            while stage.alive() and (left := deadline - time.monotonic()) > 0:
                self._wait(left)


def _signal_pipe() -> int:
    read, write = os.pipe()
    os.set_blocking(write, False)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, *STOP_SIGNALS):
        signal.signal(number, lambda *_: None)
    return read


def _cause(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    return f"ended with code {code}" if code >= 0 else f"was killed by signal {-code} ({signal.strsignal(-code)})"

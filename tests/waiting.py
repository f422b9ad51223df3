"""Waiting in tests: for a condition and with a deadline, never for a time."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
PAUSE = 0.02  # seconds between two looks


def wait_for(condition: Callable[[], T], seconds: float, message: str) -> T:
    """The first truthy answer of `condition`. Fails the test with `message` when `seconds` have passed without."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{message} (waited {seconds:g} s)")
        threading.Event().wait(PAUSE)
    return answer


def is_running(pid: int) -> bool:
    """Whether the process exists and is more than a zombie that its new parent has not reaped yet."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except ProcessLookupError:  # gone before the look, or between opening and reading
        return False
    except FileNotFoundError:
        return not Path("/proc/self").exists()

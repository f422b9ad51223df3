"""One way to start a process: forked, in a session of its own, with default signals, dying with who started it."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
from collections.abc import Callable
from contextlib import suppress

PR_SET_PDEATHSIG = 1
log = logging.getLogger(__name__)


def fork_session(run: Callable[[], object]) -> int:
    """The id of a new process that calls `run` and then ends: with code 0, or 1 when `run` raised.

    In its own session it gets no Ctrl-C from the terminal, and its process group has its id. On Linux it is killed
    when the caller dies, however that happens. `run` may os.exec. The caller must not have other threads.
    """
    # all signals are held back, or the handlers that the child inherits would swallow a SIGTERM that comes at once
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        _live(run, parent)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    return pid


def _live(run: Callable[[], object], parent: int) -> None:
    code = 1
    try:
        os.setsid()
        _restore_signals()
        _die_with(parent)
        run()
        code = 0
    except Exception:
        log.exception("process %d failed", os.getpid())
    finally:
        os._exit(code)


def _restore_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _die_with(parent: int) -> None:
    with suppress(AttributeError):  # elsewhere than on Linux nobody tells us: a parent killed with -9 leaves us behind
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:  # it died before we asked
        os._exit(1)

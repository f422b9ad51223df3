"""The supervisor with real processes: each test runs a script of its own and reads what its children noted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.waiting import is_running, wait_for

PRELUDE = '''
import logging, os, signal, sys, threading, time
from pathlib import Path
from webhook import supervisor
from webhook.supervisor import Child, Stage, Supervisor

logging.basicConfig(level="INFO", format="%(message)s")
notes = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT)

def note(*words):
    os.write(notes, (" ".join(map(str, words)) + "\\n").encode())

def pause(seconds):
    threading.Event().wait(seconds)

def stay(name, finish=0.0):
    """Lives until SIGTERM; says so, takes `finish` seconds to end, and says that too."""
    def leave(*_):
        note("asked", name)
        pause(finish)
        note("gone", name)
        os._exit(0)
    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, lambda *_: note("interrupted", name))
    note("started", name, os.getpid())
    while True:
        signal.pause()

def child(name, finish=0.0):
    return Child(name, lambda: stay(name, finish))
'''


class Script:
    """A supervisor in a process (and session) of its own, with the notes that its children wrote."""

    def __init__(self, directory: Path, body: str) -> None:
        self.notes_path, self.log_path = directory / "notes", directory / "log"
        self.notes_path.touch()
        code = directory / "script.py"
        code.write_text(PRELUDE + textwrap.dedent(body))
        with self.log_path.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(code), str(self.notes_path)], stderr=log, start_new_session=True
            )

    def notes(self, verb: str) -> list[list[str]]:
        lines = (line.split() for line in self.notes_path.read_text().splitlines())
        return [words[1:] for words in lines if words[0] == verb]

    def pids(self, verb: str = "started") -> list[int]:
        return [int(words[-1]) for words in self.notes(verb)]

    def wait_for_notes(self, count: int, verb: str = "started", seconds: float = 10) -> list[list[str]]:
        wait_for(lambda: len(self.notes(verb)) >= count, seconds, f"there are not {count} notes {verb!r}")
        return self.notes(verb)

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=10)

    def log(self) -> str:
        return self.log_path.read_text()


class Scripts:
    """Starts scripts, and in the end kills whatever they noted."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.started: list[Script] = []

    def __call__(self, body: str) -> Script:
        self.started.append(Script(self.directory, body))
        return self.started[-1]

    def clear(self) -> None:
        for script in self.started:
            script.process.kill()
            script.process.wait()
            for pid in filter(is_running, script.pids() + script.pids("orphan")):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Scripts]:
    scripts = Scripts(tmp_path)
    yield scripts
    scripts.clear()


TWO = "Supervisor([Stage([child('one'), child('two')], 5)]).run()"


def test_a_child_that_was_killed_is_started_again(supervise: Scripts) -> None:
    script = supervise(TWO)
    script.wait_for_notes(2)
    os.kill(script.pids()[0], signal.SIGKILL)
    names = [name for name, _ in script.wait_for_notes(3)]
    assert sorted(names[:2]) == ["one", "two"]
    assert names[2] == names[0]
    assert f"(pid {script.pids()[0]}) was killed by signal 9" in script.log()


def test_a_child_that_keeps_dying_is_started_again_ever_more_slowly_up_to_a_limit(supervise: Scripts) -> None:
    script = supervise("""
        supervisor.BACKOFF_LIMIT = 0.8
        Supervisor([Stage([Child("one", lambda: note("at", time.monotonic()))], 5)]).run()
    """)
    times = [float(words[0]) for words in script.wait_for_notes(6, "at")]
    gaps = [later - earlier for earlier, later in pairwise(times[:5])]
    assert all(gap >= least for gap, least in zip(gaps, (0.2, 0.4, 0.8, 0.8), strict=True)), gaps
    assert "starting again in 0.2 s" in script.log()
    assert "starting again in 1.6 s" not in script.log()


def test_the_pause_is_short_again_after_a_child_has_lived_long(supervise: Scripts) -> None:
    script = supervise("""
        supervisor.LIVED_LONG = 0.5
        def run():
            note("at")
            pause(0.6 if len(open(sys.argv[1]).readlines()) == 3 else 0)
        Supervisor([Stage([Child("one", run)], 5)]).run()
    """)
    script.wait_for_notes(4, "at")
    pauses = [line.rpartition(" in ")[2] for line in script.log().splitlines() if "again" in line]
    assert pauses[:3] == ["0.2 s", "0.4 s", "0.2 s"]


def test_a_child_that_raises_is_logged_and_started_again(supervise: Scripts) -> None:
    script = supervise("""
        def run():
            note("at")
            raise ValueError("the reason")
        Supervisor([Stage([Child("one", run)], 5)]).run()
    """)
    script.wait_for_notes(2, "at")
    assert "ValueError: the reason" in script.log()
    assert "ended with code 1" in script.log()


def test_a_stage_starts_only_when_the_stage_before_is_ready(supervise: Scripts) -> None:
    script = supervise("""
        def is_ready():
            note("asked-ready")
            return os.path.exists(sys.argv[1] + ".ready")
        Supervisor([Stage([child("server")], 5, is_ready), Stage([child("client")], 5)]).run(lambda: note("all-ready"))
    """)
    script.wait_for_notes(5, "asked-ready")
    assert [name for name, _ in script.notes("started")] == ["server"]
    assert not script.notes("all-ready")
    Path(f"{script.notes_path}.ready").touch()
    assert [name for name, _ in script.wait_for_notes(2)] == ["server", "client"]
    script.wait_for_notes(1, "all-ready")


def test_stages_stop_in_reverse_order_each_after_the_later_one_is_gone(supervise: Scripts) -> None:
    script = supervise("Supervisor([Stage([child('server')], 2), Stage([child('client', 0.5)], 5)]).run()")
    script.wait_for_notes(2)
    assert script.stop() == 0
    lines = [line for line in script.notes_path.read_text().splitlines() if not line.startswith("started")]
    assert lines == ["asked client", "gone client", "asked server", "gone server"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_everything_and_nothing_is_left(supervise: Scripts, number: int) -> None:
    script = supervise(TWO)
    script.wait_for_notes(2)
    assert script.stop(number) == 0
    assert not any(map(is_running, script.pids()))


def test_ctrl_c_at_the_terminal_does_not_reach_the_children(supervise: Scripts) -> None:
    script = supervise("Supervisor([Stage([child('one', 0.3)], 5)]).run()")
    script.wait_for_notes(1)
    os.killpg(script.process.pid, signal.SIGINT)
    assert script.process.wait(timeout=10) == 0
    assert not script.notes("interrupted")
    assert script.notes("gone") == [["one"]]


def test_a_child_that_ignores_sigterm_is_killed_with_its_process_group(supervise: Scripts) -> None:
    script = supervise("""
        def stubborn():
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            os.fork()
            note("started", os.getpid())
            while True: signal.pause()
        Supervisor([Stage([Child("stubborn", stubborn)], 0.5)]).run()
    """)
    script.wait_for_notes(2)
    assert script.stop() == 0
    wait_for(lambda: not any(map(is_running, script.pids())), 5, "a process of the group is left")


def test_what_a_dead_child_leaves_behind_is_killed_before_it_starts_again(supervise: Scripts) -> None:
    script = supervise("""
        def parent():
            if os.fork():
                note("started", os.getpid())
            else:
                note("orphan", os.getpid())
            while True: signal.pause()
        Supervisor([Stage([Child("parent", parent)], 5)]).run()
    """)
    orphan = int(script.wait_for_notes(1, "orphan")[0][0])
    script.wait_for_notes(1)
    os.kill(script.pids()[0], signal.SIGKILL)
    script.wait_for_notes(2)
    wait_for(lambda: not is_running(orphan), 5, "the orphan is left")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent died")
def test_nothing_is_left_when_the_supervisor_itself_is_killed(supervise: Scripts) -> None:
    script = supervise("""
        def nested():
            note("started", os.getpid())
            Supervisor([Stage([child("inner")], 5)]).run()
        Supervisor([Stage([child("outer"), Child("nested", nested)], 5)]).run()
    """)
    script.wait_for_notes(3)
    script.stop(signal.SIGKILL)
    wait_for(lambda: not any(map(is_running, script.pids())), 5, "a child outlived its supervisor")


def test_a_child_has_default_signals_and_its_own_session(supervise: Scripts) -> None:
    script = supervise("""
        def run():
            numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
            note("signals", [int(signal.getsignal(number)) for number in numbers])
            note("mask", len(signal.pthread_sigmask(signal.SIG_BLOCK, ())))
            note("session", os.getsid(0) == os.getpgrp() == os.getpid())
            stay("one")
        Supervisor([Stage([Child("one", run)], 5)]).run()
    """)
    script.wait_for_notes(1)
    assert script.notes("signals") == [["[0,", "0,", "0,", "0]"]]
    assert script.notes("mask") == [["0"]]
    assert script.notes("session") == [["True"]]


def test_a_stage_that_can_never_be_ready_stops_everything_and_says_why(supervise: Scripts) -> None:
    script = supervise("""
        def is_ready():
            if len(open(sys.argv[1]).readlines()) < 1:
                return False
            raise RuntimeError("no server")
        Supervisor([Stage([child("one")], 5, is_ready)]).run()
    """)
    assert script.process.wait(timeout=10) == 1
    assert "RuntimeError: no server" in script.log()
    assert script.notes("gone") == [["one"]]

"""What kills real worker processes is found, set aside and replayed by workers that it does not kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.servers import EmbeddedServer
from tests.store.build import AT_MS, snapshot, started, video
from tests.store.rig import Rig
from tests.system.stack import FOREIGN, needs_proc
from tests.waiting import wait_for
from webhook import embedded
from webhook.domain.arrivals import Kind
from webhook.domain.replaying import Verdict
from webhook.queues import Waker
from webhook.store.connection import claim_shards
from webhook.store.dead_letters import DeadLetter, DeadLetterFilter, DeadLetters
from webhook.store.keys import ShardKeys
from webhook.views.sessions import session_view

pytestmark = needs_proc

MARK = "the one that kills"
SHARDS = 8
SET_ASIDE_WITHIN, STOPS_WITHIN = 60.0, 10.0  # seconds
WAYS = {
    "a segmentation fault": "ctypes.string_at(0)",
    "the OOM killer": "os.kill(os.getpid(), signal.SIGKILL)",
    "a loop in Python": "while True: pass",
    "a loop in C": "collections.deque(itertools.repeat(None), maxlen=0)",
}
# the same as in real life, five to ten times as fast: lease, wake-ups and the job's own time
PATCHED = """
import collections, ctypes, itertools, os, signal
from webhook import queues, supervisor
from webhook.domain import arrivals
from webhook.store import shard, watch
from workers import jobs, main

shard.LEASE_MS, watch.PENDING_MS, queues.DRAIN_TIMEOUT, jobs.STUCK_AFTER = 400, 300, 1, 2.4
supervisor.BACKOFF_LIMIT = 0.2
sound = arrivals.decode

def decode(envelope, origin):
    if envelope.notice_id == {mark!r}:
        {way}
    return sound(envelope, origin)

arrivals.decode = decode
main.main()
"""


class Vigil(Rig):
    """A server of its own, with real workers and a real clock beside it."""

    def __init__(self, server: EmbeddedServer, directory: Path) -> None:
        super().__init__(server.start(), SHARDS)
        claim_shards(self.redis, SHARDS)
        self.letters = DeadLetters(self.redis, self.inbox, SHARDS)
        self.directory, config = directory, directory / "vigil.toml"
        config.touch()
        clean = {name: value for name, value in os.environ.items() if name not in FOREIGN}
        settings = {"REDIS_URL": embedded.url(server.var), "VIGIL_SHARDS": str(SHARDS), "VIGIL_CONFIG": str(config)}
        self.environment = {**clean, **settings, "VIGIL_FOLD_WORKERS": "3", "VIGIL_RETENTION": "36500d"}

    @contextmanager
    def running(self, *command: str) -> Iterator[None]:
        """While this goes on the process runs."""
        with (self.directory / "output").open("a") as output:
            process = subprocess.Popen(
                [sys.executable, *command], env=self.environment, stdout=output, stderr=subprocess.STDOUT
            )
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                assert process.wait(STOPS_WITHIN) == 0, self.said()
            finally:
                process.kill()
                process.wait()

    def said(self) -> str:
        return (self.directory / "output").read_text()

    def tell(self, bodies: list[dict[str, Any]]) -> None:
        self.append(*bodies)
        for shard in range(SHARDS):
            Waker(self.redis).wake(shard)

    def is_drained(self) -> bool:
        return not any(self.redis.xlen(ShardKeys(shard).inbox) for shard in range(SHARDS))

    def dead(self) -> list[DeadLetter]:
        return self.letters.page(DeadLetterFilter(), 10, None).items

    def shown(self) -> dict[str, Any]:
        views = {session_id: session_view(self.session(session_id)) for session_id in self.ids()}
        for view in views.values():
            del view["revision"], view["alerts"]
        return views


def story() -> list[dict[str, Any]]:
    """Some hundred notifications of three sessions in three channels; one of them carries the mark."""
    said = [
        body
        for sid in ("s1", "s2", "s3")
        for body in (
            started(sid, cname=sid, sequence=1),
            *(snapshot(number, sid, AT_MS + number, cname=sid, sequence=number + 2) for number in range(30)),
            video(1, sid, AT_MS + 40, cname=sid, sequence=32),
        )
    ]
    Random(1).shuffle(said)
    last = max(at for at, body in enumerate(said) if body["eventType"] == 44)
    said[last] |= {"noticeId": MARK}
    return said


@pytest.mark.parametrize(
    "way", [name if name.startswith("a seg") else pytest.param(name, marks=pytest.mark.full) for name in WAYS]
)
def test_what_kills_its_workers_is_set_aside_and_replayed_by_workers_that_it_does_not_kill(
    tmp_path: Path, way: str
) -> None:
    with EmbeddedServer(tmp_path / "var") as server:
        vigil = Vigil(server, tmp_path)
        vigil.append(*story())
        vigil.drain()
        undisturbed = vigil.shown()
        vigil.redis.flushall()
        claim_shards(vigil.redis, SHARDS)
        with vigil.running("-m", "workers.schedule"):
            with vigil.running("-c", PATCHED.format(mark=MARK, way=WAYS[way])):
                vigil.tell(story())
                wait_for(vigil.is_drained, SET_ASIDE_WITHIN, "nothing is set aside")
            (letter,) = vigil.dead()
            assert (letter.kind, MARK.encode() in letter.entry.body) == ("quarantine", True)
            assert vigil.outcomes() == {"applied": len(story()) - 1, "quarantined": 1}
            with vigil.running("-m", "workers.main"):
                ticket, _ = vigil.letters.ask(Kind.REPLAY, letter, "default")
                Waker(vigil.redis).wake(letter.shard)
                answers = wait_for(lambda: vigil.letters.answers([(letter.shard, ticket)]), 10, "nobody answers")
        assert answers[ticket].verdict is Verdict.APPLIED
        assert (vigil.dead(), vigil.shown()) == ([], undisturbed)
        vigil.check()
        vigil.redis.close()

"""Who carries out the faults: kills, pauses, and outages on the way to Redis."""

from __future__ import annotations

import hashlib
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from heapq import heappop, heappush
from typing import Any

from redis.exceptions import RedisError

from tests.system.chaos.faults import Fault, Kind, Target
from tests.system.chaos.proxy import Proxy
from tests.system.chaos.server import Server
from tests.system.stack import SHARDS, Stack, find
from tests.waiting import wait_for
from webhook.store.keys import ShardKeys
from webhook.store.scripts import source

ALL_KEYS = [ShardKeys(shard) for shard in range(SHARDS)]
PATIENCE_S = 8.0  # that a fault waits for somebody to hit: what was killed before may not be there again yet
CAUGHT_WITHIN, AGAIN_S = 0.3, 0.5  # seconds of looking for a worker in the middle of a batch, and until the next look
HELD_UP_S = 1.0  # seconds
OBEYS_WITHIN = 5.0  # seconds
IN_A_BATCH = "in the middle of a batch"

Act = Callable[[], object]
Agenda = list[tuple[float, int, Act]]  # at which second, a number that tells equals apart, and what


class Gremlin:
    """Does the faults of a schedule to one stack. `done` counts them by kind and target, `missed` what found nobody."""

    def __init__(self, stack: Stack, server: Server, proxy: Proxy) -> None:
        self.done: Counter[tuple[Kind, str]] = Counter()
        self.missed: Counter[str] = Counter()
        self._proxy, self._server = proxy, server
        self._roles: Mapping[Target, Callable[[], list[int]]] = {
            Target.WEB_WORKER: stack.web_workers,
            Target.WEB_MASTER: stack.web_master,
            Target.FOLD_WORKER: stack.fold_workers,
            Target.WORKER_SUPERVISOR: stack.worker,
            Target.CLOCK: stack.clock,
            Target.SERVER: lambda: server.pids,
        }
        self._began = 0.0
        self._asleep: set[int] = set()  # fold workers
        self._stop_asked = threading.Event()
        self._agenda: Agenda = []
        self._ends: dict[int, Act] = {}

    def run(self, faults: Sequence[Fault], stop: threading.Event) -> None:
        """Returns when all is done and made good again, early where `stop` is set."""
        self._began, self._stop_asked = time.monotonic(), stop
        for number, fault in enumerate(faults):
            self._put(fault.at_s, number, partial(self._begin, number, fault))
        try:
            while self._agenda and not stop.is_set():
                at_s, _, act = heappop(self._agenda)
                if not stop.wait(max(0.0, at_s - self._now_s())):
                    act()
        finally:
            for end in list(self._ends.values()):
                end()

    def _now_s(self) -> float:
        return time.monotonic() - self._began

    def _put(self, at_s: float, number: int, act: Act) -> None:
        heappush(self._agenda, (at_s, number, act))

    def _begin(self, number: int, fault: Fault) -> None:
        if fault.kind is Kind.LAPSE:
            self._lapse(fault)
            return
        if fault.kind is Kind.OUTAGE:
            end, ends_s = self._outage(fault), fault.at_s + fault.lasts_s
        else:
            late_s = self._now_s() - fault.at_s
            pid = self._found(fault, late_s)
            if pid is None and late_s < PATIENCE_S:
                self._put(self._now_s() + AGAIN_S, number, partial(self._begin, number, fault))
                return
            end, ends_s = self._strike(fault, pid), self._now_s() + fault.lasts_s
        if end:
            self._ends[number] = end
            self._put(ends_s, number, partial(self._end, number))

    def _end(self, number: int) -> None:
        self._ends.pop(number)()

    def _outage(self, fault: Fault) -> Act | None:
        delay = fault.target is Target.DELAY
        self._proxy.tell(f"{fault.target} {fault.delay_s:.3f}" if delay else str(fault.target))
        self.done[fault.kind, fault.target] += 1
        return None if fault.target is Target.CUT else partial(self._proxy.tell, "flow")

    def _lapse(self, fault: Fault) -> None:
        verb, _, script = fault.target.partition(" ")
        word = hashlib.sha1(source(script).encode()).hexdigest()  # by which Redis is asked to run it
        self._proxy.tell(f"late {word} {fault.lasts_s:.3f}" if verb == "late" else f"unanswered {word}")
        self.done[fault.kind, fault.target] += 1

    def _found(self, fault: Fault, late_s: float) -> int | None:
        """The process to strike, if there is one now. Of fold workers it is one that is in the middle of a batch, as
        long as patience lasts: at any other moment they have nothing in hand, and neither their end nor their sleep
        proves anything.
        """
        if fault.target is Target.FOLD_WORKER:
            caught = self._stopped_in_a_batch()
            self.done[fault.kind, IN_A_BATCH] += caught is not None
            if caught is not None or late_s < PATIENCE_S:
                return caught
        if fault.target is Target.WORKER_SUPERVISOR and self._asleep and late_s < PATIENCE_S:
            return None  # its children would die with it, and the one that sleeps has still to wake up too late
        pids = sorted(self._roles[fault.target]())
        return pids[int(fault.lot * len(pids))] if pids else None

    def _strike(self, fault: Fault, pid: int | None) -> Act | None:
        """Kills or stops the process; what makes it good again."""
        if pid is None:
            self.missed[f"{fault.kind} {fault.target}"] += 1
            return None
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL if fault.kind is Kind.KILL else signal.SIGSTOP)
        self.done[fault.kind, fault.target] += 1
        if fault.kind is not Kind.PAUSE:
            return None
        self._asleep |= {pid} if fault.target is Target.FOLD_WORKER else set()
        return partial(self._resume, fault.target, pid)

    def _resume(self, target: Target, pid: int) -> None:
        self._asleep.discard(pid)
        if pid in self._roles[target]():  # else it was killed meanwhile, and its number may be another's
            os.kill(pid, signal.SIGCONT)

    def _stopped_in_a_batch(self) -> int | None:
        """A fold worker that is stopped now, holds a lease, and has not come to its commit; None where none is caught.

        All are held up before that, so that their next batches are large and take a while.
        """
        workers = set(self._roles[Target.FOLD_WORKER]()) - self._asleep
        self._hold_up(workers)
        until = time.monotonic() + CAUGHT_WITHIN
        while time.monotonic() < until:
            for of, token in self._leases():
                pid = int(token.partition(b":")[0])
                if pid in workers and self._stop(pid, of, token):
                    return pid
        return None

    def _hold_up(self, workers: Iterable[int]) -> None:
        for number, lasts_s in ((signal.SIGSTOP, HELD_UP_S), (signal.SIGCONT, 0.0)):
            for pid in workers:
                with suppress(ProcessLookupError):
                    os.kill(pid, number)
            self._stop_asked.wait(lasts_s)

    def _leases(self) -> list[tuple[ShardKeys, bytes]]:
        try:
            tokens: Any = self._server.redis.mget([of.lease for of in ALL_KEYS])
        except RedisError:  # it was killed since it was last asked, or is just now
            return []
        return [(of, token) for of, token in zip(ALL_KEYS, tokens, strict=True) if token]

    def _stop(self, pid: int, of: ShardKeys, token: bytes) -> bool:
        """Whether the process is stopped, and holds the lease with work left. If not, it goes on."""
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
            wait_for(lambda: has_stopped(pid), OBEYS_WITHIN, "the signal does nothing")
            try:
                caught = self._server.redis.get(of.lease) == token and self._server.redis.xlen(of.inbox) > 0
            except RedisError:
                caught = False
            if caught:
                return True
            os.kill(pid, signal.SIGCONT)
        return False


def has_stopped(pid: int) -> bool:
    """Whether the process is stopped, or gone."""
    process = find(pid)
    return process is None or process.state == "T"

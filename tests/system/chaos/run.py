"""One run: a stack, a load, a gremlin, and the judgement when all is quiet again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random

from msgspec import Struct
from redis import Redis
from redis.exceptions import RedisError

from tests.system.chaos import figures
from tests.system.chaos.faults import schedule
from tests.system.chaos.gremlin import ALL_KEYS, Gremlin
from tests.system.chaos.ledger import Ledger
from tests.system.chaos.load import Load
from tests.system.chaos.proxy import LOOPBACK, Proxy
from tests.system.chaos.server import Server
from tests.system.chaos.verdict import Difference, judge
from tests.system.stack import Stack
from tests.waiting import wait_for
from webhook.simulation.agora import INGEST_PATH, Target
from webhook.store.spool.segment import NEW, SENT, WAITING

QUIET_WITHIN = 60.0  # seconds from the last fault and the last post to the last notification applied
HOLDING = (NEW, WAITING, SENT)
SMALL_SPOOL = 300_000  # bytes; full within seconds of an outage, so that posts are refused
Say = Callable[[str], object]


class Terms(Struct, frozen=True, kw_only=True):
    """What is run: `seed` decides load and faults, `rate` is posts a second. `spool_bytes` None is Vigil's default."""

    seed: int
    seconds: float
    rate: float
    spool_bytes: int | None = None


class Rig(Struct, frozen=True):
    """What a run is made of, all of it running."""

    stack: Stack
    server: Server
    proxy: Proxy


@contextmanager
def running(directory: Path, terms: Terms) -> Iterator[Rig]:
    """Server, proxy and Vigil, each in a session of its own; nothing of them is left behind."""
    with ExitStack() as started:
        server = started.enter_context(Server(directory / "server", Random(f"{terms.seed}:server")))
        proxy = started.enter_context(Proxy(server.port))
        quota = {} if terms.spool_bytes is None else {"VIGIL_SPOOL_MAX_BYTES": str(terms.spool_bytes)}
        stack = Stack(directory, REDIS_URL=f"redis://{LOOPBACK}:{proxy.port}/0", **quota)
        stack.redis.close()
        stack.redis = Redis(host=LOOPBACK, port=server.port)  # so that it asks the server past the proxy
        yield Rig(started.enter_context(stack).start(), server, proxy)


def play(directory: Path, terms: Terms, say: Say) -> list[Difference]:
    """Everything that is not as promised after a run in `directory`. Says the seed first, and figures in the end."""
    faults = schedule(Random(f"{terms.seed}:faults"), terms.seconds)
    (directory / "faults").write_text("".join(f"{fault}\n" for fault in faults))
    say(f"seed {terms.seed}: {len(faults)} faults in {terms.seconds:.0f} s, listed in {directory}/faults")
    with running(directory, terms) as rig:
        ledger = Ledger()
        load = Load(Target(rig.stack.url + INGEST_PATH, rig.stack.secret), ledger, terms.seed, terms.rate)
        gremlin = Gremlin(rig.stack, rig.server, rig.proxy)
        _together(
            lambda stop: load.run(terms.seconds, stop),
            lambda stop: gremlin.run(faults, stop),
        )
        unrest = quieten(rig)
        kept, differences = judge(rig.server.redis, ledger, load)
        for line in figures.lines(load, gremlin, kept, rig.stack):
            say(line)
        return [
            *(Difference("unrest", words) for words in unrest),
            *differences,
            *figures.too_few(gremlin, terms.seconds),
        ]


def _together(*parts: Callable[[threading.Event], None]) -> None:
    """Returns when all of them have; when one fails, or this is interrupted, the others are told to stop."""
    stop = threading.Event()
    with ThreadPoolExecutor(len(parts)) as threads:
        try:
            running_parts = [threads.submit(part, stop) for part in parts]
            wait(running_parts, return_when=FIRST_EXCEPTION)
        finally:
            stop.set()
    for part in running_parts:
        part.result()


def quieten(rig: Rig) -> list[str]:
    """What is not right, in words, of a stack that nothing is done to any more: first it works off what it holds, then
    it is stopped, so that nothing writes to the store any more.
    """
    began, unrest = time.monotonic(), []
    try:
        wait_for(lambda: not _held(rig), QUIET_WITHIN, "not all that was kept is applied")
        wait_for(rig.stack.is_sound, max(1.0, QUIET_WITHIN - time.monotonic() + began), "it is not sound again")
    except AssertionError as mistake:
        unrest.append(f"{mistake}; held are {_held(rig)}")
    try:
        code = rig.stack.stop()
        unrest += [f"vigil up ended with code {code}"] if code else []
    except AssertionError as mistake:
        unrest.append(str(mistake))
    if held := _held(rig):
        unrest.append(f"after it was stopped it held {held}")
    return unrest


def _held(rig: Rig) -> dict[str, int]:
    """What is still on its way: notifications in inboxes, leases, bytes in the spool."""
    try:
        leases = sum(rig.server.redis.exists(of.lease) for of in ALL_KEYS)
        held = {"in inboxes": rig.stack.waiting(), "leases": leases, "bytes in the spool": spooled_bytes(rig.stack.var)}
    except RedisError:  # it is being started again
        return {"servers away": 1}
    return {what: count for what, count in held.items() if count}


def spooled_bytes(var: Path) -> int:
    """How many bytes of the spool's segments wait for Redis; what was found damaged was reported, and waits no more."""
    sizes = []
    for path in (var / "spool").glob("*"):
        try:
            sizes += [path.stat().st_size] if path.suffix in HOLDING else []
        except FileNotFoundError:  # drained between the listing and the look
            continue
    return sum(sizes)

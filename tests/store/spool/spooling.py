"""Spools and what is put in them, for the tests about them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from redis import Redis

from tests.store.build import AT_MS, arrival, raw, route_of
from webhook import clock
from webhook.store.inbox import Inbox, Resolve, by_redis
from webhook.store.spool.framing import Gap, Spooled, encode, records
from webhook.store.spool.keeper import Keeper
from webhook.store.spool.segment import Segment
from webhook.store.spool.spool import Run, Spool, SpoolLimits

ROOMY = SpoolLimits(most=1 << 30, free=0)
CHILD = """
import sys
from pathlib import Path
from tests.store.spool.spooling import spool_in, spooled
from tests.store.build import started
spool = spool_in(Path(sys.argv[1]))
for number in range(int(sys.argv[2])):
    spool.keep(spooled(started(f"c{number}")))
print("spooled", flush=True)
sys.stdin.read()
"""


def spooled(body: Any = b"{}", received_ms: int = AT_MS, receipt: str = "") -> Spooled:
    """One POST of `body` on its way to its inbox."""
    came = arrival(body, receipt)
    return Spooled(route_of(body), came.receipt, "default", "default", 2, "c1a1", received_ms, raw(body))


def spool_in(directory: Path, limits: SpoolLimits = ROOMY, run: Run = lambda blocking: blocking()) -> Spool:
    """A spool in `directory`, ready."""
    spool = Spool(directory, limits, run)
    spool.prepare()
    return spool


def keeper_of(
    redis: Redis, spool: Spool | None, *, shards: int = 2, most: int = 100_000, by: Resolve = by_redis
) -> Keeper:
    """A keeper of the inboxes on that server, by this host's clock."""
    return Keeper(Inbox(redis, shards, most, by), spool, clock.now_ms)


def files(directory: Path, ending: str = "") -> list[str]:
    """The names of the segments in `directory`, sorted; those with the given ending."""
    return sorted(path.name for path in directory.iterdir() if path.name[:2] != "id" and path.name.endswith(ending))


def found(directory: Path) -> list[Spooled | Gap]:
    """What all segments in `directory` hold, oldest first."""
    return [each for name in files(directory) for each in records((directory / name).read_bytes())]


def abandon(directory: Path, *held: Spooled) -> Path:
    """A segment that nobody holds, as a process that died leaves it."""
    segment = Segment.create(spool_in(directory).directory, held[0].received_ms)
    segment.append(list(map(encode, held)))
    segment.close()
    return segment.path


def other_process(directory: Path, count: int) -> subprocess.Popen[str]:
    """Another process that has spooled `count` sessions' starts, c0 and on, and holds its segment until its end."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(directory), str(count)],
        cwd=Path(__file__).parents[3],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout
    assert child.stdout.readline() == "spooled\n"
    return child


def end(child: subprocess.Popen[str]) -> None:
    """Kills it, without a chance to tidy up."""
    child.kill()
    child.communicate()

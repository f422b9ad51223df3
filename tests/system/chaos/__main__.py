"""`make chaos`: Agora goes on posting while everything is killed, paused and cut off; nothing may be lost or repeated.

Exit status 0 where every promise was kept, 1 where anything differs, each difference in words.
"""

from __future__ import annotations

import secrets
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from tests.system.chaos.run import SMALL_SPOOL, Terms, play
from tests.system.chaos.verdict import Difference

LONG_MINUTES = 4.0  # from then on two stacks share the time: one with a spool as it comes, one with a small one
MOST_SHOWN = 20


@click.command(help=__doc__)
@click.option("--minutes", type=click.FloatRange(min=0.5), default=10.0, show_default=True)
@click.option("--seed", type=int, help="Repeats load and faults; random where not given.")
@click.option("--rate", type=click.FloatRange(min=10), default=300.0, show_default=True, help="Posts a second.")
@click.option("--keep", is_flag=True, help="Keep the files of a run that went well, too.")
def main(minutes: float, seed: int | None, rate: float, *, keep: bool) -> None:
    """Runs and says what came of it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that all is tidied up
    chosen = secrets.randbits(32) if seed is None else seed
    click.echo(f"seed {chosen}")
    directory = Path(tempfile.mkdtemp(prefix="vigil-chaos-"))
    differences: list[Difference] = []
    for number, terms in enumerate(stacks(chosen, minutes, rate), start=1):
        of_stack = directory / str(number)
        of_stack.mkdir()
        spool = "as it comes" if terms.spool_bytes is None else f"of {terms.spool_bytes} bytes"
        click.echo(f"stack {number}, its spool {spool}")
        differences += play(of_stack, terms, click.echo)
    for line in told(differences):
        click.echo(line)
    if differences or keep:
        click.echo(f"the files of the run are in {directory}")
    else:
        shutil.rmtree(directory)
    sys.exit(1 if differences else 0)


def stacks(seed: int, minutes: float, rate: float) -> list[Terms]:
    """The stacks that a run of so many minutes is made of."""
    spools = [SMALL_SPOOL] if minutes < LONG_MINUTES else [None, SMALL_SPOOL]
    seconds = minutes * 60 / len(spools)
    return [
        Terms(seed=seed + number, seconds=seconds, rate=rate, spool_bytes=size) for number, size in enumerate(spools)
    ]


def told(differences: Sequence[Difference]) -> Iterator[str]:
    """The last lines: how much differs, by promise, and the first of each."""
    if not differences:
        yield "acknowledged = kept: 0 lost, 0 applied twice, 0 sessions differ"
        return
    by_promise = Counter(difference.promise for difference in differences)
    yield f"{len(differences)} differences: " + ", ".join(f"{name} {number}" for name, number in by_promise.items())
    share = max(1, MOST_SHOWN // len(by_promise))
    shown = [
        difference
        for promise in by_promise
        for difference in [each for each in differences if each.promise == promise][:share]
    ]
    for difference in shown[:MOST_SHOWN]:
        yield f"{difference.promise}: {difference.words[:600]}"


if __name__ == "__main__":
    main()

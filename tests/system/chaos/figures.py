"""The figures of a run, in lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from tests.system.chaos.faults import Kind, how_many
from tests.system.chaos.gremlin import IN_A_BATCH, Gremlin
from tests.system.chaos.kept import Kept
from tests.system.chaos.ledger import Ledger
from tests.system.chaos.load import Load
from tests.system.chaos.verdict import Difference
from tests.system.stack import Stack
from webhook.store.spool.segment import DAMAGED

ENOUGH = {Kind.KILL: 6 / 7, Kind.OUTAGE: 0.8}  # of what was scheduled: some faults find nobody to hit


def lines(load: Load, gremlin: Gremlin, kept: Kept, stack: Stack) -> Iterator[str]:
    """What happened, for people to read."""
    ledger = load.ledger
    yield _posts(load, ledger)
    for kind in Kind:
        yield f"{kind}s: {_hits(gremlin, kind)}"
    if gremlin.missed:
        yield f"found nobody: {_listed(gremlin.missed)}"
    for status, took_s in ledger.latencies_s.items():
        if took_s:
            yield f"answers {status}: {_percentiles(sorted(took_s))}"
    acknowledged = sum(told.acknowledged > 0 for told in ledger.told.values())
    unsure = sum(not told.acknowledged and name in kept.places for name, told in ledger.told.items())
    silent = f"{len(kept.silent)} of them silent"
    yield f"kept: {len(kept.places)} noticeIds in {len(kept.session_ids)} sessions, {silent}; {_listed(kept.folded)}"
    yield f"{acknowledged} noticeIds were acknowledged, {unsure} more were kept without an answer"
    damaged = len([*stack.var.glob(f"spool/*{DAMAGED}")])
    yield f"damaged segments: {damaged}; tracebacks in the log of vigil up: {stack.said().count('Traceback')}"


def too_few(gremlin: Gremlin, seconds: float) -> list[Difference]:
    """A run without enough faults proves nothing."""
    few = [
        f"only {count(gremlin, kind)} {kind}s of {how_many(kind, seconds)} were done"
        for kind, share in ENOUGH.items()
        if count(gremlin, kind) < share * how_many(kind, seconds)
    ]
    if not any(target == IN_A_BATCH and number for (_, target), number in gremlin.done.items()):
        few.append("no fold worker was caught in the middle of a batch")
    return [Difference("faults", words) for words in few]


def count(gremlin: Gremlin, kind: Kind) -> int:
    """How many faults of that kind were done."""
    return sum(number for (of, target), number in gremlin.done.items() if of is kind and target != IN_A_BATCH)


def _posts(load: Load, ledger: Ledger) -> str:
    unanswered = ledger.unanswered()
    refused = ledger.attempts - ledger.answers["200"] - sum(unanswered.values())
    return (
        f"posts: {ledger.attempts} of {load.planned} notifications in {len(load.began_ms)} waves, "
        f"{ledger.attempts - load.planned} of them resent; {ledger.answers['200']} acknowledged, {refused} refused, "
        f"{sum(unanswered.values())} unanswered ({_listed(Counter(unanswered))}); {load.dropped} given up"
    )


def _hits(gremlin: Gremlin, kind: Kind) -> str:
    targets = Counter({target: number for (of, target), number in gremlin.done.items() if of is kind and number})
    return f"{count(gremlin, kind)} ({_listed(targets)})"


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in counts.most_common()) or "none"


def _percentiles(took_s: Sequence[float]) -> str:
    shown = [(name, took_s[min(len(took_s) - 1, int(share * len(took_s)))]) for name, share in SHARES.items()]
    return ", ".join(f"{name} {seconds * 1000:.0f} ms" for name, seconds in shown)


SHARES = {"p50": 0.5, "p99": 0.99, "max": 1.0}

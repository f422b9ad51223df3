"""A minute of chaos, a part of every test run; `make chaos` is the long one."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from random import Random

import pytest

from tests.system.chaos.faults import KILLED, LAPSES, OUTAGES, PAUSED, Kind, schedule
from tests.system.chaos.run import SMALL_SPOOL, Terms, play
from tests.system.stack import needs_proc

A_MINUTE = Terms(seed=4, seconds=60, rate=160, spool_bytes=SMALL_SPOOL)


@needs_proc
@pytest.mark.long
@pytest.mark.timeout(240)
def test_nothing_acknowledged_is_lost_or_applied_twice_whatever_is_killed_paused_or_cut_off(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    said: list[str] = []
    differences = play(tmp_path_factory.mktemp("chaos"), A_MINUTE, said.append)
    assert [f"{each.promise}: {each.words}" for each in differences[:20]] == [], "\n".join(said)


@pytest.mark.parametrize("seed", range(5))
def test_ten_minutes_have_at_least_sixty_kills_and_twenty_outages_of_every_sort(seed: int) -> None:
    faults = schedule(Random(seed), 600)
    kinds = Counter(fault.kind for fault in faults)
    assert kinds[Kind.KILL] >= 60
    assert kinds[Kind.OUTAGE] >= 20
    assert {fault.target for fault in faults} >= {target for target, _ in (*KILLED, *PAUSED, *OUTAGES, *LAPSES)}
    outages = [fault for fault in faults if fault.kind is Kind.OUTAGE]
    assert all(one.at_s + one.lasts_s <= next_.at_s for one, next_ in pairwise(outages))
    assert max(fault.at_s + fault.lasts_s for fault in faults) <= 600


def test_the_same_seed_writes_the_same_schedule() -> None:
    assert schedule(Random(7), 60) == schedule(Random(7), 60) != schedule(Random(8), 60)

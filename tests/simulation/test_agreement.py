"""The product's fold says what the oracle says: two readings of one contract, each a check of the other."""

from __future__ import annotations

import json
from random import Random

import msgspec
import pytest

from tests.build import Kept, reading
from webhook.domain.log import session_log
from webhook.domain.timeline import Window, timeline
from webhook.simulation.agora import encode
from webhook.simulation.comparison import Json, compare, compare_timeline
from webhook.simulation.oracle import fold
from webhook.simulation.plan import Adversity, Pace, Plan, plan
from webhook.simulation.scenario import SCENARIOS, cast
from webhook.simulation.script import write
from webhook.views.sessions import session_view
from webhook.views.timeline import timeline_view

STARTS_MS = 1_764_000_000_000
SESSIONS = 5


def received(planned: Plan, rng: Random) -> Kept:
    """What is kept of all postings, received in batches of any size."""
    readings = [reading(encode(it, STARTS_MS + it.due_ms), STARTS_MS + it.due_ms) for it in planned.postings]
    kept = Kept()
    while readings:
        batch = rng.randint(1, 80)
        kept.take(readings[:batch])
        readings = readings[batch:]
    return kept


def shown(kept: Kept, sid: str) -> Json:
    session: Json = json.loads(msgspec.json.encode(session_view(kept.sessions[sid])))
    return session


def drawn(kept: Kept, sid: str) -> Json:
    entries = kept.log(session_log(sid)).values()
    found: Json = json.loads(msgspec.json.encode(timeline_view(timeline(kept.sessions[sid], entries, Window()))))
    return found


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("loss", [0.0, 0.05, 0.5])
def test_the_status_is_the_truth_whatever_was_lost_copied_or_late(scenario: str, loss: float) -> None:
    scripts = [write(actor, STARTS_MS) for actor in cast(scenario, SESSIONS, Random(f"{scenario} {loss}"))]
    planned = plan(scripts, Pace(STARTS_MS, 1.0), Adversity(loss, 0.5, 0.5), Random(5))
    kept = received(planned, Random(6))
    for script in scripts:
        told = {it.line.notice_id: it.line for it in planned.postings if it.sid == script.sid}
        truth = fold(told.values())
        assert (truth is None) is (script.sid not in kept.sessions)
        if truth is not None:
            assert compare(shown(kept, script.sid), truth) == []
            assert compare_timeline(drawn(kept, script.sid), truth) == []

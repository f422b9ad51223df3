"""For every scenario: whatever order its notifications come in, with whatever copies, the answers are equal bytes."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

import msgspec
import pytest

from tests.build import Kept, Notification, reading
from webhook.domain.log import session_log
from webhook.domain.timeline import Window, timeline
from webhook.simulation.agora import encode
from webhook.simulation.plan import Adversity, Pace, plan
from webhook.simulation.scenario import SCENARIOS, cast
from webhook.simulation.script import write
from webhook.views.sessions import session_view
from webhook.views.timeline import timeline_view

STARTS_MS = 1_764_000_000_000
RECEIVED_MS = STARTS_MS + 12 * 3_600_000  # one time for all: silence is no part of this
SESSIONS = 2
MOST_TOLD = 400  # notifications of a scenario; a share of a longer one is as good a set of facts


def told(scenario: str) -> list[Notification]:
    """What a small simulation of the scenario posts, without copies, as far as there is room."""
    rng = Random(f"permutations of {scenario}")
    scripts = [write(actor, STARTS_MS) for actor in cast(scenario, SESSIONS, rng)]
    posted = plan(scripts, Pace(STARTS_MS, 1.0), Adversity(), rng).postings
    chosen = sorted(rng.sample(range(len(posted)), min(len(posted), MOST_TOLD)))
    return [msgspec.json.decode(encode(posted[place], STARTS_MS + posted[place].due_ms)) for place in chosen]


def with_copies(said: Iterable[Notification], rng: Random) -> list[Notification]:
    """`said` and for some of it one or two copies, sent anew under the same or another noticeId."""
    copied = []
    for each in said:
        copied.append(each)
        for again in range(rng.choice((0, 0, 1, 2))):
            name = rng.choice((each["noticeId"], f"{each['noticeId']}:{again}"))
            copied.append(each | {"noticeId": name, "notifyMs": each["notifyMs"] + rng.randint(-500, 60_000)})
    return copied


def shown(said: list[Notification], rng: Random | None = None) -> dict[str, tuple[bytes, bytes]]:
    """Of every session its answer and its timeline, taken in one batch, or in several of any size."""
    kept, rest = Kept(), said
    while rest:
        size = rng.randint(1, len(rest)) if rng else len(rest)
        kept.take([reading(each, RECEIVED_MS) for each in rest[:size]])
        rest = rest[size:]
    return {sid: _answers(kept, sid) for sid in sorted(kept.sessions)}


def _answers(kept: Kept, sid: str) -> tuple[bytes, bytes]:
    view = session_view(kept.sessions[sid])
    del view["notifications"], view["revision"]
    drawn = timeline(kept.sessions[sid], kept.log(session_log(sid)).values(), Window())
    return msgspec.json.encode(view), msgspec.json.encode(timeline_view(drawn))


def check(scenario: str, permutations: int) -> None:
    """Copies are those of one seed, as the least notifyMs and noticeId of them are part of what is told."""
    rng = Random(f"{permutations} of {scenario}")
    said = with_copies(told(scenario), rng)
    expected = shown(said)
    assert expected
    for _ in range(permutations):
        assert shown(rng.sample(said, len(said)), rng) == expected


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_no_order_and_no_copy_changes_a_byte(scenario: str) -> None:
    check(scenario, 25)


@pytest.mark.full
@pytest.mark.timeout(600)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_no_order_and_no_copy_changes_a_byte_however_often_it_is_tried(scenario: str) -> None:
    check(scenario, 200)

import ast
from collections import defaultdict
from functools import cache
from pathlib import Path
from random import Random

import pytest

from webhook.samples import SAMPLES
from webhook.simulation.oracle import fold
from webhook.simulation.recording.model import Recording
from webhook.simulation.scenario import SCENARIOS, cast
from webhook.simulation.script import write
from webhook.simulation.truth import RecordingTruth, Script

STARTS_MS = 1_764_000_000_000
SOURCES = Path(__file__).parents[2] / "webhook" / "simulation"
STATES = {
    "screenshots": {"ended"},
    "individual": {"ended"},
    "composite": {"ended"},
    "web-page": {"ended"},
    "failover": {"ended"},
    "upload-trouble": {"ended"},
    "abnormal-exit": {"failed"},
    "rtc-reconnects": {"live", "ended"},
    "push": {"live", "ended", "failed"},
    "pull": {"live", "ended", "failed"},
    "gateway": {"live", "ended", "failed"},
    "agent": {"live", "ended", "failed"},
    "stt": {"live", "ended", "failed"},
    "transcoding": {"live", "ended"},
    "storm": {"ended"},
    "two-sessions-one-channel": {"live", "ended"},
    "all": {"live", "ended", "failed"},
}


@cache  # tests come in random order, and a script costs more than what is asserted of it
def scripts(scenario: str, count: int = 120, seed: int = 1, starts_ms: int = STARTS_MS) -> tuple[Script, ...]:
    return tuple(write(actor, starts_ms) for actor in cast(scenario, count, Random(seed)))


@pytest.fixture(params=SCENARIOS)
def played(request: pytest.FixtureRequest) -> tuple[str, tuple[Script, ...]]:
    return request.param, scripts(request.param)


def test_every_scenario_that_the_command_knows_is_tested_here() -> None:
    assert set(SCENARIOS) == set(STATES)


def test_the_fold_of_everything_in_any_order_is_the_truth_by_construction(
    played: tuple[str, tuple[Script, ...]],
) -> None:
    for script in played[1]:
        lines = list(script.lines)
        Random(len(lines)).shuffle(lines)
        assert fold(lines) == script.truth


def test_every_outcome_of_the_scenario_occurs(played: tuple[str, tuple[Script, ...]]) -> None:
    scenario, told = played
    assert {script.truth.state for script in told} == STATES[scenario]


def test_no_two_sessions_share_an_id_and_no_two_notifications_a_notice_id(
    played: tuple[str, tuple[Script, ...]],
) -> None:
    sids = [script.sid for script in played[1]]
    notice_ids = [line.notice_id for script in played[1] for line in script.lines]
    assert len(set(sids)) == len(sids)
    assert len(set(notice_ids)) == len(notice_ids)


def test_everything_is_posted_in_order_and_within_the_time_of_its_session(
    played: tuple[str, tuple[Script, ...]],
) -> None:
    actors = cast(played[0], 120, Random(1))
    for actor, script in zip(actors, played[1], strict=True):
        sent = [line.sent_ms - STARTS_MS for line in script.lines]
        assert sent == sorted(sent)
        happened_ms = [it.at_ms for it in actor.happenings] if isinstance(actor, Recording) else []
        assert 0 <= actor.begins_ms + min([0, *happened_ms]) <= sent[0] <= sent[-1] <= actor.ends_ms


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_one_seed_gives_one_simulation(scenario: str) -> None:
    assert scripts(scenario, 8, 5) == scripts.__wrapped__(scenario, 8, 5)
    assert scripts(scenario, 8, 5) != scripts(scenario, 8, 6)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_same_seed_at_another_time_makes_new_sessions_of_the_same_course(scenario: str) -> None:
    earlier, later = scripts(scenario, 8), scripts(scenario, 8, starts_ms=STARTS_MS + 60_000)
    assert {script.sid for script in earlier}.isdisjoint(script.sid for script in later)
    assert [[line.event_type for line in script.lines] for script in earlier] == [
        [line.event_type for line in script.lines] for script in later
    ]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_at_least_as_many_sessions_as_asked_for_are_cast_and_at_most_three_more(scenario: str) -> None:
    for count in (1, 7, 16):
        assert count <= len(cast(scenario, count, Random(count))) <= count + 3


def test_all_tells_every_documented_type_of_every_product() -> None:
    told = {(line.product_id, line.event_type) for script in scripts("all", 500, 2) for line in script.lines}
    assert told == set(SAMPLES)


def test_lost_numbers_below_a_recorders_last_delivered_one_are_exactly_the_holes() -> None:
    rng = Random(7)
    for script in scripts("failover", 60):
        kept = [line for line in script.lines if rng.random() < 0.8]
        truth = fold(kept)
        assert isinstance(truth, RecordingTruth)
        lost = defaultdict(set)
        for line in script.lines:
            uid, number = line.payload["uid"], line.payload["sequence"]
            if line not in kept and number < truth.highest.get(uid, 0):
                lost[uid].add(number)
        holes = {uid: {n for low, high in gaps for n in range(low, high + 1)} for uid, gaps in truth.missing.items()}
        assert {uid: found for uid, found in holes.items() if found} == {
            uid: numbers - {0} for uid, numbers in lost.items() if numbers - {0}
        }


def test_the_fold_of_nothing_is_no_session() -> None:
    assert fold([]) is None


def test_the_fold_of_any_part_is_a_session_with_the_same_id_and_product(played: tuple[str, tuple[Script, ...]]) -> None:
    rng = Random(3)
    for script in played[1]:
        truth = fold([line for line in script.lines if rng.random() < 0.4] or script.lines[:1])
        assert truth is not None
        assert (truth.sid, truth.product) == (script.sid, script.truth.product)


def imported(folder: Path) -> set[str]:
    nodes = (node for source in sorted(folder.rglob("*.py")) for node in ast.walk(ast.parse(source.read_text())))
    modules = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    return {module for module in modules if module.startswith("webhook.")}


def test_the_simulator_imports_nothing_of_the_product_but_the_signature() -> None:
    allowed = ("webhook.simulation", "webhook.samples")
    assert {module for module in imported(SOURCES) if not module.startswith(allowed)} == {"webhook.domain.signature"}


def test_the_oracle_shares_no_code_with_those_who_write_the_scripts() -> None:
    allowed = ("webhook.simulation.oracle", "webhook.simulation.truth")
    assert [module for module in imported(SOURCES / "oracle") if not module.startswith(allowed)] == []

from random import Random
from typing import Any

import pytest

from webhook.simulation.oracle import fold
from webhook.simulation.scenario import cast
from webhook.simulation.script import write
from webhook.simulation.truth import EntityTruth, Line, Script

STARTS_MS = 1_764_000_000_000
SCENARIOS = ("push", "pull", "gateway", "agent", "stt", "transcoding")
TOLD = {scenario: [write(actor, STARTS_MS) for actor in cast(scenario, 150, Random(4))] for scenario in SCENARIOS}


def truths(scenario: str) -> list[EntityTruth]:
    found = [script.truth for script in TOLD[scenario]]
    assert all(isinstance(truth, EntityTruth) for truth in found)
    return [truth for truth in found if isinstance(truth, EntityTruth)]


def lines(scenario: str, event_type: int) -> list[Line]:
    return [line for script in TOLD[scenario] for line in script.lines if line.event_type == event_type]


@pytest.mark.parametrize(
    ("scenario", "products", "types"),
    [
        ("push", {5}, {1, 2, 3, 4}),
        ("pull", {4}, {1, 3, 4}),
        ("gateway", {10}, {1, 2, 3, 4}),
        ("agent", {17}, {101, 102, 103, 104, 110, 111, 112, 201, 202}),
        ("stt", {20, 98}, {101, 102, 4, 30, 31, 32, 33}),
        ("transcoding", {99}, {110, 111, 112, 113}),
    ],
)
def test_every_type_of_the_product_is_told_under_its_number(scenario: str, products: set[int], types: set[int]) -> None:
    told = [line for script in TOLD[scenario] for line in script.lines]
    assert ({line.product_id for line in told}, {line.event_type for line in told}) == (products, types)


def test_converters_and_players_are_destroyed_for_every_reason() -> None:
    reasons = {"Delete Request": "normal", "Idle Timeout": "normal", "Internal Error": "abnormal", None: None}
    pushed = {truth.reason: truth.exit_status for truth in truths("push") if truth.state != "failed"}
    pulled = {truth.reason: truth.exit_status for truth in truths("pull") if truth.reason}
    assert pushed == reasons
    assert pulled == {reason: status for reason, status in reasons.items() if reason} | {"Stream Stopped": "normal"}


def test_converters_and_players_recover_from_failure() -> None:
    for scenario, event_type, key, state in (("push", 3, "converter", "state"), ("pull", 4, "player", "status")):
        courses = [
            [line.payload[key][state] for line in script.lines if line.event_type == event_type]
            for script in TOLD[scenario]
        ]
        assert any("failed" in course and course[-1] == "running" for course in courses)
        assert any(course[-1] == "failed" for course in courses)


def test_the_channel_of_a_converter_stands_in_its_first_event_only_in_either_place() -> None:
    created = [line.payload["converter"] for line in lines("push", 1)]
    assert {"transcodeOptions", "rawOptions"} <= {key for converter in created for key in converter}
    for event_type in (2, 3, 4):
        for line in lines("push", event_type):
            assert line.payload["converter"].keys().isdisjoint({"transcodeOptions", "rawOptions"})


def test_ingest_streams_are_aborted_for_all_ten_reasons_and_tell_0_2_or_3_digits() -> None:
    assert {line.payload["errorCode"] for line in lines("gateway", 3)} == set(range(1, 11))
    assert {len(line.payload["beginAt"]) for line in lines("gateway", 1)} == {20, 23, 24}
    assert {truth.errors for truth in truths("gateway") if truth.state == "failed"} == {(n,) for n in range(1, 11)}


def test_agents_leave_with_every_message_and_its_status() -> None:
    told = {(line.payload["message"], line.payload["status"]) for line in lines("agent", 102)}
    assert told == {
        ("OK", "STOPPED"),
        ("Idle for too long", "STOPPED"),
        ("Connecting for too long", "FAILED"),
        ("RTC connection error", "FAILED"),
        ("Task lifetime limit exceeded", "STOPPED"),
    }


def test_writers_leave_with_every_message_and_its_status() -> None:
    told = {(line.payload["message"], line.payload["status"]) for line in lines("stt", 102)}
    assert told == {
        ("OK", "STOPPED"),
        ("Idle for too long", "STOPPED"),
        ("RTC connection error", "FAILED"),
        ("Fatal ASR error", "FAILED"),
        ("Fatal Translation error", "FAILED"),
    }


def test_calls_go_through_their_states_in_both_directions() -> None:
    for event_type in (201, 202):
        states = [line.payload["state"] for line in lines("agent", event_type)]
        assert set(states) == {"START", "CALLING", "RINGING", "ANSWERED", "TRANSFERED", "HANGUP"}


def moments(value: Any, name: str = "") -> list[tuple[str, int]]:
    """Every time in a payload with its name."""
    if isinstance(value, dict):
        return [found for key, inner in value.items() for found in moments(inner, key)]
    if isinstance(value, list):
        return [found for inner in value for found in moments(inner, name)]
    is_time = isinstance(value, int) and not isinstance(value, bool) and value > 10**9
    return [(name, value)] if is_time and name not in ("uid", "rtcUid", "color") else []


UNITS = {
    "push": {"createTs": {"s"}, "updateTs": {"s"}, "lts": {"s"}},
    "pull": {"createTs": {"s"}, "lts": {"ms"}},
    "gateway": {},
    "agent": {
        "start_ts": {"s", "ms"},
        "stop_ts": {"s", "ms"},
        "report_ms": {"ms"},
        "start_at": {"ms"},
        "end_at": {"ms"},
    },
    "stt": {"start_ts": {"s"}, "stop_ts": {"s"}, "sendts": {"s"}, "sliceStartTime": {"ms"}},
    "transcoding": {"createTs": {"ms"}, "updateTs": {"ms"}, "sendts": {"ms"}},
}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_times_are_told_in_the_units_of_their_product(scenario: str) -> None:
    units: dict[str, set[str]] = {}
    for script in TOLD[scenario]:
        for line in script.lines:
            for name, value in moments(line.payload):
                units.setdefault(name, set()).add("s" if value < 10**11 else "ms")
    assert units == UNITS[scenario]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_without_its_beginning_an_entity_is_what_the_rest_tells(scenario: str) -> None:
    for script in TOLD[scenario]:
        rest = script.lines[1:]
        truth = fold(rest)
        if truth is not None and script.truth.exit_status is not None:
            assert (truth.state, truth.exit_status) == (script.truth.state, script.truth.exit_status)


def without(script: Script, *event_types: int) -> list[Line]:
    return [line for line in script.lines if line.event_type not in event_types]


def test_an_agent_of_which_only_remarks_are_known_is_starting() -> None:
    script = next(script for script in TOLD["agent"] if any(line.event_type == 110 for line in script.lines))
    truth = fold(without(script, 101, 102))
    assert isinstance(truth, EntityTruth)
    assert isinstance(script.truth, EntityTruth)
    assert (truth.state, truth.exit_status, truth.errors) == ("starting", None, script.truth.errors)

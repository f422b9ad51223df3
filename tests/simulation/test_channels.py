from collections import Counter, defaultdict
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from webhook.domain.channels import channel_id
from webhook.simulation import names
from webhook.simulation.channel.model import Call
from webhook.simulation.oracle import fold
from webhook.simulation.oracle.channels import channel_sid
from webhook.simulation.scenario import cast
from webhook.simulation.script import write
from webhook.simulation.truth import ChannelTruth, Line, Script

STARTS_MS = 1_764_000_000_000
CALLS = [actor for actor in cast("rtc-reconnects", 120, Random(3)) if isinstance(actor, Call)]
SCRIPTS = [write(call, STARTS_MS) for call in CALLS]


def truth_of(script: Script) -> ChannelTruth:
    assert isinstance(script.truth, ChannelTruth)
    return script.truth


def told(script: Script, *event_types: int) -> list[dict[str, Any]]:
    return [line.payload for line in script.lines if line.event_type in event_types]


def by_user(script: Script) -> dict[int, list[Line]]:
    users = defaultdict(list)
    for line in script.lines:
        if "uid" in line.payload:
            users[line.payload["uid"]].append(line)
    return {uid: sorted(lines, key=lambda line: int(line.payload["clientSeq"])) for uid, lines in users.items()}


def test_every_event_of_a_channel_is_told() -> None:
    types = {line.event_type for script in SCRIPTS for line in script.lines}
    assert types == {101, 102, 103, 104, 105, 106, 107, 108, 111, 112}


def test_users_drop_out_for_every_reason_and_come_back_under_a_greater_number() -> None:
    back: Counter[int] = Counter()
    for script in SCRIPTS:
        for lines in by_user(script).values():
            for before, after in pairwise(lines):
                if before.payload.get("reason", 1) != 1:
                    assert after.event_type in (103, 105, 107)
                    assert after.payload["clientSeq"] > before.payload["clientSeq"]
                    back[before.payload["reason"]] += 1
    assert set(back) == {2, 4, 9, 10}


def test_some_join_again_before_their_leave_was_noticed() -> None:
    pairs = [
        (before.event_type, after.event_type)
        for script in SCRIPTS
        for lines in by_user(script).values()
        for before, after in pairwise(lines)
    ]
    assert {(103, 103), (105, 105), (107, 107)} <= set(pairs)


def test_numbers_use_all_64_bits_and_times_are_seconds() -> None:
    numbers = [payload["clientSeq"] for script in SCRIPTS for payload in told(script, 103, 105, 107)]
    assert min(numbers) > 2**53
    assert 2**63 < max(numbers) < 2**64
    for script in SCRIPTS:
        for line in script.lines:
            late_ms = line.sent_ms - line.payload["ts"] * 1000
            assert 1_200 <= late_ms < 2_500


def test_a_channel_has_one_or_two_lives_the_newest_of_which_is_open_or_closed() -> None:
    cuts = Counter((len(told(script, 101)), len(told(script, 102))) for script in SCRIPTS)
    assert set(cuts) == {(1, 0), (1, 1), (2, 1), (2, 2)}
    for script in SCRIPTS:
        is_open = len(told(script, 101)) > len(told(script, 102))
        assert (truth_of(script).state, truth_of(script).exit_status) == (
            ("live", None) if is_open else ("ended", "normal")
        )


def test_some_lives_begin_in_the_second_in_which_the_one_before_ends() -> None:
    seconds = [
        {payload["ts"] for payload in told(script, 101)} & {it["ts"] for it in told(script, 102)} for script in SCRIPTS
    ]
    assert sum(map(bool, seconds)) > 5


def test_services_people_and_every_role_are_there_in_some_channel() -> None:
    users = [user for script in SCRIPTS for user in truth_of(script).users.values()]
    assert {user.service for user in users} == {True, False}
    assert {user.role for user in users} == {"broadcaster", "audience", "communication"}
    assert any(user.left_s is None for user in users)
    assert {payload.get("clientType") for script in SCRIPTS for payload in told(script, 103)} >= {None, 8, 10, 68}


def test_the_ids_of_channels_are_those_of_the_contract() -> None:
    for channel in (*names.CHANNELS, "é/ü%", "a.b~c"):
        assert names.channel_sid(channel) == channel_sid(channel) == channel_id("default", channel)


def cut(event_type: int, at_s: int) -> Line:
    return Line(f"{event_type}:{at_s}", 1, event_type, at_s * 1000, {"channelName": "c", "ts": at_s})


def word(event_type: int, at_s: int, number: int, duration: int = 0) -> Line:
    payload = {"channelName": "c", "uid": 7, "clientSeq": number, "ts": at_s, "duration": duration}
    return Line(f"7:{number}", 1, event_type, at_s * 1000, payload)


@pytest.mark.parametrize(
    ("lines", "state", "present", "seconds"),
    [
        ([cut(101, 10), word(103, 10, 1)], "live", ["7"], 0),
        ([cut(101, 10), cut(101, 12), cut(102, 11)], "live", [], 0),
        ([cut(101, 10), cut(102, 10), word(103, 10, 1)], "live", ["7"], 0),
        ([cut(101, 10), word(103, 11, 2), word(104, 20, 1, 9)], "live", ["7"], 9),
        ([cut(101, 10), word(103, 11, 1), word(104, 20, 2, 9)], "live", [], 9),
        ([cut(102, 30), word(103, 11, 1), word(104, 20, 2, 9)], "ended", [], 9),
        ([cut(102, 30), word(103, 31, 1)], "live", ["7"], 0),
        ([cut(102, 30), word(104, 31, 1, 9)], "ended", [], 9),
        ([cut(101, 10), cut(102, 30), cut(101, 40), word(104, 20, 1, 9)], "live", [], 0),
        ([word(105, 11, 1), word(111, 12, 2)], "live", ["7"], 0),
    ],
)
def test_the_oracle_cuts_lives_and_counts_what_is_in_the_newest(
    lines: list[Line], state: str, present: list[str], seconds: int
) -> None:
    truth = fold(reversed(lines))
    assert isinstance(truth, ChannelTruth)
    assert (truth.state, truth.present, sum(truth.seconds.values())) == (state, present, seconds)

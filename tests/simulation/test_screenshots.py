import re
from collections import defaultdict
from random import Random
from typing import Any

import pytest

from webhook.domain.filenames import parse_snapshot
from webhook.simulation.oracle import fold
from webhook.simulation.recording.model import Publisher, Recording, captures, is_on, spans
from webhook.simulation.scenario import cast
from webhook.simulation.script import write
from webhook.simulation.truth import Line, RecordingTruth, Script

STARTS_MS = 1_764_000_000_000
TOLD = {40, 41, 43, 44, 45, 33, 31, 11, 12}


def scripts(seed: int, starts_ms: int = STARTS_MS) -> list[Script]:
    return [write(actor, starts_ms) for actor in cast("screenshots", 20, Random(seed))]


def truth_of(script: Script) -> RecordingTruth:
    assert isinstance(script.truth, RecordingTruth)
    return script.truth


def folded(lines: list[Line]) -> RecordingTruth:
    truth = fold(lines)
    assert isinstance(truth, RecordingTruth)
    return truth


SCRIPTS = [script for seed in range(10) for script in scripts(seed)]
MOVED = [script for script in SCRIPTS if truth_of(script).failovers]


def moment(told: dict[str, Any]) -> int:
    at_ms: int = told.get("UtcMs") or told["utcMs"]
    return at_ms


def details(script: Script, *event_types: int) -> list[dict[str, Any]]:
    return [line.payload["details"] for line in script.lines if line.event_type in event_types]


def test_one_seed_gives_one_simulation() -> None:
    assert scripts(5) == scripts(5)
    assert scripts(5) != scripts(6)


def test_the_same_seed_at_another_time_makes_new_sessions() -> None:
    earlier, later = scripts(5), scripts(5, STARTS_MS + 60_000)
    assert {script.sid for script in earlier}.isdisjoint(script.sid for script in later)
    assert [len(script.lines) for script in earlier] == [len(script.lines) for script in later]


def test_only_the_types_of_the_scenario_are_told_and_all_of_them_are() -> None:
    assert {line.event_type for script in SCRIPTS for line in script.lines} == TOLD


def test_every_session_tells_of_a_video_that_stops_and_resumes() -> None:
    for script in SCRIPTS:
        states = defaultdict(list)
        for told in sorted(details(script, 44), key=moment):
            states[told["streamUid"]].append(told["state"])
        assert any(re.search("0+1+0", "".join(map(str, told))) for told in states.values())


def test_sequences_have_no_holes_and_begin_with_0_or_1() -> None:
    for script in SCRIPTS:
        numbers = defaultdict(list)
        for line in script.lines:
            numbers[line.payload["uid"]].append(line.payload["sequence"])
        for heard in numbers.values():
            assert heard == list(range(heard[0], heard[0] + len(heard)))
            assert heard[0] in (0, 1)
        assert truth_of(script).highest == {uid: heard[-1] for uid, heard in numbers.items()}


def test_notifications_are_sent_in_order_and_after_what_they_tell_of() -> None:
    for script in SCRIPTS:
        sent = [line.sent_ms for line in script.lines]
        assert sent == sorted(sent)
        assert all(line.payload["sendts"] == line.sent_ms for line in script.lines)
        assert all(0 < line.sent_ms - event_ms(line) <= 40 for line in script.lines)


def test_every_session_ends_with_41_then_11_then_31() -> None:
    for script in SCRIPTS:
        types = [line.event_type for line in script.lines]
        assert types.index(41) < types.index(11) < types.index(31)
        assert details(script, 41)[0]["leaveCode"] in (16, 24)
        assert (details(script, 11), details(script, 31)[0]["status"]) == (
            [{"msgName": "session_exit", "exitStatus": 0}],
            0,
        )


def test_some_streams_change_after_the_recorder_left_and_some_after_the_exit() -> None:
    after = dict.fromkeys((41, 11), 0)
    for script in SCRIPTS:
        types = [line.event_type for line in script.lines]
        for kind in after:
            after[kind] += any(event_type in (43, 44) for event_type in types[types.index(kind) :])
    assert min(after.values()) > len(SCRIPTS) // 10


def test_snapshot_names_follow_the_convention_and_agree_with_their_session() -> None:
    for script in SCRIPTS:
        for told in details(script, 45):
            name = parse_snapshot(told["fileName"])
            assert name is not None
            assert name.sid == script.sid
            assert name.uid in truth_of(script).streams
            assert not re.search(r"[!@#$%^&*()+_.=\[\]{}~|,;:?<>]", name.channel)


def test_snapshots_are_taken_only_while_the_video_is_on() -> None:
    recording = Recording(
        seed=1,
        place=1,
        channel="c",
        happenings=(),
        publishers=(Publisher("7", (1_000, 20_000, 40_000)), Publisher("8", (2_000, 3_000))),
        interval_ms=10_000,
        begins_ms=0,
        leaves_ms=55_000,
    )
    taken = [(shot.taken_ms, shot.uid) for shot in captures(recording)]
    assert taken == [(1_700, "7"), (2_700, "8"), (11_700, "7"), (40_700, "7"), (50_700, "7")]


def test_no_snapshot_is_taken_during_a_move_and_those_after_it_count_it() -> None:
    recording = Recording(
        seed=1,
        place=1,
        channel="c",
        happenings=(),
        publishers=(Publisher("7", (1_000,)),),
        interval_ms=2_000,
        begins_ms=0,
        moves_ms=(4_000,),
        leaves_ms=10_000,
    )
    taken = [(shot.taken_ms, shot.failovers) for shot in captures(recording)]
    assert taken == [(1_700, 0), (3_700, 0), (7_700, 1), (9_700, 1)]


@pytest.mark.parametrize(("at_ms", "on"), [(0, False), (9, False), (10, True), (19, True), (20, False), (30, True)])
def test_a_track_is_on_from_one_switch_until_before_the_next(at_ms: int, on: bool) -> None:
    assert is_on((10, 20, 30), at_ms) is on
    assert spans((10, 20, 30), 99) == [(10, 20), (30, 99)]


def test_about_a_quarter_of_the_sessions_has_a_failover() -> None:
    assert len(SCRIPTS) // 8 < len(MOVED) < len(SCRIPTS) // 2


def test_after_a_failover_names_say_so_and_a_second_recorder_ends_the_session() -> None:
    for script in MOVED:
        old, new = truth_of(script).highest
        assert details(script, 12) == [{"msgName": "session_failover", "newUid": new}]
        for line in script.lines:
            if line.event_type == 45:
                assert (line.payload["uid"] == new) is line.payload["details"]["fileName"].rpartition("/")[
                    2
                ].startswith("bak0_")
        assert {line.payload["uid"] for line in script.lines if line.event_type in (41, 11, 31)} == {new}
        assert old != new


def test_in_some_failovers_the_old_recorder_contradicts_the_new_one_later() -> None:
    contradicted = 0
    for script in MOVED:
        old, new = truth_of(script).highest
        for uid in truth_of(script).streams:
            last = {by: max((told for told in changes(script, by, uid)), default=(0, 0)) for by in (old, new)}
            first_new = min(changes(script, new, uid), default=(0, 0))
            contradicted += bool(first_new[0] and last[old][0] > first_new[0] and last[old][1] == 1)
    assert contradicted > len(MOVED) // 2


def changes(script: Script, by: str, uid: str) -> list[tuple[int, int]]:
    told = [line.payload for line in script.lines if line.event_type == 44 and line.payload["uid"] == by]
    return [(moment(each["details"]), each["details"]["state"]) for each in told if each["details"]["streamUid"] == uid]


def test_the_truth_is_an_ended_session_with_all_it_had() -> None:
    for script in SCRIPTS:
        truth = truth_of(script)
        assert (truth.state, truth.exit_status, truth.upload_state) == ("ended", "normal", "uploaded")
        assert 1 <= len(truth.streams) <= 4
        assert sum(stream.snapshots for stream in truth.streams.values()) == len(details(script, 45))
        assert truth.distinct == len(script.lines) == len({line.notice_id for line in script.lines})
        assert not any(truth.missing.values())


def test_every_outcome_of_a_stream_occurs() -> None:
    streams = [stream for script in SCRIPTS for stream in truth_of(script).streams.values()]
    assert {stream.video for stream in streams} == {"receiving", "stopped"}
    assert {stream.audio for stream in streams} == {"receiving", "stopped", "unknown"}


def event_ms(line: Line) -> int:
    told = line.payload["details"]
    found: int = told.get("UtcMs") or told.get("utcMs") or line.sent_ms - 1
    return found


def without(script: Script, *event_types: int) -> list[Line]:
    return [line for line in script.lines if line.event_type not in event_types]


@pytest.mark.parametrize(
    ("lost", "state", "exit_status", "upload"),
    [
        ({11}, "ended", "normal", "uploaded"),
        ({31}, "ended", "normal", "uploading"),
        ({11, 31}, "ending", None, "uploading"),
        ({11, 31, 33}, "ending", None, "none"),
        ({11, 41}, "live", None, "uploaded"),
        ({11, 41, 31, 33, 43, 44, 45}, "starting", None, "none"),
    ],
)
def test_the_fold_of_a_part_says_what_that_part_tells(
    lost: set[int], state: str, exit_status: str | None, upload: str
) -> None:
    truth = folded(without(SCRIPTS[0], *lost))
    assert (truth.state, truth.exit_status, truth.upload_state) == (state, exit_status, upload)


def test_the_fold_without_the_failover_takes_the_recorder_heard_later_for_the_newer_one() -> None:
    for script in MOVED:
        truth = folded(without(script, 12))
        assert truth.failovers == 1  # by the names of the files that the second recorder stored
        assert (truth.state, truth.streams) == (truth_of(script).state, truth_of(script).streams)


def test_the_fold_names_the_numbers_that_are_missing() -> None:
    script = next(script for script in SCRIPTS if not truth_of(script).failovers)
    first = script.lines[0].payload["sequence"]
    truth = folded([script.lines[0], *script.lines[3:5], *script.lines[7:]])
    assert list(truth.missing.values()) == [[(first + 1, first + 2), (first + 5, first + 6)]]


def test_the_fold_counts_a_lost_beginning_as_missing_but_never_0() -> None:
    script = next(script for script in SCRIPTS if not truth_of(script).failovers)
    truth = folded([line for line in script.lines if line.payload["sequence"] >= 3])
    assert list(truth.missing.values()) == [[(1, 2)]]

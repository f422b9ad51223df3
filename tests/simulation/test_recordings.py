from collections import Counter, defaultdict
from functools import cache
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from webhook.simulation.oracle import fold
from webhook.simulation.recording.snapshots import GUST_MS, STORM_MS
from webhook.simulation.scenario import cast
from webhook.simulation.script import write
from webhook.simulation.truth import Line, RecordingTruth, Script

STARTS_MS = 1_764_000_000_000


@cache
def scripts(scenario: str, count: int = 60) -> list[Script]:
    return [write(actor, STARTS_MS) for actor in cast(scenario, count, Random(2))]


def truth_of(script: Script) -> RecordingTruth:
    assert isinstance(script.truth, RecordingTruth)
    return script.truth


def details(script: Script, *event_types: int) -> list[dict[str, Any]]:
    return [line.payload["details"] for line in script.lines if line.event_type in event_types]


def types(told: list[Script]) -> set[int]:
    return {line.event_type for script in told for line in script.lines}


def line(event_type: int, details: dict[str, Any], at_ms: int, uid: str = "1001", number: int = 1) -> Line:
    payload = {"sid": "s", "cname": "c", "uid": uid, "sequence": number, "sendts": at_ms, "details": details}
    return Line(f"{uid}:{number}", 3, event_type, at_ms, payload)


def folded(*lines: Line) -> RecordingTruth:
    truth = fold(lines)
    assert isinstance(truth, RecordingTruth)
    return truth


def test_individual_recordings_tell_of_slices_files_and_what_becomes_of_them() -> None:
    told = scripts("individual")
    assert types(told) >= {2, 3, 4, 11, 13, 30, 31, 33, 40, 41, 42, 43, 44, 60, 61, 80, 81, 90, 1001}
    assert types(told).isdisjoint({1, 12, 32, 45, 70, 71})
    for script in told:
        assert len(details(script, 4)) == 2
        assert len({line.payload["details"]["fileList"] for line in script.lines if line.event_type == 4}) == 1
        assert isinstance(details(script, 31)[0]["fileList"], list)


def test_time_that_was_not_recorded_is_part_of_the_truth_where_a_slice_says_so() -> None:
    lossy = [script for script in scripts("individual") if truth_of(script).losses]
    assert 10 < len(lossy) < 50
    for script in lossy:
        [(uid, since_ms, until_ms, track)] = truth_of(script).losses
        assert track == "video"
        assert {"streamUid": uid, "discontinueUtcMs": since_ms, "startUtcMs": until_ms}.items() <= max(
            details(script, 42), key=lambda told: told["startUtcMs"] - told["discontinueUtcMs"]
        ).items()


def test_a_composite_recording_speaks_of_the_mixed_stream_and_names_its_scene() -> None:
    for script in scripts("composite"):
        assert "0" in truth_of(script).streams
        assert {told["streamUid"] for told in details(script, 42)} == {"0"}
        assert all(told["mixedAllUser"] for told in details(script, 42))
        assert {line.payload["serviceScene"] for line in script.lines} == {"mix_record"}


def test_a_web_page_has_no_recorder_in_a_channel_and_spells_filename() -> None:
    told = scripts("web-page")
    assert types(told) == {11, 31, 33, 70, 71, 72, 73, 100}
    for script in told:
        assert [file.keys() for file in details(script, 71)[0]["fileList"]] == [{"filename", "sliceStartTime"}]
        assert "fileList" not in details(script, 31)[0]
        assert truth_of(script).streams == {}


def test_one_to_three_failovers_are_told_by_both_recorders_and_counted_once() -> None:
    told = scripts("failover")
    assert {truth_of(script).failovers for script in told} == {1, 2, 3}
    for script in told:
        tellers = defaultdict(set)
        for each in script.lines:
            if each.event_type == 12:
                tellers[each.payload["details"]["newUid"]].add(each.payload["uid"])
        assert len(tellers) == truth_of(script).failovers
        assert all(len(by) == 2 and new in by for new, by in tellers.items())


def test_recorders_interleave_and_one_snapshot_may_be_told_by_two() -> None:
    doubled = interleaved = 0
    for script in scripts("failover"):
        speakers = [each.payload["uid"] for each in script.lines]
        changes = sum(before != after for before, after in pairwise(speakers))
        interleaved += changes > truth_of(script).failovers
        files = Counter(told["fileName"] for told in details(script, 45))
        assert sum(stream.snapshots for stream in truth_of(script).streams.values()) == len(files)
        doubled += max(files.values()) > 1
    assert min(doubled, interleaved) > 40


def test_an_old_recorder_may_exit_abnormally_without_the_session_failing() -> None:
    exits = [{told["exitStatus"] for told in details(script, 11)} for script in scripts("failover")]
    assert any(1 in statuses for statuses in exits)


def test_uploads_fail_in_every_way_and_end_in_every_state() -> None:
    told = scripts("upload-trouble", 120)
    assert {truth_of(script).upload_state for script in told} == {"failed", "backed_up", "uploaded"}
    assert {code for script in told for code in truth_of(script).errors} == {32, 47, 50, 51}
    assert {code for script in told for code in truth_of(script).warnings} == {31, 32}
    assert {each["errorLevel"] for script in told for each in details(script, 1)} == {2, 4, 5}
    assert {each["status"] for script in told for each in details(script, 30)} == {0, 1}
    assert {each["status"] for script in told for each in details(script, 31)} == {0, 1}


def test_recordings_fail_by_their_exit_their_status_a_fatal_error_or_their_page() -> None:
    told = scripts("abnormal-exit", 120)
    assert {truth_of(script).exit_status for script in told} == {"abnormal"}
    assert {each["status"] for script in told for each in details(script, 3)} == {20}
    assert {each["code"] for script in told for each in details(script, 71)} == {1, 2, 3, 4, 5, 6}
    fatal = [each for script in told for each in details(script, 1)]
    assert {(each["errorCode"], each["errorLevel"], each["errorMsg"]) for each in fatal} == {(110, 5, "")}
    unstarted = [script for script in told if types([script]) <= {1, 11}]
    assert {truth_of(script).upload_state for script in unstarted} == {"none"}


def test_in_a_storm_the_streams_of_all_sessions_stop_within_one_gust() -> None:
    told = scripts("storm", 20)
    breaks_ms = STARTS_MS + STORM_MS
    gusts = [
        sum(each["state"] == 1 and 0 <= moment(each) - breaks_ms <= GUST_MS for each in details(script, 43, 44))
        for script in told
    ]
    assert min(gusts) >= 10
    assert gusts == [2 * len(truth_of(script).streams) for script in told]


def moment(told: dict[str, Any]) -> int:
    at_ms: int = told.get("UtcMs") or told["utcMs"]
    return at_ms


@pytest.mark.parametrize("place", range(5))
def test_one_session_records_one_takes_snapshots_and_the_old_ones_last_words_come_late(place: int) -> None:
    [first, taking, following, people] = scripts("two-sessions-one-channel", 20)[4 * place : 4 * place + 4]
    assert {script.truth.channel for script in (first, taking, following, people)} == {first.truth.channel}
    assert (bool(details(first, 42)), bool(details(first, 45))) == (True, False)
    assert (bool(details(taking, 42)), bool(details(taking, 45))) == (False, True)
    begun_ms = following.lines[0].sent_ms
    for each in first.lines:
        if each.event_type in (41, 11, 31):
            assert each.sent_ms > begun_ms
            assert each.sent_ms - each.payload["sendts"] >= 20_000
        else:
            assert each.sent_ms == each.payload["sendts"]
    assert people.sid.startswith("rtc:default:")


EXIT, ABNORMAL, LEFT, STORED = (11, {"exitStatus": 0}), (11, {"exitStatus": 1}), (41, {"leaveCode": 16}), (31, {})
FATAL = (1, {"module": 0, "errorLevel": 5, "errorCode": 110, "errorMsg": ""})
SNAP, BEAT, STARTED = (43, {"streamUid": "7", "state": 0}), (33, {"progress": 1}), (40, {"status": 0})


@pytest.mark.parametrize(
    ("told", "state", "exit_status"),
    [
        ([STARTED], "starting", None),
        ([BEAT], "live", None),
        ([BEAT, LEFT], "ending", None),
        ([LEFT, STORED], "ended", "normal"),
        ([STORED, LEFT], "ending", None),
        ([(71, {"code": 0})], "ending", None),
        ([(71, {"code": 0}), STORED], "ended", "normal"),
        ([(71, {"code": 4}), EXIT], "failed", "abnormal"),
        ([EXIT], "ended", "normal"),
        ([LEFT, ABNORMAL, STORED], "failed", "abnormal"),
        ([(3, {"status": 20})], "failed", "abnormal"),
        ([(3, {"status": 5})], "starting", None),
        ([FATAL], "failed", "abnormal"),
        ([FATAL, EXIT], "failed", "abnormal"),
        ([BEAT, FATAL], "failed", "abnormal"),
        ([FATAL, BEAT], "live", None),
        ([FATAL, STARTED], "starting", None),
        ([FATAL, (70, {"recorderStartTime": 1})], "failed", "abnormal"),
    ],
)
def test_the_oracle_reads_the_states_of_the_contract(
    told: list[tuple[int, dict[str, Any]]], state: str, exit_status: str | None
) -> None:
    lines = [line(event_type, said, 1_000 + at, number=at) for at, (event_type, said) in enumerate(told, 1)]
    truth = folded(*reversed(lines))
    assert (truth.state, truth.exit_status) == (state, exit_status)


@pytest.mark.parametrize(
    ("told", "upload"),
    [
        ([], "none"),
        ([(30, {"status": 0})], "uploading"),
        ([(30, {"status": 1})], "failed"),
        ([(30, {"status": 1}), BEAT], "uploading"),
        ([(1, {"module": 1, "errorLevel": 4, "errorCode": 47})], "failed"),
        ([(1, {"module": 0, "errorLevel": 4, "errorCode": 47})], "none"),
        ([(1, {"module": 2, "errorLevel": 4, "errorCode": 50})], "failed"),
        ([(31, {"status": 0})], "uploaded"),
        ([(31, {"status": 1})], "failed"),
        ([(31, {"status": 0}), (32, {"status": 0})], "backed_up"),
        ([(32, {"status": 0}), (31, {"status": 0})], "uploaded"),
    ],
)
def test_the_oracle_takes_the_last_word_on_the_upload(told: list[tuple[int, dict[str, Any]]], upload: str) -> None:
    lines = [line(*STARTED, 1, number=0)]
    lines += [line(event_type, said, 1_000 + at, number=at) for at, (event_type, said) in enumerate(told, 1)]
    assert folded(*reversed(lines)).upload_state == upload


def test_the_recorder_that_the_newest_failover_named_decides_although_another_spoke_later() -> None:
    moves = [line(12, {"newUid": "b"}, 2_000, "a", 1), line(12, {"newUid": "c"}, 3_000, "b", 1)]
    exits = [line(*ABNORMAL, 5_000, "b", 2), line(*EXIT, 4_000, "c", 1)]
    assert (folded(*moves, *exits).state, folded(*moves, *exits).failovers) == ("ended", 2)
    assert folded(moves[0], *exits).state == "failed"

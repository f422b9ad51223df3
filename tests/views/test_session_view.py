import json
import re
from collections.abc import Iterator
from random import Random
from typing import Any

import msgspec
import pytest

from tests.build import (
    AT_MS,
    CHANNEL,
    HOUR_MS,
    PUBLISHER,
    RECEIVED_MS,
    RECORDER,
    SID,
    SUCCESSOR,
    Kept,
    audio,
    exited,
    failed_over,
    fold,
    left,
    notification,
    progressed,
    reading,
    recording,
    snapshot,
    started,
    uploaded,
    video,
)
from webhook.domain.deadlines import settle
from webhook.domain.registration import Registration
from webhook.domain.start_request import Expectation
from webhook.domain.transitions import register
from webhook.views.sessions import session_view

# contract.md, section 4
EXAMPLE = json.loads(
    """
{"id": "d12fdce9024d37862a8f3a88e387c817", "product": "cloud_recording", "source": "default", "channel": "Testing2",
 "state": "live", "stateSince": "…", "firstEventAt": "…", "lastEventAt": "…", "endedAt": null,
 "exit": null,
 "recorders": [{"uid": "1001", "from": "…", "until": null, "leaveReasons": []}], "failovers": 0,
 "streams": [{"uid": "123", "video": "receiving", "videoSince": "…", "audio": "stopped", "audioSince": "…",
              "snapshots": {"count": 12, "lastAt": "…", "lastFile": "…", "interval": 5.0}}],
 "upload": {"state": "uploading", "progress": 0.42, "files": []},
 "errors": [], "warnings": [], "notRecorded": [],
 "sequence": {"1001": {"highest": 12, "missing": [[5, 6]]}},
 "notifications": {"received": 41, "duplicates": 3, "stale": 0}, "project": "default", "revision": 17,
 "registration": null, "alerts": [], "detail": {}}
"""
)
ADDED = {"filesCount", "gaps", "mode"}  # additions to the contract, which it welcomes
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
TIMES = {"stateSince", "firstEventAt", "lastEventAt", "endedAt", "at", "from", "until", "videoSince", "audioSince"}
TIMES |= {"lastAt", "startedAt"}


def stamp(seconds: int) -> str:
    return f"2025-11-24T16:{seconds // 60:02}:{seconds % 60:02}.000Z"


def at(seconds: int, sequence: int) -> dict[str, int]:
    return {"at_ms": AT_MS + seconds * 1000, "sequence": sequence}


def example() -> dict[str, Any]:
    """The contract's example, made of notifications."""
    shots = [snapshot(**at(5 * number, 6 + number)) for number in range(1, 7)]
    said = [started(**at(0, 1)), audio(1, **at(2, 3)), video(0, **at(1, 2)), progressed(4200, **at(3, 4)), *shots]
    kept = Kept()
    kept.fold(*said)
    kept.fold(*said[:3])
    return session_view(kept.session())


def pairs(value: Any) -> Iterator[tuple[str, Any]]:
    """Every key with its value, at any depth."""
    for key, inner in value.items() if isinstance(value, dict) else []:
        yield key, inner
        yield from pairs(inner)
    for inner in value if isinstance(value, list) else []:
        yield from pairs(inner)


def shape(value: Any) -> Any:
    """Keys and types of a value, without what was added to the contract."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items() if key not in ADDED}
    return [shape(inner) for inner in value] if isinstance(value, list) else type(value)


def test_a_session_has_the_shape_of_the_contracts_example() -> None:
    assert shape(example()) == shape(EXAMPLE)


def test_a_session_says_what_was_told() -> None:
    name = snapshot(**at(30, 12))["payload"]["details"]["fileName"]
    shots = {"count": 6, "lastAt": stamp(30), "lastFile": name, "interval": 5.0, "gaps": []}
    assert example() == {
        "id": SID,
        "product": "cloud_recording",
        "project": "default",
        "source": "default",
        "channel": CHANNEL,
        "state": "live",
        "stateSince": stamp(1),
        "firstEventAt": stamp(0),
        "lastEventAt": stamp(30),
        "endedAt": None,
        "exit": None,
        "recorders": [{"uid": RECORDER, "from": stamp(0), "until": None, "leaveReasons": []}],
        "failovers": 0,
        "streams": [
            {
                "uid": PUBLISHER,
                "video": "receiving",
                "videoSince": stamp(1),
                "audio": "stopped",
                "audioSince": stamp(2),
                "snapshots": shots,
            }
        ],
        "upload": {"state": "uploading", "progress": 0.42, "files": [], "filesCount": 0},
        "errors": [],
        "warnings": [],
        "notRecorded": [],
        "sequence": {RECORDER: {"highest": 12, "missing": [[5, 6]]}},
        "notifications": {"received": 13, "duplicates": 3, "stale": 0},
        "registration": None,
        "alerts": [],
        "detail": {"mode": "individual"},
        "revision": 0,
    }


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        ([exited(**at(9, 9))], {"state": "ended", "stateSince": stamp(9), "endedAt": stamp(9)}),
        ([exited(1, **at(9, 9))], {"state": "failed", "stateSince": stamp(9), "endedAt": stamp(9)}),
        ([left(**at(8, 8)), uploaded(**at(9, 9))], {"state": "ended", "stateSince": stamp(9), "endedAt": stamp(9)}),
        ([left(**at(8, 8))], {"state": "ending", "stateSince": stamp(8), "endedAt": None}),
        ([], {"state": "starting", "stateSince": stamp(0), "endedAt": None}),
    ],
)
def test_only_a_session_that_is_over_has_an_end(end: list[dict[str, Any]], expected: dict[str, Any]) -> None:
    view = session_view(fold(started(**at(0, 1)), *end))
    assert {key: view[key] for key in expected} == expected


def test_a_lost_session_is_lost_since_its_deadline_and_has_no_end() -> None:
    view = session_view(settle(fold(progressed()), RECEIVED_MS + HOUR_MS))
    assert (view["state"], view["stateSince"], view["endedAt"]) == ("lost", "2025-11-24T17:03:00.000Z", None)


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (0, 16, {"status": "normal", "at": stamp(9), "reason": "left_channel"}),
        (1, 0, {"status": "abnormal", "at": stamp(9), "reason": "init_failed"}),
        (0, 24, {"status": "normal", "at": stamp(9), "reason": "ignore, left_channel"}),
        (1, None, {"status": "abnormal", "at": stamp(9), "reason": None}),
    ],
)
def test_an_exit_says_how_when_and_why(status: int, code: int | None, expected: dict[str, Any]) -> None:
    told = [] if code is None else [left(code, **at(8, 8))]
    assert session_view(fold(*told, exited(status, **at(9, 9))))["exit"] == expected


def test_what_nobody_spoke_of_is_unknown_without_a_time() -> None:
    (stream,) = session_view(fold(snapshot()))["streams"]
    assert [stream[key] for key in ("video", "videoSince", "audio", "audioSince")] == ["unknown", None, "unknown", None]
    (stream,) = session_view(fold(audio(0)))["streams"]
    assert stream["snapshots"] == {"count": 0, "lastAt": None, "lastFile": None, "interval": None, "gaps": []}


def test_before_an_upload_nothing_is_uploaded() -> None:
    assert session_view(fold(started()))["upload"] == {"state": "none", "progress": 0.0, "files": [], "filesCount": 0}


def test_a_file_says_what_its_list_said() -> None:
    full = {"fileName": "b.m3u8", "trackType": "video", "uid": "7", "isPlayable": True, "sliceStartTime": AT_MS}
    files = session_view(fold(notification(31, {"fileList": [full, {"filename": "a.mp4"}]})))["upload"]["files"]
    assert files == [
        {"fileName": "a.mp4", "trackType": None, "uid": None, "isPlayable": False, "startedAt": None},
        {"fileName": "b.m3u8", "trackType": "video", "uid": "7", "isPlayable": True, "startedAt": stamp(0)},
    ]


def test_a_session_without_recorder_is_shown_all_the_same() -> None:
    said = started()
    del said["payload"]["uid"]
    view = session_view(fold(said))
    assert (view["recorders"], view["sequence"], view["state"]) == ([], {}, "starting")


def test_streams_recorders_and_sequences_come_in_one_order() -> None:
    said = [video(0, uid) for uid in ("9", "10", "1")] + [failed_over(at_ms=AT_MS + 1), started(recorder="0500")]
    view = session_view(fold(*said))
    assert [stream["uid"] for stream in view["streams"]] == ["1", "10", "9"]
    assert [recorder["uid"] for recorder in view["recorders"]] == ["0500", RECORDER, SUCCESSOR]
    assert list(view["sequence"]) == ["0500", RECORDER, SUCCESSOR]
    assert view["failovers"] == 1


def test_a_recorder_that_was_only_named_has_no_sequence_yet() -> None:
    assert session_view(fold(failed_over()))["sequence"][SUCCESSOR] == {"highest": None, "missing": []}


def test_ids_uids_and_channels_are_strings_and_counters_are_exact() -> None:
    said = notification(44, {"streamUid": 2**53 + 1, "state": 0}, sequence=2**53 + 1)
    said["payload"] |= {"uid": 2**32 - 1, "cname": 2**53 + 3}
    view = session_view(fold(said))
    assert (view["channel"], view["streams"][0]["uid"]) == ("9007199254740995", "9007199254740993")
    assert view["sequence"]["4294967295"]["highest"] == 2**53 + 1


@pytest.mark.parametrize("name", ["<img src=x onerror=alert(1)>", "a\x00b", '"\\', "é☂😀", "\u202e"])
def test_a_name_is_shown_as_it_came(name: str) -> None:
    view = session_view(fold(video(0, name, channel=name, recorder=name)))
    assert (view["channel"], view["streams"][0]["uid"], view["recorders"][0]["uid"]) == (name, name, name)
    assert json.loads(msgspec.json.encode(view)) == view


def test_every_time_of_every_session_is_rfc_3339_in_utc_with_milliseconds() -> None:
    for seed in range(40):
        view = session_view(fold(*recording(Random(seed))))
        found = {key: value for key, value in pairs(view) if key in TIMES and value is not None}
        assert {"stateSince", "firstEventAt", "lastEventAt", "from"} <= set(found)
        assert [value for value in found.values() if not TIME.fullmatch(value)] == []
        assert view["firstEventAt"] <= view["stateSince"] <= view["lastEventAt"]


def test_the_source_and_project_are_those_of_the_notifications() -> None:
    kept = Kept()
    kept.take([reading(started(), source="eu", project="talks")])
    view = session_view(kept.session())
    assert (view["source"], view["project"]) == ("eu", "talks")


@pytest.mark.parametrize(
    ("folder", "matches"),
    [("school/2026/", True), ("school/", False), ("", False)],
    ids=["as registered", "up", "none"],
)
def test_files_are_held_against_the_registered_prefix(folder: str, matches: bool) -> None:
    said = snapshot()
    said["payload"]["details"]["fileName"] = folder + said["payload"]["details"]["fileName"].rpartition("/")[2]
    expected = Expectation(file_name_prefix=("school", "2026"))
    registration = Registration(AT_MS, SID, "r1", "individual", "default", CHANNEL, None, expected)
    detail = session_view(register(fold(said), registration))["detail"]
    assert detail["fileNamePrefix"] == {"registered": "school/2026", "seen": folder.rstrip("/"), "matches": matches}
    assert "fileNamePrefix" not in session_view(fold(said))["detail"]
    assert "fileNamePrefix" not in session_view(register(fold(started()), registration))["detail"]

"""Whatever the order and however often it was told, a recording is the same, and it stays small."""

from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.domain.recording.told import (
    AT_MS,
    MAKERS,
    NEW,
    OLD,
    SID,
    Notification,
    fact_of,
    fold,
    session,
    shown,
    snapshot,
    told,
    view_of,
    with_copies,
)
from webhook.domain.entity.events import Happened
from webhook.domain.events import Undecoded, Unrecognised
from webhook.domain.facts import Fact, Order
from webhook.domain.recording import recorders, streams
from webhook.domain.recording.events import SnapshotTaken
from webhook.domain.recording.state import (
    MOST_FORMER_RECORDERS,
    MOST_LOSSES,
    MOST_PROBLEMS,
    MOST_RECORDERS,
    MOST_REMARKS,
    MOST_STREAMS,
    Recording,
)
from webhook.domain.recording.transitions import apply
from webhook.domain.session import Session


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32))
def test_any_order_with_any_copies_shows_the_same_bytes(seed: int) -> None:
    random = Random(seed)
    said = session(random)
    copied = with_copies(said, random)
    expected = shown(copied)
    for _ in range(3):
        assert shown(random.sample(copied, len(copied))) == expected
    if all("sendts" in each["payload"] for each in said):  # else an earlier copy is the event's time
        assert shown(said) == expected


def test_the_sessions_of_that_property_hold_every_type() -> None:
    seen = {said["eventType"] for seed in range(120) for said in session(Random(seed))}
    assert seen == {*MAKERS, 11, 12, 31, 32, 41, 71}


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32), st.floats(0, 1))
def test_any_part_of_a_session_folds_and_survives_being_stored(seed: int, share: float) -> None:
    random = Random(seed)
    heard = [said for said in session(random) if random.random() < share]
    if heard:
        folded = fold(*heard)
        assert msgspec.json.decode(msgspec.json.encode(folded), type=Session) == folded


REAL_ARRIVAL = [40, 44, 43, 43, 44, 4, 4, 44, 43, 42, 44, 43, 41, 43, 44, 44, 11, 43, 31]


def test_the_arrival_order_of_the_field_ends_and_is_uploaded() -> None:
    details: dict[int, dict[str, Any]] = {
        40: {"status": 0},
        4: {"fileList": "a.m3u8"},
        42: {"streamUid": "123", "startUtcMs": AT_MS, "discontinueUtcMs": AT_MS, "trackType": "video"},
        43: {"streamUid": "123", "state": 0},
        44: {"streamUid": "123", "state": 0},
        41: {"leaveCode": 16},
        11: {"exitStatus": 0},
        31: {"status": 0, "fileList": [{"fileName": "a.m3u8"}]},
    }
    for first in (0, 1):
        said = [told(kind, details[kind], at, sequence=first + at) for at, kind in enumerate(REAL_ARRIVAL)]
        for seed in range(20):
            shuffled = Random(seed).sample(said, len(said))
            view = view_of(*shuffled)
            assert (view["state"], view["upload"]["state"]) == ("ended", "uploaded")
            assert view["exit"]["reason"] == "left_channel"
            assert all(recorder["missing"] == [] for recorder in view["sequence"].values())
            assert view["endedAt"] == "2025-11-24T16:00:16.000Z"


@pytest.mark.parametrize("seed", range(5))
def test_bounded_sets_keep_the_greatest_whatever_came_first(seed: int) -> None:
    said = [
        *(told(1, {"module": 0, "errorLevel": 2, "errorCode": at}, at) for at in range(MOST_PROBLEMS + 5)),
        *(told(2, {"module": 1, "warnCode": at}, at) for at in range(MOST_PROBLEMS + 5)),
        *(_lost(at) for at in range(MOST_LOSSES + 5)),
        *(told(73, {"reason": str(at)}, at) for at in range(MOST_REMARKS + 5)),
        *(told(44, {"streamUid": "1", "state": 0}, at, uid=str(at)) for at in range(MOST_RECORDERS + 5)),
    ]
    Random(seed).shuffle(said)
    known = recording(*said)
    assert [mark.code for mark in known.errors] == [*range(5, MOST_PROBLEMS + 5)]
    assert [mark.code for mark in known.warnings] == [*range(5, MOST_PROBLEMS + 5)]
    assert [lost.from_ms - AT_MS for lost in known.losses] == [*range(5, MOST_LOSSES + 5)]
    assert {*known.remarks["web_reload"]} == {str(at) for at in range(5, MOST_REMARKS + 5)}
    assert {*known.streams["1"].video} == {str(at) for at in range(5, MOST_RECORDERS + 5)}


def test_where_too_many_tie_the_greatest_names_are_kept() -> None:
    said = [
        *(told(40, {"status": 0}, 0, uid=f"r{at:03}") for at in range(MOST_RECORDERS + 5)),
        *(told(43, {"streamUid": f"s{at:03}", "state": 0}, 0, uid=...) for at in range(MOST_STREAMS + 5)),
        *(told(73, {"reason": f"{at:03}"}, 0, uid=...) for at in range(MOST_REMARKS + 5)),
    ]
    for order in (said, said[::-1]):
        known = recording(*order)
        assert {*known.recorders} == {f"r{at:03}" for at in range(5, MOST_RECORDERS + 5)}
        assert {*known.streams} == {f"s{at:03}" for at in range(5, MOST_STREAMS + 5)}
        assert {*known.remarks["web_reload"]} == {f"{at:03}" for at in range(5, MOST_REMARKS + 5)}


def test_of_too_many_streams_those_last_spoken_of_are_kept() -> None:
    said = [
        told(44, {"streamUid": "silent", "state": 0}, 0),
        snapshot(1, "shot"),
        *(told(43, {"streamUid": str(at), "state": 0}, at) for at in range(2, MOST_STREAMS + 1)),
        told(44, {"streamUid": "2", "state": 0}, 9999),
    ]
    expected = {*map(str, range(2, MOST_STREAMS + 1)), "shot"}
    for order in (said, said[::-1]):
        assert {*recording(*order).streams} == expected


def recording(*said: Notification) -> Recording:
    found = fold(*said).state
    assert isinstance(found, Recording)
    return found


def _lost(at: int) -> Notification:
    details = {"streamUid": "1", "trackType": "video", "discontinueUtcMs": AT_MS + at, "startUtcMs": AT_MS + 5000}
    return told(42, details, at)


def test_a_thing_dropped_from_a_topic_comes_back_when_it_is_spoken_of_again() -> None:
    early, late = told(73, {"reason": "x"}, 0), told(73, {"reason": "x"}, 99)
    others = [told(73, {"reason": str(at)}, at) for at in range(1, MOST_REMARKS + 3)]
    orders = ([early, *others, late], [late, early, *others], [*others, late, early])
    assert len({shown(order) for order in orders}) == 1
    assert "x" in recording(*orders[0]).remarks["web_reload"]


def test_a_recorder_that_speaks_again_after_many_others_is_the_same_in_any_order() -> None:
    others = [told(40, {"status": 0}, 10, uid=str(at)) for at in range(MOST_RECORDERS)]
    early = [told(40, {"status": 0}, 0, sequence=1), told(41, {"leaveCode": 4}, 1, sequence=2)]
    late = told(44, {"streamUid": "1", "state": 0}, 20, sequence=4)
    orders = ([*early, *others, late], [late, *others, *early], [*others, late, *early], [*others, *early, late])
    assert len({shown(order) for order in orders}) == 1
    assert recording(*orders[0]).recorders[OLD].first_ms == AT_MS
    assert recording(*early, *others).former[OLD] == recording(*others, *early).former[OLD]


def test_of_too_many_recorders_those_heard_last_are_kept_and_some_before_them_remembered() -> None:
    all_of_them = MOST_RECORDERS + MOST_FORMER_RECORDERS + 5
    said = [told(40, {"status": 0}, at, uid=f"{at:03}") for at in range(all_of_them)]
    for order in (said, said[::-1]):
        known = recording(*order, told(41, {"leaveCode": 4}, 0, uid="000"), told(12, {"newUid": "001"}, 0, uid="000"))
        assert {*known.recorders} == {f"{at:03}" for at in range(all_of_them - MOST_RECORDERS, all_of_them)}
        assert {*known.former} == {f"{at:03}" for at in range(5, all_of_them - MOST_RECORDERS)}


@settings(max_examples=150)
@given(st.integers(0, 2**32))
def test_what_is_dropped_for_being_too_much_does_not_depend_on_order(seed: int) -> None:
    random = Random(seed)
    said = [_of_many(random, at) for at in range(random.randint(6, 24))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streams, "MOST_STREAMS", random.randint(1, 4))
        patch.setattr(recorders, "MOST_RECORDERS", random.randint(1, 3))
        patch.setattr(recorders, "MOST_FORMER_RECORDERS", random.randint(1, 3))
        assert len({shown(random.sample(said, len(said))) for _ in range(6)}) == 1


def _of_many(random: Random, at: int) -> dict[str, Any]:
    """One word of one of many recorders on one of many streams, numbered and timed so that some tie."""
    uid, teller = str(random.randint(0, 7)), f"r{random.randint(0, 9)}"
    second, own = random.randint(0, 20), {"sequence": random.randint(0, 30), "uid": teller}
    shot = snapshot(second, uid, prefix=f"{at % 3}/", sequence=own["sequence"])
    change = told(random.choice((43, 44)), {"streamUid": uid, "state": random.randint(0, 1)}, second, **own)
    leave, failover = told(41, {"leaveCode": 4}, second, **own), told(12, {"newUid": f"r{at % 10}"}, second, **own)
    return random.choice((shot, shot, change, change, leave, failover, told(40, {"status": 0}, second, **own)))


def test_of_too_many_streams_those_last_spoken_of_are_shown_with_what_was_said_since() -> None:
    first = [snapshot(at, "a") for at in (1, 2, 3)]
    others = [snapshot(10, f"{at:03}") for at in range(MOST_STREAMS)]
    last = snapshot(50, "a")
    orders = ([*first, last, *others], [*first, *others, last], [*others, last, *first], [last, *others, *first])
    assert len({shown(order) for order in orders}) == 1
    view = view_of(*orders[0])
    assert view["detail"]["streamsIncomplete"]
    assert len(view["streams"]) == MOST_STREAMS
    assert {stream["uid"]: stream["snapshots"]["count"] for stream in view["streams"]}["a"] == 1


def test_a_stream_of_which_only_audio_is_told_after_the_floor_shows_no_snapshots() -> None:
    said = [snapshot(1, "a"), told(43, {"streamUid": "a", "state": 0}, 50)]
    others = [snapshot(10, f"{at:03}") for at in range(MOST_STREAMS)]
    (stream,) = [each for each in view_of(*said, *others)["streams"] if each["uid"] == "a"]
    assert (stream["audio"], stream["snapshots"]["count"], stream["snapshots"]["lastFile"]) == ("receiving", 0, None)


@pytest.mark.parametrize("event_type", [4, 33, 42, 43, 44, 45, 70, 40])
def test_what_another_product_tells_under_the_same_id_changes_nothing_of_a_recording(event_type: int) -> None:
    fact = fact_of(told(2, {"module": 1, "warnCode": 31}))
    foreign = replace(fact, product="media_pull", event_type=event_type, event=Happened(kind="running"))
    for event in (foreign.event, Unrecognised(), Undecoded("broken")):
        before = apply(Recording(), fact, effect_known=False)
        assert apply(before, replace(foreign, event=event), effect_known=False) == before


LONG = 100_000


def _facts_of_a_long_recording() -> list[Fact]:
    """What one recording says in a cycle, to be told again and again at later times under growing numbers."""
    return [
        fact_of(told(43, {"streamUid": "123", "state": 0})),
        fact_of(told(44, {"streamUid": "456", "state": 1})),
        fact_of(snapshot(0)),
        fact_of(snapshot(0, "456", "bak0_")),
        fact_of(told(33, {"progress": 4200})),
        fact_of(told(1, {"module": 1, "errorLevel": 3, "errorCode": 47, "errorMsg": "m" * 5000})),
        fact_of(told(2, {"module": 1, "warnCode": 31})),
        fact_of(told(42, {"streamUid": "123", "startUtcMs": AT_MS, "trackType": "video"})),
        fact_of(told(100, {"rtmpUrl": "rtmp://live.example/app/key", "status": "publishing"})),
        fact_of(told(3, {"status": 5})),
    ]


def test_a_recording_of_100_000_notifications_stays_small() -> None:
    known, cycle = Recording(), _facts_of_a_long_recording()
    for number in range(LONG):
        fact = cycle[number % len(cycle)]
        moved = Order(AT_MS + number * 1000, number, fact.order.rank)
        event = fact.event
        if isinstance(event, SnapshotTaken):
            event = replace(event, taken_ms=moved.at_ms, file=f"{event.file}{number}")
        known = apply(known, replace(fact, order=moved, event=event), effect_known=False)
    assert known.streams["123"].snapshots.count == LONG // len(cycle)
    assert len(msgspec.json.encode(known)) < 8 * 1024


def test_the_worst_that_can_be_said_has_a_bound() -> None:
    said: list[Notification] = []
    for at in range(MOST_LOSSES + 10):
        said += [
            told(1, {"module": 0, "errorLevel": 4, "errorCode": 2**53 - 1, "errorMsg": f"{at}" + "m" * 999}, at),
            told(2, {"module": at, "warnCode": at}, at),
            _lost(at),
            told(31, {"fileList": [{"fileName": f"{at}.m3u8", "uid": "1"}]}, at),
            told(73, {"reason": f"{at}" + "r" * 500}, at),
            told(72, {"limitType": f"{at}" + "r" * 500}, at),
            told(60, {"aliVodInfo": {"videoId": f"{at}" + "v" * 500}}, at),
            told(81, {"result": f"{at}", "uids": [str(uid) for uid in range(500)]}, at),
            told(100, {"rtmpUrl": f"rtmp://live.example/{at}/key", "status": "x" * 500}, at),
            told(90, {"fileName": f"{at};" + "f" * 500, "bucket": "b" * 500}, at),
            told(44, {"streamUid": "1", "state": 0}, at, uid=str(at)),
            told(71, {"code": 0, "message": "m" * 999, "details": "d" * 999}, at, uid=NEW),
        ]
    once, twice = fold(*said), fold(*said, *(each | {"noticeId": f"{each['noticeId']}:2"} for each in said))
    assert len(msgspec.json.encode(once.state)) < 64 * 1024
    assert once.state == twice.state
    assert once.id == SID

"""Whatever the order and however often it was told, a timeline is the same, and what it shows holds together."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.entity import lives
from tests.domain.recording import told as recordings
from tests.domain.rtc.calls import Call
from tests.domain.timeline.drawn import Log, Notification, lane, names, shown, shuffled
from webhook.domain.timeline import Interval, Timeline, Window
from webhook.domain.timeline.framing import extent_of
from webhook.views.sessions import session_view

seeds = st.integers(0, 2**32)
Writer = Callable[[Random], list[Notification]]


def with_copies(said: list[Notification], random: Random) -> list[Notification]:
    """`said` with copies, resent or under another name, sent later or earlier."""
    return [*said, *(_copy(each, random) for each in said for _ in range(2) if random.random() < 0.4)]


def _copy(said: Notification, random: Random) -> Notification:
    name = random.choice((said["noticeId"], f"{said['noticeId']}:again", "0" + said["noticeId"]))
    return said | {"noticeId": name, "notifyMs": said["notifyMs"] + random.randint(-500, 60_000)}


def _entity(product_id: int) -> Writer:
    return lambda random: lives.life(product_id, random)


WRITERS: dict[str, Writer] = {
    "recording": recordings.session,
    "channel": lambda random: Call(random).lines,
    **{f"entity {product_id}": _entity(product_id) for product_id in lives.PRODUCTS},
}
written = pytest.mark.parametrize("writer", WRITERS.values(), ids=WRITERS)


@written
@settings(max_examples=200)
@given(seeds)
def test_any_order_with_any_copies_in_any_batches_draws_the_same_bytes(writer: Writer, seed: int) -> None:
    random = Random(seed)
    said = with_copies(writer(random), random)
    expected = shown(Log(said).timeline())
    assert shown(Log(*shuffled(said, random)).timeline()) == expected


@written
@settings(max_examples=100)
@given(seeds)
def test_intervals_are_sorted_disjoint_merged_and_inside_the_session(writer: Writer, seed: int) -> None:
    random = Random(seed)
    said = writer(random)
    drawn = (log := Log(random.sample(said, random.randint(1, len(said))))).timeline()
    extent = extent_of(log.session)
    assert extent is not None
    for each in drawn.lanes:
        for interval in each.intervals:
            assert extent.first_ms <= interval.from_ms <= until(interval)
            assert extent.last_ms is None or until(interval) <= extent.last_ms
        for earlier, later in pairwise(each.intervals):
            assert until(earlier) <= later.from_ms
            assert each.kind == "life" or (until(earlier), earlier.state) != (later.from_ms, later.state)
        assert list(each.marks) == sorted(each.marks, key=lambda mark: mark.at_ms)
    assert names(drawn) == list(dict.fromkeys(names(drawn)))


@settings(max_examples=300)
@given(seeds)
def test_the_last_interval_says_what_the_session_says(seed: int) -> None:
    random = Random(seed)
    said = recordings.session(random)
    drawn = (log := Log(random.sample(said, random.randint(1, len(said))))).timeline()
    view = session_view(log.session)
    for stream in view["streams"]:
        for track in ("video", "audio"):
            assert last_state(drawn, track, stream["uid"], "unknown") == stream[track]
    assert last_state(drawn, "upload", None, "none") == view["upload"]["state"]
    shown_recorders = {
        each.uid: each.intervals[0] for each in drawn.lanes if each.kind == "recorder" and each.intervals
    }
    assert shown_recorders.keys() == {recorder["uid"] for recorder in view["recorders"]}


@settings(max_examples=200)
@given(seeds)
def test_who_is_there_is_who_the_session_says_is_there(seed: int) -> None:
    random = Random(seed)
    said = Call(random).lines
    drawn = (log := Log(random.sample(said, random.randint(1, len(said))))).timeline()
    view = session_view(log.session)
    there = {user["uid"]: user["role"] for user in view["detail"]["users"] if user["present"]}
    open_lanes = [each for each in drawn.lanes if each.kind == "user" and each.intervals]
    assert {each.uid: each.intervals[-1].state for each in open_lanes if each.intervals[-1].until_ms is None} == there
    told_lives = [each.intervals for each in drawn.lanes if each.kind == "life"]
    assert sum(map(len, told_lives)) == len(view["detail"]["lives"])


@pytest.mark.parametrize("product_id", lives.PRODUCTS)
@settings(max_examples=100)
@given(seeds)
def test_the_last_state_of_an_entity_is_the_sessions(product_id: int, seed: int) -> None:
    random = Random(seed)
    said = lives.life(product_id, random)
    drawn = (log := Log(random.sample(said, random.randint(1, len(said))))).timeline()
    assert last_state(drawn, "state", None, "") == session_view(log.session)["state"]


@written
@settings(max_examples=100)
@given(seeds, st.integers(-5, 60), st.integers(1, 60))
def test_a_window_shows_the_same_as_the_whole_does_there(writer: Writer, seed: int, after: int, lasting: int) -> None:
    log = Log(writer(Random(seed)))
    window = Window(recordings.AT_MS + after * 1000, recordings.AT_MS + (after + lasting) * 1000)
    part, whole = log.timeline(window), log.timeline()
    for each in part.lanes:
        complete = lane(whole, each.kind, each.uid)
        assert [mark for mark in complete.marks if window.holds(mark.at_ms)] == each.marks
        for interval in each.intervals:
            assert (window.from_ms or 0) <= interval.from_ms <= until(interval) <= (window.until_ms or 0)
            assert any(
                it.from_ms <= interval.from_ms and until(interval) <= until(it) and it.state == interval.state
                for it in complete.intervals
            )


def until(interval: Interval) -> float:
    return float("inf") if interval.until_ms is None else interval.until_ms


def last_state(drawn: Timeline, kind: str, uid: str | None, otherwise: str) -> str:
    found = [each.intervals for each in drawn.lanes if (each.kind, each.uid) == (kind, uid) and each.intervals]
    return found[0][-1].state if found else otherwise

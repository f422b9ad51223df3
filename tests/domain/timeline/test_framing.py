"""A timeline stays inside its session, its window and its bounds, and says where it had to leave something out."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.domain.entity import lives
from tests.domain.recording.told import OLD, session, told
from tests.domain.timeline.drawn import (
    AT_MS,
    RECEIVED_MS,
    Log,
    Spans,
    lane,
    names,
    second,
    spans,
    timeline_of,
)
from tests.domain.timeline.test_recording_lanes import EXIT, START, video
from webhook.domain.arrivals import Arrival, quarantined
from webhook.domain.decoding import Origin, decode
from webhook.domain.envelope import parse
from webhook.domain.events import Undecoded
from webhook.domain.timeline import MOST_INTERVALS, MOST_LANES, MOST_MARKS, Window, timeline
from webhook.domain.timeline.lanes import LONGEST_TEXT, sentence
from webhook.domain.timeline.telling import Told, tell

STREAM = [START, video(0, 10), video(1, 20), video(0, 30)]


def within(*seconds: float | None) -> Window:
    from_ms, until_ms = (None if each is None else AT_MS + int(each * 1000) for each in seconds)
    return Window(from_ms, until_ms)


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        (within(None, None), [(10, 20, "receiving"), (20, 30, "stopped"), (30, None, "receiving")]),
        (within(15, None), [(15, 20, "receiving"), (20, 30, "stopped"), (30, None, "receiving")]),
        (within(None, 25), [(10, 20, "receiving"), (20, 25, "stopped")]),
        (within(20, 30), [(20, 30, "stopped")]),
        (within(22, 23), [(22, 23, "stopped")]),
        (within(40, 50), [(40, 50, "receiving")]),
    ],
)
def test_intervals_are_clipped_to_the_window(window: Window, expected: Spans) -> None:
    assert spans(lane(timeline_of(*STREAM, window=window), "video", "123")) == expected


def test_a_lane_that_has_nothing_in_the_window_is_left_out() -> None:
    assert names(timeline_of(*STREAM, window=within(0, 5))) == ["recorder:1001"]
    assert names(timeline_of(*STREAM, window=within(-9, 0))) == []


def test_marks_from_the_windows_beginning_on_and_before_its_end_are_shown() -> None:
    said = [told(33, {"progress": at}, at) for at in range(10)]
    marks = lane(timeline_of(*said, window=within(3, 7)), "upload").marks
    assert [second(mark.at_ms) for mark in marks] == [3, 4, 5, 6]


def test_a_word_that_lasted_no_time_is_shown_where_it_was_said() -> None:
    said = [*STREAM, EXIT, video(1, 70)]
    last = (70, 70, "stopped")
    assert spans(lane(timeline_of(*said, window=within(70, 71)), "video", "123")) == [last]
    assert names(timeline_of(*said, window=within(70.001, 71))) == []
    assert last not in spans(lane(timeline_of(*said, window=within(65, 70)), "video", "123"))


def test_a_timeline_says_from_when_until_when_it_is() -> None:
    up, over = timeline_of(*STREAM), timeline_of(*STREAM, EXIT, told(31, {}, 80))
    assert (second(up.from_ms or 0), up.until_ms) == (0, None)
    assert (second(over.from_ms or 0), second(over.until_ms or 0)) == (0, 80)
    part = timeline_of(*STREAM, window=within(5, 9))
    assert (second(part.from_ms or 0), second(part.until_ms or 0)) == (5, 9)


def test_trouble_comes_first_then_kinds_in_their_order_then_uids() -> None:
    said = [START, *(video(0, 1, uid) for uid in ("9", "10", "2")), video(1, 3, "2"), told(33, {"progress": 1}, 4)]
    said += [told(34, {"odd": 1}, 5), told(1, {"errorLevel": 4, "errorCode": 1}, 6)]
    assert names(timeline_of(*said)) == ["video:2", "errors", "recorder:1001", "video:10", "video:9", "upload", "other"]


def test_too_many_lanes_are_cut_behind_those_with_trouble() -> None:
    said = [video(0, 1, str(uid)) for uid in range(MOST_LANES)]
    assert timeline_of(*said[:-1]).truncated is False
    drawn = timeline_of(*said, video(1, 2, "150"))
    assert (len(drawn.lanes), names(drawn)[0], drawn.truncated) == (MOST_LANES, "video:150", True)
    assert f"video:{MOST_LANES - 101}" not in names(drawn)


def test_of_too_many_intervals_and_marks_the_newest_are_kept() -> None:
    changes = [video(at % 2, at) for at in range(MOST_INTERVALS + 1)]
    drawn = timeline_of(*changes)
    shown = spans(lane(drawn, "video", "123"))
    assert (len(shown), shown[0][0], shown[-1], drawn.truncated) == (MOST_INTERVALS, 1, (500, None, "receiving"), True)
    assert timeline_of(*changes[1:]).truncated is False
    beats = [told(33, {"progress": at}, at) for at in range(MOST_MARKS + 1)]
    drawn = timeline_of(*beats)
    marks = lane(drawn, "upload").marks
    assert (len(marks), second(marks[0].at_ms), drawn.truncated) == (MOST_MARKS, 1, True)
    assert timeline_of(*beats[1:]).truncated is False


def test_a_window_shows_what_the_whole_had_to_leave_out() -> None:
    changes = [video(at % 2, at) for at in range(MOST_INTERVALS + 1)]
    drawn = timeline_of(*changes, window=within(0, 3))
    assert spans(lane(drawn, "video", "123")) == [(0, 1, "receiving"), (1, 2, "stopped"), (2, 3, "receiving")]
    assert drawn.truncated is False


def test_a_log_that_lost_entries_makes_a_timeline_that_says_so() -> None:
    log = Log(STREAM)
    trimmed = replace(log.session, log_floor="0")
    drawn = timeline(trimmed, log.entries[2:], Window())
    assert drawn.truncated
    assert spans(lane(drawn, "recorder", OLD)) == [(0, None, "recording")]  # known from the session


def test_what_has_no_session_or_no_product_tells_nothing() -> None:
    (entry, *_) = Log([START]).entries
    loose = quarantined(Arrival("", "default", "default", 2, b"{"), RECEIVED_MS, "no envelope").entry
    assert tell(loose) is None
    assert tell(replace(entry, product_id=2)) is None
    assert tell(replace(entry, body=b'{"payload": {}}', event_type=44)) is None


def test_a_text_says_each_thing_once_and_is_cut_before_it_is_too_long() -> None:
    assert sentence("so", ("", "a", "b", "a")) == "so: a; b"
    assert len(sentence("x" * 500, ())) == LONGEST_TEXT


@given(st.integers(0, 2**32), st.sampled_from((0, *lives.PRODUCTS)))
def test_what_is_told_is_what_was_folded(seed: int, product_id: int) -> None:
    said = session(Random(seed)) if product_id == 0 else lives.life(product_id, Random(seed))
    for each in said:
        log = Log([each])
        (entry,) = log.known.entries.values()
        fact = decode(parse(entry.body), Origin("default", "default", RECEIVED_MS))
        assert fact is not None
        if isinstance(fact.event, Undecoded):
            assert tell(entry) is None
        else:
            expected = (*fact.order, fact.teller, fact.event, each["noticeId"], fact.product, fact.event_type)
            assert tell(entry) == Told(*expected)

"""Small RTC channels, and the lanes they have."""

from __future__ import annotations

import pytest

from tests.domain.rtc.calls import became, created, destroyed, joined, left
from tests.domain.timeline.drawn import Log, Notification, Spans, lane, names, spans, timeline_of, told_in
from webhook.domain.deadlines import settle
from webhook.domain.timeline import Window, timeline

CASES: dict[str, tuple[list[Notification], str, str | None, Spans]] = {
    "a life lasts until the channel is destroyed": ([created(0), destroyed(9)], "life", None, [(0, 9, "live")]),
    "or goes on": ([created(2)], "life", None, [(2, None, "live")]),
    "lives stay apart": (
        [created(0), created(9), destroyed(9), destroyed(12)],
        "life",
        None,
        [(0, 9, "live"), (9, 12, "live")],
    ),
    "a user is there from joining to leaving": (
        [created(0), joined(1, 1), left(5, 2)],
        "user",
        "7",
        [(1, 5, "broadcaster")],
    ),
    "or goes on being there": ([created(0), joined(1, 1)], "user", "7", [(1, None, "broadcaster")]),
    "in the role that was told last": (
        [created(0), joined(1, 1, role="audience"), became("broadcaster", 4, 2)],
        "user",
        "7",
        [(1, 4, "audience"), (4, None, "broadcaster")],
    ),
    "and leaves with the life": ([created(0), joined(1, 1), destroyed(6)], "user", "7", [(1, 6, "broadcaster")]),
    "to come back in the next": (
        [created(0), joined(1, 1), destroyed(6), created(8), joined(9, 5)],
        "user",
        "7",
        [(1, 6, "broadcaster"), (9, None, "broadcaster")],
    ),
    "a reconnect within a second is no absence": (
        [created(0), joined(1, 1), left(5, 2, reason=10), joined(5, 3)],
        "user",
        "7",
        [(1, None, "broadcaster")],
    ),
    "clientSeq decides, not the time": (
        [created(0), joined(9, 1), left(5, 2), joined(11, 3)],
        "user",
        "7",
        [(11, None, "broadcaster")],
    ),
    "words without clientSeq go by time": (
        [created(0), joined(1, None), left(4, None), joined(6, None)],
        "user",
        "7",
        [(1, 4, "broadcaster"), (6, None, "broadcaster")],
    ),
    "and are older than all others": (
        [created(0), joined(1, 5), left(4, None)],
        "user",
        "7",
        [(4, None, "broadcaster")],
    ),
    "of one clientSeq the last word counts": (
        [created(0), joined(1, 5), left(4, 5)],
        "user",
        "7",
        [],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_lanes_of_channels(case: str) -> None:
    said, kind, uid, expected = CASES[case]
    assert spans(lane(timeline_of(*said), kind, uid)) == expected


def test_marks_of_channels_say_it_in_words() -> None:
    drawn = timeline_of(
        created(0),
        joined(1, 1, clientType=10, platform=6),
        joined(1, 1, uid=8, role="communication", clientType=999),
        became("audience", 2, 2),
        left(3, 3, reason=10),
        joined(3, 4),
        left(5, 5, reason=999),
        left(5, 5, uid=8, role="communication"),
        destroyed(6, lastUid=7),
        destroyed(9),
    )
    assert told_in(lane(drawn, "life")) == [
        (0, "created", "the channel was created"),
        (6, "destroyed", "the channel was destroyed; 7 left last"),
        (9, "destroyed", "the channel was destroyed"),
    ]
    assert told_in(lane(drawn, "user", "7")) == [
        (1, "joined", "joined as broadcaster, Cloud Recording"),
        (2, "role", "became audience"),
        (3, "left", "left: the network broke"),
        (3, "joined", "joined as broadcaster"),
        (5, "left", "left: joins and leaves abnormally often"),
    ]
    assert [mark.severity for mark in lane(drawn, "user", "7").marks] == ["info", "info", "info", "info", "warning"]
    assert told_in(lane(drawn, "user", "8"))[0] == (1, "joined", "joined as communication")
    assert names(drawn) == ["life", "user:7", "user:8"]


def test_a_leave_that_is_told_again_a_little_differently_is_one_mark() -> None:
    once, again = left(5, 2), left(5, 2, duration=61, extra=1) | {"noticeId": "again"}
    drawn = timeline_of(created(0), joined(1, 1), once, again)
    assert [word for _, word, _ in told_in(lane(drawn, "user", "7"))] == ["joined", "left"]


def test_a_channel_of_which_only_a_leave_was_told_has_marks_only() -> None:
    drawn = timeline_of(left(5, 2))
    assert (names(drawn), drawn.truncated) == (["life", "user:7"], False)
    assert spans(lane(drawn, "user", "7")) == []


def test_a_channel_that_fell_silent_ended_when_its_silence_became_a_fact() -> None:
    log = Log([created(0), joined(1, 1)])
    lost = settle(log.session, log.session.last_received_ms + 25 * 3_600_000)
    drawn = timeline(lost, log.entries, Window())
    assert [lane(drawn, kind, uid).intervals[0].until_ms for kind, uid in (("life", None), ("user", "7"))] == [
        lost.lost_ms,
        lost.lost_ms,
    ]


def test_a_type_that_nobody_knows_is_marked_in_a_lane_of_its_own() -> None:
    drawn = timeline_of(created(0), created(3) | {"eventType": 199})
    assert told_in(lane(drawn, "other"))[0][:2] == (3, "unrecognised")


def test_of_more_lives_than_are_kept_the_oldest_lack_their_users_and_that_is_said() -> None:
    said = [
        each
        for life in range(21)
        for each in (created(life * 10), joined(life * 10 + 1, life * 2), left(life * 10 + 4, life * 2 + 1))
    ]
    drawn = timeline_of(*said)
    assert len(lane(drawn, "life").intervals) == 20
    assert spans(lane(drawn, "user", "7"))[0] == (11, 14, "broadcaster")
    assert drawn.truncated
    assert not timeline_of(*said[3:]).truncated

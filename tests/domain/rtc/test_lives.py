"""The lives of a channel. Times are seconds; expected lives are (from, until)."""

from itertools import permutations

import pytest

from tests.build import AT_MS, HOUR_MS, RECEIVED_MS, Kept, Notification, reading
from tests.domain.rtc.calls import ID, became, channel, created, destroyed, event, folded, joined, left
from webhook.domain.rtc.lives import lives
from webhook.domain.session import Session
from webhook.domain.states import Exit
from webhook.domain.status import exit_of, status_of

Lives = list[tuple[int, int | None]]
Case = tuple[str, list[Notification], Lives]


def found(*said: Notification) -> Lives:
    return [
        ((life.from_ms - AT_MS) // 1000, None if life.until_ms is None else (life.until_ms - AT_MS) // 1000)
        for life in lives(channel(*said))
    ]


CASES: list[Case] = [
    ("created", [created(3)], [(3, None)]),
    ("created and destroyed", [created(0), destroyed(9)], [(0, 9)]),
    ("two lives", [created(0), destroyed(5), created(8)], [(0, 5), (8, None)]),
    ("F7: the older life's end comes late", [created(0), created(20), destroyed(10)], [(0, 10), (20, None)]),
    ("one whose end is not known", [created(0), created(20)], [(0, 20), (20, None)]),
    ("one second ends the older and begins the next", [created(0), destroyed(5), created(5)], [(0, 5), (5, None)]),
    ("the same where the older is known by its users", [joined(1, 1), destroyed(5), created(5)], [(1, 5), (5, None)]),
    ("the same where only a leave is known of it", [left(4, 1), destroyed(5), created(5)], [(4, 5), (5, None)]),
    ("a life within one second", [created(5), destroyed(5)], [(5, 5)]),
    ("a life within one second, after another", [created(0), destroyed(3), created(5), destroyed(5)], [(0, 3), (5, 5)]),
    ("a life within one second with its user", [created(5), joined(5, 1), destroyed(5)], [(5, 5)]),
    ("an end alone", [destroyed(9)], [(9, 9)]),
    ("an end, after a join", [joined(4, 1), destroyed(9)], [(4, 9)]),
    ("an end, after a leave", [left(4, 1), destroyed(9)], [(4, 9)]),
    ("an end, at the instant of a leave", [left(9, 1), destroyed(9)], [(9, 9)]),
    ("two ends", [created(0), destroyed(5), destroyed(9)], [(0, 5), (9, 9)]),
    ("two ends, a user between", [created(0), destroyed(5), joined(7, 1), destroyed(9)], [(0, 5), (7, 9)]),
    ("two ends, a user at the first", [created(0), joined(5, 1), destroyed(5), destroyed(9)], [(0, 5), (9, 9)]),
    ("two ends, a user after both", [destroyed(5), destroyed(9), joined(12, 1)], [(5, 5), (9, 9), (12, None)]),
    ("a join alone", [joined(4, 1)], [(4, None)]),
    ("a leave alone", [left(4, 1)], [(4, None)]),
    ("a late join, after the leave", [left(4, 2), joined(1, 1)], [(1, None)]),
    ("a join after the end", [created(0), destroyed(5), joined(7, 1)], [(0, 5), (7, None)]),
    ("the least of two joins after the end", [destroyed(5), joined(9, 1, 8), joined(7, 1)], [(5, 5), (7, None)]),
    ("a change of role after the end", [created(0), destroyed(5), became("audience", 7, 1)], [(0, 5), (7, None)]),
    ("a join at the instant of the end", [created(0), destroyed(5), joined(5, 1)], [(0, 5)]),
    ("a leave after the end", [created(0), destroyed(5), left(7, 1)], [(0, 5)]),
    ("a join before the beginning", [joined(2, 1), created(5)], [(2, 5), (5, None)]),
    ("a leave before the beginning", [left(2, 1), created(5)], [(5, None)]),
    ("a join at the instant of the beginning", [joined(5, 1), created(5)], [(5, None)]),
    ("a join between end and beginning", [destroyed(3), joined(4, 1), created(6)], [(3, 3), (4, 6), (6, None)]),
    ("a type that nobody knows", [event(110, 2)], []),
]  # fmt: skip


@pytest.mark.parametrize(("said", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_all_cuts_and_users_together_decide_the_lives(said: list[Notification], expected: Lives) -> None:
    assert [found(*order) for order in permutations(said)] == [expected] * len(list(permutations(said)))


def test_the_newest_twenty_lives_are_kept() -> None:
    said = [each for number in range(50) for each in (created(number * 10), destroyed(number * 10 + 5))]
    expected = [(number * 10, number * 10 + 5) for number in range(30, 50)]
    assert found(*said) == found(*reversed(said)) == expected
    assert len(channel(*said).cuts) == 64


def state(session: Session) -> tuple[str, int]:
    status = status_of(session)
    return status.state.value, (status.since_ms - AT_MS) // 1000


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([created(3)], ("live", 3)),
        ([created(3), joined(4, 1), left(5, 2)], ("live", 3)),
        ([created(3), destroyed(9)], ("ended", 9)),
        ([created(0), destroyed(10), created(20)], ("live", 20)),
        ([created(0), destroyed(10), left(11, 1)], ("ended", 10)),
        ([event(110, 3), event(110, 2)], ("starting", 2)),
        ([event(103, 2, uid=None)], ("starting", 2)),
    ],
)
def test_the_state_is_that_of_the_newest_life(said: list[Notification], expected: tuple[str, int]) -> None:
    assert {state(folded(*order)) for order in permutations(said)} == {expected}


def test_a_channel_that_was_destroyed_ended_normally() -> None:
    assert exit_of(folded(created(0), destroyed(9))) == Exit(True, AT_MS + 9000, ("destroyed",))
    assert exit_of(folded(created(0), destroyed(9), created(10))) is None
    assert exit_of(folded(event(110))) is None


@pytest.mark.parametrize(
    ("said", "expected"),
    [(created(), "lost"), (event(110), "lost"), (destroyed(0), "ended")],
)
def test_a_channel_that_is_not_over_is_lost_after_a_day_of_silence(said: Notification, expected: str) -> None:
    kept = Kept()
    kept.fold(said)
    kept.take([], now_ms=RECEIVED_MS + 24 * HOUR_MS - 1, due=[ID])
    assert state(kept.session(ID))[0] != "lost"
    kept.take([], now_ms=RECEIVED_MS + 24 * HOUR_MS, due=[ID])
    assert state(kept.session(ID))[0] == expected


def test_a_lost_channel_that_speaks_again_is_live() -> None:
    kept = Kept()
    kept.fold(created())
    kept.take([], now_ms=RECEIVED_MS + 25 * HOUR_MS, due=[ID])
    late_ms = RECEIVED_MS + 26 * HOUR_MS
    kept.take([reading(joined(4, 1), late_ms)], now_ms=late_ms)
    assert state(kept.session(ID)) == ("live", 0)

"""Who is there, by the newest word of each user in the newest life."""

from itertools import permutations
from random import Random
from typing import Any

import pytest

from tests.build import AT_MS, RECEIVED_MS, Kept, Notification, reading, with_copies
from tests.domain.rtc.calls import ID, SERVICES, UID, became, channel, created, destroyed, folded, joined, left
from webhook.domain.deadlines import next_deadline_ms
from webhook.domain.rtc import room
from webhook.domain.rtc.presence import leave_reason, members, people_present, present, reconnects
from webhook.domain.rtc.state import Channel
from webhook.domain.session import Session
from webhook.views.sessions import session_view
from webhook.views.times import rfc3339


def there(*said: Notification) -> bool:
    """Whether user 7 is there, whatever order it is told in."""
    answers = {UID in present(channel(*order)) for order in permutations(said)}
    assert len(answers) == 1
    return answers.pop()


def stayed_s(*said: Notification) -> int:
    return sum(mark.duration_s for mark in channel(*said).users[UID].marks)


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        (True, [joined(1, 5)]),
        (True, [created(), joined(1, 5)]),
        (False, [created(), joined(1, 5), left(9, 6)]),
        (True, [created(), joined(1, 5), joined(9, 6)]),  # F3: the SDK reconnected
        (True, [created(), joined(1, 5), left(8, 6, reason=10), joined(8, 7)]),
        (False, [created(), left(9, 6), joined(9, 5)]),  # F5, at one second
        (False, [created(), left(4, 6), joined(9, 5)]),  # F5: clientSeq comes before time
        (False, [created(), joined(3, 2), left(9, 6), left(9, 7), joined(4, 5)]),
        (True, [created(), became("audience", 3, 5)]),
        (False, [created(), left(9, 6), became("audience", 10, 5)]),
        (False, [created(), joined(1, 5), destroyed(9)]),
        (False, [created(0), joined(1, 5), created(9)]),
        (False, [created(0), joined(1, 5), destroyed(8), created(9)]),
        (True, [created(0), joined(1, 5), destroyed(8), created(9), joined(9, 6)]),
        (False, [created(0), destroyed(8), created(9), joined(10, 5), joined(7, 6)]),
        (False, [created(), left(9, 5), joined(9, 5)]),  # a contradiction
        (False, [created(), left(9, 5), became("audience", 9, 5)]),  # likewise
        (True, [created(), left(9, 5), joined(10, 5)]),  # the same, and the later word counts
        (True, [created(), joined(4, None), left(3, None)]),  # without a number time decides
        (False, [created(), joined(4, None), left(4, None)]),
        (False, [created(), joined(40, None), left(4, 1)]),
        (True, [joined(2, 2**64 - 1), left(2, 2**64 - 2)]),
    ],
)
def test_a_user_is_there_who_said_so_last_in_a_life_that_is_open(expected: bool, said: list[Notification]) -> None:
    assert there(*said) is expected


def test_nobody_is_in_a_channel_without_a_life() -> None:
    assert members(Channel()) == []
    assert UID not in present(Channel())


def test_whoever_was_only_in_an_older_life_is_not_listed() -> None:
    state = channel(created(0), joined(1, 5), left(4, 6), destroyed(4), created(9), joined(10, 1, uid=8))
    assert [member.uid for member in members(state)] == ["8"]


@pytest.mark.parametrize(
    "again",
    [
        left(9, 6) | {"noticeId": "another"},
        left(9, 6, reason=0),
        left(9, 6, duration=59),
        left(9, 6, account="now with a name"),
    ],
)
def test_a_leave_that_is_told_twice_counts_its_minutes_once(again: Notification) -> None:  # F6
    said = [created(), joined(1, 5), left(9, 6), again]
    assert {stayed_s(*order) for order in permutations(said)} == {60}
    assert {session_view(folded(*order))["detail"]["minutes"]["broadcaster"] for order in permutations(said)} == {1.0}


def test_every_event_under_another_notice_id_changes_nothing() -> None:  # F6
    said = [created(), joined(1, 5), left(9, 6), joined(9, 7), left(30, 8), destroyed(30)]
    again = [each | {"noticeId": f"{each['noticeId']}-2", "notifyMs": each["notifyMs"] + 5} for each in said]
    assert channel(*said, *again) == channel(*said)


def test_every_leave_of_a_user_counts() -> None:
    said = [created(), joined(1, 5), left(9, 6, reason=10), joined(9, 7), left(30, 8, duration=30)]
    assert stayed_s(*said) == 90


def test_the_latest_word_on_account_and_client_counts() -> None:
    said = [
        joined(1, 5, account="old", platform=7, clientType=8),
        left(2, 6),
        joined(3, 7, account="new", platform=6),
        joined(4, 4, account="late", platform=1, clientType=10),
    ]
    for order in permutations(said):
        user = channel(*order).users[UID]
        assert (user.account, user.platform) == ((7, AT_MS + 3000, "new"), (7, AT_MS + 3000, 6))
        assert user.client_type == (5, AT_MS + 1000, 8)


@pytest.mark.parametrize("client_type", SERVICES)
def test_services_are_no_people(client_type: int) -> None:
    state = channel(created(), joined(1, 1), joined(1, 1, uid=8, platform=6, clientType=client_type))
    assert people_present(state) == 1
    assert "8" in present(state)


def test_people_who_left_are_not_counted() -> None:
    assert people_present(channel(created(), joined(1, 1), joined(1, 1, uid=8, clientType=8), left(2, 2))) == 1


@pytest.mark.parametrize(
    ("at", "expected"),
    [(0, (10, 10)), (10, (10, 10)), (14, (10, 10)), (15, (1, 20)), (16, (1, 20)), (500, (2, 40))],
)
def test_the_reason_is_that_of_the_leave_nearest_to_the_instant(at: int, expected: tuple[int, int]) -> None:
    state = channel(
        created(), joined(1, 1), left(10, 2, reason=10), left(20, 3, reason=1), left(40, 4, reason=2), joined(41, 5)
    )
    found = leave_reason(state, UID, AT_MS + at * 1000)
    assert found == (expected[0], AT_MS + expected[1] * 1000)


def test_who_did_not_leave_has_no_reason() -> None:
    assert leave_reason(channel(created(), joined(1, 1)), UID, AT_MS) is None
    assert leave_reason(channel(created(), joined(1, 1)), "8", AT_MS) is None


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([joined(1, 1), left(2, 2, reason=reason), joined(3, 3)], reason in (4, 9, 10, 99))
        for reason in (0, 1, 2, 3, 4, 5, 9, 10, 12, 99, 999)
    ]
    + [
        ([joined(1, 1), left(2, 2, reason=10)], 0),
        ([joined(1, 1), left(2, 2, reason=10), became("audience", 3, 3)], 0),
        ([joined(1, 1), joined(3, 3)], 0),
    ],
)
def test_a_reconnect_is_a_leave_for_the_network_followed_by_a_join(said: list[Notification], expected: int) -> None:
    (member,) = members(channel(*said))
    assert reconnects(member) == expected


def stays(count: int, first_second: int = 1, first_seq: int = 1) -> list[Notification]:
    """That many stays of a minute each, one after the other."""
    told = []
    for number in range(count):
        second, seq = first_second + number * 61, first_seq + number * 2
        told += [joined(second, seq), left(second + 60, seq + 1, reason=10)]
    return told


def detail(*said: Notification) -> dict[str, Any]:
    found: dict[str, Any] = session_view(folded(*said))["detail"]
    return found


@pytest.mark.parametrize("count", [16, 17, 40])
@pytest.mark.parametrize("opened", [[created()], []])
def test_minutes_reconnects_and_the_beginning_are_exact_however_often_somebody_leaves(
    count: int, opened: list[Notification]
) -> None:
    shown = detail(*opened, *stays(count))
    (user,) = shown["users"]
    assert (user["minutes"], shown["minutes"]["broadcaster"], shown["minutesComplete"]) == (count, count, True)
    assert (shown["reconnects"], shown["usersComplete"]) == (count - 1, True)
    began = AT_MS if opened else AT_MS + 1000
    assert [life["from"] for life in shown["lives"]] == [rfc3339(began)]
    assert user["joinedAt"] == rfc3339(AT_MS + 1000 + (count - 1) * 61_000)


def test_the_join_is_known_however_often_somebody_changes_the_role() -> None:
    changes = [became(("broadcaster", "audience")[number % 2], 2 + number, 2 + number) for number in range(80)]
    (user,) = detail(created(), joined(1, 1), *changes)["users"]
    assert (user["joinedAt"], user["role"], user["present"]) == (rfc3339(AT_MS + 1000), "audience", True)


def test_minutes_of_a_life_before_do_not_count_however_many() -> None:
    shown = detail(created(), *stays(40), destroyed(4000), created(4000), *stays(30, 5000, 100))
    assert (shown["users"][0]["minutes"], shown["minutesComplete"]) == (30, True)


def test_where_more_leaves_are_told_than_are_kept_the_newest_count_and_the_view_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(room, "MOST_OLDER", 5)
    others = [left(5000 + number, number + 1, uid=8) for number in range(32 + 3)]
    assert detail(created(), *stays(20), *others[:-2])["minutesComplete"]
    shown = detail(created(), *stays(20), *others)
    assert (shown["minutesComplete"], shown["minutes"]["broadcaster"]) == (False, 16 + 32 + 5)
    assert detail(created(), *stays(20), *others, destroyed(9000))["minutesComplete"] is False
    again = detail(created(), *stays(20), *others, destroyed(9000), created(9000), joined(9001, 900))
    assert (again["minutesComplete"], again["minutes"]["broadcaster"]) == (True, 0)


def test_who_left_in_the_second_in_which_a_life_began_left_the_one_before() -> None:
    said = [created(), joined(1, 1), left(60, 2), destroyed(60), created(60), joined(60, 1, uid=8)]
    shown = detail(*said)
    assert [(user["uid"], user["present"], user["minutes"]) for user in shown["users"]] == [("8", True, 0)]
    assert shown["minutes"]["broadcaster"] == 0


def test_who_came_and_left_in_the_second_in_which_a_life_began_was_in_that_one() -> None:
    told = [created(), destroyed(60), created(60), joined(60, 5), left(60, 6, reason=10), joined(60, 7), left(90, 8)]
    (member,) = members(channel(*told))
    assert reconnects(member) == 1
    assert [mark.client_seq for mark in member.marks] == [5, 6, 7, 8]


def test_who_left_in_the_second_in_which_the_first_life_began_left_that_one() -> None:
    (user,) = detail(created(), joined(0, 1), left(0, 2, duration=0), joined(0, 1, uid=8))["users"][:1]
    assert (user["uid"], user["present"], user["leftAt"]) == ("7", False, rfc3339(AT_MS))


class Watched:
    """A channel whose batches are received at times that count from `RECEIVED_MS`, each settled at once."""

    def __init__(self) -> None:
        self.kept = Kept()

    def hear(self, second: float, *said: Notification) -> None:
        now_ms = RECEIVED_MS + int(second * 1000)
        self.kept.take([reading(each, now_ms) for each in said], now_ms=now_ms, due=[ID])

    @property
    def session(self) -> Session:
        return self.kept.session(ID)

    @property
    def listed(self) -> dict[str, Any]:
        return {user["uid"]: user for user in session_view(self.session)["detail"]["users"]}

    @property
    def deadline_s(self) -> float:
        return (next_deadline_ms(self.session, 7 * 86_400_000) - RECEIVED_MS) / 1000


@pytest.mark.parametrize("role", ["broadcaster", "audience", "communication"])
def test_a_user_who_left_is_listed_for_a_minute_after_that_was_received(role: str) -> None:  # F13
    watched = Watched()
    watched.hear(0, created(), joined(1, 5, role=role))
    watched.hear(10, left(9, 6, role=role))
    assert watched.listed[UID]["leftAt"] == "2025-11-24T16:00:09.000Z"
    assert watched.listed[UID]["reason"] == "quit"
    assert watched.deadline_s == 70
    watched.hear(69.999)
    assert UID in watched.listed
    watched.hear(70)
    assert UID not in watched.listed
    assert session_view(watched.session)["detail"]["minutes"][role] == 1.0
    assert watched.deadline_s == 10 + 86_400


@pytest.mark.parametrize("back_s", [30, 90])
def test_a_rejoin_within_the_minute_or_after_it_lists_the_user_as_there(back_s: int) -> None:  # F13
    watched = Watched()
    watched.hear(10, created(), joined(1, 5), left(9, 6))
    watched.hear(back_s, joined(15, 7))
    assert watched.deadline_s == back_s + 86_400
    watched.hear(500)
    assert watched.listed[UID]["leftAt"] is None
    assert watched.listed[UID]["joinedAt"] == "2025-11-24T16:00:15.000Z"
    assert UID in present(watched.session.state)


def test_a_tombstone_keeps_late_words_from_reopening() -> None:  # F5, F13
    watched = Watched()
    watched.hear(10, created(), left(9, 6))
    watched.hear(70)
    watched.hear(80, joined(1, 5), left(9, 6, reason=0), left(9, 6) | {"noticeId": "again"})
    assert watched.listed == {}
    assert UID not in present(watched.session.state)


def test_a_second_leave_is_listed_for_a_minute_of_its_own() -> None:
    watched = Watched()
    watched.hear(0, created(), left(9, 6))
    watched.hear(60)
    watched.hear(100, joined(60, 7), left(95, 8, reason=3))
    assert watched.listed[UID]["reason"] == "kicked"
    watched.hear(160)
    assert watched.listed == {}


def test_the_minute_counts_from_the_first_time_that_a_leave_was_received() -> None:
    watched = Watched()
    watched.hear(0, created(), left(9, 6, duration=10))
    watched.hear(30, left(9, 6, duration=11))
    watched.hear(40, *with_copies([left(9, 6)], Random(1), 2))
    assert watched.deadline_s == 60


def test_each_user_who_left_has_a_minute_of_its_own() -> None:
    watched = Watched()
    watched.hear(0, created(), left(3, 6))
    watched.hear(20, left(9, 6, uid=8))
    assert watched.deadline_s == 60
    watched.hear(60)
    assert (set(watched.listed), watched.deadline_s) == ({"8"}, 80)


def test_whoever_is_gone_and_turns_out_to_have_joined_is_there() -> None:
    watched = Watched()
    watched.hear(0, created(), left(9, 6))
    watched.hear(60)
    watched.hear(70, joined(10, 6))  # the same clientSeq with a later time: a contradiction that the later word decides
    assert watched.listed[UID]["present"]


def test_settling_changes_nothing_while_no_minute_is_over() -> None:
    watched = Watched()
    watched.hear(0, created(), joined(1, 5), left(2, 1, uid=8))
    before = watched.session
    watched.hear(59)
    assert watched.session is before

"""What the API shows of a channel (contract.md, section 4)."""

from tests.build import HOUR_MS, RECEIVED_MS, Kept
from tests.domain.rtc.calls import ID, became, channel, created, destroyed, event, folded, joined, left
from webhook.domain.rtc import transitions
from webhook.domain.rtc.state import Channel
from webhook.views.channels import channel_view, present_view
from webhook.views.sessions import session_view

CALL = [
    created(0),
    joined(1, 5, uid=9, account="nine", platform=7),
    joined(2, 5, uid=10, platform=6, clientType=10),
    joined(3, 5, uid=11, role="audience", platform=2),
    left(33, 6, uid=11, role="audience", reason=10, duration=30),
    joined(34, 7, uid=11, role="audience"),
    became("broadcaster", 40, 8, uid=11),
    joined(5, 1, uid=12, role="communication"),
    left(95, 2, uid=12, role="communication", reason=999, duration=90),
]


def test_a_channel_is_shown_with_its_lives_and_users() -> None:
    nobody = {"leftAt": None, "reason": None, "reasonCode": None, "reasonMeaning": None}
    assert session_view(folded(*CALL))["detail"] == {
        "lives": [{"from": "2025-11-24T16:00:00.000Z", "until": None}],
        "users": [
            {
                "uid": "10",
                "account": None,
                "role": "broadcaster",
                "platform": "linux",
                "clientType": "cloud_recording",
                "service": True,
                "present": True,
                "joinedAt": "2025-11-24T16:00:02.000Z",
                **nobody,
                "minutes": 0.0,
                "minutesByRole": {},
            },
            {
                "uid": "11",
                "account": None,
                "role": "broadcaster",
                "platform": "ios",
                "clientType": None,
                "service": False,
                "present": True,
                "joinedAt": "2025-11-24T16:00:34.000Z",
                **nobody,
                "minutes": 0.5,
                "minutesByRole": {"audience": 0.5},
            },
            {
                "uid": "12",
                "account": None,
                "role": "communication",
                "platform": None,
                "clientType": None,
                "service": False,
                "present": False,
                "joinedAt": "2025-11-24T16:00:05.000Z",
                "leftAt": "2025-11-24T16:01:35.000Z",
                "reason": "abnormal_user",
                "reasonCode": 999,
                "reasonMeaning": "joins and leaves abnormally often",
                "minutes": 1.5,
                "minutesByRole": {"communication": 1.5},
            },
            {
                "uid": "9",
                "account": "nine",
                "role": "broadcaster",
                "platform": "web",
                "clientType": None,
                "service": False,
                "present": True,
                "joinedAt": "2025-11-24T16:00:01.000Z",
                **nobody,
                "minutes": 0.0,
                "minutesByRole": {},
            },
        ],
        "usersComplete": True,
        "present": {"total": 3, "broadcasters": 2, "audience": 0, "communication": 0, "services": 1},
        "minutes": {"broadcaster": 0.0, "audience": 0.5, "communication": 1.5},
        "minutesComplete": True,
        "reconnects": 1,
    }


def test_lists_show_how_many_are_there() -> None:
    assert present_view(channel(*CALL)) == session_view(folded(*CALL))["detail"]["present"]


def test_lives_are_in_the_order_of_time_and_the_end_is_shown() -> None:
    view = session_view(folded(created(0), destroyed(5), created(9), destroyed(12)))
    assert view["detail"]["lives"] == [
        {"from": "2025-11-24T16:00:00.000Z", "until": "2025-11-24T16:00:05.000Z"},
        {"from": "2025-11-24T16:00:09.000Z", "until": "2025-11-24T16:00:12.000Z"},
    ]
    assert (view["product"], view["state"], view["endedAt"]) == ("rtc", "ended", "2025-11-24T16:00:12.000Z")
    assert view["exit"] == {"status": "normal", "at": "2025-11-24T16:00:12.000Z", "reason": "destroyed"}


def test_minutes_are_of_the_newest_life_and_count_those_who_are_gone() -> None:
    kept = Kept()
    older = [created(0), joined(1, 1), left(5, 2), destroyed(5)]
    kept.fold(*older, created(9), joined(10, 3), left(30, 4, duration=20), joined(31, 5), left(41, 6, duration=10))
    kept.take([], now_ms=RECEIVED_MS + HOUR_MS, due=[ID])
    detail = session_view(kept.session(ID))["detail"]
    assert detail["users"] == []
    assert detail["minutes"] == {"broadcaster": 0.5, "audience": 0.0, "communication": 0.0}


def test_a_stay_began_with_its_first_join() -> None:
    stays = {
        "an SDK that reconnected without a leave": ([joined(1, 1), joined(9, 2)], "01"),
        "a leave told twice": ([joined(1, 1), left(4, 2), left(4, 3)], "01"),
        "a later stay": ([joined(1, 1), left(4, 2), joined(8, 3)], "08"),
        "a join that was lost": ([joined(1, 1), left(4, 2), became("audience", 8, 3)], None),
        "a join after a change of role": ([became("audience", 3, 1), joined(8, 2)], "08"),
        "only a leave": ([left(4, 2)], None),
    }
    for said, second in stays.values():
        (user,) = session_view(folded(created(), *said))["detail"]["users"]
        assert user["joinedAt"] == (second and f"2025-11-24T16:00:{second}.000Z")


def test_a_channel_with_too_many_users_says_so(monkeypatch) -> None:  # noqa: ANN001
    monkeypatch.setattr(transitions, "MOST_USERS", 2)
    detail = session_view(folded(*CALL))["detail"]
    assert not detail["usersComplete"]
    assert [user["uid"] for user in detail["users"]] == ["11", "12"]


def test_a_channel_of_which_nothing_is_known_shows_nothing() -> None:
    assert channel_view(Channel())["detail"]["users"] == []
    assert session_view(folded(event(110)))["state"] == "starting"

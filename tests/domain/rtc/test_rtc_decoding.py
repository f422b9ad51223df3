"""What each documented RTC event says, however the wire spells it (agora-notifications.md, section 6)."""

from typing import Any

import pytest

from tests.build import AT_MS, RECEIVED_MS, Kept, body, envelope, reading
from tests.domain.rtc.calls import (
    BECAME,
    ID,
    JOINED,
    LEFT,
    UID,
    became,
    channel,
    created,
    destroyed,
    event,
    folded,
    joined,
    left,
)
from webhook.domain.decoding import PRODUCTS, event_name, unknown_fields
from webhook.domain.events import Undecoded, Unrecognised
from webhook.domain.log import Outcome
from webhook.domain.products.rtc import EVENTS, RTC
from webhook.domain.rtc.events import (
    UNNUMBERED,
    ChannelCreated,
    ChannelDestroyed,
    Role,
    RoleChanged,
    UserJoined,
    UserLeft,
    Who,
)
from webhook.domain.rtc.lives import lives
from webhook.domain.rtc.presence import leave_reason, present
from webhook.views.sessions import session_view

WHO = Who(UID, 5)
LARGEST = 2**64 - 1
ALL = [
    (101, "channel_created", {}, ChannelCreated()),
    (102, "channel_destroyed", {}, ChannelDestroyed(None)),
    (102, "channel_destroyed", {"lastUid": 4294967295}, ChannelDestroyed("4294967295")),
    (103, "broadcaster_joined", {}, UserJoined(WHO, Role.BROADCASTER)),
    (104, "broadcaster_left", {"reason": 1, "duration": 600}, UserLeft(WHO, Role.BROADCASTER, 1, 600)),
    (105, "audience_joined", {}, UserJoined(WHO, Role.AUDIENCE)),
    (106, "audience_left", {"reason": 999, "duration": 2}, UserLeft(WHO, Role.AUDIENCE, 999, 2)),
    (107, "user_joined", {}, UserJoined(WHO, Role.COMMUNICATION)),
    (108, "user_left", {"reason": 10, "duration": 0}, UserLeft(WHO, Role.COMMUNICATION, 10, 0)),
    (111, "became_broadcaster", {}, RoleChanged(WHO, Role.BROADCASTER)),
    (112, "became_audience", {}, RoleChanged(WHO, Role.AUDIENCE)),
]


def decoded(event_type: int, **payload: Any) -> Any:
    fact = reading(event(event_type, **payload)).fact
    assert fact is not None
    return fact.event


@pytest.mark.parametrize(("event_type", "name", "payload", "expected"), ALL)
def test_every_documented_type_is_understood(
    event_type: int, name: str, payload: dict[str, Any], expected: Any
) -> None:
    user = {} if event_type in (101, 102) else {"uid": 7, "clientSeq": 5}
    assert decoded(event_type, **user, **payload) == expected
    assert event_name("rtc", event_type) == name


def test_the_table_has_the_documented_types_and_no_other() -> None:
    assert set(EVENTS) == {row[0] for row in ALL}
    assert PRODUCTS[1] is RTC


def test_a_type_that_nobody_knows_is_kept_and_changes_nothing() -> None:
    assert isinstance(decoded(110, uid=7, clientSeq=5), Unrecognised)
    assert channel(created(), event(110, 3, uid=7, clientSeq=5)) == channel(created())


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (7, "7"),
        (0, "0"),
        (2**31, "2147483648"),
        (2**32 - 1, "4294967295"),
        (-1, "4294967295"),
        (-(2**31), "2147483648"),
        ("4294967295", "4294967295"),
        ("alice", "alice"),
        ("-1", "-1"),
        (-(2**31) - 1, "-2147483649"),
        (12.0, "12"),
        ("u" * 256, "u" * 256),
    ],
)
def test_a_uid_is_unsigned_or_a_string(sent: Any, kept: str) -> None:
    assert decoded(103, uid=sent, clientSeq=1).who.uid == kept


@pytest.mark.parametrize("sent", [None, "", True, 1.5, [], "u" * 257])
def test_a_user_event_without_a_uid_is_a_dead_letter(sent: Any) -> None:
    read = reading(event(103, uid=sent, clientSeq=1))
    assert read.fact is not None
    assert isinstance(read.fact.event, Undecoded)
    assert read.entry.outcome is Outcome.DEAD_LETTER
    assert "uid is " in str(read.entry.error)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (1_625_051_030_746, 1_625_051_030_746),
        (2**53 + 1, 2**53 + 1),
        (LARGEST, LARGEST),
        (str(LARGEST), LARGEST),
        (0, 0),
        (2**64, UNNUMBERED),
        (-4, UNNUMBERED),
        (None, UNNUMBERED),
        ("x", UNNUMBERED),
    ],
)
def test_a_client_seq_is_exact_to_64_bits(sent: Any, kept: int) -> None:
    said = joined(0, sent)
    fact = reading(said).fact
    assert fact is not None
    assert fact.order.sequence == kept
    assert len(fact.place.partition(":")[0]) == 20
    assert channel(said).users[UID].marks[0].client_seq == kept


def test_client_seqs_that_a_double_cannot_tell_apart_are_told_apart() -> None:
    state = channel(joined(1, LARGEST - 1), left(1, LARGEST))
    assert len(state.users[UID].marks) == 2
    assert UID not in present(state)


def test_created_and_destroyed_have_no_sequence() -> None:
    for said in (created(), destroyed(1)):
        fact = reading(said).fact
        assert fact is not None
        assert fact.order.sequence == -1


@pytest.mark.parametrize("ts", [AT_MS // 1000, AT_MS, str(AT_MS // 1000)])
def test_a_time_may_be_in_seconds_or_milliseconds(ts: Any) -> None:
    fact = reading(event(101, ts=ts)).fact
    assert fact is not None
    assert fact.order.at_ms == AT_MS


def test_without_a_time_the_sending_counts() -> None:
    fact = reading(event(101, ts=None)).fact
    assert fact is not None
    assert (fact.order.at_ms, fact.timeless) == (AT_MS + 1300, True)


@pytest.mark.parametrize(
    ("payload", "reason", "duration_s"),
    [
        ({"reason": 9, "duration": 5}, 9, 5),
        ({"reason": "9", "duration": "5"}, 9, 5),
        ({"reason": 4711, "duration": 2**32 - 1}, 4711, 2**32 - 1),
        ({}, 0, 0),
        ({"reason": "why", "duration": -5}, 0, 0),
        ({"reason": None, "duration": 2**32}, 0, 0),
    ],
)
def test_a_leave_tolerates_what_it_lacks(payload: dict[str, Any], reason: int, duration_s: int) -> None:
    found = decoded(104, uid=7, clientSeq=1, **payload)
    assert (found.reason, found.duration_s) == (reason, duration_s)


def test_account_platform_and_client_type_are_kept() -> None:
    who = decoded(103, uid=7, clientSeq=1, account="a" * 300, platform="6", clientType=10).who
    assert who == Who(UID, 1, "a" * 256, 6, 10)
    assert decoded(103, uid=7, clientSeq=1, account=4711).who.account == "4711"
    assert decoded(103, uid=7, clientSeq=1, account="").who.account is None


@pytest.mark.parametrize(
    ("project", "name", "expected"),
    [
        ("default", "room-7_B", "rtc:default:room-7_B"),
        ("p:1", "a:b", "rtc:p%3A1:a%3Ab"),
        ("default", "a b.c~", "rtc:default:a%20b%2Ec%7E"),
        ("default", "ü%", "rtc:default:%C3%BC%25"),
        ("default", "<img src=x>", "rtc:default:%3Cimg%20src%3Dx%3E"),
        ("default", "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"), "rtc:default:%F0%9F%98%80"),
    ],
)
def test_the_session_is_the_channel_of_the_project(project: str, name: str, expected: str) -> None:
    fact = reading(event(101, channel=name), project=project).fact
    assert fact is not None
    assert (fact.session_id, fact.channel) == (expected, name)


def test_one_name_in_two_projects_is_two_channels() -> None:
    kept = Kept()
    kept.take([reading(created(), project="one"), reading(destroyed(5), project="two")])
    states = {key: session_view(session)["state"] for key, session in kept.sessions.items()}
    assert states == {"rtc:one:room-7": "live", "rtc:two:room-7": "ended"}


def test_an_event_that_names_no_channel_is_a_dead_letter_that_says_so() -> None:
    entry = reading(event(101, channel=None)).entry
    assert entry.outcome is Outcome.DEAD_LETTER
    assert "channelName" in str(entry.error)


def test_a_console_test_makes_no_session() -> None:  # F12
    kept = Kept()
    tests = [event(kind, channel="test_webhook", uid=12121212, clientSeq=1) for kind in EVENTS]
    folding = kept.fold(*tests)
    assert kept.sessions == {}
    assert folding.outcomes == {Outcome.TEST: len(EVENTS)}


def test_rtc_events_need_none_of_the_fields_of_others_nor_the_others_theirs() -> None:  # F1
    bare = [{"productId": 1, "eventType": kind, "payload": {"channelName": "c"}} for kind in EVENTS]
    recording = {
        "productId": 3,
        "eventType": 44,
        "payload": {"sid": "s", "cname": "c", "details": {"streamUid": "1", "state": 0}},
    }
    outcomes = [reading(said).entry.outcome for said in (*bare, recording)]
    without_user = {"101", "102"}
    assert outcomes == [
        *(Outcome.APPLIED if str(kind) in without_user else Outcome.DEAD_LETTER for kind in EVENTS),
        Outcome.APPLIED,
    ]


def test_bytes_that_are_not_text_are_kept_in_quarantine() -> None:  # F10
    assert reading(body(created())[:-1] + b"\xff}").entry.outcome is Outcome.QUARANTINED


@pytest.mark.parametrize("event_type", EVENTS)
def test_a_field_that_is_not_documented_of_a_type_is_schema_drift(event_type: int) -> None:
    user = {"uid", "clientSeq", "platform", "clientType", "account"}
    of_type = {101: set(), 102: {"lastUid"}}.get(event_type, user)
    of_leaves = {"reason", "duration"} if event_type in LEFT.values() else set()
    said = event(event_type, **dict.fromkeys({"lastUid", "reason", "duration", "mood", *user}, 1))
    unknown = {"lastUid", "reason", "duration", "mood", *user} - of_type - of_leaves
    assert unknown_fields(envelope(said)) == tuple(f"rtc:{event_type}:{name}" for name in sorted(unknown))


def test_a_beginning_ranks_first_and_an_end_last() -> None:
    in_turn = sorted(EVENTS, key=lambda kind: EVENTS[kind].rank)
    assert in_turn == [101, 103, 105, 107, 111, 112, 104, 106, 108, 102]


@pytest.mark.parametrize("role", JOINED)
def test_joins_and_leaves_of_every_role_have_their_effect(role: str) -> None:  # F13
    there = channel(created(), joined(1, 5, role=role))
    assert (UID in present(there), there.users[UID].marks[-1].role) == (True, role)
    gone = channel(created(), joined(1, 5, role=role), left(9, 6, role=role, reason=2))
    assert UID not in present(gone)
    assert leave_reason(gone, UID, AT_MS) == (2, AT_MS + 9000)


@pytest.mark.parametrize("role", BECAME)
def test_a_change_of_role_has_its_effect(role: str) -> None:
    state = channel(created(), joined(1, 5), became(role, 2, 6))
    assert (UID in present(state), state.users[UID].marks[-1].role) == (True, role)


def test_created_and_destroyed_have_their_effect() -> None:
    assert lives(channel(created())) == ((AT_MS, None),)
    assert lives(channel(created(), destroyed(9))) == ((AT_MS, AT_MS + 9000),)


def test_one_id_names_one_session() -> None:
    assert folded(created()).id == ID
    assert folded(created()).last_received_ms == RECEIVED_MS
    assert envelope(created()).product_id == 1

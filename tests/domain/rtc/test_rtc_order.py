"""Order, copies and bounds: what a channel shows follows from the set of facts and the deadlines that have passed."""

from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.build import (
    AT_MS,
    HOUR_MS,
    RECEIVED_MS,
    Kept,
    Notification,
    envelope,
    reading,
    shown,
    shuffled_batches,
    with_copies,
)
from tests.domain.rtc.calls import ID, UID, Call, became, created, joined, left
from webhook.domain.decoding import Origin, decode
from webhook.domain.facts import Event, Fact, Order
from webhook.domain.rtc import room, transitions
from webhook.domain.rtc.events import ChannelCreated, ChannelDestroyed, Role, UserJoined, UserLeft, Who
from webhook.domain.rtc.presence import members, present
from webhook.domain.rtc.state import MOST_CUTS, MOST_MARKS, MOST_USERS, Channel
from webhook.domain.session import Session
from webhook.domain.status import status_of
from webhook.domain.transitions import apply, open_session
from webhook.store.codec import decode_session, encode_session
from webhook.views.sessions import session_view

LATER_MS = RECEIVED_MS + HOUR_MS
CREATED_FACT = decode(envelope(created()), Origin("default", "default", RECEIVED_MS))
seeds = st.integers(0, 2**32)


def in_any_order(said: list[Notification], random: Random, *, watched: bool) -> Session:
    """`said` with copies, shuffled, in batches received minutes apart; `watched` settles each, and all at the end."""
    kept = Kept()
    now_ms = RECEIVED_MS
    for batch in shuffled_batches(with_copies(said, random), random):
        now_ms += random.choice((0, 5, 20_000, 61_000))
        kept.take([reading(each, now_ms) for each in batch], now_ms=now_ms if watched else None)
    kept.take([], now_ms=LATER_MS if watched else None, due=[ID])
    return kept.session(ID)


@settings(max_examples=200, deadline=None)
@given(seeds, st.booleans())
def test_neither_order_nor_copies_show(seed: int, watched: bool) -> None:
    random = Random(seed)
    said = Call(random).lines
    assert len({shown(in_any_order(said, random, watched=watched)) for _ in range(3)}) == 1


@settings(max_examples=200, deadline=None)
@given(seeds)
def test_neither_shows_where_notifications_are_lost(seed: int) -> None:
    random = Random(seed)
    said = [each for each in Call(random).lines if random.random() < 0.7] or [created()]
    assert len({shown(in_any_order(said, random, watched=True)) for _ in range(2)}) == 1


@settings(max_examples=200, deadline=None)
@given(seeds)
def test_what_is_shown_is_what_happened(seed: int) -> None:
    random = Random(seed)
    call = Call(random)
    session = in_any_order(call.lines, random, watched=False)
    assert status_of(session).state.value == ("live" if call.open else "ended")
    assert isinstance(session.state, Channel)
    assert {member.uid: member.role for member in members(session.state) if member.present} == call.there


@settings(max_examples=200, deadline=None)
@given(seeds)
def test_what_is_dropped_for_being_too_much_does_not_depend_on_order(seed: int) -> None:
    random = Random(seed)
    said = Call(random).lines
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transitions, "MOST_USERS", random.randint(1, 3))
        patch.setattr(room, "MOST_MARKS", random.randint(1, 4))
        patch.setattr(room, "MOST_ROLE_MARKS", random.randint(1, 3))
        patch.setattr(room, "MOST_OLDER", random.choice((1, 2, 4096)))
        patch.setattr(transitions, "MOST_CUTS", random.randint(1, 3))
        assert len({shown(in_any_order(said, random, watched=True)) for _ in range(3)}) == 1


@settings(max_examples=50, deadline=None)
@given(seeds)
def test_what_is_stored_is_what_is_loaded(seed: int) -> None:
    random = Random(seed)
    session = in_any_order(Call(random).lines, random, watched=random.random() < 0.5)
    assert decode_session(encode_session(session)) == session


def test_the_users_who_spoke_last_are_kept() -> None:
    joins = [joined(number, 1, uid=number) for number in range(1, MOST_USERS + 4)]
    oldest_back = joined(9000, 2, uid=1)
    for said in ([created(), *joins, oldest_back], [oldest_back, *reversed(joins), created()]):
        kept = Kept()
        kept.fold(*said)
        state = kept.session(ID).state
        assert len(state.users) == MOST_USERS
        assert {"2", "3", "4"}.isdisjoint(state.users)
        assert state.floor == (AT_MS + 4000, "4")
        assert "1" in present(state)


def test_words_up_to_the_floor_count_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transitions, "MOST_USERS", 1)
    early = joined(1, 1, account="early", platform=7, clientType=8)
    kept = Kept()
    kept.fold(created(), early, left(9, 3), joined(4, 1, uid=8), joined(2, 2))
    (member,) = members(kept.session(ID).state)
    assert [mark.client_seq for mark in member.marks] == [3]
    assert (member.user.account, member.user.platform, member.user.client_type) == (None, None, None)


@settings(max_examples=100, deadline=None)
@given(seeds)
def test_sums_hold_however_many_words_are_kept_while_there_is_room_for_every_user(seed: int) -> None:
    random = Random(seed)
    said = [created(), *(each for stay in range(12) for each in _stay(stay))]
    expected = _minutes(in_any_order(said, random, watched=True))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room, "MOST_MARKS", random.randint(2, 4))
        patch.setattr(room, "MOST_ROLE_MARKS", random.randint(1, 3))
        assert _minutes(in_any_order(said, random, watched=True)) == expected
    assert expected["minutes"]["broadcaster"] == 12


def _stay(number: int) -> list[Notification]:
    second, seq = number * 61, number * 4
    leave = left(second + 60, seq + 3, reason=10)
    other = {"payload": leave["payload"] | {"platform": 7}, "noticeId": f"other:{number}"}  # the same, told otherwise
    return [joined(second, seq + 1), became("audience", second + 1, seq + 2), leave, leave | other]


def _minutes(session: Session) -> dict[str, Any]:
    detail = session_view(session)["detail"]
    (user,) = detail["users"] or [{}]
    return {name: detail[name] for name in ("minutes", "minutesComplete", "lives", "reconnects")} | {
        "user": [user.get(name) for name in ("minutes", "joinedAt")]
    }


def test_a_channel_stays_small_however_much_is_said() -> None:
    random = Random(7)
    sequences = dict.fromkeys(range(4_000_000_000, 4_000_000_000 + MOST_USERS + 10), 2**64 - 2_000_000)
    cuts = (ChannelCreated(), ChannelDestroyed(None))
    session = open_session(_fact())
    largest = 0
    for visit, uid in enumerate((*sequences, *random.choices(list(sequences), k=2500))):
        for step in range(20):
            sequences[uid] += 1
            who = Who(str(uid), sequences[uid], "a" * 40, 7)
            event = UserLeft(who, Role.AUDIENCE, 10, 600) if step % 2 else UserJoined(who, Role.AUDIENCE)
            session = apply(session, _fact(event, visit * 20 + step))
        session = apply(session, _fact(cuts[visit % 2], visit * 20))
        if visit % 500 == 0:
            largest = max(largest, len(encode_session(session)))
    assert isinstance(session.state, Channel)
    assert session.received > 60_000
    assert len(session.state.users) == MOST_USERS
    assert len(session.state.cuts) == MOST_CUTS
    assert max(len(user.marks) for user in session.state.users.values()) == MOST_MARKS
    assert largest <= MOST_USERS * (MOST_MARKS * 90 + 300)


def test_two_channels_share_nothing() -> None:
    other = joined(3, 9) | {"payload": joined(3, 9)["payload"] | {"channelName": "other"}}
    kept = Kept()
    kept.fold(created(), joined(1, 5), other, left(2, 6))
    assert UID not in present(kept.session(ID).state)
    assert UID in present(kept.session("rtc:default:other").state)


def test_the_received_time_of_a_leave_is_its_first() -> None:
    first, again = left(9, 6), left(9, 6, duration=61)
    contradiction = joined(9, 6)
    said = [(first, 10), (again, 30), (contradiction, 20)]
    states = set()
    for order in (said, said[::-1], [said[2], said[0], said[1]]):
        kept = Kept()
        for each, second in order:
            kept.take([reading(each, RECEIVED_MS + second)])
        states.add(msgspec.json.encode(kept.session(ID).state))
    assert len(states) == 1


def _fact(event: Event | None = None, second: int = 0) -> Fact:
    """Of the channel: that it was created, or `event`, at a second."""
    assert CREATED_FACT is not None
    return replace(CREATED_FACT, event=event or ChannelCreated(), order=Order(AT_MS + second * 1000, -1, 0))

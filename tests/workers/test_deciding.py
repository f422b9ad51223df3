"""Requests of people go through the inbox like all else: decided once, in their turn, and answered."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec
import pytest
from redis import Redis
from rq.timeouts import JobTimeoutException

from tests.store.build import AT_MS, arrival, notification, poison, raw, snapshot, started, video
from tests.store.rig import Rig
from tests.workers.poisoning import items
from webhook.domain import folding
from webhook.domain.arrivals import Arrival, Kind
from webhook.domain.replaying import Answer, Request, Verdict
from webhook.store.dead_letters import Action, DeadLetter, DeadLetterFilter, DeadLetters
from webhook.store.shard import Shard
from webhook.views.sessions import session_view
from workers import deciding
from workers.drain import drain, drain_once


@pytest.fixture
def one(redis: Redis) -> Rig:
    return Rig(redis, 1)


@pytest.fixture
def letters(one: Rig) -> DeadLetters:
    return DeadLetters(one.redis, one.inbox, 1)


def only(letters: DeadLetters) -> DeadLetter:
    (letter,) = letters.page(DeadLetterFilter(), 10, None).items
    return letter


def broken(rig: Rig, *bodies: Any) -> None:
    """Drains these with a planted fault: none of type 45 can be applied."""
    with pytest.MonkeyPatch.context() as patch:
        plant(patch)
        rig.append(*bodies)
        rig.drain()


def plant(patch: pytest.MonkeyPatch, failure: Exception | None = None) -> None:
    sound = folding.apply

    def faulty(session: Any, fact: Any, *, effect_known: bool = False) -> Any:
        if fact.event_type == 45 and type(fact.event).__name__ != "Undecoded":
            raise failure or RuntimeError("a planted fault")
        return sound(session, fact, effect_known=effect_known)

    patch.setattr(folding, "apply", faulty)


def ask(rig: Rig, letters: DeadLetters, letter: DeadLetter, *actions: Action) -> list[Answer]:
    tickets = [(letter.shard, letters.ask(action, letter, "default")[0]) for action in actions]
    rig.drain()
    answers = letters.answers(tickets)
    return [answers[ticket] for _, ticket in tickets]


def verdicts(answers: list[Answer]) -> list[str]:
    return [answer.verdict.value for answer in answers]


def count_of_snapshots(rig: Rig) -> int:
    found: int = session_view(rig.session())["streams"][0]["snapshots"]["count"]
    return found


@pytest.mark.parametrize("apart", [False, True], ids=["in one batch", "in two"])
@pytest.mark.parametrize(
    ("actions", "expected"),
    [
        ([Kind.REPLAY, Kind.REPLAY], ["applied", "gone"]),
        ([Kind.REPLAY, Kind.DISCARD], ["applied", "gone"]),
        ([Kind.DISCARD, Kind.REPLAY], ["discarded", "gone"]),
        ([Kind.DISCARD, Kind.DISCARD], ["discarded", "gone"]),
    ],
)
def test_of_two_requests_the_first_decides(
    one: Rig, letters: DeadLetters, actions: list[Action], expected: list[str], apart: bool
) -> None:
    broken(one, snapshot(1))
    letter = only(letters)
    if apart:
        found = [answer for action in actions for answer in ask(one, letters, letter, action)]
    else:
        found = ask(one, letters, letter, *actions)
    assert verdicts(found) == expected
    assert one.session().received == 1


def test_replayed_it_is_counted_once_however_often_it_was_told(one: Rig, letters: DeadLetters) -> None:
    broken(one, started(), snapshot(1), snapshot(1), snapshot(1, notice_id="redundant"))
    assert session_view(one.session())["streams"] == []
    assert verdicts(ask(one, letters, only(letters), Kind.REPLAY)) == ["applied"]
    assert count_of_snapshots(one) == 1
    assert (one.session().received, one.session().duplicates) == (4, 2)


def test_a_copy_in_the_batch_of_its_replay_is_not_lost(one: Rig, letters: DeadLetters) -> None:
    broken(one, snapshot(1))
    letter = only(letters)
    letters.ask(Kind.REPLAY, letter, "default")
    one.append(snapshot(1, notice_id="after"))
    one.drain()
    broken(one, snapshot(2))
    letter = only(letters)
    with pytest.MonkeyPatch.context() as patch:
        plant(patch)
        one.append(snapshot(2, notice_id="before"))
        letters.ask(Kind.REPLAY, letter, "default")
        one.drain()
    ask(one, letters, letter, Kind.REPLAY)
    names = {item.copy.notice_id for item in items(one)}
    assert names == {"45:s1:1", "after", "45:s1:2", "before"}
    assert (one.session().received, one.session().duplicates) == (4, 2)


def test_what_cannot_be_applied_stays_and_says_why(one: Rig, letters: DeadLetters) -> None:
    broken(one, snapshot(1))
    letter, before = only(letters), one.session()
    with pytest.MonkeyPatch.context() as patch:
        plant(patch, RuntimeError("another fault"))
        assert ask(one, letters, letter, Kind.REPLAY) == [Answer(Verdict.FAILED, "RuntimeError: another fault")]
    assert (only(letters).field, only(letters).entry.error) == (letter.field, "RuntimeError: another fault")
    assert one.session() == before


def test_what_cannot_even_be_read_stays_and_says_why(
    one: Rig, letters: DeadLetters, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(one, snapshot(1))
    monkeypatch.setattr(deciding, "read_again", partial(fail_with, RuntimeError("unreadable")))
    assert ask(one, letters, only(letters), Kind.REPLAY) == [Answer(Verdict.FAILED, "RuntimeError: unreadable")]
    assert only(letters).entry.error == "RuntimeError: unreadable"


def fail_with(failure: Exception, *_: object) -> None:
    raise failure


@pytest.mark.parametrize("name", ["read_again", "replay"])
def test_the_end_of_a_jobs_time_decides_nothing(
    one: Rig, letters: DeadLetters, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    broken(one, snapshot(1))
    ticket, _ = letters.ask(Kind.REPLAY, only(letters), "default")
    with monkeypatch.context() as patch:
        patch.setattr(deciding, name, partial(fail_with, JobTimeoutException()))
        with pytest.raises(JobTimeoutException):
            drain(Shard(one.redis, 0, "slow"), one.limits, lambda: None)
    assert letters.answers([(0, ticket)]) == {}
    one.drain()
    assert letters.answers([(0, ticket)])[ticket].verdict is Verdict.APPLIED


def test_of_a_session_that_cannot_be_read_nothing_is_replayed(one: Rig, letters: DeadLetters) -> None:
    broken(one, snapshot(1))
    one.redis.set(one.keys_of(started()).session("s1"), b"garbage")
    (answer,) = ask(one, letters, only(letters), Kind.REPLAY)
    assert (answer.verdict, "cannot be read" in answer.detail) == (Verdict.FAILED, True)


def test_one_that_is_discarded_leaves_no_hole(one: Rig, letters: DeadLetters) -> None:
    broken(one, video(0, sequence=1), snapshot(1, sequence=2), video(1, at_ms=AT_MS + 9, sequence=3))
    assert verdicts(ask(one, letters, only(letters), Kind.DISCARD)) == ["discarded"]
    assert session_view(one.session())["sequence"] == {"1001": {"highest": 3, "missing": []}}
    assert letters.page(DeadLetterFilter(), 10, None).items == []


def test_one_told_again_right_after_it_was_discarded_is_a_dead_letter_with_a_place(
    one: Rig, letters: DeadLetters
) -> None:
    one.append(poison())
    one.drain()
    letters.ask(Kind.DISCARD, only(letters), "default")
    one.append(poison(notice_id="again"))
    one.drain()
    assert [copy.notice_id for copy in only(letters).entry.copies] == ["again"]


@pytest.mark.parametrize("body", [b"", b"null", b"{}", b'{"ticket": 1, "field": "x"}', raw(started())])
def test_a_request_that_is_none_is_in_quarantine(one: Rig, body: bytes) -> None:
    one.inbox.append_to(0, Arrival("r", "default", "default", 2, body, Kind.REPLAY))
    one.append(started())
    one.drain()
    assert one.outcomes() == {"quarantined": 1, "applied": 1}


def test_a_request_for_nothing_is_answered(one: Rig, letters: DeadLetters) -> None:
    for kind in (Kind.REPLAY, Kind.DISCARD):
        request = msgspec.json.encode(Request(f"ticket {kind}", "nobody"))
        one.inbox.append_to(0, Arrival("r", "default", "default", 2, request, kind))
        one.drain()
        assert letters.answers([(0, f"ticket {kind}")])[f"ticket {kind}"] == Answer(Verdict.GONE)


def test_what_has_no_time_of_its_own_may_move_the_fold_when_it_is_replayed(one: Rig, letters: DeadLetters) -> None:
    payload = {"sid": "s1", "cname": "lobby", "uid": "1001", "details": {"fileName": "x.jpg"}}
    said = notification(45, {}, notice_id="a") | {"payload": payload}
    broken(one, said | {"notifyMs": AT_MS + 900}, said | {"notifyMs": AT_MS + 100})
    letter = only(letters)
    one.append(said | {"notifyMs": AT_MS + 500, "noticeId": "b"})
    one.drain()
    assert one.session().last_ms == AT_MS + 500
    assert verdicts(ask(one, letters, letter, Kind.REPLAY)) == ["unchanged"]
    assert (one.session().first_ms, one.session().last_ms) == (AT_MS + 100, AT_MS + 100)
    assert (one.session().received, one.session().duplicates) == (3, 2)


def test_a_request_waits_for_its_turn_behind_what_came_before(one: Rig, letters: DeadLetters) -> None:
    broken(one, snapshot(1))
    letter = only(letters)
    one.append(*(video(number % 2, at_ms=AT_MS + number) for number in range(40)))
    ticket, _ = letters.ask(Kind.REPLAY, letter, "default")
    shard = one.shard(0)
    assert drain_once(shard, one.limits) == 32
    assert letters.answers([(0, ticket)]) == {}
    drain_once(shard, one.limits)
    assert ticket in letters.answers([(0, ticket)])


def carried(rig: Rig) -> DeadLetter:
    """A dead letter of shard 1 with two copies, carried to shard 0; nobody was there yet."""
    letters = DeadLetters(rig.redis, rig.inbox, 2)
    with pytest.MonkeyPatch.context() as patch:
        plant(patch)
        for name in ("a", "b"):
            rig.inbox.append_to(1, arrival(snapshot(1, notice_id=name)))
        rig.drain()
    letter = only(letters)
    letters.carry(letter, "default", 0)
    return letter


def test_what_is_carried_here_and_cannot_be_applied_is_a_dead_letter_here(redis: Redis) -> None:
    rig = Rig(redis, 2)
    letter = carried(rig)
    with pytest.MonkeyPatch.context() as patch:
        plant(patch, RuntimeError("another fault"))
        rig.drain()
    there = only(DeadLetters(redis, rig.inbox, 2))
    assert (there.shard, there.entry.copies, there.entry.heard) == (0, letter.entry.copies, True)
    assert there.entry.error == "RuntimeError: another fault"
    assert rig.sessions.find("s1")[1].received == 2  # type: ignore[index]


def test_what_is_carried_to_a_session_that_cannot_be_read_is_a_dead_letter_there(redis: Redis) -> None:
    rig = Rig(redis, 2)
    rig.inbox.append_to(0, arrival(started()))
    rig.drain()
    letter = carried(rig)
    redis.set("vigil:{s0}:session:s1", b"garbage")
    rig.drain()
    there = only(DeadLetters(redis, rig.inbox, 2))
    assert (there.shard, there.entry.copies, there.entry.heard) == (0, letter.entry.copies, False)
    assert "cannot be read" in (there.entry.error or "")

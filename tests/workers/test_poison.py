"""Poison: what cannot be processed is a dead letter, whatever it does to its worker, and its neighbours are applied."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis
from rq.timeouts import JobTimeoutException

from tests.store.build import AT_MS, poison, registration, snapshot, started, video
from tests.store.rig import Rig
from tests.workers.poisoning import Killed, asks, holds, items, survive
from webhook.domain import arrivals, folding
from webhook.domain.arrivals import Kind
from webhook.domain.events import Undecoded
from webhook.domain.log import DEAD
from webhook.domain.replaying import Verdict
from webhook.store.dead_letters import DeadLetterFilter, DeadLetters
from webhook.store.shard import MOST_ENTRIES, Care, Shard
from webhook.views.sessions import session_view
from workers.drain import drain, drain_once

MARK = b"kills"
PLANTED = "a planted fault"


@pytest.fixture
def one(redis: Redis) -> Rig:
    return Rig(redis, 1)


def story(count: int, at: int) -> list[dict[str, Any]]:
    """Snapshots, told in turn, of which the one at `at` carries the mark."""
    said = [snapshot(number, at_ms=AT_MS + number, sequence=number) for number in range(count)]
    said[at] |= {"noticeId": MARK.decode()}
    return said


def shown(rig: Rig) -> dict[str, Any]:
    view = session_view(rig.session())
    del view["revision"]
    return view


def plant(patch: pytest.MonkeyPatch, module: Any, name: str, failure: BaseException, event_type: int = 44) -> None:
    """Makes `module.name` raise for that type of event."""
    sound = getattr(module, name)

    def faulty(*given: Any, **named: Any) -> Any:
        told = next(each for each in given if hasattr(each, "event_type"))
        if told.event_type == event_type and not isinstance(getattr(told, "event", None), Undecoded):
            raise failure
        return sound(*given, **named)

    patch.setattr(module, name, faulty)


def letters(rig: Rig) -> DeadLetters:
    return DeadLetters(rig.redis, rig.inbox, rig.shards)


@pytest.mark.parametrize("failure", [RuntimeError(PLANTED), MemoryError(), RecursionError(), AssertionError()])
def test_what_apply_raises_makes_a_dead_letter_in_the_same_commit(
    one: Rig, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    one.append(started(sequence=1), video(1, sequence=2), snapshot(3, sequence=3))
    plant(monkeypatch, folding, "apply", failure)
    assert drain_once(one.shard(0), one.limits) == 3
    one.check()
    assert one.outcomes() == {"applied": 2, "dead_letter": 1}
    (item,) = items(one, outcome="dead_letter")
    assert (item.entry.session_id, item.entry.heard) == ("s1", True)
    assert item.entry.error == f"{type(failure).__name__}: {failure}"
    assert session_view(one.session())["sequence"]["1001"] == {"highest": 3, "missing": []}


def test_what_a_decoder_raises_is_in_quarantine_as_it_came(one: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    one.append(started(), video(1), snapshot(3))
    plant(monkeypatch, arrivals, "decode", RuntimeError(PLANTED))
    assert drain_once(one.shard(0), one.limits) == 3
    one.check()
    assert one.outcomes() == {"applied": 2, "quarantined": 1}
    (item,) = items(one, outcome="quarantined")
    assert item.entry.error == f"RuntimeError: {PLANTED}"


@pytest.mark.parametrize("name", ["apply", "decode"])
def test_replayed_by_a_release_that_can_it_is_as_if_nothing_had_been(redis: Redis, one: Rig, name: str) -> None:
    said = [started(sequence=1), video(1, sequence=2), snapshot(3, sequence=3), video(1, sequence=2)]
    one.append(*said)
    one.drain()
    undisturbed = shown(one)
    redis.flushall()
    one.append(*said)
    with pytest.MonkeyPatch.context() as patch:
        plant(patch, folding if name == "apply" else arrivals, name, RuntimeError(PLANTED))
        one.drain()
    assert shown(one) != undisturbed
    (letter,) = letters(one).page(DeadLetterFilter(), 10, None).items
    ticket, _ = letters(one).ask(Kind.REPLAY, letter, "default")
    one.drain()
    assert letters(one).answers([(0, ticket)])[ticket].verdict is Verdict.APPLIED
    assert shown(one) == undisturbed


def test_the_end_of_a_jobs_time_is_no_notifications_fault(one: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    one.append(started(), video(1))
    for module, name in ((folding, "apply"), (arrivals, "decode")):
        with pytest.MonkeyPatch.context() as patch:
            plant(patch, module, name, JobTimeoutException())
            with pytest.raises(JobTimeoutException):
                drain(one_more(one), one.limits, lambda: None)
    one.drain()
    assert one.outcomes() == {"applied": 2}


def test_the_end_of_a_jobs_time_is_none_either_while_something_is_set_aside(
    one: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = iter([RuntimeError(PLANTED), JobTimeoutException()])

    def faulty(*_: object, **__: object) -> None:
        raise next(failures)

    one.append(video(1))
    with monkeypatch.context() as patch:
        patch.setattr(folding, "apply", faulty)
        with pytest.raises(JobTimeoutException):
            drain(one_more(one), one.limits, lambda: None)
    one.drain()
    assert one.outcomes() == {"applied": 1}


def test_what_cannot_even_be_counted_as_heard_is_kept_for_a_look(one: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def faulty(*_: object, **__: object) -> None:
        raise RuntimeError(PLANTED)

    one.append(video(1))
    with monkeypatch.context() as patch:
        patch.setattr(folding, "apply", faulty)
        one.drain()
    (item,) = items(one, outcome="dead_letter")
    assert (item.entry.heard, one.has("s1")) == (False, False)


def one_more(rig: Rig) -> Shard:
    rig.redis.delete("vigil:{s0}:lease")
    return Shard(rig.redis, 0, "another")


@pytest.mark.parametrize("at", [0, 31, 200, MOST_ENTRIES - 1])
def test_what_kills_its_workers_is_set_aside_wherever_it_stands(redis: Redis, one: Rig, at: int) -> None:
    said = story(MOST_ENTRIES, at)
    one.append(*said)
    died, batches = survive(one, 0, holds(MARK))
    assert 6 <= died <= 18  # once more for each time that a greater batch had reached it before
    assert one.outcomes() == {"applied": MOST_ENTRIES - 1, "dead_letter": 1}
    (item,) = items(one, outcome="dead_letter")
    assert item.entry.copies[0].notice_id == MARK.decode()
    assert "died 6 times" in (item.entry.error or "")
    assert one.session().received == MOST_ENTRIES
    assert [size for size, care in batches if care is not Care.NONE] == [1] * sum(care > 0 for _, care in batches)
    assert not redis.exists("vigil:{s0}:attempts")


def test_what_kills_even_whoever_reads_it_is_set_aside_unread(one: Rig) -> None:
    one.append(*story(40, 20))
    died, _ = survive(one, 0, holds(MARK, until=Care.UNREAD))
    assert died == 9
    assert one.outcomes() == {"applied": 39, "quarantined": 1}
    (item,) = items(one, outcome="quarantined")
    assert (item.entry.session_id, MARK in item.entry.body) == (None, True)


def test_two_that_kill_are_both_found(one: Rig) -> None:
    said = story(60, 3)
    said[50] |= {"noticeId": f"{MARK.decode()} too"}
    one.append(*said)
    died, _ = survive(one, 0, holds(MARK))
    assert (died, one.outcomes()) == (9, {"applied": 58, "dead_letter": 2})


def test_set_aside_and_replayed_it_is_as_if_nothing_had_been(redis: Redis, one: Rig) -> None:
    said = story(40, 20)
    one.append(*said)
    one.drain()
    undisturbed = shown(one)
    redis.flushall()
    one.append(*said)
    survive(one, 0, holds(MARK, until=Care.UNREAD))
    (letter,) = letters(one).page(DeadLetterFilter(), 10, None).items
    letters(one).ask(Kind.REPLAY, letter, "default")
    one.drain()
    assert shown(one) == undisturbed


def test_a_registration_that_kills_is_set_aside(one: Rig) -> None:
    one.append(started(), registration("s2"), started("s3"))
    died, _ = survive(one, 0, asks(Kind.REGISTRATION))
    assert (died, one.outcomes()) == (6, {"applied": 2, "quarantined": 1})
    assert (one.has("s2"), one.has("s3")) == (False, True)


def test_a_registration_that_raises_is_set_aside(one: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def faulty(*_: object) -> None:
        raise Killed

    one.append(registration("s2"), started())
    monkeypatch.setattr(folding, "register", faulty)
    died, _ = survive(one, 0, lambda _: False)
    assert (died, one.outcomes()) == (6, {"applied": 1, "quarantined": 1})


def test_a_replay_that_kills_fails_and_its_dead_letter_says_so(one: Rig) -> None:
    one.append(poison())
    one.drain()
    (letter,) = letters(one).page(DeadLetterFilter(), 10, None).items
    ticket, _ = letters(one).ask(Kind.REPLAY, letter, "default")
    one.append(started("s2"))
    died, _ = survive(one, 0, asks(Kind.REPLAY))
    answer = letters(one).answers([(0, ticket)])[ticket]
    assert (died, answer.verdict, "died 6 times" in answer.detail) == (6, Verdict.FAILED, True)
    (left,) = letters(one).page(DeadLetterFilter(), 10, None).items
    assert (left.field, left.entry.error) == (letter.field, answer.detail)
    assert one.has("s2")


def test_a_request_that_cannot_even_be_set_aside_is_in_quarantine(one: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def faulty(*_: object) -> None:
        raise Killed

    one.append(poison())
    one.drain()
    (letter,) = letters(one).page(DeadLetterFilter(), 10, None).items
    letters(one).ask(Kind.REPLAY, letter, "default")
    monkeypatch.setattr("workers.reading.read_request", faulty)
    died, _ = survive(one, 0, lambda _: False)
    assert (died, one.outcomes()) == (9, {"dead_letter": 1, "quarantined": 1})
    assert letters(one).find(letter.id) == letter


@pytest.mark.parametrize("act", [None, Kind.REPLAY, Kind.DISCARD])
def test_one_whose_time_is_over_while_it_is_told_again_or_decided_on_leaves_nothing_behind(
    redis: Redis, one: Rig, act: Kind | None
) -> None:
    one.append(poison(), ago_ms=one.limits.dead_ms - 1000)
    one.drain()
    (letter,) = letters(one).page(DeadLetterFilter(), 10, None).items
    if act is None:
        one.append(poison(notice_id="again"))
    elif act is Kind.REPLAY:
        letters(one).ask(Kind.REPLAY, letter, "default")
    else:
        letters(one).ask(Kind.DISCARD, letter, "default")
    old = Rig(redis, 1, dead_ms=0)
    old.drain()
    old.append(started("s9"))
    old.drain()
    assert redis.zcard(f"vigil:{{s0}}:places:{DEAD}") == redis.hlen(f"vigil:{{s0}}:log:{DEAD}") == 0

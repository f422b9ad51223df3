"""Sessions folded again from their logs: nothing differs, but for faults that were mended since."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
from redis import Redis

from tests.store.build import AT_MS, joined, poison, registration, snapshot, started, told, video
from tests.store.contents import values_of
from tests.store.rig import Rig
from webhook.domain import folding
from webhook.domain.folding import Spot
from webhook.domain.transitions import apply
from webhook.simulation.agora import encode
from webhook.simulation.plan import Adversity, Pace, plan
from webhook.simulation.scenario import SCENARIOS, cast
from webhook.simulation.script import write
from webhook.store.shard import Shard
from webhook.views.sessions import session_view
from workers.rebuild import Busy, Difference, Rebuilt, rebuild


@pytest.fixture
def one(redis: Redis) -> Rig:
    return Rig(redis, 1)


def rebuilt(rig: Rig, session_id: str = "s1", *, save: bool = False) -> Rebuilt:
    return rebuild(Shard(rig.redis, 0, "rebuild"), session_id, rig.limits, save=save)


def faulty(session: Any, fact: Any, *, effect_known: bool = False) -> Any:
    """Applies every 44 as if it had said nothing."""
    return session if fact.event_type == 44 else apply(session, fact, effect_known=effect_known)


def contents(redis: Redis) -> dict[bytes, list[bytes]]:
    """All there is; hashes in no order, because their own moves while they are read."""
    return {key: sorted(values_of(redis, key)) for key in redis.scan_iter(count=1000)}


def without_revision(rig: Rig) -> dict[str, Any]:
    view = session_view(rig.session())
    del view["revision"]
    return view


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_of_what_was_folded_by_sound_code_nothing_differs(one: Rig, scenario: str) -> None:
    scripts = [write(actor, AT_MS) for actor in cast(scenario, 2, Random(scenario))]
    for it in plan(scripts, Pace(AT_MS, 1.0), Adversity(0.05, 0.4, 0.4), Random(5)).postings:
        one.append(json.loads(encode(it, AT_MS + it.due_ms)))
    one.append(poison(sid=scripts[0].sid))
    one.drain()
    before = contents(one.redis)
    found = {session_id: rebuilt(one, session_id, save=True) for session_id in one.ids()}
    assert found == {session_id: Rebuilt(session_id, []) for session_id in found}
    assert len(found) >= 2
    assert contents(one.redis) == before


def test_silence_that_was_counted_is_no_difference(one: Rig) -> None:
    left = told(1, 104, {"channelName": "lobby", "ts": AT_MS // 1000, "uid": 7, "clientSeq": 2, "platform": 7})
    one.append(joined(7), left, started(), ago_ms=100_000_000)
    one.drain()
    assert session_view(one.session())["state"] == "lost"
    assert [rebuilt(one, session_id).differences for session_id in one.ids()] == [[], []]


@pytest.fixture
def damaged(one: Rig, monkeypatch: pytest.MonkeyPatch) -> Rig:
    """A session that a fault in `apply` folded wrongly."""
    with monkeypatch.context() as patch:
        patch.setattr(folding, "apply", faulty)
        one.append(started(), snapshot(1), video(0), video(1, at_ms=AT_MS + 5))
        one.drain()
    return one


def test_a_dry_run_shows_what_a_fault_did_and_changes_nothing(damaged: Rig) -> None:
    before = contents(damaged.redis)
    found = rebuilt(damaged)
    assert Difference(".streams[0].video", "unknown", "stopped") in found.differences
    assert [each.path for each in found.differences] == sorted(each.path for each in found.differences)
    assert contents(damaged.redis) == before


def test_a_real_run_mends_it_and_a_second_finds_nothing(damaged: Rig, redis: Redis) -> None:
    revision = damaged.session().revision
    assert rebuilt(damaged, save=True).differences
    damaged.check()
    mended = without_revision(damaged)
    assert (damaged.session().revision, rebuilt(damaged).differences) == (revision + 1, [])
    received = mended.pop("notifications")
    redis.flushall()
    damaged.append(started(), snapshot(1), video(0), video(1, at_ms=AT_MS + 5))
    damaged.drain()
    undisturbed = without_revision(damaged)
    undisturbed.pop("notifications")
    assert (mended, received["stale"]) == (undisturbed, 0)


def test_a_dead_letter_is_not_applied_by_rebuilding(one: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def raising(session: Any, fact: Any, *, effect_known: bool = False) -> Any:
        if fact.event_type == 45 and type(fact.event).__name__ != "Undecoded":
            raise RuntimeError("a planted fault")
        return apply(session, fact, effect_known=effect_known)

    with monkeypatch.context() as patch:
        patch.setattr(folding, "apply", raising)
        one.append(started(sequence=1), snapshot(1, sequence=2))
        one.drain()
    assert rebuilt(one).differences == []


def test_a_trimmed_log_is_left_alone(redis: Redis) -> None:
    small = Rig(redis, 1, log_per_session=2)
    small.append(*(snapshot(number, at_ms=AT_MS + number) for number in range(5)))
    small.drain()
    before = contents(redis)
    found = rebuilt(small, save=True)
    assert (found.differences, "VIGIL_LOG_PER_SESSION" in (found.why_not or "")) == ([], True)
    assert contents(redis) == before


def test_one_that_cannot_be_read_or_is_not_there_is_named(one: Rig) -> None:
    one.append(started())
    one.drain()
    assert rebuilt(one, "nobody").why_not == "there is no such session"
    one.redis.set(one.keys_of(started()).session("s1"), b"garbage")
    assert "cannot be read" in (rebuilt(one).why_not or "")


def test_one_that_is_only_registered_does_not_differ(one: Rig) -> None:
    one.append(registration("s1"))
    one.drain()
    assert rebuilt(one, save=True) == Rebuilt("s1", [])


def test_a_shard_that_is_busy_is_left_alone(one: Rig) -> None:
    one.append(started())
    one.drain()
    one.shard(0, "a worker")
    before = contents(one.redis)
    with pytest.raises(Busy, match="a worker is at shard 0"):
        rebuilt(one)
    assert contents(one.redis) == before


@pytest.mark.parametrize("save", [False, True])
def test_what_waits_meanwhile_waits_on_and_counts_no_attempt(damaged: Rig, redis: Redis, save: bool) -> None:
    damaged.append(video(0, at_ms=AT_MS + 9))
    rebuilt(damaged, save=save)
    assert not any(name.startswith(b"by:") for name in redis.hgetall("vigil:{s0}:attempts"))
    assert (redis.xlen("vigil:{s0}:inbox"), redis.exists("vigil:{s0}:lease")) == (1, 0)
    damaged.drain()
    assert session_view(damaged.session())["streams"][0]["video"] == "receiving"


@pytest.mark.parametrize("save", [False, True])
def test_those_who_died_at_the_inbox_stay_counted(damaged: Rig, redis: Redis, save: bool) -> None:
    damaged.append(video(0, at_ms=AT_MS + 9))
    died = {b"by:one": b"1", b"by:two": b"1", b"singles": b"7"}
    redis.delete("vigil:{s0}:attempts")
    redis.hset("vigil:{s0}:attempts", mapping=died)
    assert rebuilt(damaged, save=save).differences
    assert redis.hgetall("vigil:{s0}:attempts") == died


def test_a_fault_while_rebuilding_is_told_and_gives_up_the_lease(one: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    one.append(started())
    one.drain()
    monkeypatch.setattr("webhook.domain.refolding.apply", faulty_always)
    assert rebuilt(one) == Rebuilt("s1", [], "it cannot be folded again: RuntimeError: a planted fault")
    assert not one.redis.exists("vigil:{s0}:lease", "vigil:{s0}:attempts")


def test_the_dead_letters_of_others_are_not_read(one: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    one.append(*(poison(f"s{number}", sequence=1) for number in range(30)), started(sequence=2), video(1, sequence=3))
    one.drain()
    read: list[str] = []
    entries = Shard.entries

    def listening(shard: Shard, spots: dict[str, list[Spot]]) -> Any:
        read.extend(spot.field for of in spots.values() for spot in of)
        return entries(shard, spots)

    monkeypatch.setattr(Shard, "entries", listening)
    assert rebuilt(one).differences == []
    assert len(read) == 3


def faulty_always(*_: object, **__: object) -> None:
    raise RuntimeError("a planted fault")

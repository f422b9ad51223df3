"""The logs stay within their bounds, and nothing dangles: the rig checks every key after each drain."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as budget
from hypothesis import strategies as st
from redis import Redis

from tests.store.build import AT_MS, exited, heartbeat, notification, poison, snapshot, started, video
from tests.store.rig import Rig
from webhook.domain.log import DEAD, LOOSE
from webhook.store import shard as sharding
from webhook.store.keys import ShardKeys
from webhook.store.notifications import ItemFilter, Notifications

BOUND = 4


@pytest.fixture
def tight(redis: Redis) -> Rig:
    """A rig of one shard whose session logs hold four entries and whose loose log holds three."""
    return Rig(redis, 1, log_per_session=BOUND, loose=3)


def kept(rig: Rig, sid: str = "s1") -> list[str]:
    """The noticeIds in a session's log, in total order."""
    page = Notifications(rig.redis, 1).of_session(0, sid, ItemFilter(), 500, None)
    return [item.copy.notice_id for item in reversed(page.items)]


def videos(count: int) -> list[dict[str, Any]]:
    return [video(number % 2, at_ms=AT_MS + number, notice_id=f"n{number}") for number in range(count)]


def test_a_log_keeps_the_latest_by_event_time(tight: Rig) -> None:
    for body in videos(9):
        tight.append(body)
        tight.drain()
    assert kept(tight) == ["n5", "n6", "n7", "n8"]
    assert tight.session().received == 9


def test_a_log_that_overflows_in_one_batch_keeps_the_latest(tight: Rig) -> None:
    tight.append(*reversed(videos(9)))
    tight.drain()
    assert kept(tight) == ["n5", "n6", "n7", "n8"]


@pytest.mark.parametrize("order", list(permutations(range(5)))[::17])
def test_whatever_the_order_of_arrival_inside_the_window_the_same_entries_stay(
    tight: Rig, order: tuple[int, ...]
) -> None:
    tight.append(*(videos(5)[position] for position in order))
    tight.drain()
    assert kept(tight) == ["n1", "n2", "n3", "n4"]


def test_what_sorts_before_the_floor_is_stale_and_changes_nothing(tight: Rig) -> None:
    tight.append(*videos(9))
    tight.drain()
    before = tight.session()
    tight.append(snapshot(1, at_ms=AT_MS + 1))
    tight.drain()
    after = tight.session()
    assert (after.stale, after.received, after.state) == (1, before.received + 1, before.state)
    assert tight.outcomes()["stale"] == 1


def test_a_copy_of_what_was_trimmed_is_stale(tight: Rig) -> None:
    tight.append(*videos(9))
    tight.drain()
    tight.append(videos(9)[0])
    tight.drain()
    assert (tight.session().stale, tight.session().duplicates) == (1, 0)


def test_copies_of_what_is_stale_are_one_entry_with_all_its_notice_ids(tight: Rig) -> None:
    tight.append(*videos(9))
    tight.drain()
    for name in ("n0", "a copy", "n0"):
        tight.append(video(0, at_ms=AT_MS, notice_id=name))
        tight.drain()
    assert tight.redis.zcard("vigil:{s0}:places:loose") == 1


def test_copies_of_what_is_stale_in_one_batch_are_one_entry(tight: Rig) -> None:
    tight.append(*videos(9))
    tight.drain()
    names = ["n0", "a copy", "another"]
    tight.append(*(video(0, at_ms=AT_MS, notice_id=name) for name in names))
    tight.drain()
    page = Notifications(tight.redis, 1).all(ItemFilter(), 50, None)
    stale = [item for item in page.items if item.entry.outcome == "stale"]
    assert sorted(item.copy.notice_id for item in stale) == sorted(names)
    assert len({item.entry for item in stale}) == 1


def test_a_copy_that_arrives_with_what_trims_its_entry_leaves_nothing_behind(tight: Rig) -> None:
    tight.append(*videos(4))
    tight.drain()
    tight.append(video(0, at_ms=AT_MS, notice_id="a copy of n0"), *videos(9)[4:])
    tight.drain()
    assert kept(tight) == ["n5", "n6", "n7", "n8"]


def test_a_trimmed_snapshot_takes_the_memory_of_its_file_with_it(tight: Rig) -> None:
    for number in range(9):
        tight.append(snapshot(number, at_ms=AT_MS + number))
        tight.drain()
    assert tight.session().state.streams["7"].snapshots.count == 9
    assert len(tight.redis.hkeys("vigil:{s0}:log:session:s1")) == 2 * BOUND


def test_a_snapshot_trimmed_in_the_batch_that_brought_it_leaves_nothing_behind(tight: Rig) -> None:
    tight.append(*(snapshot(number, at_ms=AT_MS + number) for number in range(9)))
    tight.drain()
    assert len(tight.redis.hkeys("vigil:{s0}:log:session:s1")) == 2 * BOUND


def test_a_file_told_twice_is_remembered_while_one_who_told_it_is_in_the_log(tight: Rig) -> None:
    tight.append(snapshot(1, at_ms=AT_MS), snapshot(1, at_ms=AT_MS + 100, notice_id="told again"))
    tight.drain()
    tight.append(*videos(4)[1:])
    tight.drain()
    tight.append(snapshot(1, at_ms=AT_MS + 200, notice_id="and again"))
    tight.drain()
    assert tight.session().state.streams["7"].snapshots.count == 1


def test_the_loose_log_keeps_the_latest_received(tight: Rig) -> None:
    now_ms = tight.redis.time()[0] * 1000
    for number in range(6):
        tight.put(started(cname="test_webhook", notice_id=f"t{number}"), now_ms + number)
        tight.drain()
    page = Notifications(tight.redis, 1).all(ItemFilter(outcome="test"), 10, None)
    assert [item.copy.notice_id for item in page.items] == ["t5", "t4", "t3"]


def test_dead_letters_do_not_count_for_the_log_of_their_session(tight: Rig) -> None:
    tight.append(*(poison(notice_id=f"p{number}", sendts=AT_MS + number) for number in range(6)), *videos(4))
    tight.drain()
    assert kept(tight) == ["n0", "n1", "n2", "n3"]
    assert tight.redis.zcard("vigil:{s0}:places:dead") == 6


def test_an_entry_lists_at_most_eight_notice_ids(tight: Rig) -> None:
    for number in range(12):
        tight.append(video(1, notice_id=f"copy {number}"))
        tight.drain()
    assert kept(tight) == [f"copy {number}" for number in reversed(range(8))]
    assert tight.session().duplicates == 11


POOL = [
    *videos(7),
    *(snapshot(number, at_ms=AT_MS + number) for number in range(3)),
    snapshot(2, at_ms=AT_MS + 6, notice_id="the same file"),
    video(1, at_ms=AT_MS + 1, notice_id="a copy of n1"),
    video(1, at_ms=AT_MS + 5, notice_id="a copy of n5"),
    started(at_ms=AT_MS),
    exited(at_ms=AT_MS + 9),
    started("s2", at_ms=AT_MS + 5),
    heartbeat("s2", at_ms=AT_MS + 6),
    poison("s2"),
    poison(),
    started(cname="test_webhook"),
    notification(77, {}, notice_id="unknown type"),
]
DRAIN = "drain"


@budget(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(steps=[*videos(9), DRAIN, video(0, at_ms=AT_MS, notice_id="a copy"), DRAIN, videos(1)[0]], most=500)
@example(steps=[snapshot(number, at_ms=AT_MS + number) for number in range(9)], most=500)
@given(steps=st.lists(st.sampled_from([*POOL, DRAIN]), min_size=10, max_size=40), most=st.sampled_from([1, 3, 500]))
def test_whatever_comes_and_however_it_is_cut_nothing_dangles(redis: Redis, steps: list[Any], most: int) -> None:
    redis.flushall()
    rig = Rig(redis, 1, log_per_session=BOUND, loose=3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sharding, "MOST_ENTRIES", most)
        for step in [*steps, DRAIN]:
            if step is DRAIN:
                rig.drain()
            else:
                rig.put(step, redis.time()[0] * 1000, key="lobby")
    keys = ShardKeys(0)
    assert redis.zcard(keys.places(LOOSE)) <= 3
    assert all(redis.zcard(keys.places(f"session:{sid}")) <= BOUND for sid in ("s1", "s2"))
    assert redis.zcard(keys.places(DEAD)) <= 2

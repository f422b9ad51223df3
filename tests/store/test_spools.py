"""What hosts report of their spools; while something waits there, silence proves nothing."""

from __future__ import annotations

import pytest
from redis import Redis

from tests.store.build import heartbeat
from tests.store.rig import Rig
from webhook.domain.recording.status import HEARTBEAT_SILENCE_MS
from webhook.domain.states import State
from webhook.domain.status import status_of
from webhook.store import keys
from webhook.store.connection import server_now_ms
from webhook.store.keys import SWEPT, WEB_SEEN
from webhook.store.spools import REPORT_KEPT_MS, Report, Spooled, save_report, together
from webhook.store.watch import SPOOLED_MS, UNSEEN_MS, show_web

MARGIN_MS = 2_000


@pytest.fixture
def one(redis: Redis) -> Rig:
    """A rig of one shard with a session whose time is over."""
    rig = Rig(redis, 1)
    rig.append(heartbeat(), ago_ms=HEARTBEAT_SILENCE_MS + 1000)
    return rig


def state(rig: Rig) -> State:
    return status_of(rig.session()).state


def report(redis: Redis, waits_for_ms: int | None, directory: str = "d1") -> None:
    now_ms = server_now_ms(redis)
    depth, oldest_ms = (0, None) if waits_for_ms is None else (1, now_ms - waits_for_ms)
    save_report(redis, directory, Report("host", now_ms, depth, oldest_ms))


def due_again(rig: Rig) -> None:
    rig.redis.zadd(keys.ShardKeys(0).deadlines, {"s1": 1}, xx=True)


def test_nothing_is_lost_while_a_notification_waits_in_some_spool(one: Rig) -> None:
    report(one.redis, SPOOLED_MS + MARGIN_MS)
    report(one.redis, None, "d2")
    one.drain()
    assert state(one) is State.LIVE
    report(one.redis, None)
    due_again(one)
    one.drain()
    assert state(one) is State.LOST


def test_what_has_only_just_been_spooled_holds_nothing_up(one: Rig) -> None:
    report(one.redis, SPOOLED_MS - MARGIN_MS)
    one.drain()
    assert state(one) is State.LOST


@pytest.mark.parametrize("missing", [SWEPT, WEB_SEEN])
def test_nothing_is_lost_until_web_and_sweep_have_shown_themselves(one: Rig, missing: str) -> None:
    one.attend()
    one.redis.set(missing, server_now_ms(one.redis) - UNSEEN_MS - 1000)
    one.drain(attended=False)
    assert state(one) is State.LIVE
    one.redis.set(missing, server_now_ms(one.redis) - UNSEEN_MS + MARGIN_MS)
    due_again(one)
    one.drain(attended=False)
    assert state(one) is State.LOST


def test_reports_of_all_hosts_are_added_up(redis: Redis) -> None:
    save_report(redis, "d1", Report("h1", 1000, depth=3, oldest_ms=700, unconfirmed=2))
    save_report(redis, "d2", Report("h2", 1000, depth=4, oldest_ms=600, damaged=1))
    save_report(redis, "d3", Report("h2", 1000, unconfirmed=1))
    assert together(redis.hvals(keys.SPOOLS), 1000) == Spooled(depth=7, oldest_ms=600, unconfirmed=3, damaged=1)


def test_a_report_takes_the_place_of_the_one_before_and_an_empty_one_ends_it(redis: Redis) -> None:
    save_report(redis, "d1", Report("h1", 1000, depth=3))
    save_report(redis, "d1", Report("h1", 2000, damaged=1))
    assert together(redis.hvals(keys.SPOOLS), 2000) == Spooled(0, None, 0, 1)
    save_report(redis, "d1", Report("h1", 3000))
    assert redis.hvals(keys.SPOOLS) == []


def test_a_host_that_was_not_heard_of_for_a_day_is_taken_for_gone(redis: Redis) -> None:
    save_report(redis, "d1", Report("h1", 1000, depth=3, oldest_ms=700))
    stored = redis.hvals(keys.SPOOLS)
    assert together(stored, 1000 + REPORT_KEPT_MS).depth == 3
    assert together(stored, 1001 + REPORT_KEPT_MS) == Spooled(0, None, 0, 0)


def test_copies_of_a_directory_on_two_hosts_do_not_take_each_others_place(redis: Redis) -> None:
    save_report(redis, "d1", Report("h1", 1000, depth=3))
    save_report(redis, "d1", Report("h2", 1000, depth=4))
    save_report(redis, "d1", Report("h3", 1000))
    assert together(redis.hvals(keys.SPOOLS), 1000).depth == 7


def test_a_full_server_still_takes_reports_and_signs_of_life(redis: Redis) -> None:
    redis.config_set("maxmemory", 1)
    try:
        save_report(redis, "d1", Report("h1", 1000, depth=3))
        show_web(redis)
        assert together(redis.hvals(keys.SPOOLS), 1000).depth == 3
        assert redis.exists(keys.WEB_SEEN)
    finally:
        redis.config_set("maxmemory", 0)

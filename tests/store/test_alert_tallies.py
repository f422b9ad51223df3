"""How many alerts the tabs of the dashboard hold, and which was resolved last."""

from __future__ import annotations

import pytest
from redis import Redis

from tests.routes.dashboard.counting import Counting
from tests.store.alerting import HOUR_MS, RESOLVED, Alerted, alert
from webhook.store.alert_tallies import MOST_LOOKED_AT, Tallies, Tally, reading
from webhook.store.connection import server_now_ms
from webhook.store.rounds import read

SHARDS = 2
DAY_MS = 24 * HOUR_MS


@pytest.fixture
def alerted(redis: Redis) -> Alerted:
    return Alerted(redis, SHARDS)


def tallies(redis: Redis) -> Tallies:
    return read(redis, "reading tallies", reading(SHARDS))


def test_without_alerts_there_is_nothing_to_count(redis: Redis) -> None:
    found = tallies(redis)
    assert (found.silenced, found.resolved, found.last) == (Tally(0, False), Tally(0, False), None)


def test_those_that_a_silence_keeps_quiet_now_are_counted(redis: Redis, alerted: Alerted) -> None:
    for session, channel in (("s1", "lobby"), ("s2", "lobby"), ("s3", "attic")):
        alerted.add(session=session, channel=channel)
    alerted.silence("old", "channel=attic", ends_in_ms=-1)
    assert tallies(redis).silenced == Tally(0, False)
    alerted.silence("new", "channel=lobby")
    assert tallies(redis).silenced == Tally(2, False)


def test_where_more_fire_than_are_looked_at_the_count_is_a_lower_bound(redis: Redis, alerted: Alerted) -> None:
    for number in range(MOST_LOOKED_AT + 1):
        alerted.add(alert(uid=str(number)), f"s{number % 7}")
    alerted.silence("all", "channel=lobby")
    assert tallies(redis).silenced == Tally(MOST_LOOKED_AT, True)


def test_what_began_and_was_resolved_within_a_day_is_counted(redis: Redis, alerted: Alerted) -> None:
    now_ms = server_now_ms(redis)
    for number in range(3):
        alerted.add(alert(at_ms=now_ms - number * HOUR_MS, state=RESOLVED), f"s{number}")
    assert tallies(redis).resolved == Tally(3, False)


def test_of_what_began_before_it_is_not_known_without_a_scan_when_it_was_resolved(
    redis: Redis, alerted: Alerted
) -> None:
    now_ms = server_now_ms(redis)
    alerted.add(alert(at_ms=now_ms - HOUR_MS, state=RESOLVED))
    alerted.add(alert(at_ms=now_ms - 2 * DAY_MS, state=RESOLVED, resolved_ms=now_ms - HOUR_MS), "s2")
    found = tallies(redis)
    assert found.resolved == Tally(1, True)
    assert now_ms - DAY_MS - 60_000 <= found.day_ms <= server_now_ms(redis) - DAY_MS


def test_where_nothing_fires_the_one_that_was_resolved_last_is_named(redis: Redis, alerted: Alerted) -> None:
    now_ms = server_now_ms(redis)
    long = alerted.add(alert(at_ms=now_ms - 5 * HOUR_MS, state=RESOLVED, resolved_ms=now_ms - 60_000))
    alerted.add(alert(at_ms=now_ms - HOUR_MS, state=RESOLVED), "s2")
    last = tallies(redis).last
    assert last is not None
    assert last.found.id == long
    alerted.add(session="s3")
    assert tallies(redis).last is None


def test_however_many_there_are_it_costs_two_round_trips(redis: Redis, alerted: Alerted) -> None:
    for number in range(20):
        alerted.add(session=f"s{number}")
    alerted.silence("all", "channel=lobby")
    counting = Counting(connection_pool=redis.connection_pool)
    assert tallies(counting).silenced == Tally(20, False)
    assert counting.trips == 2

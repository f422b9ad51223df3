"""The index of channels: each channel there is once, none that is gone. The rig walks all keys after each drain."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as budget
from hypothesis import strategies as st
from redis import Redis

from tests.store.build import AT_MS, created, exited, joined, left, pushing, registration, started, told, video
from tests.store.rig import WEEK_MS, Rig
from webhook.store.channels import ChannelQuery, Channels
from webhook.store.connection import server_now_ms
from webhook.store.keys import ShardKeys
from webhook.store.paging import Cursor

MINUTE_MS = 60_000
LONG_AGO_MS = WEEK_MS + MINUTE_MS


@pytest.fixture
def short(redis: Redis) -> Rig:
    """One shard that keeps what is over for a week."""
    return Rig(redis, 1, retention_ms=WEEK_MS)


def listed(rig: Rig) -> list[tuple[str, str]]:
    """Project and name of every channel, newest activity first."""
    page = Channels(rig.redis, rig.shards).page(ChannelQuery(), 100, None)
    assert page.next is None
    return [(row.project, row.channel) for row in page.channels]


def over(rig: Rig, sid: str, ago_ms: int, **more: Any) -> None:
    """A session that ended so long ago, and was heard then."""
    rig.append(exited(sid, at_ms=server_now_ms(rig.redis) - ago_ms, **more), ago_ms=ago_ms)


def test_a_channel_goes_with_its_last_session(short: Rig) -> None:
    over(short, "s1", LONG_AGO_MS)
    short.drain()
    assert listed(short) == [("default", "lobby")]
    short.drain()
    assert listed(short) == []
    assert not short.redis.exists(ShardKeys(0).channels)


def test_a_channel_stays_while_another_of_its_sessions_does(short: Rig) -> None:
    over(short, "s1", LONG_AGO_MS)
    over(short, "s2", MINUTE_MS)
    short.drain()
    short.drain()
    assert (short.has("s1"), short.has("s2"), listed(short)) == (False, True, [("default", "lobby")])


def test_a_channel_whose_last_session_goes_as_the_next_one_comes_stays(short: Rig) -> None:
    over(short, "s1", LONG_AGO_MS)
    short.drain()
    short.append(started("s2", at_ms=server_now_ms(short.redis)))
    short.drain()
    assert (short.has("s1"), short.has("s2"), listed(short)) == (False, True, [("default", "lobby")])


def test_the_same_channel_of_another_project_stays(short: Rig) -> None:
    over(short, "s1", LONG_AGO_MS)
    short.append(started("s2", at_ms=server_now_ms(short.redis)), project="europe", source="eu")
    short.drain()
    short.drain()
    assert listed(short) == [("europe", "lobby")]


def test_a_channel_goes_with_its_last_sessions_though_they_go_together(short: Rig) -> None:
    over(short, "s1", LONG_AGO_MS)
    over(short, "s2", LONG_AGO_MS - 1000)
    short.drain()
    short.drain()
    assert not short.has("s1")
    assert listed(short) == []


def test_a_channel_stays_while_a_converter_of_it_does(short: Rig) -> None:
    over(short, "s1", LONG_AGO_MS)
    short.append(created("c1", at_ms=server_now_ms(short.redis)))
    short.drain()
    short.drain()
    assert (short.has("s1"), short.has("c1"), listed(short)) == (False, True, [("default", "lobby")])


def test_a_channel_of_a_converter_alone_goes_with_it(short: Rig) -> None:
    gone = pushing(4, "c1", server_now_ms(short.redis) - LONG_AGO_MS, transcodeOptions={"rtcChannel": "lobby"})
    short.append(gone, ago_ms=LONG_AGO_MS)
    short.drain()
    assert listed(short) == [("default", "lobby")]
    short.drain()
    assert (short.has("c1"), listed(short), short.redis.exists(ShardKeys(0).channels)) == (False, [], 0)


def test_a_registration_does_not_make_a_channel_newer_than_its_notifications_say(redis: Redis) -> None:
    found = []
    for order in ((0, 1), (1, 0)):
        redis.flushall()
        rig = Rig(redis, 1)
        both = [registration(registered_ms=AT_MS + MINUTE_MS), started()]
        for number in order:
            rig.append(both[number])
            rig.drain()
        found.append(redis.zrange(ShardKeys(0).channels, 0, -1, withscores=True))
    assert found[0] == found[1]


def test_a_copy_that_moves_an_event_moves_its_channel_too(rig: Rig) -> None:
    updated = {"sid": "g1", "rtcInfo": {"channel": "lobby", "uid": "7"}, "beginAt": "2025-11-24T16:00:00Z"}
    for notify_ms in (AT_MS + 9000, AT_MS + 1000):
        rig.append(told(10, 4, updated, notify_ms))
        rig.drain()
    assert rig.session("g1").last_ms == AT_MS + 1000


def test_a_session_told_of_two_channels_lists_the_one_that_it_is_found_by(redis: Redis) -> None:
    rig = Rig(redis, 1)
    for channel in ("b", "a"):
        rig.append(started(cname=channel, notice_id=channel))
        rig.drain()
    assert listed(rig) == [("default", "a")]


def test_every_session_that_names_a_channel_lists_it_whatever_its_product(rig: Rig) -> None:
    rig.append(created("c1", "pushed"), joined(7, "called"), started(cname="recorded"), registration("r", "expected"))
    rig.append(told(4, 1, {"lts": AT_MS, "player": {"id": "p1", "channelName": "pulled", "createTs": AT_MS // 1000}}))
    rig.drain()
    assert {channel for _, channel in listed(rig)} == {"called", "recorded", "expected", "pushed", "pulled"}


def test_a_channel_stands_by_its_newest_session_whatever_shard_that_is_in(redis: Redis) -> None:
    rig = Rig(redis, 8)
    for number in range(20):
        rig.append(started(f"s{number}", AT_MS + 1000 * number, cname=f"room {number}"))
        rig.append(created(f"c{number}", f"room {number}", AT_MS + 1000 * (100 - number)))
    rig.drain()
    assert [channel for _, channel in listed(rig)] == [f"room {number}" for number in range(20)]
    rows = Channels(rig.redis, 8).page(ChannelQuery(), 100, None).channels
    assert {(row.sessions, row.running) for row in rows} == {(2, 2)}


def test_a_late_event_does_not_make_a_channel_older(rig: Rig) -> None:
    rig.append(video(0, at_ms=AT_MS + 9000))
    rig.drain()
    rig.append(started(at_ms=AT_MS))
    rig.drain()
    (score,) = (score for _, score in rig.redis.zrange(rig.keys_of(started()).channels, 0, -1, withscores=True))
    assert score == AT_MS + 9000


def test_a_page_costs_two_round_trips_however_many_channels_there_are(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.append(*(started(f"s{number}", cname=f"room {number}") for number in range(40)))
    rig.drain()
    trips: list[int] = []
    pipeline = Redis.pipeline
    monkeypatch.setattr(Redis, "pipeline", lambda self, **more: trips.append(1) or pipeline(self, **more))
    page = Channels(rig.redis, rig.shards).page(ChannelQuery(live=True), 10, None)
    assert (len(page.channels), len(trips)) == (10, 2)
    assert isinstance(page.next, Cursor)


class Words:
    """Counts the words of all commands that a client sends in pipelines, keys among them."""

    def __init__(self, redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        pack = Redis.pipeline

        def counting(client: Redis, **more: Any) -> Any:
            pipe = pack(client, **more)
            run = pipe.execute

            def execute(*arguments: Any, **options: Any) -> Any:
                self.count += sum(len(arguments) for arguments, _ in pipe.command_stack)
                return run(*arguments, **options)

            pipe.execute = execute
            return pipe

        monkeypatch.setattr(Redis, "pipeline", counting)


@pytest.mark.parametrize("query", [{"limit": 1}, {"limit": 1, "name": "room 7"}], ids=["a page", "a name"])
def test_what_a_page_costs_does_not_depend_on_how_many_channels_there_are(
    redis: Redis, monkeypatch: pytest.MonkeyPatch, query: dict[str, Any]
) -> None:
    rig, costs = Rig(redis, 8), []
    for count in (10, 300):
        rig.append(*(started(f"s{number}", AT_MS + number, cname=f"room {number}") for number in range(count)))
        rig.drain()
        with monkeypatch.context() as patched:
            words = Words(rig.redis, patched)
            wanted = ChannelQuery(projects=("default",), name=query.get("name"))
            page = Channels(rig.redis, 8).page(wanted, query["limit"], None)
            costs.append((len(page.channels), words.count))
    assert costs == [(1, costs[0][1])] * 2
    assert costs[0][1] < 300


def test_a_page_on_which_one_channel_has_most_sessions_is_full_all_the_same(rig: Rig) -> None:
    rig.append(*(exited(f"b{number}", AT_MS + 1000 + number, cname="busy") for number in range(40)))
    rig.append(*(started(f"s{number}", AT_MS + number, cname=f"room {number}") for number in range(9)))
    rig.drain()
    page = Channels(rig.redis, rig.shards).page(ChannelQuery(), 5, None)
    assert [row.channel for row in page.channels] == ["busy", "room 8", "room 7", "room 6", "room 5"]


POOL: list[Any] = [
    *(make(sid, AT_MS + number, cname=channel)
      for number, (sid, channel) in enumerate([("s1", "a"), ("s2", "a"), ("s3", "b")])
      for make in (started, exited, left)),
    *(video(state, sid, AT_MS + 10 + state, cname=channel)
      for state in (0, 1)
      for sid, channel in [("s1", "a"), ("s3", "b")]),
    joined(7, "a", AT_MS),
    joined(8, "b", AT_MS + 5000, 2),
    told(1, 102, {"channelName": "a", "ts": AT_MS // 1000 + 60}),
    created("c1", "a"),
    registration("s1", "a"),
    registration("s4", "b"),
]  # fmt: skip
DRAIN = "drain"


@budget(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.sampled_from([*POOL, DRAIN]), min_size=5, max_size=30))
def test_whatever_comes_each_channel_there_is_stands_once_in_the_list(redis: Redis, steps: list[Any]) -> None:
    redis.flushall()
    rig = Rig(redis, 2)
    for step in [*steps, DRAIN]:
        if step is DRAIN:
            rig.drain()
        else:
            rig.append(step)
    found = listed(rig)
    assert len(found) == len(set(found)) <= 2

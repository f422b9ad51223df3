"""Draining: what was spooled is applied once, in order, as of when it came; its file goes when Redis has kept it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from tests.servers import EmbeddedServer
from tests.store.build import arrival, raw, route_of, started
from tests.store.rig import Rig
from tests.store.spool.spooling import abandon, end, files, keeper_of, other_process, spool_in, spooled
from webhook import clock, embedded
from webhook import settings as configuration
from webhook.domain.errors import InboxFull, StoreError
from webhook.store import keys
from webhook.store.connection import WEB_TIMEOUT, WORKER_TIMEOUT, connect, server_now_ms
from webhook.store.inbox import shard_of
from webhook.store.spool import sending
from webhook.store.spool import tender as tending
from webhook.store.spool.framing import HEAD
from webhook.store.spool.keeper import Keeper
from webhook.store.spool.segment import Segment
from webhook.store.spool.tender import Tender
from webhook.store.spools import together
from webhook.wiring import make_keeper, make_tender

HELD = 30


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def keeper(redis: Redis, directory: Path) -> Keeper:
    return keeper_of(redis, spool_in(directory))


@pytest.fixture
def tender(redis: Redis, keeper: Keeper) -> Tender:
    return Tender(redis, keeper)


def appended(redis: Redis, shards: int = 2) -> list[list[bytes]]:
    """The bodies in each inbox, in turn."""
    inboxes = [keys.ShardKeys(shard).inbox for shard in range(shards)]
    return [[fields[b"b"] for _, fields in redis.xrange(inbox)] for inbox in inboxes]


def ever_appended(redis: Redis, shards: int) -> int:
    """How many entries the inboxes have got since they were made."""
    inboxes = [keys.ShardKeys(shard).inbox for shard in range(shards)]
    return sum(redis.xinfo_stream(inbox)["entries-added"] for inbox in inboxes if redis.exists(inbox))


def starts(count: int, prefix: str = "s") -> list[dict[str, Any]]:
    """The starts of sessions in as many channels."""
    return [started(f"{prefix}{number}", cname=f"room{number}") for number in range(count)]


def test_what_was_spooled_is_applied_once_in_order_and_its_files_go(
    tender: Tender, keeper: Keeper, directory: Path, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "MOST_RECORDS", 7)
    bodies = starts(HELD)
    for body in bodies:
        assert keeper.spool
        keeper.spool.keep(spooled(body))
    assert tender.tend() == {0, 1}
    order = [raw(body) for body in bodies]
    inboxes = appended(rig.redis)
    assert sum(map(len, inboxes)) == HELD
    assert all(inbox == sorted(inbox, key=order.index) for inbox in inboxes)
    assert files(directory) == []
    assert rig.drain() == HELD
    assert rig.outcomes() == {"applied": HELD}


def test_it_counts_as_received_when_it_was_spooled_by_the_servers_clock(
    redis: Redis, keeper: Keeper, directory: Path, rig: Rig
) -> None:
    fast_ms = 3_600_000
    keeper.now_ms = lambda: clock.now_ms() + fast_ms
    came_ms = clock.now_ms() - 60_000
    abandon(directory, spooled(started(), received_ms=came_ms + fast_ms))
    Tender(redis, keeper).tend()
    rig.drain()
    assert abs(rig.session().last_received_ms - came_ms) < 2_000


def test_one_post_that_is_appended_and_spooled_and_drained_twice_is_one_copy(
    tender: Tender, keeper: Keeper, directory: Path, rig: Rig
) -> None:
    keeper.inbox.append(route_of(started()), arrival(started(), receipt="r1"))
    path = abandon(directory, spooled(started(), receipt="r1"))
    again = shutil.copy(path, directory.parent / "again")
    tender.tend()
    shutil.move(again, path)
    tender.tend()
    assert files(directory) == []
    assert rig.drain() == 3
    assert (rig.session().received, rig.session().duplicates) == (1, 0)
    assert rig.outcomes() == {"applied": 1}


def test_another_post_of_the_same_is_a_duplicate_still(tender: Tender, directory: Path, rig: Rig) -> None:
    abandon(directory, spooled(started()), spooled(started()))
    tender.tend()
    rig.drain()
    assert (rig.session().received, rig.session().duplicates) == (2, 1)


def test_what_a_living_process_holds_is_left_to_it_and_what_a_dead_one_held_is_drained(
    tender: Tender, directory: Path, rig: Rig
) -> None:
    child = other_process(directory, HELD)
    try:
        tender.tend()
        assert (rig.drain(), len(files(directory))) == (0, 1)
    finally:
        end(child)
    tender.tend()
    assert (rig.drain(), files(directory)) == (HELD, [])
    assert rig.ids() == sorted(f"c{number}" for number in range(HELD))


@pytest.mark.parametrize("broken", [0, 1])
def test_a_damaged_file_is_set_aside_and_all_that_is_sound_is_drained(
    tender: Tender, directory: Path, rig: Rig, broken: int
) -> None:
    path = abandon(directory, *map(spooled, starts(3)))
    content = path.read_bytes()
    length = len(content) // 3
    at = broken * length + HEAD.size + 5
    path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
    abandon(directory, *map(spooled, starts(2, "t")))
    tender.tend()
    assert rig.drain() == 4
    assert files(directory) == [path.with_suffix(".damaged").name]
    assert together(rig.redis.hvals(keys.SPOOLS), server_now_ms(rig.redis)).damaged == 1


def test_a_write_that_was_cut_short_is_no_damage(tender: Tender, directory: Path, rig: Rig) -> None:
    path = abandon(directory, *map(spooled, starts(3)))
    path.write_bytes(path.read_bytes()[:-1])
    tender.tend()
    assert (rig.drain(), files(directory)) == (2, [])


def test_a_file_without_one_whole_record_is_cleared_away(tender: Tender, directory: Path) -> None:
    path = abandon(directory, spooled(started()))
    path.write_bytes(path.read_bytes()[:-1])
    tender.tend()
    assert files(directory) == []


def test_a_full_inbox_is_waited_for_and_nothing_is_sent_to_it_or_to_others_twice(redis: Redis, directory: Path) -> None:
    rig = Rig(redis, 2)
    bodies = starts(60)
    keeper = keeper_of(redis, spool_in(directory), shards=2, most=10)
    abandon(directory, *map(spooled, bodies))
    tender, taken = Tender(redis, keeper), 0
    for _ in range(3):
        tender.tend()
    assert [len(inbox) <= 5 for inbox in appended(redis)] == [True, True]
    while files(directory):
        taken += rig.drain()
        tender.tend()
    taken += rig.drain()
    assert (taken, ever_appended(redis, 2), files(directory)) == (60, 60, [])
    assert rig.outcomes() == {"applied": 60}


def channels_of(shard: int, count: int) -> list[dict[str, Any]]:
    """The starts of sessions whose channels belong to that shard of two."""
    all_of_them = (started(f"{shard}-{number}", cname=f"{shard}-{number}") for number in range(1000))
    return [body for body in all_of_them if shard_of(route_of(body), 2) == shard][:count]


def test_a_full_inbox_holds_up_no_other_shard_in_its_own_files_or_in_others(
    redis: Redis, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tending, "MOST_SEGMENTS", 2)
    keeper = keeper_of(redis, spool_in(directory), shards=2, most=20)
    full, other = channels_of(0, 16), channels_of(1, 6)
    for body in full[:10]:
        keeper.inbox.append(route_of(body), arrival(body))
    for mine, theirs in zip(full[10:], other, strict=True):
        abandon(directory, spooled(mine), spooled(theirs))
    tender, rig = Tender(redis, keeper), Rig(redis, 2)
    tender.tend()
    assert [len(inbox) for inbox in appended(redis)] == [10, 6]
    assert len(files(directory)) == 6
    rig.drain()
    for _ in range(3):
        tender.tend()
    rig.drain()
    assert (files(directory), ever_appended(redis, 2)) == ([], 22)


def test_what_cannot_be_removed_keeps_nothing_from_redis_and_is_sent_once(
    redis: Redis, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(segment: Segment) -> None:
        raise PermissionError(13, "Permission denied", str(segment.path))

    keeper = keeper_of(redis, spool_in(directory))
    for body in starts(12):
        abandon(directory, spooled(body))
    tender = Tender(redis, keeper)
    with monkeypatch.context() as broken:
        broken.setattr(Segment, "remove", refuse)
        for _ in range(4):
            tender.tend()
    assert (len(files(directory)), ever_appended(redis, 2)) == (12, 12)
    tender.tend()
    assert (files(directory), ever_appended(redis, 2)) == ([], 12)


def test_what_is_too_large_for_the_webs_patience_goes_by_the_patient_client(redis: Redis, directory: Path) -> None:
    with connect("redis://127.0.0.1:1", 0.1) as nowhere:
        tender = Tender(redis, keeper_of(redis, spool_in(directory)), nowhere)
        abandon(directory, spooled(started()))
        with pytest.raises(StoreError):
            tender.tend()
    assert len(files(directory)) == 1


def test_the_patient_client_waits_as_long_as_a_workers(tmp_path: Path) -> None:
    settings = configuration.load({"REDIS_URL": "redis://127.0.0.1:1"}, tmp_path)
    with connect(settings.redis_url or "", WEB_TIMEOUT) as redis:
        tender = make_tender(settings, redis, make_keeper(settings, redis, lambda blocking: blocking()))
        clients = (tender._keeper.inbox, tender._inbox)
        waits = [each._redis.connection_pool.connection_kwargs["socket_timeout"] for each in clients]
    assert waits == [WEB_TIMEOUT, WORKER_TIMEOUT]


def test_the_log_tells_a_failure_once_and_how_many_came_when_it_is_over(
    redis: Redis, directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rig = Rig(redis, 1)
    keeper = keeper_of(redis, spool_in(directory), shards=1, most=2)
    for number in range(4):
        assert (keeper.keep(route_of(started()), arrival(started(f"s{number}")), "") is None) == (number >= 2)
    tender = Tender(redis, keeper)
    for _ in range(5):
        tender.tend()
    assert caplog.messages[1:] == ["the spool waits: full is the inbox of shard 0 (VIGIL_INBOX_MAX)"]
    rig.drain()
    for _ in range(3):
        tender.tend()
    assert caplog.messages[-1] == "all is well again; from the spool came 2 notifications"
    assert len(caplog.messages) == 3


def test_while_one_inbox_is_full_what_comes_is_in_few_files(redis: Redis, directory: Path) -> None:
    keeper = keeper_of(redis, spool_in(directory), shards=1, most=1)
    tender = Tender(redis, keeper)
    for number in range(20):
        assert keeper.keep(route_of(started()), arrival(started(f"s{number}")), "") is None or number == 0
        tender.tend()
    assert len(files(directory)) == 2
    assert not keeper.breaker.is_open


def test_redis_dying_in_the_middle_of_a_drain_loses_nothing_and_repeats_nothing(
    tmp_path: Path, directory: Path
) -> None:
    with EmbeddedServer(tmp_path / "var") as server:
        server.start().close()
        with connect(embedded.url(server.var), 5.0) as redis:
            abandon(directory, *map(spooled, starts(HELD)))
            abandon(directory, *map(spooled, starts(HELD, "t")))
            keeper = keeper_of(redis, spool_in(directory))
            tender, rig = Tender(redis, keeper), Rig(redis, 2)
            assert keeper.spool
            keeper.spool.run = killing(server, at=4)  # between the sending of the first and of the second
            with pytest.raises(StoreError):
                tender.tend()
            assert len(files(directory)) == 2
            server.start().close()
            assert ever_appended(redis, 2) == HELD
            tender.tend()
            assert (rig.drain(), files(directory)) == (3 * HELD, [])
            assert rig.outcomes() == {"applied": 2 * HELD}


def killing(server: EmbeddedServer, at: int) -> Callable[[Callable[[], Any]], Any]:
    """Runs what a spool has to run, and kills the server at the call with that number."""
    calls = []

    def run(blocking: Callable[[], Any]) -> Any:
        calls.append(blocking)
        if len(calls) == at:
            server.kill()
        return blocking()

    return run


def test_many_files_are_drained_a_few_at_a_time_with_a_sign_of_life_between(
    tender: Tender, directory: Path, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tending, "MOST_SEGMENTS", 2)
    for number in range(5):
        abandon(directory, spooled(started(f"s{number}")))
    left = []
    for _ in range(3):
        rig.redis.delete(keys.WEB_SEEN)
        tender.tend()
        assert rig.redis.exists(keys.WEB_SEEN)
        left.append(len(files(directory)))
    assert left == [3, 1, 0]


def test_all_see_what_is_spooled_until_it_is_drained(redis: Redis, directory: Path) -> None:
    rig = Rig(redis, 1)
    keeper = keeper_of(redis, spool_in(directory), shards=1, most=1)
    keeper.inbox.append(route_of(started()), arrival(started()))
    with pytest.raises(InboxFull):
        keeper.inbox.append(route_of(started()), arrival(started()))
    came_ms = server_now_ms(redis) - 9_000
    abandon(directory, spooled(started(), received_ms=came_ms))
    tender = Tender(redis, keeper)
    tender.tend()
    told = together(redis.hvals(keys.SPOOLS), server_now_ms(redis))
    assert (told.depth, told.unconfirmed, told.damaged) == (1, 0, 0)
    assert told.oldest_ms is not None
    assert abs(told.oldest_ms - came_ms) < 2_000
    assert tender.is_busy
    rig.drain()
    tender.tend()
    assert not redis.exists(keys.SPOOLS)


def test_with_nothing_spooled_it_shows_that_web_is_there_and_is_in_no_hurry(redis: Redis, tender: Tender) -> None:
    assert tender.tend() == set()
    assert redis.exists(keys.WEB_SEEN)
    assert not redis.exists(keys.SPOOLS)
    assert not tender.is_busy


def test_without_a_spool_it_shows_that_web_is_there(redis: Redis) -> None:
    assert Tender(redis, keeper_of(redis, None)).tend() == set()
    assert redis.exists(keys.WEB_SEEN)


def test_with_another_number_of_shards_it_drains_nothing_shows_what_waits_and_counts_as_no_web(
    redis: Redis, tender: Tender, directory: Path
) -> None:
    redis.set(keys.SHARDS, 4)
    abandon(directory, spooled(started()))
    with pytest.raises(StoreError, match="VIGIL_SHARDS"):
        tender.tend()
    assert len(files(directory)) == 1
    assert together(redis.hvals(keys.SPOOLS), server_now_ms(redis)).depth == 1
    assert not redis.exists(keys.WEB_SEEN)

"""VIGIL_ACK: who has to have an append before it counts, asked of real servers, on the append's connection (R15)."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from redis import Redis

from tests.store.build import arrival, route_of, started
from tests.store.rig import Rig
from tests.store.spool.spooling import abandon, files, found, keeper_of, spool_in, spooled
from tests.system.servers import TcpServer
from tests.waiting import wait_for
from webhook import settings as configuration
from webhook.domain.errors import StoreError, Unconfirmed, Unsupported
from webhook.store.acknowledgement import REPLICA_WAIT_MS, Acknowledgement, Level, has_replica, resolve
from webhook.store.connection import WEB_TIMEOUT, connect
from webhook.store.inbox import Inbox
from webhook.store.spool.framing import Spooled
from webhook.store.spool.tender import Tender
from webhook.wiring import check_server

KEY = route_of(started())
BODY = started()


@pytest.fixture(scope="module")
def durable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TcpServer]:
    with TcpServer(tmp_path_factory.mktemp("durable")) as server:
        yield server.start()


@pytest.fixture(scope="module")
def forgetful(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TcpServer]:
    with TcpServer(tmp_path_factory.mktemp("forgetful"), appendonly="no") as server:
        yield server.start()


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TcpServer, TcpServer]]:
    directory = tmp_path_factory.mktemp("pair")
    with TcpServer(directory / "primary") as first, TcpServer(directory / "replica") as second:
        second.start().follow(first.start())
        yield first, second


@pytest.fixture
def primary(pair: tuple[TcpServer, TcpServer]) -> TcpServer:
    """A server with a replica, empty."""
    pair[0].redis.flushall()
    return pair[0]


@pytest.fixture
def replica(pair: tuple[TcpServer, TcpServer]) -> Iterator[TcpServer]:
    """The replica of `primary`, which a test may stop."""
    yield pair[1]
    pair[1].send(signal.SIGCONT)


def level(server: TcpServer, wanted: str, *, embedded: bool = False) -> Level:
    return resolve(server.redis, wanted, embedded=embedded).level


def asking(wanted: str) -> partial[Acknowledgement]:
    return partial(resolve, wanted=wanted, embedded=False)


def test_auto_is_the_surest_that_one_server_can_give(durable: TcpServer, forgetful: TcpServer) -> None:
    assert level(durable, "auto", embedded=True) is Level.REDIS  # which syncs before it answers
    assert level(durable, "auto") is Level.AOF
    assert level(forgetful, "auto") is Level.REDIS


@pytest.mark.parametrize("wanted", ["redis", "aof", "replica"])
def test_a_level_that_was_chosen_is_the_level_in_force(durable: TcpServer, wanted: str) -> None:
    assert level(durable, wanted).value == wanted


def test_a_server_without_an_append_only_file_cannot_confirm_it(forgetful: TcpServer) -> None:
    with pytest.raises(
        Unsupported, match=r"VIGIL_ACK=aof, but this Redis keeps no append-only file .* VIGIL_ACK=redis"
    ):
        level(forgetful, "aof")


def test_a_server_that_cannot_be_asked_is_an_error_of_the_store(tmp_path: Path) -> None:
    with connect("redis://127.0.0.1:1", WEB_TIMEOUT) as nowhere, pytest.raises(StoreError):
        resolve(nowhere, "auto", embedded=False)


def test_with_its_file_written_each_second_an_append_is_answered_when_it_is_synced(durable: TcpServer) -> None:
    durable.redis.config_set("appendfsync", "everysec")
    try:
        with connect(durable.url, WEB_TIMEOUT) as redis:
            inbox = Inbox(redis, 2, 1000, asking("aof"))
            inbox.append(KEY, arrival(BODY))
            written, _ = redis.execute_command("WAITAOF", 1, 0, 1)
            assert written == 1
    finally:
        durable.redis.config_set("appendfsync", "always")


def commands_of(server: TcpServer, inbox: Inbox) -> list[tuple[str, str]]:
    """The commands of one append, each with the connection that it came on, as the server saw them."""
    seen: list[tuple[str, str]] = []
    with server.redis.monitor() as monitor:
        inbox.append(KEY, arrival(BODY))
        server.redis.echo("over")
        for told in monitor.listen():
            command = told["command"].split()[0].upper()
            if command == "ECHO":
                return seen
            if told["client_type"] != "lua":
                seen.append((command, f"{told['client_address']}:{told['client_port']}"))
    return seen


@pytest.mark.parametrize(("wanted", "question"), [("aof", "WAITAOF"), ("replica", "WAIT")])
def test_the_question_comes_right_after_the_append_on_the_same_connection(
    primary: TcpServer, replica: TcpServer, wanted: str, question: str
) -> None:
    with connect(primary.url, WEB_TIMEOUT) as redis:
        inbox = Inbox(redis, 2, 1000, asking(wanted))
        inbox.append(KEY, arrival(BODY))
        redis.client_list()  # another connection of the pool would be taken first now
        appended, asked, *_ = commands_of(primary, inbox)
    assert (appended[0], asked[0]) == ("EVALSHA", question)
    assert appended[1] == asked[1]


def test_with_a_replica_an_append_is_answered_once_that_has_it(primary: TcpServer, replica: TcpServer) -> None:
    with connect(primary.url, WEB_TIMEOUT) as redis:
        kept = Inbox(redis, 2, 1000, asking("replica")).append(KEY, arrival(BODY))
    assert replica.redis.xlen(f"vigil:{{s{kept.shard}}}:inbox") == 1


def test_without_an_answer_of_a_replica_an_append_does_not_count_and_says_so_in_time(
    primary: TcpServer, replica: TcpServer
) -> None:
    with connect(primary.url, WEB_TIMEOUT) as redis:
        inbox = Inbox(redis, 2, 1000, asking("replica"))
        inbox.append(KEY, arrival(BODY))
        replica.send(signal.SIGSTOP)
        began = monotonic()
        with pytest.raises(Unconfirmed, match=r"not any replica after 0\.5 s"):
            inbox.append(KEY, arrival(BODY))
        took = monotonic() - began
    assert REPLICA_WAIT_MS / 1000 - 0.05 < took < 1.0


def test_without_any_replica_an_append_does_not_count(durable: TcpServer) -> None:
    with connect(durable.url, WEB_TIMEOUT) as redis, pytest.raises(Unconfirmed):
        Inbox(redis, 2, 1000, asking("replica")).append(KEY, arrival(BODY))


@pytest.mark.parametrize(
    ("of", "answer", "enough"),
    [(Level.AOF, [0, 5], False), (Level.AOF, [1, 0], True), (Level.REPLICA, 0, False), (Level.REPLICA, 1, True)],
)
def test_too_small_an_answer_means_not_kept(of: Level, answer: Any, enough: bool) -> None:
    if enough:
        Acknowledgement(of).check(answer)
    else:
        with pytest.raises(Unconfirmed, match=f"VIGIL_ACK={of}"):
            Acknowledgement(of).check(answer)


def test_a_replica_is_seen(primary: TcpServer, replica: TcpServer) -> None:
    assert (has_replica(primary.redis), has_replica(replica.redis)) == (True, False)


def test_a_server_alone_is_good_to_start_on_though_a_replica_is_asked_for(
    durable: TcpServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    check_server(configuration.load({"REDIS_URL": durable.url, "VIGIL_ACK": "replica", "VIGIL_SHARDS": "2"}, tmp_path))
    assert ["has no replica" in each for each in caplog.messages] == [True]


def test_a_server_that_gives_up_its_file_is_asked_anew_what_it_can_do(tmp_path: Path) -> None:
    with TcpServer(tmp_path / "own") as server, connect(server.start().url, WEB_TIMEOUT) as redis:
        inbox = Inbox(redis, 2, 1000, asking("auto"))
        inbox.append(KEY, arrival(BODY))
        server.redis.config_set("appendonly", "no")
        with pytest.raises(StoreError, match="WAITAOF"):
            inbox.append(KEY, arrival(BODY))
        with pytest.raises(StoreError, match="WAITAOF"):
            inbox.probe()
        inbox.probe()
        inbox.append(KEY, arrival(BODY))
        assert inbox.level is Level.REDIS


def spooling(redis: Redis, directory: Path) -> Tender:
    return Tender(redis, keeper_of(redis, spool_in(directory), by=asking("replica")))


def test_what_no_replica_has_is_applied_and_stays_on_disk_until_one_has(
    primary: TcpServer, replica: TcpServer, tmp_path: Path
) -> None:
    directory, rig = tmp_path / "spool", Rig(primary.redis, 2)
    abandon(directory, spooled(BODY))
    replica.send(signal.SIGSTOP)
    with connect(primary.url, WEB_TIMEOUT) as redis:
        tender = spooling(redis, directory)
        for _ in range(2):
            tender.tend()
            assert len(files(directory, f".{primary.redis.info('replication')['master_replid']}.sent")) == 1
        assert rig.drain() == 1
        replica.send(signal.SIGCONT)
        tender.tend()
    assert (rig.drain(), files(directory)) == (0, [])


def test_while_no_replica_confirms_anything_few_files_and_descriptors_are_held(
    durable: TcpServer, tmp_path: Path
) -> None:
    directory, rig = tmp_path / "spool", Rig(durable.redis, 2)
    with connect(durable.url, WEB_TIMEOUT) as redis:
        spool = spool_in(directory)
        keeper = keeper_of(redis, spool, by=asking("replica"))
        tender = Tender(redis, keeper)
        for number in range(4):  # of which three open the breaker
            keeper.keep(KEY, arrival(started(f"s{number}")), "")
        held = []
        for number in range(4, 8):
            tender.tend()
            held.append((len(files(directory)), len(list(Path("/proc/self/fd").iterdir()))))
            keeper.keep(KEY, arrival(started(f"s{number}")), "")
    assert {count for count, _ in held} == {1}
    assert held[-1][1] <= held[0][1] + 1
    rig.drain()
    assert rig.ids() == sorted(f"s{number}" for number in range(7))
    assert sorted(each.receipt for each in spooled_in(directory)) == sorted(
        {each.receipt for each in spooled_in(directory)}
    )
    assert len(spooled_in(directory)) == 8


def spooled_in(directory: Path) -> list[Spooled]:
    return [each for each in found(directory) if isinstance(each, Spooled)]


def test_what_a_primary_had_that_is_no_more_is_sent_to_the_next_one(tmp_path: Path) -> None:
    directory = tmp_path / "spool"
    abandon(directory, spooled(BODY))
    with TcpServer(tmp_path / "first") as first, connect(first.start().url, WEB_TIMEOUT) as redis:
        tender, rig = spooling(redis, directory), Rig(first.redis, 2)
        tender.tend()
        (sent,) = files(directory, ".sent")
        first.redis.flushall()  # as if the next one had never heard of it
        first.kill()
        first.start()
        with TcpServer(tmp_path / "replica") as following:
            following.start().follow(first)
            wait_for(lambda: _tended(tender) and not files(directory), 10, f"{sent} is not sent again")
        assert rig.drain() == 1


def _tended(tender: Tender) -> bool:
    try:
        tender.tend()
    except StoreError:  # its connections are of the server that died
        return False
    return True


def test_a_damaged_file_that_waited_for_a_replica_is_set_aside_not_removed(
    primary: TcpServer, replica: TcpServer, tmp_path: Path
) -> None:
    directory = tmp_path / "spool"
    path = abandon(directory, spooled(BODY), spooled(BODY))
    content = b"\x00" + path.read_bytes()[1:]
    # as a process left it that has sent it, and died before a replica had it
    primary_id = primary.redis.info("replication")["master_replid"]
    path.rename(path.with_suffix(f".{primary_id}.sent")).write_bytes(content)
    with connect(primary.url, WEB_TIMEOUT) as redis:
        spooling(redis, directory).tend()
    assert [name.partition(".")[2] for name in files(directory)] == [f"{primary_id}.damaged"]

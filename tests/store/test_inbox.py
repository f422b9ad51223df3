"""The inbox: what is appended is kept as it is, and its drain is woken once."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest
from redis import Redis

from tests.servers import EmbeddedServer
from tests.store.build import arrival, started
from tests.store.rig import Rig
from tests.waiting import wait_for
from webhook import embedded
from webhook.domain.errors import StoreError
from webhook.store.connection import WEB_TIMEOUT, connect
from webhook.store.inbox import PENDING_MS, Inbox, shard_of
from webhook.store.shard import Shard

KEY = "default\x1flobby"
SOON = 2.0  # seconds; without load a third of a second, with the retries of the library a minute


@pytest.fixture
def inbox(redis: Redis) -> Inbox:
    return Inbox(redis, 2, 1000)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00\xff\xfe\r\n \xc3\x28",
        b'{"a": 1.0,\r\n"\\u00e9": 12345678901234567890}\n',
        bytes(range(256)) * 4096,
    ],
    ids=["empty", "not text", "odd JSON", "1 MiB"],
)
def test_the_bytes_of_a_body_are_kept_exactly(inbox: Inbox, redis: Redis, body: bytes) -> None:
    kept = arrival(body, receipt="receipt", source="other")
    shard = inbox.append(KEY, kept).shard
    (received,) = Shard(redis, shard, "token").batch(1).received
    assert received.arrival == kept


def test_the_received_time_is_the_servers(inbox: Inbox, redis: Redis) -> None:
    before = redis.time()
    shard = inbox.append(KEY, arrival(b"{}")).shard
    after = redis.time()
    (received,) = Shard(redis, shard, "token").batch(1).received
    assert before[0] * 1000 + before[1] // 1000 <= received.received_ms <= after[0] * 1000 + after[1] // 1000


def test_one_wake_up_is_asked_for_until_the_drain_clears_it(inbox: Inbox, rig: Rig) -> None:
    assert [inbox.append(KEY, arrival(started())).wake for _ in range(3)] == [True, False, False]
    rig.drain()
    assert [inbox.append(KEY, arrival(started())).wake for _ in range(3)] == [True, False, False]


def test_a_wake_up_that_is_lost_is_not_pending_for_ever(inbox: Inbox, redis: Redis) -> None:
    shard = inbox.append(KEY, arrival(b"{}")).shard
    assert 0 < redis.pttl(Shard(redis, shard, "token").keys.pending) <= PENDING_MS


def test_each_shard_is_woken_by_itself(inbox: Inbox) -> None:
    names = [f"default\x1froom{number}" for number in range(20)]
    woken = [kept.shard for name in names if (kept := inbox.append(name, arrival(b"{}"))).wake]
    assert sorted(woken) == [0, 1]


def test_a_full_inbox_keeps_nothing_and_says_so(redis: Redis) -> None:
    inbox = Inbox(redis, 2, 6)
    for _ in range(3):
        inbox.append(KEY, arrival(b"{}"))
    with pytest.raises(StoreError, match="holds 3 notifications, its share of VIGIL_INBOX_MAX"):
        inbox.append(KEY, arrival(b"{}"))
    assert redis.xlen(Shard(redis, shard_of(KEY, 2), "token").keys.inbox) == 3


def test_one_full_inbox_does_not_stop_the_others(redis: Redis) -> None:
    inbox = Inbox(redis, 2, 2)
    other = next(name for name in map(str, range(100)) if shard_of(name, 2) != shard_of(KEY, 2))
    inbox.append(KEY, arrival(b"{}"))
    assert inbox.append(other, arrival(b"{}")).wake


def test_a_channel_has_the_same_shard_in_every_release() -> None:
    assert [shard_of(key, 8) for key in (KEY, "default\x1fT\xf6wn", "4eb720f0")] == [5, 0, 4]


@pytest.fixture
def frozen(tmp_path: Path) -> Iterator[EmbeddedServer]:
    """A server of its own, to be stopped in the middle of everything."""
    with EmbeddedServer(tmp_path / "var") as server:
        server.start().close()
        yield server


def pause(server: EmbeddedServer, number: signal.Signals) -> None:
    assert server.process
    server.process.send_signal(number)


def test_with_the_server_hung_an_append_fails_soon_and_is_not_tried_twice(frozen: EmbeddedServer) -> None:
    with connect(embedded.url(frozen.var), WEB_TIMEOUT) as client:
        inbox = Inbox(client, 1, 1000)
        inbox.append(KEY, arrival(b"first"))
        pause(frozen, signal.SIGSTOP)
        began = monotonic()
        with pytest.raises(StoreError, match="appending to the inbox of shard 0: TimeoutError"):
            inbox.append(KEY, arrival(b"second"))
        took = monotonic() - began
        pause(frozen, signal.SIGCONT)
        wait_for(lambda: embedded.is_ready(frozen.var), 10, "the server does not go on")
        assert took < SOON
        assert client.xlen(Shard(client, 0, "token").keys.inbox) <= 2


def test_with_the_server_dead_an_append_fails_at_once(frozen: EmbeddedServer) -> None:
    with connect(embedded.url(frozen.var), WEB_TIMEOUT) as client:
        inbox = Inbox(client, 1, 1000)
        inbox.append(KEY, arrival(b"first"))
        frozen.kill()
        began = monotonic()
        with pytest.raises(StoreError):
            inbox.append(KEY, arrival(b"second"))
        assert monotonic() - began < SOON


def test_after_a_restart_of_the_server_the_same_client_appends(frozen: EmbeddedServer) -> None:
    with connect(embedded.url(frozen.var), 5.0) as client:
        inbox = Inbox(client, 1, 1000)
        inbox.append(KEY, arrival(b"first"))
        frozen.kill()
        with pytest.raises(StoreError):
            inbox.append(KEY, arrival(b"lost"))
        frozen.start().close()
        inbox.append(KEY, arrival(b"second"))
        received = Shard(client, 0, "token").batch(1).received
        assert [kept.arrival.body for kept in received] == [b"first", b"second"]


def test_the_webs_client_waits_a_third_of_a_second_and_never_retries(redis: Redis) -> None:
    with connect("redis://127.0.0.1:1", WEB_TIMEOUT) as client:
        options = client.connection_pool.connection_kwargs
        assert (options["socket_timeout"], options["socket_connect_timeout"]) == (0.3, 0.3)
        assert client.connection_pool.make_connection().retry.get_retries() == 0

"""Ticks on the real server: who saves tells at most so often, and who listens hears it, whatever the server does."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from redis import Redis

from tests.servers import EmbeddedServer
from tests.waiting import wait_for
from webhook import embedded
from webhook.store import keys, ticks
from webhook.store.connection import connect
from webhook.store.ticks import QUIET, Area, Heard, Listener, Ticker

NOWHERE = "redis://127.0.0.1:1"
SECONDS = 10  # until a test gives up


class Clock:
    """Seconds, as the test says."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Heeding:
    """A listener, and the latest of what it knows."""

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self.heard = Heard(-1, {}, None)

    def until(self, condition: Callable[[Heard], bool], message: str) -> Heard:
        """The first that is known for which the condition holds."""

        def look() -> bool:
            self.heard = self.listener.wait(self.heard.number, 0.1)
            return condition(self.heard)

        wait_for(look, SECONDS, message)
        return self.heard

    def until_reached(self, reached: bool | None = True) -> Heard:
        return self.until(lambda heard: heard.reached is reached, f"reached does not become {reached}")


@pytest.fixture(autouse=True)
def _briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    """No listener goes on for long after its test."""
    monkeypatch.setattr(ticks, "LINGER", 1.0)


@pytest.fixture
def told(redis: Redis) -> Iterator[Callable[[], list[str]]]:
    """What was published since the last call."""
    with redis.pubsub() as messages:
        messages.subscribe(keys.TICKS)
        wait_for(lambda: messages.get_message(timeout=1), SECONDS, "no subscription")

        def read() -> list[str]:
            found: list[str] = []
            while message := messages.get_message(timeout=0.2):
                found.append(message["data"].decode())
            return found

        yield read


@pytest.fixture
def heeding(valkey: EmbeddedServer, redis: Redis) -> Heeding:
    """A listener at the empty server, by a client that is as impatient as the web's."""
    return Heeding(Listener(lambda: connect(embedded.url(valkey.var), 0.3)))


def patiently(redis: Redis) -> Ticker:
    """Who may always tell."""
    return Ticker(redis, now=iter(range(0, 10**6, 10)).__next__)


def test_a_tick_names_the_areas_in_one_message(redis: Redis, told: Callable[[], list[str]]) -> None:
    Ticker(redis).tick([Area.SESSIONS, Area.LOG])
    assert told() == ["log sessions"]


def test_the_same_area_is_told_again_only_after_a_while(redis: Redis, told: Callable[[], list[str]]) -> None:
    clock = Clock()
    ticker = Ticker(redis, clock)
    for seconds in (0.0, QUIET / 4, QUIET / 2):
        clock.now += seconds
        ticker.tick([Area.LOG])
    assert told() == ["log"]
    clock.now += QUIET / 2
    ticker.tick([Area.LOG])
    assert told() == ["log"]


def test_another_area_does_not_wait_for_it(redis: Redis, told: Callable[[], list[str]]) -> None:
    ticker = Ticker(redis, Clock())
    ticker.tick([Area.LOG])
    ticker.tick([Area.LOG, Area.ALERTS])
    assert told() == ["log", "alerts"]


def test_nothing_is_told_of_nothing(redis: Redis, told: Callable[[], list[str]]) -> None:
    Ticker(redis).tick([])
    assert told() == []


def test_with_redis_away_nothing_is_raised_and_one_line_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with connect(NOWHERE, 0.3) as away:
        ticker = patiently(away)
        for _ in range(3):
            ticker.tick([Area.LOG])
    assert caplog.text.count("pages notice by themselves") == 1


def test_what_is_told_is_heard_and_the_revision_grows(redis: Redis, heeding: Heeding) -> None:
    before = heeding.until_reached().revisions
    ticker = patiently(redis)
    for number in (1, 2):
        ticker.tick([Area.ALERTS])
        after = heeding.until(lambda heard, number=number: heard.revisions[Area.ALERTS] == number, "no tick").revisions  # type: ignore[misc]
        assert after == {**before, Area.ALERTS: number}


def test_many_ticks_at_once_are_heard_as_one_change(redis: Redis, heeding: Heeding) -> None:
    number = heeding.until_reached().number
    ticker = patiently(redis)
    for _ in range(20):
        ticker.tick([Area.LOG, Area.QUEUE])
    heard = heeding.until(lambda heard: heard.revisions[Area.LOG] > 0, "no tick")
    assert (heard.number, heard.revisions[Area.LOG], heard.revisions[Area.QUEUE]) == (number + 1, 1, 1)


def test_a_tick_is_passed_on_only_when_what_its_sender_keeps_back_meanwhile_is_saved(
    redis: Redis, heeding: Heeding
) -> None:
    heeding.until_reached()
    began = monotonic()
    Ticker(redis).tick([Area.LOG])
    heeding.until(lambda heard: heard.revisions[Area.LOG] > 0, "no tick")
    assert monotonic() - began > QUIET


@pytest.mark.parametrize("message", ["", "moons log", "log moons"])
def test_areas_of_a_later_release_are_passed_over(redis: Redis, heeding: Heeding, message: str) -> None:
    heeding.until_reached()
    redis.publish(keys.TICKS, message)
    redis.publish(keys.TICKS, "alerts")
    heard = heeding.until(lambda heard: heard.revisions[Area.ALERTS] > 0, "no tick")
    assert heard.revisions[Area.LOG] == ("log" in message)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedServer]:
    """A server that the test may kill."""
    with EmbeddedServer(tmp_path / "var") as own:
        own.start().close()
        yield own


def heeding_of(server: EmbeddedServer) -> Heeding:
    return Heeding(Listener(lambda: connect(embedded.url(server.var), 0.5)))


def subscribers(server: EmbeddedServer) -> int:
    with connect(embedded.url(server.var), 5.0) as client:
        ((_, count),) = client.pubsub_numsub(keys.TICKS)
    return int(count)


def test_however_many_wait_there_is_one_connection(server: EmbeddedServer) -> None:
    heeding = heeding_of(server)
    for _ in range(20):
        Heeding(heeding.listener).until_reached()
    assert subscribers(server) == 1


def test_with_nobody_waiting_there_is_none_and_whoever_comes_next_is_served(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ticks, "LINGER", 0.0)
    heeding = heeding_of(server)
    assert subscribers(server) == 0
    for _ in range(2):
        heeding.until_reached()
        wait_for(lambda: subscribers(server) == 0, SECONDS, "the connection stays")
    heeding.until_reached()


def test_a_server_that_only_has_nothing_to_say_is_not_away(
    redis: Redis, heeding: Heeding, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ticks, "PING_AFTER", 0.1)
    monkeypatch.setattr(ticks, "GIVEN_UP_AFTER", 1.5)
    number = heeding.until_reached().number

    def pinged() -> bool:
        stats: Any = redis.info("commandstats")
        heeding.listener.wait(number, 0.0)
        return int(stats.get("cmdstat_ping", {}).get("calls", 0)) >= 3

    redis.config_resetstat()
    wait_for(pinged, SECONDS, "the server is not asked")
    assert heeding.listener.wait(number, 0.0).number == number


def test_a_server_that_was_started_again_is_heard_again(server: EmbeddedServer) -> None:
    heeding = heeding_of(server)
    heeding.until_reached()
    server.kill()
    heeding.until_reached(False)
    with server.start() as client:
        heeding.until_reached()
        client.publish(keys.TICKS, "sessions")
        heeding.until(lambda heard: heard.revisions[Area.SESSIONS] == 1, "no tick")


def test_a_server_that_hangs_is_away_and_back_when_it_goes_on(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ticks, "PING_AFTER", 0.1)
    monkeypatch.setattr(ticks, "GIVEN_UP_AFTER", 1.0)
    heeding = heeding_of(server)
    heeding.until_reached()
    assert server.process
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        heeding.until_reached(False)
    finally:
        os.kill(server.process.pid, signal.SIGCONT)
    heeding.until_reached()


def test_one_line_is_logged_of_a_server_that_is_away(caplog: pytest.LogCaptureFixture) -> None:
    heeding = Heeding(Listener(lambda: connect(NOWHERE, 0.3)))
    heeding.until_reached(False)
    tries: list[int] = []

    def again() -> Redis:
        tries.append(1)
        return connect(NOWHERE, 0.3)

    heeding.listener._connect = again
    wait_for(lambda: len(tries) >= 2, SECONDS, "it is not tried again")
    assert caplog.text.count("127.0.0.1:1.") == 1

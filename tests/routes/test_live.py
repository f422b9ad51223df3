"""The live feed: what a page hears and when, how many may listen, and the same as gunicorn serves it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from http.client import HTTPConnection, HTTPResponse
from itertools import count
from pathlib import Path
from time import monotonic

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from werkzeug.test import TestResponse

from tests import unserved
from tests.routes.test_access import READER, bearer, guarded_settings
from tests.routes.test_ingest_served import Web, serving
from tests.servers import EmbeddedServer
from tests.store.build import raw, started
from tests.waiting import wait_for
from webhook import embedded
from webhook.routes import live
from webhook.routes.live import ALIVE_AFTER, LASTS, LOOK_EVERY, MOST_FEEDS, THROTTLE, Live, Pace
from webhook.store import keys, ticks
from webhook.store.connection import connect
from webhook.store.ticks import Area, Heard, Listener

SECONDS = 10  # until a test gives up
NOTHING = dict.fromkeys(Area, 0)


def heard(reached: bool | None = True, **revisions: int) -> Heard:
    return Heard(0, {**NOTHING, **{Area(name): number for name, number in revisions.items()}}, reached)


@pytest.fixture
def pace() -> Pace:
    """Of a page that knows that Redis is there."""
    pace = Pace(heard(), 0.0)
    assert pace.due(heard(), 0.0) == [("store", "back")]
    return pace


def test_a_change_is_told_at_once_and_once(pace: Pace) -> None:
    assert pace.due(heard(alerts=1), 0.1) == [("alerts", 1)]
    assert pace.due(heard(alerts=1), 0.2) == []


def test_changes_of_one_area_are_told_once_a_second_and_the_last_one_is_not_lost(pace: Pace) -> None:
    told = [pace.due(heard(log=number), number * THROTTLE / 4) for number in range(1, 7)]
    assert told == [[("log", 1)], [], [], [], [("log", 5)], []]
    assert pace.due(heard(log=6), 9 * THROTTLE / 4) == [("log", 6)]


def test_it_is_woken_when_what_waits_may_be_told(pace: Pace) -> None:
    pace.due(heard(log=1), 0.5)
    assert pace.patience(heard(log=2), 0.75) == THROTTLE - 0.25
    assert pace.patience(heard(log=1), 0.75) == LOOK_EVERY


def test_areas_do_not_wait_for_each_other(pace: Pace) -> None:
    pace.due(heard(log=1), 0.1)
    assert pace.due(heard(log=2, sessions=1), 0.2) == [("sessions", 1)]


def test_what_changed_before_the_feed_began_is_not_told() -> None:
    pace = Pace(heard(None, log=7), 0.0)
    assert pace.due(heard(None, log=7), 0.0) == []


@pytest.mark.parametrize(("reached", "word"), [(True, "back"), (False, "away")])
def test_a_page_is_told_how_redis_is_as_soon_as_somebody_knows(reached: bool, word: str) -> None:
    pace = Pace(heard(None), 0.0)
    assert pace.due(heard(None), 0.0) == []
    assert pace.due(heard(reached), 0.1) == [("store", word)]
    assert pace.due(heard(reached), 0.2) == []


def test_it_is_told_that_redis_went_and_that_it_is_back(pace: Pace) -> None:
    assert pace.due(heard(False), 1.0) == [("store", "away")]
    assert pace.due(heard(True), 2.0) == [("store", "back")]


def test_a_sign_of_life_is_given_only_when_nothing_else_was_said_for_a_while(pace: Pace) -> None:
    assert pace.due(heard(log=1), 3.0) == [("log", 1)]
    assert pace.due(heard(log=1), ALIVE_AFTER) == []
    assert pace.due(heard(log=1), 3.0 + ALIVE_AFTER) == [("alive", 1)]
    assert pace.patience(heard(log=1), 3.0 + 2 * ALIVE_AFTER) == 0.0


@pytest.fixture(autouse=True)
def _briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    """No listener goes on for long after its test."""
    monkeypatch.setattr(ticks, "LINGER", 1.0)


@pytest.fixture
def feeds(valkey: EmbeddedServer, application: Flask) -> Live:
    """Those of the application, which hear what is told on the server."""
    return put(application, Live(listening(valkey)))


def put(application: Flask, feeds: Live) -> Live:
    application.extensions[live.EXTENSION] = feeds
    return feeds


def listening(server: EmbeddedServer) -> Listener:
    return Listener(lambda: connect(embedded.url(server.var), 5.0))


def open_feed(client: FlaskClient) -> TestResponse:
    return client.get("/ops/live", buffered=False)


def read(answer: TestResponse) -> Iterator[str]:
    return (piece.decode() for piece in answer.iter_encoded())


def test_a_feed_is_an_event_stream_that_nobody_keeps_back(client: FlaskClient, feeds: Live) -> None:
    with closing(open_feed(client)) as answer:
        assert (answer.status_code, answer.mimetype) == (200, "text/event-stream")
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Accel-Buffering"] == "no"
        assert next(read(answer)) == "retry: 3000\n\n"


def test_a_feed_says_that_redis_is_there_and_then_what_changed(client: FlaskClient, feeds: Live, redis: Redis) -> None:
    with closing(open_feed(client)) as answer:
        pieces = read(answer)
        next(pieces)
        assert next(pieces) == "event: store\ndata: back\n\n"
        redis.publish(keys.TICKS, "alerts log")
        assert next(pieces) == "event: alerts\ndata: 1\n\nevent: log\ndata: 1\n\n"


def test_a_feed_that_nobody_reads_keeps_one_event_an_area(client: FlaskClient, feeds: Live, redis: Redis) -> None:
    with closing(open_feed(client)) as answer:
        pieces = read(answer)
        next(pieces)
        next(pieces)
        for number in range(1, 4):
            redis.publish(keys.TICKS, "log")
            wait_for(
                lambda number=number: feeds.listener.wait(-1, 0.0).revisions[Area.LOG] == number, SECONDS, "no tick"
            )  # type: ignore[misc]
        assert next(pieces) == "event: log\ndata: 3\n\n"


def test_a_feed_ends_after_a_while_and_has_its_page_come_back_at_once(
    client: FlaskClient, application: Flask, valkey: EmbeddedServer
) -> None:
    put(application, Live(listening(valkey), now=count(0.0, LASTS / 3).__next__))
    with closing(open_feed(client)) as answer:
        assert list(read(answer))[-1] == "retry: 100\n\n"


def test_without_redis_the_feed_says_so(client: FlaskClient, application: Flask) -> None:
    put(application, Live(Listener(lambda: connect("redis://127.0.0.1:1", 0.3))))
    with closing(open_feed(client)) as answer:
        pieces = read(answer)
        assert [next(pieces), next(pieces)][1] == "event: store\ndata: away\n\n"


def test_beyond_the_cap_a_page_is_told_to_ask_for_itself_until_another_is_closed(
    client: FlaskClient, application: Flask, feeds: Live
) -> None:
    with ExitStack() as opened:
        answers = [opened.enter_context(closing(open_feed(client))) for _ in range(MOST_FEEDS)]
        with application.app_context():
            assert live.open_feeds() == MOST_FEEDS
        refused = open_feed(client)
        assert (refused.status_code, refused.content_type) == (503, "application/problem+json")
        assert refused.headers["Retry-After"] == "60"
        answers[0].close()
        with closing(open_feed(client)) as another:
            assert another.status_code == 200
    assert feeds.open_feeds() == 0


def test_whoever_asks_without_reading_takes_no_place(client: FlaskClient, feeds: Live) -> None:
    client.head("/ops/live").close()
    wait_for(lambda: feeds.open_feeds() == 0, SECONDS, "a place is taken")


def test_a_page_that_has_left_ends_its_feed(valkey: EmbeddedServer) -> None:
    gone: list[bool] = []
    feed = Live(listening(valkey)).open(lambda: bool(gone))
    assert feed is not None
    pieces = iter(feed)
    next(pieces)
    gone.append(True)
    assert list(pieces) == ["retry: 100\n\n"]


def test_a_stranger_hears_nothing(redis: Redis, tmp_path: Path) -> None:
    guarded = unserved.create(guarded_settings(tmp_path), redis).test_client()
    assert guarded.get("/ops/live").mimetype != "text/event-stream"
    with closing(guarded.get("/ops/live", headers=bearer(READER), buffered=False)) as answer:
        assert answer.mimetype == "text/event-stream"


class Page:
    """What a browser's page hears of gunicorn."""

    def __init__(self, web: Web) -> None:
        self._connection = HTTPConnection("127.0.0.1", web.port, timeout=SECONDS)
        self._connection.request("GET", "/ops/live")
        self.answer: HTTPResponse = self._connection.getresponse()

    def until(self, name: str) -> str:
        """The value of the next event of that name."""
        while line := self.answer.readline():
            if line.decode().strip() == f"event: {name}":
                return self.answer.readline().decode().strip().removeprefix("data: ")
        raise AssertionError(f"the feed ended without {name}")

    def close(self) -> None:
        self.answer.close()
        self._connection.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(tmp_path / "server" / "var") as own:
        own.start().close()
        yield own


@pytest.fixture
def web(server: EmbeddedServer, tmp_path: Path) -> Iterator[Web]:
    directory = tmp_path / "web"
    directory.mkdir()
    with serving(server, directory) as web:
        yield web


@pytest.fixture
def teller(server: EmbeddedServer) -> Iterator[Redis]:
    """Who publishes."""
    with connect(embedded.url(server.var), 5.0) as client:
        yield client


def test_served_a_change_is_heard_within_a_second(web: Web, teller: Redis) -> None:
    with closing(Page(web)) as page:
        assert page.until("store") == "back"
        began = monotonic()
        teller.publish(keys.TICKS, "sessions")
        page.until("sessions")
        assert monotonic() - began < 1.0


def test_served_a_page_is_told_that_redis_went_and_came_and_then_what_changes(web: Web, server: EmbeddedServer) -> None:
    with closing(Page(web)) as page:
        assert page.until("store") == "back"
        server.kill()
        assert page.until("store") == "away"
        with server.start() as client:
            assert page.until("store") == "back"
            client.publish(keys.TICKS, "queue")
            page.until("queue")


def test_served_a_page_that_is_closed_makes_room_within_seconds(web: Web) -> None:
    def opens() -> bool:
        with closing(Page(web)) as another:
            return another.answer.status == 200

    with ExitStack() as opened:
        pages = [opened.enter_context(closing(Page(web))) for _ in range(MOST_FEEDS)]
        assert {page.answer.status for page in pages} == {200}
        assert not opens()
        pages[7].close()
        wait_for(opens, 3 * LOOK_EVERY, "its place stays taken")


def test_served_with_forty_pages_listening_posts_are_answered_as_before(web: Web, teller: Redis) -> None:
    with ExitStack() as opened:
        for page in [opened.enter_context(closing(Page(web))) for _ in range(40)]:
            page.until("store")

        def post(number: int) -> tuple[int, float]:
            teller.publish(keys.TICKS, "sessions log queue alerts")
            return web.timed(raw(started(f"s{number}")))

        with ThreadPoolExecutor(4) as threads:
            answers = list(threads.map(post, range(300)))
    assert {status for status, _ in answers} == {200}
    assert sorted(took for _, took in answers)[297] < 0.3

"""Readers that share round trips."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
from redis import Redis

from tests.routes.dashboard.counting import Counting
from tests.servers import EmbeddedServer
from webhook import embedded
from webhook.domain.errors import StoreError
from webhook.store.connection import connect
from webhook.store.rounds import Reader, Tried, read, read_rounds, read_together


def value(key: str) -> Reader[bytes | None]:
    (found,) = yield [("GET", key)]
    return found  # type: ignore[no-any-return]


def followed(key: str) -> Reader[bytes | None]:
    """The value of the key that `key` names."""
    name = yield from value(key)
    return (yield from value((name or b"").decode()))


def known(answer: Any) -> Reader[Any]:
    """One that asks nothing."""
    yield []
    return answer


def at_once(answer: Any) -> Reader[Any]:
    """One that has no step."""
    return answer
    yield []  # pragma: no cover


@pytest.fixture
def counting(redis: Redis) -> Counting:
    redis.mset({"a": "1", "b": "2", "to": "a"})
    return Counting(connection_pool=redis.connection_pool)


def test_a_reader_returns_what_it_read(counting: Counting) -> None:
    assert read(counting, "reading", followed("to")) == b"1"
    assert counting.trips == 2


def test_several_readers_share_each_step(counting: Counting) -> None:
    assert read_together(counting, "reading", value("a"), followed("to"), value("b")) == (b"1", b"1", b"2")
    assert counting.trips == 2


def test_readers_made_of_readers_share_them_too(counting: Counting) -> None:
    nested = read_rounds(read_rounds(followed("to"), value("b")), value("a"))
    assert read(counting, "reading", nested) == ((b"1", b"2"), b"1")
    assert counting.trips == 2


@pytest.mark.parametrize("reader", [known, at_once])
def test_one_that_asks_nothing_costs_nothing(counting: Counting, reader: Any) -> None:
    assert read(counting, "reading", reader("x")) == "x"
    assert read_together(counting, "reading", reader("x"), reader("y")) == ("x", "y")
    assert counting.trips == 0
    assert read_together(counting, "reading", reader("x"), value("a")) == ("x", b"1")
    assert counting.trips == 1


def test_none_at_all_read_nothing(counting: Counting) -> None:
    assert read_together(counting, "reading") == ()


def test_what_a_server_may_refuse_is_none_where_it_does_and_the_rest_is_read(counting: Counting) -> None:
    def asking() -> Generator[Any, list[Any], list[Any]]:
        return (yield [("GET", "a"), Tried(("CONFIG", "NONSENSE")), Tried(("GET", "b"))])

    assert read(counting, "reading", asking()) == [b"1", None, b"2"]


@pytest.mark.parametrize("more", [(), (Tried(("CONFIG", "NONSENSE")),)])
def test_what_no_server_may_refuse_is_a_store_error_that_says_what_was_done(
    counting: Counting, more: tuple[Any, ...]
) -> None:
    def asking() -> Generator[Any, list[Any], list[Any]]:
        return (yield [("HGETALL", "a"), *more])

    with pytest.raises(StoreError, match=r"reading the colours of things: ResponseError.*WRONGTYPE"):
        read(counting, "reading the colours of things", asking())


def test_a_server_that_is_away_is_a_store_error_that_says_what_was_done(tmp_path: Any) -> None:
    with (
        connect(embedded.url(tmp_path / "none"), 0.2) as away,
        pytest.raises(StoreError, match="counting stars: ConnectionError"),
    ):
        read(away, "counting stars", value("a"))


@pytest.mark.parametrize("protocol", [2, 3])
def test_scores_are_numbers_whichever_protocol_is_spoken(redis: Redis, valkey: EmbeddedServer, protocol: int) -> None:
    redis.zadd("places", {"x": 3, "y": 4})

    def asking() -> Generator[Any, list[Any], list[Any]]:
        (found,) = yield [("ZRANGE", "places", 0, -1, "WITHSCORES")]
        return [(member, score) for member, score in found]

    with connect(f"{embedded.url(valkey.var)}?protocol={protocol}", 5) as client:
        assert read(client, "reading", asking()) == [(b"x", 3.0), (b"y", 4.0)]

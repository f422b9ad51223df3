"""Connections: errors become ours, the number of shards is fixed at the first start."""

from __future__ import annotations

import pytest
from redis import Redis, exceptions
from redis.exceptions import AuthenticationError, RedisError, ResponseError

from webhook.domain.errors import StoreError, WrongShards
from webhook.store import keys
from webhook.store.connection import claim_shards, server_now_ms, store_errors


@pytest.mark.parametrize(
    "raised", [RedisError, ResponseError, AuthenticationError, exceptions.ConnectionError, exceptions.TimeoutError]
)
def test_whatever_redis_raises_says_what_was_being_done(raised: type[Exception]) -> None:
    with pytest.raises(StoreError, match=f"counting sheep: {raised.__name__}: why"), store_errors("counting sheep"):
        raise raised("why")


def test_what_others_raise_is_left_alone() -> None:
    with pytest.raises(KeyError), store_errors("counting sheep"):
        raise KeyError


def test_the_first_start_writes_the_number_of_shards_and_the_next_agrees(redis: Redis) -> None:
    claim_shards(redis, 4)
    claim_shards(redis, 4)
    assert redis.get(keys.SHARDS) == b"4"


def test_another_number_of_shards_is_refused_with_what_to_do(redis: Redis) -> None:
    claim_shards(redis, 4)
    with pytest.raises(WrongShards, match=r"VIGIL_SHARDS is 8, but what is in Redis .* with 4: set VIGIL_SHARDS=4"):
        claim_shards(redis, 8)
    assert redis.get(keys.SHARDS) == b"4"


def test_the_servers_clock_is_in_milliseconds(redis: Redis) -> None:
    seconds, _ = redis.time()
    assert 0 <= server_now_ms(redis) - seconds * 1000 < 10_000

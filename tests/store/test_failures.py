"""How often an address failed to sign in."""

from __future__ import annotations

from redis import Redis

from webhook.store import failures, keys


def test_each_address_has_a_count_of_its_own(redis: Redis) -> None:
    assert failures.count(redis, "192.0.2.1") == 0
    failures.add(redis, "192.0.2.1")
    failures.add(redis, "192.0.2.1")
    failures.add(redis, "2001:db8::1")
    assert [failures.count(redis, address) for address in ("192.0.2.1", "2001:db8::1", "192.0.2.2")] == [2, 1, 0]


def test_it_is_forgotten_a_minute_after_the_first_however_many_follow(redis: Redis) -> None:
    failures.add(redis, "192.0.2.1")
    redis.expire(keys.sign_in_failures("192.0.2.1"), 7)
    failures.add(redis, "192.0.2.1")
    assert redis.ttl(keys.sign_in_failures("192.0.2.1")) <= 7


def test_the_first_failure_begins_a_minute(redis: Redis) -> None:
    failures.add(redis, "192.0.2.1")
    assert 0 < redis.ttl(keys.sign_in_failures("192.0.2.1")) <= failures.WINDOW == 60

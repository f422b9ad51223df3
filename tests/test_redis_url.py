"""REDIS_URL: what redis-py reads, and sentinels; a mistake is named, a password never shown."""

from __future__ import annotations

import pytest

from webhook.redis_url import PARAMETERS, SENTINEL_PORT, Sentinels, check, parse_sentinels
from webhook.store.connection import connect


def sentinels(url: str) -> Sentinels:
    found = parse_sentinels(url)
    assert found
    return found


@pytest.mark.parametrize(
    "url",
    [
        "redis://host",
        "redis://:secret@host:6379/3",
        "rediss://user:secret@host:6380",
        "redis://[::1]:6379/0",
        "unix:///run/valkey.sock?db=1",
        "redis+sentinel://a,b,c/vigil",
    ],
)
def test_what_can_be_used_is_left_as_it_is(url: str) -> None:
    assert check(url) == url
    assert (parse_sentinels(url) is None) is ("sentinel" not in url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "host:6379",
        "http://hidden@host",
        "redis://:hidden@host:port",
        "redis://:hidden@host:99999",
        "redis+sentinel://:hidden@a,b",
        "redis+sentinel://:hidden@/vigil",
        "redis+sentinel://:hidden@a,,b/vigil",
        "redis+sentinel://:hidden@a:x/vigil",
        "redis+sentinel://:hidden@a/vigil/first",
        "redis+sentinel:///vigil",
        "redis-sentinel://a/vigil",
    ],
)
def test_what_cannot_be_used_is_refused_with_the_forms_there_are_and_nothing_of_itself(url: str) -> None:
    with pytest.raises(ValueError, match=r"write redis://host:6379/0, .* redis\+sentinel://") as caught:
        check(url)
    assert "hidden" not in str(caught.value)


def test_sentinels_are_several_hosts_and_the_name_of_the_primary() -> None:
    found = sentinels("redis+sentinel://a:1,b,[::1]:3/vigil/2")
    assert found.hosts == [("a", 1), ("b", SENTINEL_PORT), ("::1", 3)]
    assert (found.service, found.database, found.tls) == ("vigil", 2, False)
    assert (found.username, found.password, found.sentinel_password) == (None, None, None)


def test_tls_is_for_the_scheme_with_two_s() -> None:
    assert sentinels("rediss+sentinel://a/vigil").tls


@pytest.mark.parametrize(
    ("credentials", "username", "password"),
    [
        (":secret", None, "secret"),
        ("ann:secret", "ann", "secret"),
        ("ann:s%40%2F%3A%2C", "ann", "s@/:,"),
        ("", None, None),
    ],
)
def test_credentials_are_those_of_the_servers_percent_decoded(
    credentials: str, username: str | None, password: str | None
) -> None:
    found = sentinels(f"redis+sentinel://{credentials}@a,b/vigil")
    assert (found.username, found.password) == (username, password)
    assert found.hosts == [("a", SENTINEL_PORT), ("b", SENTINEL_PORT)]


def test_sentinels_may_have_a_password_of_their_own() -> None:
    found = sentinels("redis+sentinel://:secret@a/vigil?sentinel_password=an%2Bother")
    assert (found.password, found.sentinel_password) == ("secret", "an+other")


def test_no_password_shows_where_sentinels_are_printed() -> None:
    assert "secret" not in repr(sentinels("redis+sentinel://ann:secret@a/vigil?sentinel_password=secret"))


@pytest.mark.parametrize(
    ("url", "known"),
    [
        ("redis://host?hidden=1", "client_name, db"),
        ("redis://host/0?db=1&hidden", "client_name, db"),
        ("unix:///run/valkey.sock?hidden=1", "client_name, db"),
        ("redis+sentinel://a/vigil?hidden=1", "sentinel_password"),
    ],
)
def test_a_parameter_that_nobody_would_heed_is_refused_with_those_there_are(url: str, known: str) -> None:
    with pytest.raises(ValueError, match=known) as caught:
        check(url)
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_parameters_that_are_taken_are_known_to_the_library(name: str) -> None:
    scheme = "rediss" if name.startswith("ssl") else "redis"
    value = {"db": "1", "protocol": "3", "health_check_interval": "5", "ssl_min_version": ""}.get(name, "")
    with connect(check(f"{scheme}://host?{name}={value}"), 0.1) as redis:
        redis.connection_pool.make_connection()

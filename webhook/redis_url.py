"""REDIS_URL as Vigil takes it: what redis-py reads, and the form for sentinels, which redis-py has none for."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import parse_qs, unquote, urlsplit

from msgspec import Struct

SCHEMES = ("redis", "rediss", "unix")
SENTINEL_SCHEMES = {"redis+sentinel": False, "rediss+sentinel": True}  # whether the servers speak TLS
SENTINEL_PORT = 26379
PARAMETERS = (
    "client_name",
    "db",
    "health_check_interval",
    "password",
    "protocol",
    "socket_keepalive",
    "ssl_ca_certs",
    "ssl_ca_path",
    "ssl_cert_reqs",
    "ssl_certfile",
    "ssl_check_hostname",
    "ssl_keyfile",
    "ssl_keyfile_password",
    "ssl_min_version",
    "username",
)  # of a server's URL, that change what is said to it and not how long it is waited for
ADVICE = (
    "not a URL of Redis; write redis://host:6379/0, rediss://…, unix:///path, "
    "or redis+sentinel://:password@host1:26379,host2:26379/name-of-the-primary/0, the password percent-encoded"
)


class UnknownParameterError(ValueError):
    """The query of a URL has a parameter that nobody would heed; redis-py would say so at each connection."""


class Sentinels(Struct, frozen=True):
    """Who is asked which server is the primary called `service`, and how that one is entered."""

    hosts: list[tuple[str, int]]
    service: str
    database: int
    username: str | None
    password: str | None
    sentinel_password: str | None
    tls: bool

    def __repr__(self) -> str:
        return f"Sentinels(hosts={self.hosts!r}, service={self.service!r})"


def check(url: str) -> str:
    """`url` itself. Raises ValueError, which does not show it, where it is none that `connect` can use."""
    try:
        if parse_sentinels(url) is not None or _is_plain(url):
            return url
    except UnknownParameterError:
        raise
    except ValueError:
        pass
    raise ValueError(ADVICE)


def parse_sentinels(url: str) -> Sentinels | None:
    """The sentinels that `url` names; None where it names a server. Raises ValueError where it names neither."""
    scheme, _, rest = url.partition("://")
    if scheme not in SENTINEL_SCHEMES:
        return None
    place, _, query = rest.partition("?")
    network, _, path = place.partition("/")
    credentials, _, hosts = network.rpartition("@")
    username, _, password = credentials.partition(":")
    service, _, database = path.partition("/")
    if not hosts or not service:
        raise ValueError(ADVICE)
    return Sentinels(
        hosts=[_host(each) for each in hosts.split(",")],
        service=unquote(service),
        database=int(database or 0),
        username=unquote(username) or None,
        password=unquote(password) or None,
        sentinel_password=_sentinel_password(query),
        tls=SENTINEL_SCHEMES[scheme],
    )


def _sentinel_password(query: str) -> str | None:
    _check_parameters(query, {"sentinel_password"})
    return parse_qs(query).get("sentinel_password", [None])[0]


def _check_parameters(query: str, known: Collection[str]) -> None:
    if parse_qs(query, keep_blank_values=True).keys() - set(known):  # its name may be half a password
        raise UnknownParameterError(f"its parameters can be {', '.join(sorted(known))}; there is another")


def _host(part: str) -> tuple[str, int]:
    found = urlsplit(f"//{part}")
    if not found.hostname:
        raise ValueError(ADVICE)
    return found.hostname, found.port or SENTINEL_PORT


def _is_plain(url: str) -> bool:
    parts = urlsplit(url)
    _check_parameters(parts.query, PARAMETERS)
    return parts.scheme in SCHEMES and (parts.scheme == "unix" or parts.port is None or parts.port > 0)

"""REDIS_URL as Vigil takes it: what redis-py reads, and the form for sentinels, which redis-py has none for."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

from msgspec import Struct

SCHEMES = ("redis", "rediss", "unix")
SENTINEL_SCHEMES = {"redis+sentinel": False, "rediss+sentinel": True}  # whether the servers speak TLS
SENTINEL_PORT = 26379
ADVICE = (
    "not a URL of Redis; write redis://host:6379/0, rediss://…, unix:///path, "
    "or redis+sentinel://:password@host1:26379,host2:26379/name-of-the-primary/0, the password percent-encoded"
)


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
        sentinel_password=parse_qs(query).get("sentinel_password", [None])[0],
        tls=SENTINEL_SCHEMES[scheme],
    )


def _host(part: str) -> tuple[str, int]:
    found = urlsplit(f"//{part}")
    if not found.hostname:
        raise ValueError(ADVICE)
    return found.hostname, found.port or SENTINEL_PORT


def _is_plain(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in SCHEMES and (parts.scheme == "unix" or parts.port is None or parts.port > 0)

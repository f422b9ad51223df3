"""All that Redis holds, as bytes to look for something in: names of keys, and values whatever their type."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from redis import Redis


def everything(redis: Redis, *, but: str | None = None) -> bytes:
    """Every key and value, one after the other; those whose key ends in `but` left out."""
    names = sorted(redis.scan_iter(count=1000))
    wanted = [name for name in names if but is None or not name.endswith(but.encode())]
    return b"\n".join(part for name in wanted for part in (name, *map(opened, values_of(redis, name))))


def values_of(redis: Redis, key: bytes) -> Iterator[bytes]:
    kind = redis.type(key)
    if kind == b"string":
        yield redis.get(key) or b""
    elif kind == b"hash":
        yield from (word for pair in redis.hgetall(key).items() for word in pair)
    elif kind == b"list":
        yield from redis.lrange(key, 0, -1)
    elif kind == b"stream":
        yield from (word for _, fields in redis.xrange(key) for pair in fields.items() for word in pair)
    else:
        yield from redis.smembers(key) if kind == b"set" else redis.zrange(key, 0, -1)


def opened(value: bytes) -> bytes:
    """`value` itself and, where it is compressed, what is in it."""
    try:
        return value + zlib.decompress(value)
    except zlib.error:
        return value

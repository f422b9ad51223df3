"""What people did, who, when and why: the newest thousand."""

from __future__ import annotations

import msgspec
from msgspec import Struct
from redis import Redis

from webhook.store import keys
from webhook.store.connection import server_now_ms, store_errors

MOST_DEEDS = 1000


class Deed(Struct, frozen=True):
    """One thing that somebody did. `subject` is what it was done to, `at_ms` when by the server's clock."""

    at_ms: int
    by: str
    action: str
    subject: str
    reason: str | None = None


def note(redis: Redis, by: str, action: str, subject: str, reason: str | None = None) -> None:
    """Adds to the list. Raises StoreError."""
    with store_errors("noting what was done"):
        deed = Deed(server_now_ms(redis), by, action, subject, reason)
        with redis.pipeline(transaction=True) as pipe:
            pipe.lpush(keys.AUDIT, msgspec.json.encode(deed))
            pipe.ltrim(keys.AUDIT, 0, MOST_DEEDS - 1)
            pipe.execute()


def deeds(redis: Redis, most: int) -> list[Deed]:
    """The newest, last done first. Raises StoreError."""
    with store_errors("reading what was done"):
        return [msgspec.json.decode(stored, type=Deed) for stored in redis.lrange(keys.AUDIT, 0, most - 1)]

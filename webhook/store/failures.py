"""How often an address failed to sign in lately."""

from __future__ import annotations

from redis import Redis

from webhook.store import keys
from webhook.store.connection import store_errors

WINDOW = 60  # seconds since the first of them


def count(redis: Redis, address: str) -> int:
    """The failures of the address that still count. Raises StoreError."""
    with store_errors("reading how often signing in failed"):
        return int(redis.get(keys.sign_in_failures(address)) or 0)


def add(redis: Redis, address: str) -> None:
    """Counts one more. Raises StoreError."""
    key = keys.sign_in_failures(address)
    with store_errors("counting a failure to sign in"), redis.pipeline(transaction=True) as pipe:
        pipe.set(key, 0, ex=WINDOW, nx=True)
        pipe.incr(key)
        pipe.execute()

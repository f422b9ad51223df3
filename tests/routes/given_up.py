"""Deliveries that were given up."""

from __future__ import annotations

from typing import Any

from redis import Redis

from tests.store.outboxes import Delivery, Taking, put, refuse, telling
from webhook.store.connection import server_now_ms
from webhook.store.keys import SinkKeys


def given_up(redis: Redis, *alerts: str, shard: int = 0, **more: Any) -> Delivery:
    """A delivery of each of these alerts to the sink `ops`, given up in turn."""
    delivery = Delivery(redis, Taking(refuse(permanent=True)))
    begun_ms = server_now_ms(redis)
    for number, alert in enumerate(alerts):
        put(redis, telling(alert, **more), shard=shard)
        redis.delete(SinkKeys("ops").state)  # or it would rest after three
        delivery.run(begun_ms + number)
    return delivery

"""What every product's module provides, as one value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from webhook.domain.envelope import Envelope
from webhook.domain.events import Event


class EventType(Struct, frozen=True):
    """One row of a product's event table. `rank` orders types at one instant, terminal ones last."""

    name: str
    rank: int
    decode: Callable[[Mapping[str, Any]], Event]
    clock: tuple[str, ...] = ()  # where in `details` the event's own time may stand, before the payload's


class Product(Struct, frozen=True):
    """A product's event table and where its payloads name what they speak of."""

    name: str
    product_id: int
    events: Mapping[int, EventType]
    session_id: Callable[[Envelope], str | None]
    channel: Callable[[Envelope], str | None]
    teller: Callable[[Envelope], str | None]
    occurred_ms: Callable[[Envelope], int | None]
    sequence: Callable[[Envelope], int | None]
    effect: Callable[[Event], str | None]

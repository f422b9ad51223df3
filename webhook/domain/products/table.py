"""What every product's module provides, as one value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from webhook.domain.envelope import Envelope
from webhook.domain.facts import Event


def no_sequence(envelope: Envelope) -> int | None:
    """None: the product does not number its notifications."""
    return None


def no_teller(envelope: Envelope) -> str | None:
    """None: the product has one speaker."""
    return None


def no_effect(event: Event) -> str | None:
    """None: nothing in the product has to be counted once."""
    return None


def whole_payload(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """The payload itself: the product puts its fields there."""
    return payload


class EventType(Struct, frozen=True):
    """One row of a product's event table. `rank` orders types at one instant, terminal ones last.

    `decode` gets what the product's `content` picks from the payload, and raises Undecodable. `fields` are the names
    that are known there: others are counted as schema drift.
    """

    name: str
    rank: int
    decode: Callable[[Mapping[str, Any]], Event]
    clock: tuple[str, ...] = ()  # where in the content the event's own time may stand, before the payload's
    fields: frozenset[str] = frozenset()


class Product(Struct, frozen=True, kw_only=True):
    """A product's event table and where its payloads name what they speak of.

    `product_id` is None where the number is not documented; then `recognises` tells its payloads by their shape.
    `occurred_ms` is None for events without a time of their own. `fields` are the known names of the payload.
    `routes_by_channel` only where every event names the channel: all that concerns one entity has to reach one shard.
    `nameless` is what an operator reads where `session_id` finds none.
    """

    name: str
    product_id: int | None
    events: Mapping[int, EventType]
    session_id: Callable[[Envelope, str], str | None]
    channel: Callable[[Envelope], str | None]
    occurred_ms: Callable[[Envelope], int | None]
    sequence: Callable[[Envelope], int | None] = no_sequence
    teller: Callable[[Envelope], str | None] = no_teller
    effect: Callable[[Event], str | None] = no_effect
    content: Callable[[Mapping[str, Any]], Mapping[str, Any]] = whole_payload
    recognises: Callable[[Mapping[str, Any]], bool] | None = None
    fields: frozenset[str] = frozenset()
    routes_by_channel: bool = True
    nameless: str = "neither payload.sid nor the envelope's sid names a session"

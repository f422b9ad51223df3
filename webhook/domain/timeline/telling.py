"""Entries of a session's log, read back for its timeline.

Only what lanes need is decoded: what is kept is masked already, and its identity is not needed again. That takes a
quarter of the time that reading the notification took, and a timeline reads thousands.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from webhook.domain.decoding import UNKNOWN_RANK, product_of
from webhook.domain.envelope import Envelope
from webhook.domain.errors import Undecodable
from webhook.domain.events import Unrecognised
from webhook.domain.facts import Event
from webhook.domain.log import Entry, least_notice_id
from webhook.domain.products.table import Product


class _Outer(Struct):
    payload: dict[str, Any]
    sid: Any = None


_decoder = msgspec.json.Decoder(_Outer, float_hook=Decimal)


class Told(NamedTuple):
    """What one entry says. Event time in ms; `notice_id` is the least of its copies'."""

    at_ms: int
    sequence: int  # -1 where the sender numbers nothing
    rank: int
    teller: str | None
    event: Event
    notice_id: str
    product: str
    event_type: int


def tell(entry: Entry) -> Told | None:
    """What the entry says; None where it is one of no session, or a dead letter."""
    if entry.product_id is None or entry.event_type is None or entry.occurred_ms is None:
        return None
    outer = _decoder.decode(entry.body)
    sid = outer.sid if isinstance(outer.sid, str) else None
    envelope = Envelope("", entry.product_id, entry.event_type, None, outer.payload, sid)
    product = product_of(envelope)
    if product is None:
        return None
    try:
        event, rank = _event(product, envelope)
    except Undecodable:
        return None
    sequence = product.sequence(envelope)
    return Told(
        entry.occurred_ms,
        -1 if sequence is None else sequence,
        rank,
        product.teller(envelope),
        event,
        least_notice_id(entry),
        product.name,
        entry.event_type,
    )


def _event(product: Product, envelope: Envelope) -> tuple[Event, int]:
    row = product.events.get(envelope.event_type)
    if row is None:
        return Unrecognised(), UNKNOWN_RANK
    return row.decode(product.content(envelope.payload)), row.rank

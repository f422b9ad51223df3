"""Envelope to Fact: dispatch by (productId, type), never by type alone (agora-notifications.md, section 3)."""

from __future__ import annotations

from msgspec import Struct

from webhook.domain.envelope import Envelope, identity
from webhook.domain.errors import Undecodable
from webhook.domain.events import Event, Undecoded, Unrecognised
from webhook.domain.facts import Fact, Order
from webhook.domain.products.recording import RECORDING
from webhook.domain.products.table import Product
from webhook.domain.wire import mapping, text

PRODUCTS: dict[int, Product] = {product.product_id: product for product in (RECORDING,)}
TEST_CHANNEL = "test_webhook"
UNKNOWN_PRODUCT = "unknown"
UNKNOWN_RANK = 0
LONGEST_ID = 256
CHANNEL_KEYS = ("cname", "channelName", "channel")


class Origin(Struct, frozen=True):
    """Where a notification came from, and when it was received by the server's clock."""

    source: str
    project: str
    received_ms: int


def product_of(envelope: Envelope) -> Product | None:
    """The product that the envelope speaks of, or None where its number is not known."""
    return PRODUCTS.get(envelope.product_id)


def product_name(product_id: int | None) -> str:
    """The product's name in the API; `unknown` for numbers without a table."""
    product = PRODUCTS.get(product_id) if product_id is not None else None
    return product.name if product else UNKNOWN_PRODUCT


def event_name(product_id: int | None, event_type: int | None) -> str | None:
    """The name of an event type in its product's table, or None."""
    product = PRODUCTS.get(product_id) if product_id is not None else None
    row = product.events.get(event_type) if product and event_type is not None else None
    return row.name if row else None


def is_test(envelope: Envelope) -> bool:
    """Whether this is a synthetic notification of the Console's health check, which makes no session (section 1)."""
    return channel_of(envelope) == TEST_CHANNEL


def channel_of(envelope: Envelope) -> str | None:
    """The channel that the payload names, whatever the product, or None."""
    product = product_of(envelope)
    if product:
        return product.channel(envelope)
    return next(filter(None, (text(envelope.payload.get(key)) for key in CHANNEL_KEYS)), None)


def routing_key(project: str, envelope: Envelope) -> str:
    """What decides the shard: all that concerns one channel of a project is folded by one worker at a time."""
    channel = channel_of(envelope)
    if channel is not None:
        return f"{project}\x1f{channel}"
    product = product_of(envelope)
    return (product.session_id(envelope) if product else None) or envelope.notice_id


def decode(envelope: Envelope, origin: Origin) -> Fact | None:
    """The fact that the envelope states, or None where its product is unknown and it therefore has no session.

    A type that its product's table lacks becomes Unrecognised, a known one without what it needs Undecoded. Raises
    Undecodable where no session is named.
    """
    product = product_of(envelope)
    if product is None:
        return None
    session_id = product.session_id(envelope)
    if session_id is None:
        raise Undecodable("neither payload.sid nor the envelope's sid names a session")
    if len(session_id) > LONGEST_ID:
        raise Undecodable(f"the session's id has {len(session_id)} characters; at most {LONGEST_ID} are an id")
    event, rank = _event(product, envelope)
    at_ms = product.occurred_ms(envelope) or envelope.notified_ms or origin.received_ms
    sequence = product.sequence(envelope)
    return Fact(
        identity=identity(origin.project, envelope),
        product=product.name,
        project=origin.project,
        source=origin.source,
        channel=product.channel(envelope),
        session_id=session_id,
        event_type=envelope.event_type,
        order=Order(at_ms, -1 if sequence is None else sequence, rank),
        received_ms=origin.received_ms,
        teller=product.teller(envelope),
        event=event,
        effect=product.effect(event),
    )


def _event(product: Product, envelope: Envelope) -> tuple[Event, int]:
    row = product.events.get(envelope.event_type)
    if row is None:
        return Unrecognised(), UNKNOWN_RANK
    try:
        return row.decode(mapping(envelope.payload.get("details"))), row.rank
    except Undecodable as mistake:
        return Undecoded(str(mistake)), row.rank

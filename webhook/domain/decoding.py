"""Envelope to Fact: dispatch by (productId, type), never by type alone (agora-notifications.md, section 3)."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from webhook.domain.channels import parse_channel_id
from webhook.domain.envelope import Envelope, identity
from webhook.domain.errors import Undecodable
from webhook.domain.events import Undecoded, Unrecognised
from webhook.domain.facts import Event, Fact, Order
from webhook.domain.products.cloud_transcoding import CLOUD_TRANSCODING
from webhook.domain.products.conversational_ai import CONVERSATIONAL_AI
from webhook.domain.products.media_gateway import MEDIA_GATEWAY
from webhook.domain.products.media_pull import MEDIA_PULL
from webhook.domain.products.media_push import MEDIA_PUSH
from webhook.domain.products.recording import RECORDING
from webhook.domain.products.rtc import RTC
from webhook.domain.products.speech_to_text import SPEECH_TO_TEXT, SPEECH_TO_TEXT_TASKS
from webhook.domain.products.table import Product
from webhook.domain.wire import text

TABLES: tuple[Product, ...] = (
    RECORDING,
    RTC,
    MEDIA_PULL,
    MEDIA_PUSH,
    MEDIA_GATEWAY,
    CLOUD_TRANSCODING,
    CONVERSATIONAL_AI,
    SPEECH_TO_TEXT,
    SPEECH_TO_TEXT_TASKS,
)
PRODUCTS: dict[int, Product] = {table.product_id: table for table in TABLES if table.product_id is not None}
SHAPED: tuple[Product, ...] = tuple(table for table in TABLES if table.recognises is not None)
UNNUMBERED: tuple[Product, ...] = tuple(table for table in SHAPED if table.product_id is None)
BY_NAME: dict[str, Product] = {table.name: table for table in TABLES}
TASK = "taskId"  # without which no product of UNNUMBERED has a session
TEST_CHANNEL = "test_webhook"
EVENT_NAMES: dict[tuple[str, int], str] = {
    (table.name, event_type): row.name for table in TABLES for event_type, row in table.events.items()
}
OLDER_PRODUCTS = frozenset({2, 7})  # documented once, and without an entity that has a status
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
    """The product that the envelope speaks of, or None. Its number decides, its shape only where that says nothing.

    That is where the number is not known, or the table under it lacks the type or finds no session: then products
    whose own number is not documented may have it.
    """
    known = PRODUCTS.get(envelope.product_id)
    if envelope.product_id in OLDER_PRODUCTS:
        return None
    if known is None:
        return _shaped(SHAPED, envelope.payload)
    shaped = _shaped(UNNUMBERED, envelope.payload) if TASK in envelope.payload else None
    if shaped is None:
        return known
    understood = envelope.event_type in known.events and known.session_id(envelope, "") is not None
    return known if understood else shaped


def _shaped(tables: tuple[Product, ...], payload: dict[str, Any]) -> Product | None:
    for table in tables:
        if table.recognises is not None and table.recognises(payload):
            return table
    return None


def event_name(product: str, event_type: int | None) -> str | None:
    """The name of an event type in a table of the product called so, or None."""
    return None if event_type is None else EVENT_NAMES.get((product, event_type))


def is_test(envelope: Envelope) -> bool:
    """Whether this is a synthetic notification of the Console's health check, which makes no session (section 1)."""
    told = (text(envelope.payload.get(key)) for key in CHANNEL_KEYS)
    return TEST_CHANNEL in told or channel_of(envelope) == TEST_CHANNEL


def channel_of(envelope: Envelope) -> str | None:
    """The channel that the payload names, whatever the product, or None."""
    product = product_of(envelope)
    if product:
        return product.channel(envelope)
    return next(filter(None, (text(envelope.payload.get(key)) for key in CHANNEL_KEYS)), None)


def routing_key(project: str, envelope: Envelope) -> str:
    """What decides the shard: all that concerns one channel of a project is folded by one worker at a time.

    Where some events of a product lack the channel the entity's id decides, so that no entity is in two shards.
    """
    product = product_of(envelope)
    channel = channel_of(envelope) if product is None or product.routes_by_channel else None
    if channel is not None:
        return routing_key_of_channel(project, channel)
    return (product.session_id(envelope, project) if product else None) or envelope.notice_id


def routing_key_of_channel(project: str, channel: str) -> str:
    """The routing key of what concerns a channel."""
    return f"{project}\x1f{channel}"


def routes_by_channel(product: str) -> bool:
    """Whether sessions of the product called so are in the shard of their channel."""
    table = BY_NAME.get(product)
    return table is not None and table.routes_by_channel


def decode(envelope: Envelope, origin: Origin) -> Fact | None:
    """The fact that the envelope states, or None where its product, or its type and its session, are unknown.

    A type that its product's table lacks becomes Unrecognised, a known one without what it needs Undecoded. Raises
    Undecodable where no session is named.
    """
    product = product_of(envelope)
    if product is None:
        return None
    session_id = product.session_id(envelope, origin.project)
    if session_id is None and envelope.event_type not in product.events:
        return None
    if session_id is None:
        raise Undecodable(product.nameless)
    if (length := _told_length(session_id)) > LONGEST_ID:
        raise Undecodable(f"the session's id has {length} characters; at most {LONGEST_ID} are an id")
    if product.routes_by_channel and product.channel(envelope) is None:
        raise Undecodable("the payload names no channel, which decides where a session of this product is folded")
    event, rank = _event(product, envelope)
    own_ms = product.occurred_ms(envelope)
    at_ms = own_ms or envelope.notified_ms or origin.received_ms
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
        timeless=own_ms is None,
    )


def _told_length(session_id: str) -> int:
    """How long the id is, or the channel name in it: what percent signs make of a name is nobody's fault."""
    named = parse_channel_id(session_id)
    return len(session_id) if named is None else len(named[1])


def _event(product: Product, envelope: Envelope) -> tuple[Event, int]:
    row = product.events.get(envelope.event_type)
    if row is None:
        return Unrecognised(), UNKNOWN_RANK
    try:
        return row.decode(product.content(envelope.payload)), row.rank
    except Undecodable as mistake:
        return Undecoded(str(mistake)), row.rank


def unknown_fields(envelope: Envelope) -> tuple[str, ...]:
    """`product:type:field` of each field that its tables do not know: Agora moved its schema, or they lack it."""
    product = product_of(envelope)
    row = product.events.get(envelope.event_type) if product else None
    if product is None or row is None:
        return ()
    content = product.content(envelope.payload)
    unknown = set() if content is envelope.payload else envelope.payload.keys() - product.fields
    unknown |= content.keys() - row.fields - (product.fields if content is envelope.payload else frozenset())
    return tuple(f"{product.name}:{envelope.event_type}:{name[:64]}" for name in sorted(unknown))

"""An arrival is one verified POST as it was kept; a reading is what we make of it before it is folded."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from webhook.domain.decoding import UNKNOWN_PRODUCT, Origin, channel_of, decode, is_test, product_of, unknown_fields
from webhook.domain.envelope import Envelope, fingerprint, masked_body, parse
from webhook.domain.errors import Undecodable, Unusable
from webhook.domain.events import Undecoded, Unrecognised
from webhook.domain.facts import Fact
from webhook.domain.log import DEAD, LOOSE, Copy, Entry, Outcome, effect_digest, session_log
from webhook.domain.wire import mapping, name


class Kind(StrEnum):
    """What an entry of the inbox is."""

    NOTIFICATION = "notification"
    REGISTRATION = "registration"
    REPLAY = "replay"  # of a dead letter
    DISCARD = "discard"  # the same given up
    LOOK = "look"  # at the alerts of these sessions: somebody acknowledged one, or ended a silence


class Arrival(Struct, frozen=True):
    """One verified notification as it came. `receipt` is unique to the POST, so that one POST is never two copies.

    `received_ms` is for what did not reach its inbox at once; else the inbox's own entry says when it came.
    """

    receipt: str
    source: str
    project: str
    signature: int  # the version that held, 0 where unsigned posts are allowed
    body: bytes
    kind: Kind = Kind.NOTIFICATION
    received_ms: int | None = None


class Reading(Struct, frozen=True):
    """An arrival once it was read: its fact where it has one, and the entry that will keep it in `log` at `field`."""

    log: str
    field: str
    entry: Entry
    fact: Fact | None
    received_ms: int
    drift: tuple[str, ...] = ()  # product:type:field of fields that no table knows

    @property
    def copy(self) -> Copy:
        """The arrival among the copies of its entry."""
        return self.entry.copies[0]


def read(arrival: Arrival, received_ms: int) -> Reading:
    """What `arrival`, received at `received_ms` by the server's clock, says.

    Nothing is refused: a body that is no envelope goes to quarantine, an envelope without what its type needs becomes
    a dead letter, an unknown product or a test is kept without a session.
    """
    try:
        envelope = parse(arrival.body)
    except Unusable as mistake:
        return quarantined(arrival, received_ms, str(mistake))
    if is_test(envelope):
        return _loose(arrival, received_ms, envelope, Outcome.TEST)
    try:
        fact = decode(envelope, Origin(arrival.source, arrival.project, received_ms))
    except Undecodable as mistake:
        return dead_letter(_loose(arrival, received_ms, envelope, Outcome.DEAD_LETTER), str(mistake))
    if fact is None:
        return _loose(arrival, received_ms, envelope, Outcome.UNKNOWN)
    return _of_session(arrival, envelope, fact)


def dead_letter(reading: Reading, error: str) -> Reading:
    """`reading` set aside because it could not be folded; where it has a fact it still counts as heard.

    Without a time of its own it has no place in the order, and nothing that could count as heard.
    """
    heard = reading.fact is not None and not reading.fact.timeless
    fact = replace(reading.fact, event=Undecoded(error), effect=None) if reading.fact and heard else None
    entry = replace(reading.entry, outcome=Outcome.DEAD_LETTER, error=error, effect=None)
    return replace(reading, log=DEAD, entry=entry, fact=fact)


def quarantined(arrival: Arrival, received_ms: int, error: str) -> Reading:
    """The reading of a signed body that is no envelope. It is called by its digest, so copies are one."""
    name = fingerprint(arrival.body)
    entry = Entry(
        source=arrival.source,
        product=UNKNOWN_PRODUCT,
        product_id=None,
        event_type=None,
        outcome=Outcome.QUARANTINED,
        session_id=None,
        channel=None,
        occurred_ms=None,
        copies=(Copy(name, received_ms, received_ms),),
        body=arrival.body,
        signature=arrival.signature,
        error=error,
        receipts=_receipts(arrival),
    )
    return Reading(DEAD, name, entry, None, received_ms)


def _of_session(arrival: Arrival, envelope: Envelope, fact: Fact) -> Reading:
    outcome = Outcome.UNKNOWN if isinstance(fact.event, Unrecognised) else Outcome.APPLIED
    entry = replace(
        _entry(arrival, fact.received_ms, envelope, outcome),
        session_id=fact.session_id,
        occurred_ms=fact.order.at_ms,
        effect=effect_digest(fact.effect) if fact.effect else None,
    )
    reading = Reading(
        session_log(fact.session_id), fact.identity, entry, fact, fact.received_ms, unknown_fields(envelope)
    )
    return dead_letter(reading, fact.event.error) if isinstance(fact.event, Undecoded) else reading


def _loose(arrival: Arrival, received_ms: int, envelope: Envelope, outcome: Outcome) -> Reading:
    """A reading without a session, one for each noticeId."""
    field = f"{arrival.source}:{envelope.product_id}:{envelope.event_type}:{envelope.notice_id}"
    return Reading(LOOSE, field, _entry(arrival, received_ms, envelope, outcome), None, received_ms)


def _entry(arrival: Arrival, received_ms: int, envelope: Envelope, outcome: Outcome) -> Entry:
    notified_ms = received_ms if envelope.notified_ms is None else envelope.notified_ms
    product = product_of(envelope)
    return Entry(
        source=arrival.source,
        product=product.name if product else UNKNOWN_PRODUCT,
        product_id=envelope.product_id,
        event_type=envelope.event_type,
        outcome=outcome,
        session_id=None,
        channel=channel_of(envelope),
        occurred_ms=envelope.notified_ms,
        copies=(Copy(envelope.notice_id, notified_ms, received_ms),),
        body=masked_body(arrival.body, envelope),
        signature=arrival.signature,
        uids=_uids(envelope),
        receipts=_receipts(arrival),
    )


def _receipts(arrival: Arrival) -> tuple[str, ...]:
    return (arrival.receipt,) if arrival.receipt else ()


def _uids(envelope: Envelope) -> tuple[str, ...]:
    told = (envelope.payload.get("uid"), mapping(envelope.payload.get("details")).get("streamUid"))
    return tuple(uid for uid in map(name, told) if uid is not None)

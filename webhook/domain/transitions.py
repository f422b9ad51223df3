"""apply(session, fact) -> session: total and order-free, whatever the product."""

from __future__ import annotations

from msgspec.structs import replace

from webhook.domain.facts import Fact
from webhook.domain.families import family_of, family_of_product
from webhook.domain.merging import greatest, least
from webhook.domain.registration import Registration, latest
from webhook.domain.session import VERSION, Session

RECORDING_PRODUCT = "cloud_recording"


def open_session(fact: Fact) -> Session:
    """The session as it is before its first fact is applied."""
    return Session(
        version=VERSION,
        id=fact.session_id,
        product=fact.product,
        project=fact.project,
        source=fact.source,
        channel=fact.channel,
        first_ms=None,
        last_ms=None,
        last_received_ms=fact.received_ms,
        state=family_of_product(fact.product).empty(),
    )


def apply(session: Session, fact: Fact, *, effect_known: bool = False) -> Session:
    """The session with `fact` in it, equal for every order in which a set of facts is applied.

    Each identity is to be applied once; `effect_known` says that another fact told of the same effect before, which
    is then not counted again. Never raises: what a fact cannot change stays as it is.
    """
    at_ms = fact.order.at_ms
    return replace(
        session,
        project=min(session.project, fact.project),
        source=least(session.source, fact.source),
        channel=session.channel if fact.channel is None else least(session.channel, fact.channel),
        first_ms=least(session.first_ms, at_ms),
        last_ms=greatest(session.last_ms, at_ms),
        last_received_ms=max(session.last_received_ms, fact.received_ms),
        received=session.received + 1,
        state=family_of(session.state).apply(session.state, fact, effect_known=effect_known),
    )


def register(session: Session | None, registration: Registration) -> Session:
    """The session, opened where there is none, with `registration` in it; of several the latest counts."""
    opened = session or Session(
        version=VERSION,
        id=registration.sid,
        product=RECORDING_PRODUCT,
        project=registration.project,
        source=None,
        channel=registration.channel,
        first_ms=None,
        last_ms=None,
        last_received_ms=registration.registered_ms,
        state=family_of_product(RECORDING_PRODUCT).empty(),
    )
    return replace(opened, registration=latest(opened.registration, registration))

"""A session folded again from its log: what it is if nothing but its log is believed."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from webhook.domain.arrivals import Arrival, dead_letter, read
from webhook.domain.facts import Fact
from webhook.domain.log import Entry, Outcome
from webhook.domain.session import Session
from webhook.domain.transitions import apply, open_session


def refold(session: Session, entries: Iterable[Entry]) -> Session:
    """`session` with its status folded anew from the entries of its log, its counters kept as they are.

    Needed where a fact's place in the order moves: a copy with an earlier notifyMs of an event without its own time.
    `entries` are those of its log and the dead letters that count as heard.
    """
    facts = [fact for fact in (_fact(session, entry) for entry in entries) if fact is not None]
    if not facts:
        return session
    effects: set[str] = set()
    folded = open_session(facts[0])
    for fact in facts:
        folded = apply(folded, fact, effect_known=fact.effect in effects)
        effects |= {fact.effect} if fact.effect else set()
    return replace(session, state=folded.state, first_ms=folded.first_ms, last_ms=folded.last_ms)


def _fact(session: Session, entry: Entry) -> Fact | None:
    """What the entry says; of a dead letter that it was heard, if it was, even if it could be decoded by now."""
    if entry.outcome is Outcome.DEAD_LETTER and not entry.heard:
        return None
    arrival = Arrival("", entry.source, session.project, entry.signature, entry.body)
    reading = read(arrival, entry.copies[0].received_ms)
    if entry.outcome is Outcome.DEAD_LETTER:
        reading = dead_letter(reading, entry.error or "")
    fact = reading.fact
    if fact is None or entry.occurred_ms is None:
        return fact
    return replace(fact, order=fact.order._replace(at_ms=entry.occurred_ms))

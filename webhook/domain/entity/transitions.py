"""How a fact changes what is known of an entity: total and order-free."""

from __future__ import annotations

from webhook.domain.entity.events import Happened, Properties
from webhook.domain.entity.state import (
    MOST_MARKS,
    MOST_PROPERTIES,
    MOST_TROUBLES,
    End,
    Entity,
    Mark,
    Phase,
    Trouble,
    Word,
)
from webhook.domain.facts import Fact
from webhook.domain.merging import greatest, least, newest
from webhook.domain.states import State


def apply(entity: Entity, fact: Fact, *, effect_known: bool) -> Entity:
    """The entity with `fact` in it. Nothing of it is counted, so `effect_known` does not matter."""
    event = fact.event
    if not isinstance(event, Happened):
        return entity
    mark = (fact.order.at_ms, fact.order.sequence, fact.order.rank, event.precedence)
    return Entity(
        product=max(entity.product, fact.product),
        phases=_phases(entity.phases, event.phase, mark),
        end=_end(entity.end, event, mark),
        begun_ms=_begun_ms(entity.begun_ms, event, fact.order.at_ms),
        properties=_properties(entity.properties, event.properties, mark),
        troubles=_troubles(entity.troubles, event, fact.order.at_ms),
    )


def _phases(phases: dict[State, Phase], state: State | None, mark: Mark) -> dict[State, Phase]:
    if state is None:
        return phases
    known = phases.get(state) or Phase(mark, ())
    latest = tuple(sorted({*known.latest, mark})[-MOST_MARKS:])
    return {**phases, state: Phase(min(known.first, mark), latest)}


def _end(end: End | None, event: Happened, mark: Mark) -> End | None:
    if not event.final:
        return end
    return greatest(end, End(mark, event.phase or State.ENDED, event.kind, event.abnormal, event.reason or ""))


def _begun_ms(begun_ms: int | None, event: Happened, at_ms: int) -> int | None:
    began_ms = at_ms if event.began_ms is None and event.begins else event.began_ms
    return begun_ms if began_ms is None else least(begun_ms, began_ms)


def _properties(known: dict[str, Word], told: Properties, mark: Mark) -> dict[str, Word]:
    if not told:
        return known
    merged = dict(known)
    for name, value in told:
        word = Word(mark, value)
        merged[name] = max(merged.get(name, word), word, key=_weight)
    return newest(merged, MOST_PROPERTIES, lambda item: (item[1].mark, item[0]))


def _weight(word: Word) -> tuple[Mark, bool, str]:
    return word.mark, isinstance(word.value, str), str(word.value)


def _troubles(known: tuple[Trouble, ...], event: Happened, at_ms: int) -> tuple[Trouble, ...]:
    if not event.problems:
        return known
    told = {
        Trouble(at_ms, it.module, "" if it.code is None else str(it.code), it.message, it.warning)
        for it in event.problems
    }
    return tuple(sorted({*known, *told})[-MOST_TROUBLES:])

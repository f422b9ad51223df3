"""The state of an entity, worked out from its marks (contract.md, section 4): the first that holds."""

from __future__ import annotations

from webhook.domain.entity.state import MOST_MARKS, Entity, Mark, Phase
from webhook.domain.states import OVER, Exit, State, Status

SILENCE_MS = 24 * 3_600_000


def status_of(entity: Entity, first_ms: int, lost_ms: int | None) -> Status:
    """The state and since when: its end, else what it said last, unless `lost_ms`, its silence deadline, has passed.

    `first_ms` is the event time of its first fact.
    """
    if entity.end is not None:
        return Status(entity.end.state, entity.end.mark[0])
    said = _said(entity)
    if said is not None and said.state in OVER:
        return said
    if lost_ms is not None:
        return Status(State.LOST, lost_ms)
    return said or Status(State.STARTING, first_ms)


def exit_of(entity: Entity) -> Exit | None:
    """How the entity ended, or None while it has not. One that may run again, as it failed or stopped, has for now."""
    if entity.end is not None:
        return Exit(not entity.end.abnormal, entity.end.mark[0], (entity.end.reason,) if entity.end.reason else ())
    said = _said(entity)
    if said is None or said.state not in OVER:
        return None
    return Exit(said.state is State.ENDED, said.since_ms, ())


def silence_ms(entity: Entity) -> int:
    """How long the entity may be silent before it counts as lost: a day, as nothing of it comes regularly."""
    return SILENCE_MS


def _said(entity: Entity) -> Status | None:
    """What the entity said last of its state, and since when it says so; None where it said nothing of it."""
    latest = sorted((phase.latest[-1], state) for state, phase in entity.phases.items())
    if not latest:
        return None
    _, state = latest[-1]
    return Status(state, _since_ms(entity.phases[state], state, latest[-2] if len(latest) > 1 else None))


def _since_ms(phase: Phase, state: State, turn: tuple[Mark, State] | None) -> int:
    """Since when an entity says `state`, having last said something else at `turn`.

    Where more was said since than is kept, that is the time of `turn` itself.
    """
    if turn is None or turn < (phase.first, state):
        return phase.first[0]
    after = [mark for mark in phase.latest if (mark, state) > turn]
    kept = len(after) < len(phase.latest) or len(phase.latest) < MOST_MARKS
    return after[0][0] if kept else turn[0][0]

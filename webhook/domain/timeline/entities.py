"""The lane of an entity: the states it went through, and everything that happened to it."""

from __future__ import annotations

from collections.abc import Sequence

from webhook.domain.entity.events import Happened, Problem
from webhook.domain.entity.state import Entity, Mark
from webhook.domain.products.entity_terms import problem_term, reason_term, state_term
from webhook.domain.products.vocabulary import Term
from webhook.domain.states import State
from webhook.domain.timeline.framing import Extent
from webhook.domain.timeline.lanes import Kind, Says, Sketch, chained, gravest, sentence
from webhook.domain.timeline.telling import Told

LANE = (Kind.STATE, None)
STATE_PROPERTIES = ("call.state", "state")
CRITICAL, WARNING, INFO = "critical", "warning", "info"


def draw(sketch: Sketch, entity: Entity, extent: Extent, all_told: Sequence[Told]) -> None:
    """Draws the lane of `entity` into `sketch`. Nothing that is told counts after its end."""
    phases: list[tuple[Mark, State]] = []
    for told in all_told:
        if isinstance(told.event, Happened):
            sketch.mark(LANE, told, _says(told.product, told.event))
            phases += _phase(told, told.event)
    if entity.end is not None:
        phases = [phase for phase in phases if phase[0] < entity.end.mark] + [(entity.end.mark, entity.end.state)]
    words = ((mark[0], state.value) for mark, state in sorted(phases))
    sketch.intervals[LANE] = chained([(extent.first_ms, State.STARTING.value), *words], extent.end_ms)


def _phase(told: Told, event: Happened) -> list[tuple[Mark, State]]:
    if event.phase is None:
        return []
    return [((told.at_ms, told.sequence, told.rank, event.precedence), event.phase)]


def _says(product: str, event: Happened) -> Says:
    terms = _terms(product, event)
    complaints = [_complaint(product, problem) for problem in event.problems]
    parts = [term.meaning for term in terms] + [part for said, _ in complaints for part in said]
    severities = [term.severity for term in terms] + [severity for _, severity in complaints]
    failed = CRITICAL if event.abnormal or event.phase is State.FAILED else INFO
    return Says(event.kind, sentence(_head(event), parts), gravest([*severities, failed]))


def _head(event: Happened) -> str:
    kind, word = event.kind.replace("_", " "), _state(event)
    return kind if word is None or word == kind else f"{kind} ({word})"


def _terms(product: str, event: Happened) -> list[Term]:
    """The words for its state, and for why it ended."""
    word = _state(event)
    state = [] if word is None else [state_term(product, word)]
    return state if event.reason is None else [*state, reason_term(product, event.reason)]


def _complaint(product: str, problem: Problem) -> tuple[tuple[str, str], str]:
    """What a problem is in our words and in those of its sender, and how grave it is, if only a warning."""
    known = problem_term(product, problem.module, "" if problem.code is None else str(problem.code))
    return (known.meaning, problem.message), gravest((WARNING, known.severity))


def _state(event: Happened) -> str | None:
    told = dict(event.properties)
    return next((str(told[name]) for name in STATE_PROPERTIES if name in told), None)

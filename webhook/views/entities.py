"""What the API shows of an entity beside what all sessions have (contract.md, section 4). Everything is sorted."""

from __future__ import annotations

from typing import Any

from webhook.domain.entity.state import End, Entity, Trouble, Word
from webhook.domain.products.entity_terms import problem_term, reason_term, state_term
from webhook.domain.products.vocabulary import Term
from webhook.views.times import rfc3339, rfc3339_or_none

View = dict[str, Any]
STATES = frozenset({"state", "call.state"})  # the properties that are words for a state


def entity_view(entity: Entity) -> View:
    """The fields of a session that an entity fills."""
    return {
        "detail": _detail(entity),
        "errors": [_trouble(entity, it) for it in entity.troubles if not it.warning],
        "warnings": [_trouble(entity, it) for it in entity.troubles if it.warning],
    }


def _detail(entity: Entity) -> View:
    """When it began, its last word on its state, why it ended, and all it told of itself, grouped by the dot."""
    shown: View = {"createdAt": rfc3339_or_none(entity.begun_ms), "state": None, "reason": None}
    for name, word in sorted(entity.properties.items()):
        group, dot, inner = name.partition(".")
        place = shown.setdefault(group, {}) if dot else shown
        place[inner or group] = _said(entity, word) if name in STATES else word.value
    return shown if entity.end is None else shown | _ended(entity, entity.end)


def _said(entity: Entity, word: Word) -> View:
    return _state(word.mark[0], state_term(entity.product, str(word.value)), str(word.value))


def _ended(entity: Entity, end: End) -> View:
    return {
        "state": _state(end.mark[0], state_term(entity.product, end.kind), end.kind),
        "reason": _reason(reason_term(entity.product, end.reason), end.reason) if end.reason else None,
    }


def _state(at_ms: int, term: Term, word: str) -> View:
    return {"word": word, "at": rfc3339(at_ms), "meaning": term.meaning, "action": term.action or None}


def _reason(term: Term, text: str) -> View:
    words = {"meaning": term.meaning, "cause": term.cause or None, "action": term.action or None}
    return {"text": text, "severity": term.severity} | words


def _trouble(entity: Entity, trouble: Trouble) -> View:
    term = problem_term(entity.product, trouble.module, trouble.code)
    return {
        "at": rfc3339(trouble.at_ms),
        "module": trouble.module,
        "level": None,
        "code": int(trouble.code) if trouble.code else None,
        "message": trouble.message,
        "meaning": term.meaning,
        "action": term.action or None,
    }

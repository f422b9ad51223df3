"""Words for what entities say, by product: their states, why they ended, what they complain of (section 8)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

from webhook.domain.products import agent_terms, stream_terms
from webhook.domain.products.vocabulary import Term


class Words(Struct, frozen=True):
    """A product's words. Keys are in lower case; `problems` are by module and code, the code empty for any."""

    states: Mapping[str, Term] = {}
    reasons: Mapping[str, Term] = {}
    problems: Mapping[tuple[str, str], Term] = {}


def _of_gateway() -> Words:
    errors = stream_terms.GATEWAY_ERRORS
    return Words(
        stream_terms.GATEWAY_STATES,
        {term.name: term for term in errors.values()},
        {(stream_terms.GATEWAY, str(code)): term for code, term in errors.items()},
    )


WORDS: Mapping[str, Words] = {
    "media_push": Words(stream_terms.PUSH_STATES, stream_terms.PUSH_REASONS),
    "media_pull": Words(stream_terms.PULL_STATES, stream_terms.PULL_REASONS),
    "media_gateway": _of_gateway(),
    "cloud_transcoding": Words(stream_terms.TRANSCODING_STATES, stream_terms.TRANSCODING_REASONS),
    "conversational_ai": Words(
        {**agent_terms.AI_STATES, **agent_terms.CALL_STATES}, agent_terms.AI_REASONS, agent_terms.AI_PROBLEMS
    ),
    "speech_to_text": Words(agent_terms.STT_STATES, agent_terms.STT_REASONS, agent_terms.STT_PROBLEMS),
}
NO_WORDS = Words()
UNDOCUMENTED = "Agora does not document this word"
_SOUNDS_BAD = re.compile(r"error|fail|abnormal|abort|crash|invalid|denied|refused|exception", re.IGNORECASE)


def state_term(product: str, word: str) -> Term:
    """The term for the word an entity has for its own state, or for that of its call."""
    return _term(WORDS.get(product, NO_WORDS).states, word)


def reason_term(product: str, reason: str) -> Term:
    """The term for why an entity ended."""
    return _term(WORDS.get(product, NO_WORDS).reasons, reason)


def problem_term(product: str, module: str, code: str) -> Term:
    """The term for what a module complained of: that of its code, else that of the module."""
    problems = WORDS.get(product, NO_WORDS).problems
    exact = problems.get((module.lower(), code)) or problems.get((module.lower(), ""))
    return exact or Term(module, f"the part called {module} complained" + (f" with code {code}" if code else ""))


def ends_abnormally(product: str, reason: str | None) -> bool:
    """Whether nobody wanted an end for this reason. One that is not documented is judged by how it sounds."""
    if reason is None:
        return False
    known = WORDS[product].reasons.get(reason.lower())
    return known.severity == "critical" if known else _SOUNDS_BAD.search(reason) is not None


def _term(terms: Mapping[str, Term], word: str) -> Term:
    return terms.get(word.lower()) or Term(word, UNDOCUMENTED)

"""Words for the wire's codes: what a code means, how bad it is, why it comes, what to do."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class Term(Struct, frozen=True):
    """One code in words. `severity` is info, warning or critical; `cause` and `action` are sentences, or empty."""

    name: str
    meaning: str
    severity: str = "info"
    cause: str = ""
    action: str = ""


def term(vocabulary: Mapping[int, Term], code: int) -> Term:
    """The term for `code`, or one that says that the code is not documented."""
    return vocabulary.get(code) or Term(f"code_{code}", f"code {code}, which Agora does not document")

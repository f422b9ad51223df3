"""What errors and warnings change of a recording."""

from __future__ import annotations

from typing import Any

from webhook.domain.facts import Fact
from webhook.domain.merging import greatest
from webhook.domain.products.recording_terms import FATAL, UPLOAD_FAILURES
from webhook.domain.recording.events import ProblemReported, Severity
from webhook.domain.recording.state import MOST_PROBLEMS, ProblemMark, Recording
from webhook.domain.recording.uploads import upload_word

Change = dict[str, Any]


def problem_reported(recording: Recording, fact: Fact, event: ProblemReported) -> Change:
    """One more problem among the newest; an error may also be the upload's latest word, or end the recording."""
    order = fact.order
    mark = ProblemMark(order.at_ms, order.sequence, event.module, event.level, event.code, event.message)
    if event.severity is Severity.WARNING:
        return {"warnings": _newest(recording.warnings, mark)}
    change: Change = {"errors": _newest(recording.errors, mark)}
    if event.level == FATAL:
        change["fatal"] = greatest(recording.fatal, mark)
    if (event.module, event.code) in UPLOAD_FAILURES:
        change |= upload_word(recording, fact, "failed", 0.0)
    return change


def _newest(known: tuple[ProblemMark, ...], mark: ProblemMark) -> tuple[ProblemMark, ...]:
    return tuple(sorted({*known, mark})[-MOST_PROBLEMS:])

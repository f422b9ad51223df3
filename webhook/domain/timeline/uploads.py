"""The lane of a recording's upload: what state it was in, and every word on it."""

from __future__ import annotations

from webhook.domain.products.recording_terms import UPLOAD_FAILURES
from webhook.domain.recording.events import ProblemReported, Severity, UploadFinished, UploadProgressed, UploadStarted
from webhook.domain.timeline.lanes import Kind, Says, Sketch, chained
from webhook.domain.timeline.telling import Told

Word = tuple[int, int, int, str]  # event time ms, sequence, rank, state: as a session's upload compares them
LANE = (Kind.UPLOAD, None)
UPLOADING, UPLOADED, BACKED_UP, FAILED = "uploading", "uploaded", "backed_up", "failed"


class Upload:
    """Hears what is told of the upload, in any order, and draws its lane."""

    def __init__(self, sketch: Sketch) -> None:
        self._sketch = sketch
        self._words: list[Word] = []

    def hear(self, told: Told) -> None:
        """Takes one event; those that are not about the upload change nothing."""
        event = told.event
        if isinstance(event, UploadProgressed):
            text = f"{event.progress * 100:.4g} % of what was recorded is uploaded"
            self._say(told, UPLOADING, Says("progress", text))
        elif isinstance(event, UploadStarted):
            self._say(told, UPLOADING if event.normal else FAILED, _started(event))
        elif isinstance(event, UploadFinished):
            state = FAILED if not event.normal else BACKED_UP if event.backed_up else UPLOADED
            self._say(told, state, FINISHED[state])
        elif isinstance(event, ProblemReported) and _fails(event):
            self._words.append((told.at_ms, told.sequence, told.rank, FAILED))

    def draw(self, end_ms: int | None) -> None:
        """Draws the lane, if anything was told of it."""
        if self._words:
            self._sketch.intervals[LANE] = chained(
                ((at_ms, state) for at_ms, _, _, state in sorted(self._words)), end_ms
            )

    def _say(self, told: Told, state: str, says: Says) -> None:
        self._words.append((told.at_ms, told.sequence, told.rank, state))
        self._sketch.mark(LANE, told, says)


def _started(event: UploadStarted) -> Says:
    if event.normal:
        return Says("started", "the upload started")
    return Says("started", "the upload did not start", "critical")


def _fails(event: ProblemReported) -> bool:
    return event.severity is Severity.ERROR and (event.module, event.code) in UPLOAD_FAILURES


FINISHED = {
    UPLOADED: Says("uploaded", "all files are in the customer's storage"),
    BACKED_UP: Says("backed_up", "all files are stored, at least one of them in Agora's backup", "warning"),
    FAILED: Says("failed", "the upload ended without success", "critical"),
}

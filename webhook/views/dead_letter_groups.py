"""Dead letters as the page shows them: those that failed alike together, and in a sentence what became of some."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

from webhook.domain.replaying import Verdict
from webhook.views.words import clipped

View = dict[str, Any]
LONGEST_SIGNATURE = 160  # characters
LONGEST_DETAIL = 120
MOST_TOLD = 4  # fates that a sentence tells apart
_ABOUT = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`|\d+")  # what differs between errors of one kind
_SUBJECT = re.compile(r"(dead_letter|quarantine) |\d+ dead letters?\b")

DEEDS = frozenset({"replay", "discard"})
WELL = frozenset({Verdict.APPLIED, Verdict.KEPT, Verdict.UNCHANGED, Verdict.MOVED, Verdict.DISCARDED})
SAID = {
    Verdict.APPLIED: "applied: its session has it now",
    Verdict.KEPT: "kept: it can be read now, and has no session",
    Verdict.UNCHANGED: "unchanged: it had been applied before",
    Verdict.STALE: "stale: too old to be applied, counted only",
    Verdict.FAILED: "failed again",
    Verdict.MOVED: "moved: it is processed in another shard",
    Verdict.DISCARDED: "discarded",
    Verdict.GONE: "gone: it was replayed, discarded or forgotten before",
    Verdict.PENDING: "pending: no worker has come to it yet",
}


class Group(Struct, frozen=True):
    """Dead letters of one signature, in the order of the page; `last_at` is when the latest was received."""

    signature: str
    letters: list[View]
    last_at: str


def signature(error: str | None) -> str:
    """What errors of one kind have in common: the first line without what is quoted and counted in it."""
    lines = (error or "").strip().splitlines()
    return clipped(_ABOUT.sub("…", lines[0]), LONGEST_SIGNATURE) if lines else "no error was noted"


def groups(letters: Iterable[View]) -> list[Group]:
    """The dead letters, as the API shows them, grouped by signature; the group with the latest one first."""
    found: dict[str, list[View]] = {}
    for letter in letters:
        found.setdefault(signature(letter["error"]), []).append(letter)
    grouped = [Group(name, alike, max(letter["receivedAt"] for letter in alike)) for name, alike in found.items()]
    return sorted(grouped, key=lambda group: group.last_at, reverse=True)


def about_dead_letters(deeds: Iterable[View]) -> list[View]:
    """Those of the audit list that were done to dead letters, in its order."""
    return [deed for deed in deeds if deed["action"] in DEEDS and _SUBJECT.match(deed["subject"])]


def told(fates: Sequence[View], left_alone: int = 0) -> tuple[str, str]:
    """The tone and the sentence that say what became of dead letters, and that some were left alone."""
    verdicts = Counter((Verdict(fate["verdict"]), fate["detail"]) for fate in fates)
    counted = verdicts.most_common(MOST_TOLD)
    said = [_said(verdict, detail, count if len(fates) > 1 else 0) for (verdict, detail), count in counted]
    if others := len(fates) - sum(count for _, count in counted):
        said.append(f"{others} otherwise; those that failed are listed below")
    if left_alone:
        said.append(f"{left_alone} left alone, because no worker answers: try again when one does")
    sentence = "; ".join(said) or "there was none any more"
    return _tone({verdict for verdict, _ in verdicts}, left_alone), f"{sentence[:1].upper()}{sentence[1:]}."


def _said(verdict: Verdict, detail: str, count: int) -> str:
    because = f": {clipped(detail, LONGEST_DETAIL)}" if verdict is Verdict.FAILED and detail else ""
    return f"{f'{count} ' if count else ''}{SAID[verdict]}{because}"


def _tone(verdicts: set[Verdict], left_alone: int) -> str:
    if Verdict.FAILED in verdicts:
        return "bad"
    return "warn" if left_alone or verdicts - WELL else "ok"

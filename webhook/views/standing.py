"""How things stand, at a glance: the tone of the first screen, of the browser's tab and of its icon."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

BAD, WARN, OK = "bad", "warn", "ok"
IN_WORDS = {BAD: "Broken", WARN: "Needs a look", OK: "Healthy"}


class Standing(Struct, frozen=True):
    """`tone` is ok, warn or bad; `word` says the same; `count` is how many alerts of more than a notice fire."""

    tone: str
    word: str
    count: int


def standing(summary: dict[str, Any]) -> Standing:
    """How things stand by the figures of `GET /summary`."""
    firing, sessions = summary["alerts"]["firing"], summary["sessions"]
    tone = OK
    if firing["warning"] or sessions["lost"] or summary["streams"]["stopped"] or _waits(summary):
        tone = WARN
    if firing["critical"] or not summary["workers"]:
        tone = BAD
    return Standing(tone, IN_WORDS[tone], firing["critical"] + firing["warning"])


def _waits(summary: dict[str, Any]) -> bool:
    """Whether something that was received was not processed yet, or could not be."""
    return bool(summary["deadLetters"] or summary["spool"]["depth"])

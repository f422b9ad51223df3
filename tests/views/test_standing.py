"""How things stand, at a glance."""

from __future__ import annotations

from typing import Any

import pytest

from webhook.views.standing import standing

QUIET: dict[str, Any] = {
    "alerts": {"firing": {"info": 0, "warning": 0, "critical": 0}},
    "sessions": {"lost": 0, "failed": 0},
    "streams": {"stopped": 0},
    "workers": 1,
    "deadLetters": 0,
    "spool": {"depth": 0},
}


def firing(**counts: int) -> dict[str, Any]:
    return {"alerts": {"firing": QUIET["alerts"]["firing"] | counts}}


@pytest.mark.parametrize(
    ("changes", "tone", "word", "count"),
    [
        ({}, "ok", "Healthy", 0),
        (firing(info=4), "ok", "Healthy", 0),
        (firing(warning=2), "warn", "Needs a look", 2),
        (firing(critical=1), "bad", "Broken", 1),
        (firing(critical=1, warning=2, info=9), "bad", "Broken", 3),
        ({"sessions": {"lost": 1}}, "warn", "Needs a look", 0),
        ({"streams": {"stopped": 1}}, "warn", "Needs a look", 0),
        ({"deadLetters": 1}, "warn", "Needs a look", 0),
        ({"spool": {"depth": 1}}, "warn", "Needs a look", 0),
        ({"workers": 0}, "bad", "Broken", 0),
    ],
)
def test_the_gravest_thing_sets_the_tone_and_alerts_beyond_a_notice_are_counted(
    changes: dict[str, Any], tone: str, word: str, count: int
) -> None:
    found = standing(QUIET | changes)
    assert (found.tone, found.word, found.count) == (tone, word, count)

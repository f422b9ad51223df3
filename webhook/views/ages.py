"""Ages in a word, for a glance; `static/prefs.js` counts them on in the browser and must agree."""

from __future__ import annotations

MINUTE, HOUR, DAY = 60, 3_600, 86_400


def age(seconds: float) -> str:
    """Whole units of the greatest kind that has passed: `8 s`, `4 min`, `3 h`, `2 d`. What is yet to come is `0 s`."""
    passed = max(0, int(seconds))
    if passed < MINUTE:
        return f"{passed} s"
    if passed < HOUR:
        return f"{passed // MINUTE} min"
    return f"{passed // HOUR} h" if passed < DAY else f"{passed // DAY} d"

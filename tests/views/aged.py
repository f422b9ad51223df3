"""Ages and their words, for both who write them: `views/ages.py` and, in a browser, `static/prefs.js`."""

from __future__ import annotations

AGES = [
    (-86_400.0, "0 s"),
    (-0.5, "0 s"),
    (0.0, "0 s"),
    (0.999, "0 s"),
    (8.0, "8 s"),
    (59.999, "59 s"),
    (60.0, "1 min"),
    (119.9, "1 min"),
    (240.0, "4 min"),
    (3_599.9, "59 min"),
    (3_600.0, "1 h"),
    (10_800.0, "3 h"),
    (86_399.9, "23 h"),
    (86_400.0, "1 d"),
    (172_800.0, "2 d"),
    (31_536_000.0, "365 d"),
]

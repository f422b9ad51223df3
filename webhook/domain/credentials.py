"""Which names are those of credentials, and what stands for one.

The names are one list, for what is masked in notifications and for what is dropped from start requests.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

WORDS = (
    r"token|secret|passw(?:or)?d|passphrase|pwd|salt|credential|authorization|auth|signature|jwt|cookie|"
    r"streamname"  # of a stream that is pushed, where it is the key
)
# `key` alone may be any name, as in a list of pairs
KEYS = r"(?:stream|access|secret|encryption|private|auth|api|app|rtmp|srt|push|publish|play|sts|session)[ _-]?key"
NAMES = rf"(?:{WORDS}|{KEYS}(?:[ _-]?id)?)"
PAIR = frozenset({"name", "key", "header", "field"})  # members that say what the one called `value` beside them is
_LONGEST_NAME = 48  # characters, from the end, that decide
_NAME = re.compile(rf"{NAMES}(?:[ _-]?value)?(?P<several>s?)\Z", re.IGNORECASE | re.ASCII)
_MASKED = re.compile(r"\*{3}[0-9a-f]{4}")


def names_credential(name: str) -> bool:
    """Whether what is called so is a credential, or several of them. Letters beyond ASCII stand for themselves."""
    return _ending(name[-_LONGEST_NAME:]) is not None


def may_count(name: str) -> bool:
    """Whether a number under the name of a credential may be a count of such, as in `total_tokens`."""
    return bool(_ending(name[-_LONGEST_NAME:]))


def mask(value: str) -> str:
    """What stands for a credential. The same value has the same mask; a mask is its own."""
    if not value or is_mask(value):
        return value
    return "***" + hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:4]


def is_mask(value: str) -> bool:
    """Whether the value is what stands for another."""
    return _MASKED.fullmatch(value) is not None


@lru_cache(maxsize=1024)
def _ending(name: str) -> str | None:
    """How the name of a credential ends: `s` where it is one of several, else empty; None for any other name."""
    found = _NAME.search(name)
    return found["several"].lower() if found else None

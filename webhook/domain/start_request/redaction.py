"""A start request without its credentials: they are dropped, not masked, so that nothing of them is ever stored.

When in doubt it goes: what Vigil needs of a start request is little, and a credential that was kept is out for ever.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from webhook.domain.credentials import PAIR, WORDS

DEEPEST = 32  # levels; a start request has seven
LONGEST = 256  # characters of a name or a string; a channel's name has at most 64

_WORDS = (
    f"{WORDS}|key|pass|cert|sign|bearer|private|sas|"
    "ur[li]"  # a page's or a stream's address grants access to it, by its query or by its path
)
_NAME = re.compile(_WORDS)
_PUNCTUATION = re.compile(r"[\W_]+")
_CONTENT = re.compile(
    r"://|%3a%2f%2f"  # an address
    r"|^\s*(?://|[\[{])"  # an address without scheme; JSON inside a string
    r"|[?&]\S*="  # a query
    rf"|(?:{_WORDS})\W{{0,3}}[=:]"  # a name with its value
    r"|\b(?:bearer|basic)\s",  # an HTTP header's value
    re.IGNORECASE,
)
_OBJECTS = ("request", "config", "params", "param", "options")  # how the names of objects end


def redact(start_request: Any) -> dict[str, Any]:
    """A deep copy of `start_request` without any credential (agora-notifications.md, section 5); {} if it is no object.

    Dropped at any depth: members named like credentials or addresses, strings that hold either, strings where an object
    belongs, and whatever is too long or too deep to be part of a start request. Never raises.
    """
    return _members(start_request, DEEPEST) if isinstance(start_request, Mapping) else {}


def _members(members: Mapping[str, Any], depth: int) -> dict[str, Any]:
    paired = any(map(_names_paired, members, members.values()))
    return {
        name: _copy(value, depth)
        for name, value in members.items()
        if _stays(name, value, depth) and not (paired and name.casefold() == "value")
    }


def _names_paired(name: str, value: Any) -> bool:
    """Whether this member says that the one called `value` beside it is a credential, as lists of headers do."""
    return name.casefold() in PAIR and isinstance(value, str) and _names_credential(value)


def _copy(value: Any, depth: int) -> Any:
    if isinstance(value, Mapping):
        return _members(value, depth - 1)
    if isinstance(value, list):
        return [_copy(item, depth - 1) for item in value if _harmless(item, depth - 1)]
    return value


def _stays(name: str, value: Any, depth: int) -> bool:
    if _names_credential(name) or not _harmless(name, depth) or _misplaced(name, value):
        return False
    return _is_channel(name, value) or _harmless(value, depth)


def _names_credential(name: str) -> bool:
    """Whether a member of that name holds a credential; case and punctuation do not matter."""
    return _NAME.search(_PUNCTUATION.sub("", name.casefold())) is not None


def _harmless(value: Any, depth: int) -> bool:
    if isinstance(value, str):
        return len(value) <= LONGEST and not _CONTENT.search(value) and not _has_userinfo(value)
    return depth > 0 or not isinstance(value, Mapping | list)


def _has_userinfo(text: str) -> bool:
    return ":" in text.rpartition("@")[0]


def _misplaced(name: str, value: Any) -> bool:
    """Whether something else stands where an object belongs: then it may well be a credential, pasted one level off."""
    if not name.casefold().endswith(_OBJECTS):
        return False
    items = value if isinstance(value, list) else [value]
    return not all(isinstance(item, Mapping) for item in items)


def _is_channel(name: str, value: Any) -> bool:
    """Whether this is the channel's name, in which `:`, `@`, `?`, `=` and brackets are plain characters."""
    return name == "cname" and isinstance(value, str) and len(value) <= LONGEST and "://" not in value

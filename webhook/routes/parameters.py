"""Query parameters: every one checked, all mistakes of a request reported together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from werkzeug.datastructures import MultiDict

from webhook.domain.errors import Rejected
from webhook.views.times import parse_rfc3339

DEFAULT_LIMIT = 50
MOST_LIMIT = 500

Parser = Callable[[str], Any]
Arguments = MultiDict[str, str]


def limit(text: str) -> int:
    """The number of items a page holds at most."""
    if not _is_digits(text) or not 1 <= int(text) <= MOST_LIMIT:
        raise ValueError(f"a whole number from 1 to {MOST_LIMIT} is needed")
    return int(text)


def number(text: str) -> int:
    """A whole number of at most 18 digits."""
    if not _is_digits(text):
        raise ValueError("a whole number of at most 18 digits is needed")
    return int(text)


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 18


def true(text: str) -> bool:
    """`true`, the only value there is: leave the parameter out for the rest."""
    if text != "true":
        raise ValueError("only true is known; leave the parameter out for the rest")
    return True


def one_of(known: Mapping[str, Any]) -> Parser:
    """The value that `known` gives the word."""

    def parse(text: str) -> Any:
        if text not in known:
            raise ValueError(f"known are {', '.join(known)}")
        return known[text]

    return parse


def time_ms(text: str) -> int:
    """An instant in ms since the epoch."""
    try:
        return parse_rfc3339(text)
    except (ValueError, OverflowError) as mistake:
        # the + of an offset is a space once it has been through a URL, so the example has none
        raise ValueError("a time by RFC 3339 with its zone is needed, such as 2026-11-22T23:34:05Z") from mistake


PAGE: dict[str, Parser] = {"limit": limit, "cursor": str}


def read(arguments: Arguments, parsers: Mapping[str, Parser]) -> dict[str, Any]:
    """The parsed parameters that were given. Raises Rejected (400) naming every unknown, repeated or unreadable one."""
    values, errors = {}, []
    for name, texts in arguments.lists():
        try:
            values[name] = _value(name, texts, parsers)
        except ValueError as mistake:
            errors.append({"path": name, "message": str(mistake)})
    if errors:
        raise Rejected(400, "Bad parameters", f"{len(errors)} of the parameters cannot be used", errors)
    return values


def _value(name: str, texts: list[str], parsers: Mapping[str, Parser]) -> Any:
    if name not in parsers:
        known = f"known are {', '.join(sorted(parsers))}" if parsers else "this address takes none"
        raise ValueError(f"unknown parameter; {known}")
    if len(texts) > 1:
        raise ValueError(f"given {len(texts)} times; give it once")
    try:
        return parsers[name](texts[0])
    except ValueError as mistake:
        raise ValueError(f"{texts[0][:80]!r}: {mistake}") from mistake

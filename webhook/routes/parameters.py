"""Query parameters: every one checked, all mistakes of a request reported together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from webhook.domain.errors import Rejected
from webhook.views.times import parse_rfc3339

DEFAULT_LIMIT = 50
MOST_LIMIT = 500

Parser = Callable[[str], Any]


def limit(text: str) -> int:
    """The number of items a page holds at most."""
    if not text.isdecimal() or not 1 <= int(text) <= MOST_LIMIT:
        raise ValueError(f"a whole number from 1 to {MOST_LIMIT} is needed")
    return int(text)


def number(text: str) -> int:
    """A whole number of at most 18 digits."""
    if not text.isdecimal() or len(text) > 18:
        raise ValueError("a whole number is needed")
    return int(text)


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


time_ms: Parser = parse_rfc3339
PAGE: dict[str, Parser] = {"limit": limit, "cursor": str}


def read(arguments: Mapping[str, str], parsers: Mapping[str, Parser]) -> dict[str, Any]:
    """The parsed parameters that were given. Raises Rejected (400) naming every unknown or unreadable one."""
    values, errors = {}, []
    for name, text in arguments.items():
        try:
            values[name] = parsers[name](text)
        except KeyError:
            errors.append({"path": name, "message": f"unknown parameter; known are {', '.join(sorted(parsers))}"})
        except ValueError as mistake:
            errors.append({"path": name, "message": f"{text[:80]!r}: {mistake}"})
    if errors:
        raise Rejected(400, "Bad parameters", f"{len(errors)} of the parameters cannot be used", errors)
    return values

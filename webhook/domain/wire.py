"""How the wire spells numbers, names and times, read once and tolerantly (agora-notifications.md, sections 3 and 7)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

LEAST, GREATEST = -(2**63), 2**64 - 1
LONGEST_INTEGER = 20  # digits of the widest, its sign included
LONGEST_NAME = 256  # characters of a channel, a uid, a session
SECONDS_BELOW = 10**11  # as milliseconds this is March 1973, as seconds the year 5138
LATEST_MS = 253_402_300_799_999  # the last instant that RFC 3339 can write


def integer(value: Any) -> int | None:
    """The exact integer in `value`: a number, a number such as 1.0, or its digits as a string; else None.

    What no 64 bits hold is none that Agora means.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if LEAST <= value <= GREATEST else None
    if isinstance(value, Decimal):
        small = value.is_finite() and value.adjusted() < LONGEST_INTEGER
        return integer(int(value)) if small and value == value.to_integral_value() else None
    if isinstance(value, str) and len(value) <= LONGEST_INTEGER and value.removeprefix("-").isdecimal():
        return integer(int(value))
    return None


def text(value: Any) -> str | None:
    """A name or an id as a string: a non-empty string itself, an integer by its digits; else None."""
    if isinstance(value, str):
        return value or None
    number = integer(value)
    return None if number is None else str(number)


def name(value: Any) -> str | None:
    """A name or an id that something is kept under: `text` of at most LONGEST_NAME characters; else None."""
    found = text(value)
    return found if found is not None and len(found) <= LONGEST_NAME else None


def milliseconds(value: Any) -> int | None:
    """A time in milliseconds since the epoch; what is below 10^11 is taken as seconds. None where it is no time."""
    number = Decimal(value) if isinstance(value, Decimal) and value.is_finite() else integer(value)
    if number is None or not 0 < number <= LATEST_MS:
        return None
    return int(number * 1000 if number < SECONDS_BELOW else number) or None


def mapping(value: Any) -> dict[str, Any]:
    """`value` where it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def shown(value: Any) -> str:
    """`value` for a message: what is short as it is, of anything else only its kind."""
    if isinstance(value, str):
        return repr(value[:40])
    brief = value is None or isinstance(value, bool | Decimal) or (isinstance(value, int) and abs(value) < 10**40)
    return str(value)[:40] if brief else type(value).__name__

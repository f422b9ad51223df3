"""How the fields of Cloud Recording's details are read: tolerantly, and bounded in length and size (section 4)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from webhook.domain.errors import Undecodable
from webhook.domain.filenames import LONGEST_NAME
from webhook.domain.recording.events import NOT_TOLD, RecordedFile
from webhook.domain.wire import integer, mapping, milliseconds, text

LARGEST = 2**53 - 1  # beyond it no reader of JSON can be trusted with an integer
LONGEST_WORDS = 200  # of a message, or of a name that nothing is looked up by
QUOTED = 40  # characters of a wrong value that an error quotes

Details = Mapping[str, Any]


def small_integer(value: Any) -> int | None:
    """The integer in `value`; None where there is none, or one that no code or counter reaches."""
    number = integer(value)
    return number if number is not None and abs(number) <= LARGEST else None


def code(details: Details, key: str) -> int:
    """The code at `key`, NOT_TOLD where there is none."""
    number = small_integer(details.get(key))
    return NOT_TOLD if number is None else number


def need_code(details: Details, key: str) -> int:
    """The integer at `key`. Raises Undecodable where there is none."""
    number = small_integer(details.get(key))
    if number is None:
        raise Undecodable(f"details.{key} is {quoted(details.get(key))}, not an integer")
    return number


def need_name(details: Details, key: str) -> str:
    """The name at `key`, whole. Raises Undecodable where there is none, or one that is too long to be one."""
    name = text(details.get(key))
    if name is None:
        raise Undecodable(f"details.{key} is {quoted(details.get(key))}, not a name")
    if len(name) > LONGEST_NAME:
        raise Undecodable(f"details.{key} has {len(name)} characters; at most {LONGEST_NAME} are a name")
    return name


def need_ms(details: Details, key: str) -> int:
    """The instant at `key`, ms. Raises Undecodable where there is none."""
    at_ms = milliseconds(details.get(key))
    if at_ms is None:
        raise Undecodable(f"details.{key} is {quoted(details.get(key))}, not a time")
    return at_ms


def normal(details: Details, key: str) -> bool:
    """Whether the status at `key` is 0; one that is not told is."""
    told = details.get(key)
    return told is None or integer(told) == 0


def words(value: Any) -> str:
    """The text in `value`, as much of it as is kept; empty where there is none."""
    return (text(value) or "")[:LONGEST_WORDS]


def need_words(details: Details, key: str) -> str:
    """The same of the text at `key`, which must be there. Raises Undecodable."""
    return need_name(details, key)[:LONGEST_WORDS]


def names(value: Any, most: int) -> tuple[str, ...]:
    """The first `most` names in a list, or the one name that stands where a list belongs."""
    listed = value if isinstance(value, list) else [value]
    return tuple(word for item in listed[:most] if (word := words(item)))


def files(value: Any) -> tuple[RecordedFile, ...]:
    """The files of a list whose items are objects or bare names; also of a name where the list belongs."""
    listed = value if isinstance(value, list) else [value]
    return tuple(filter(None, map(_file, listed)))


def quoted(value: Any) -> str:
    """A wrong value as an error shows it: short, and never one that cannot be written down."""
    if isinstance(value, str | Decimal):
        return repr(str(value)[:QUOTED])
    if value is None or isinstance(value, bool) or small_integer(value) is not None:
        return repr(value)
    return f"a {type(value).__name__}"


def _file(item: Any) -> RecordedFile | None:
    fields = mapping(item)
    name = text(fields.get("fileName")) or text(fields.get("filename")) or (item if isinstance(item, str) else None)
    if not name or len(name) > LONGEST_NAME:
        return None
    return RecordedFile(
        name,
        words(fields.get("trackType")),
        words(fields.get("uid")),
        fields.get("isPlayable") is True,
        milliseconds(fields.get("sliceStartTime")),
    )

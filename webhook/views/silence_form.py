"""The form for a new silence: matchers as lines of text, and each mistake at the field that it is in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

Line = tuple[int, str]  # its number, and what it says

_MATCHER = re.compile(r"\$\.matchers\[(\d+)\]")
_LENGTH = frozenset({"$", "$.duration", "$.until", "$.endsAt"})


def numbered(text: str) -> list[Line]:
    """The lines that say something, with the numbers under which somebody finds them. Only line feeds end a line: a
    name may hold what else ends one elsewhere.
    """
    lines = text.replace("\r\n", "\n").split("\n")
    return [(number, line.strip()) for number, line in enumerate(lines, 1) if line.strip()]


def with_line(text: str, label: str, line: str) -> str:
    """The text with `line` at its end, unless some line is about its label already, or there is nothing to add."""
    about_it = re.compile(rf"{re.escape(label)}\s*[=!]")
    if not line or any(about_it.match(known) for _, known in numbered(text)):
        return text
    return "\n".join([*(known for _, known in numbered(text)), line])


def mistakes_by_field(mistakes: Iterable[Mapping[str, str]], lines: Sequence[Line]) -> dict[str, list[str]]:
    """The messages about `matchers`, `length` and `reason`; what is about none of them is under `form`."""
    found: dict[str, list[str]] = {}
    for mistake in mistakes:
        field, message = _placed(mistake["path"], mistake["message"], lines)
        found.setdefault(field, []).append(message)
    return found


def _placed(path: str, message: str, lines: Sequence[Line]) -> tuple[str, str]:
    at = _MATCHER.match(path)
    if at is not None and int(at[1]) < len(lines):
        return "matchers", f"Line {lines[int(at[1])][0]}: {message}"
    if path.startswith("$.matchers"):
        return "matchers", f"This {message}"
    if path in _LENGTH:
        return "length", message
    return ("reason", f"The reason {message}") if path == "$.reason" else ("form", f"{path} {message}")

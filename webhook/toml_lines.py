"""On which line of a TOML file each key stands, which tomllib does not tell. Pure."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

Place = tuple[str | int, ...]  # keys from the top of the file, and positions in arrays

_QUOTED = r'"(?:\\.|[^"\\\n])*"|' + r"'[^'\n]*'"
_PART = rf"(?:[A-Za-z0-9_-]+|{_QUOTED})"
_KEY = re.compile(rf"{_PART}(?:[ \t]*\.[ \t]*{_PART})*")
_BLANK = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_EQUALS = re.compile(r"[ \t]*=[ \t]*")
_SCALAR = re.compile(  # strings of several lines may end in quotes of their own, hence what must not follow
    r'"""(?:\\.|[^\\])*?"""(?!")|' + r"'''.*?'''(?!')|" + rf"{_QUOTED}|[^,\]}}#\n]+", re.DOTALL
)


class Lines(Struct, frozen=True):
    """The line on which each table, key and element of an array begins, from 1."""

    by_place: Mapping[Place, int]

    def of(self, place: Place) -> int:
        """The line of what stands there; where nothing does, that of the innermost table that would hold it."""
        held = (place[:end] for end in range(len(place), 0, -1))
        return next((self.by_place[outer] for outer in held if outer in self.by_place), 1)


def read_lines(text: str) -> Lines:
    """The lines of all keys in `text`, which has to be TOML that tomllib has read: little is checked again.

    Raises ValueError where it cannot go on.
    """
    reading = _Reading(text.replace("\r\n", "\n"))
    reading.read()
    return Lines(reading.lines)


class _Reading:
    """One pass over one text. `_at` is where it is; it never goes back."""

    def __init__(self, text: str) -> None:
        self.lines: dict[Place, int] = {}
        self._text, self._at = text, 0
        self._counted, self._line = 0, 1  # up to where lines were counted, and the line there
        self._lengths: dict[Place, int] = {}  # of arrays of tables

    def read(self) -> None:
        table: Place = ()
        self._take(_BLANK)
        while self._at < len(self._text):
            if self._text.startswith("[", self._at):
                table = self._header()
            else:
                self._pair(table)
            self._take(_BLANK)

    def _header(self) -> Place:
        begun = self._at
        many = self._text.startswith("[[", begun)
        self._at += 2 if many else 1
        *outer, last = self._key()
        place: Place = (*self._entered((), outer), last)
        if many:
            place = self._add(place, begun)
        self._note(place, begun)
        self._at = self._text.index("]", self._at) + (2 if many else 1)
        return self._current(place)

    def _pair(self, table: Place) -> None:
        begun, place = self._at, table
        for part in self._key():
            place = (*place, part)
            self._note(place, begun)
        self._take(_EQUALS)
        self._value(place)

    def _value(self, place: Place) -> None:
        if self._text.startswith("[", self._at):
            self._array(place)
        elif self._text.startswith("{", self._at):
            self._inline(place)
        else:
            self._take(_SCALAR)

    def _array(self, place: Place) -> None:
        position = 0
        self._at += 1
        while self._more("]"):
            self._note((*place, position), self._at)
            self._value((*place, position))
            position += 1

    def _inline(self, place: Place) -> None:
        self._at += 1
        while self._more("}"):
            self._pair(place)

    def _more(self, end: str) -> bool:
        """Whether another element follows; behind the last one it is past the `end`."""
        self._take(_BLANK)
        if self._text.startswith(",", self._at):
            self._at += 1
            self._take(_BLANK)
        if self._text.startswith(end, self._at):
            self._at += 1
            return False
        return True

    def _key(self) -> list[str]:
        self._take(_SPACE)
        return _parts(self._take(_KEY))

    def _entered(self, place: Place, parts: list[str]) -> Place:
        """The place of outer tables; an array of tables stands for its last one."""
        for part in parts:
            place = (*place, part)
            self._note(place, self._at)
            place = self._current(place)
        return place

    def _current(self, place: Place) -> Place:
        length = self._lengths.get(place)
        return (*place, length - 1) if length else place

    def _add(self, place: Place, begun: int) -> Place:
        """The place of one more table in an array of tables."""
        self._note(place, begun)
        self._lengths[place] = self._lengths.get(place, 0) + 1
        return self._current(place)

    def _note(self, place: Place, at: int) -> None:
        if at > self._counted:
            self._line += self._text.count("\n", self._counted, at)
            self._counted = at
        self.lines.setdefault(place, self._line)

    def _take(self, pattern: re.Pattern[str]) -> str:
        """What stands here and fits, and goes on behind it."""
        found = pattern.match(self._text, self._at)
        if found is None:
            raise ValueError(f"line {self._text.count(chr(10), 0, self._at) + 1} is no TOML that Vigil can read")
        self._at = found.end()
        return found[0]


def _parts(key: str) -> list[str]:
    """A dotted key as its parts: tomllib knows what quotes and escapes stand for."""
    parts: list[str] = []
    inner: Any = tomllib.loads(f"{key} = 0")
    while isinstance(inner, dict):
        ((part, inner),) = inner.items()
        parts.append(part)
    return parts

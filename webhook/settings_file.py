"""`vigil.toml`: its tables, with what stands where, so that each mistake is told with its line and its key."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct

from webhook import quantities
from webhook.toml_lines import Lines, Place, read_lines

FILE = "vigil.toml"
FILE_NAME = "VIGIL_CONFIG"
MOST_SHOWN = 80  # characters of a value in a message
NAME_PATTERN = r"^[A-Za-z0-9_-]{1,64}$"
_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
Read = TypeVar("Read")


class SettingsFile(Struct, frozen=True, kw_only=True):
    """The tables of one file, each ${NAME} in them taken from the environment, and as they are `written` there.

    At the places of `unset` a variable is named that the environment lacks, which has been told already.
    """

    name: str = FILE
    tables: dict[str, Any] = {}
    written: dict[str, Any] = {}
    lines: Lines = Lines({})
    unset: frozenset[Place] = frozenset()

    def at(self, place: Place) -> str:
        """Where something stands: file, line and key."""
        return f"{self.name}, line {self.lines.of(place)}, {'.'.join(part for part in place if isinstance(part, str))}"

    def shown(self, place: Place) -> str:
        """What is written at a place: what a variable stands for may be a secret."""
        value: Any = self.written
        for part in place:
            value = value[part]
        told = repr(value)
        return told if len(told) <= MOST_SHOWN else f"{told[:MOST_SHOWN]}…"


class Table(Struct, frozen=True):
    """One table of the file and where it stands; what is wrong with it goes to `problems`."""

    file: SettingsFile
    place: Place
    values: Mapping[str, Any]
    problems: list[str]

    def refuse(self, key: str, mistake: str) -> None:
        """Tells a mistake of one key, or for an empty one of the table."""
        place = (*self.place, key) if key else self.place
        self.problems.append(f"{self.file.at(place)}: {mistake}")

    def refuse_unknown(self, known: Collection[str]) -> None:
        """Tells each key that is none of the `known`."""
        for key in self.values:
            if key not in known:
                self.refuse(key, f"it is unknown{nearest(key, known, 0.6)}; known are {', '.join(sorted(known))}")

    def has(self, key: str) -> bool:
        """Whether something is said of it: what is empty says nothing, unless that has been told already."""
        return self.values.get(key, "") != "" or self._was_told(key)

    def read(self, key: str, read: Callable[[Any], Read], *, secret: bool = False) -> Read | None:
        """What `read` makes of a value. None where there is none, or a mistake: a ValueError of `read` is told, as
        what is to be said of the value, which is shown unless it is `secret`.
        """
        if key not in self.values or self._was_told(key):
            return None
        try:
            return read(self.values[key])
        except ValueError as mistake:
            shown = "it" if secret else self.file.shown((*self.place, key))
            self.refuse(key, f"{shown} {mistake}")
            return None

    def table(self, key: str) -> Table | None:
        """The table of that key; None where there is none."""
        value = self.values.get(key)
        place = (*self.place, key)
        if isinstance(value, dict):
            return Table(self.file, place, value, self.problems)
        if value is not None:
            self.refuse(key, f"it is no table; write [{_header(place)}]")
        return None

    def tables(self, key: str) -> list[Table]:
        """The array of tables of that key."""
        values = self.values.get(key, [])
        place = (*self.place, key)
        if isinstance(values, list) and all(isinstance(value, dict) for value in values):
            return [Table(self.file, (*place, at), value, self.problems) for at, value in enumerate(values)]
        self.refuse(key, f"it is no array of tables; write [[{_header(place)}]]")
        return []

    def _was_told(self, key: str) -> bool:
        return (*self.place, key) in self.file.unset


def read_file(environment: Mapping[str, str], directory: Path, problems: list[str]) -> SettingsFile:
    """The file that VIGIL_CONFIG names, else `vigil.toml` in `directory`; an empty one where that is not there."""
    named = environment.get(FILE_NAME)
    path = Path(named) if named else directory / FILE
    if not named and not path.exists():
        return SettingsFile()
    try:
        text = path.read_text(encoding="utf-8")
        written = tomllib.loads(text)
    except (OSError, ValueError) as mistake:  # the latter is that of TOML, of UTF-8, and of numbers without end
        problems.append(f"{path}: {mistake}")
        return SettingsFile()
    file = SettingsFile(name=named or FILE, written=written, lines=read_lines(text))
    return _expanded(file, environment, problems)


def duration(value: object) -> int:
    """The seconds of what is written as a duration. Raises ValueError, as `Table.read` tells it."""
    try:
        return quantities.seconds(value)
    except ValueError:
        raise ValueError("is no duration; write such as 30s, 5m or 4h") from None


def nearest(name: str, known: Collection[str], cutoff: float = 0.85) -> str:
    """Words that name the one of `known` that was most likely meant; none where none is near."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=cutoff)
    return f"; did you mean {near[0]}?" if near else ""


def _header(place: Place) -> str:
    return ".".join(part for part in place if isinstance(part, str))


def _expanded(file: SettingsFile, environment: Mapping[str, str], problems: list[str]) -> SettingsFile:
    """The file with each ${NAME} in its strings taken from the environment."""
    unset: dict[Place, None] = {}

    def expand(value: Any, place: Place) -> Any:
        if isinstance(value, dict):
            return {key: expand(item, (*place, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [expand(item, (*place, at)) for at, item in enumerate(value)]
        if not isinstance(value, str):
            return value
        for name in sorted({name for name in _REFERENCE.findall(value) if name not in environment}):
            problems.append(f"{file.at(place)}: ${{{name}}} is named, and the environment has no {name}")
            unset.update(dict.fromkeys(place[:end] for end in range(1, len(place) + 1)))
        return _REFERENCE.sub(lambda match: environment.get(match[1], ""), value)

    tables: dict[str, Any] = expand(file.written, ())
    return SettingsFile(name=file.name, tables=tables, written=file.written, lines=file.lines, unset=frozenset(unset))

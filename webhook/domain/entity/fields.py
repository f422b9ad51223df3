"""What decoders of all entities read: words, ids, labels and times, each bounded and tolerant of its spelling."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from webhook.domain.entity.events import Happened, Properties, Value
from webhook.domain.errors import Undecodable
from webhook.domain.states import State
from webhook.domain.wire import integer, mapping, shown, text

LONGEST_WORD = 256
LONGEST_NAME = 64
MOST_LABELS = 16

Phases = Mapping[str, tuple[State, int]]  # by the wire's word in lower case: the state it means, its precedence


def word(value: Any) -> str | None:
    """A word, a name or a number as a string of at most 256 characters, or None."""
    found = text(value)
    return found[:LONGEST_WORD] if found else None


def need_word(fields: Mapping[str, Any], key: str, path: str) -> str:
    """The word under `key`. Raises Undecodable, naming its `path`, where there is none."""
    found = word(fields.get(key))
    if found is None:
        raise Undecodable(f"{path}{key} is {shown(fields.get(key))}, not a word")
    return found


def first(fields: Mapping[str, Any], *keys: str) -> str | None:
    """The first name among `keys` of `fields`, whole, or None."""
    return next((found for key in keys if (found := text(fields.get(key)))), None)


def told(**values: Value | None) -> Properties:
    """Those of `values` that are not None. An underscore in a name begins the name inside a group: `labels_x`."""
    return tuple((name.replace("_", ".", 1), value) for name, value in values.items() if value is not None)


def labels(value: Any) -> Properties:
    """What the customer attached to the entity, of an object of names and values: the first 16 names in their order."""
    named = sorted((name[:LONGEST_NAME], word(given)) for name, given in mapping(value).items() if word(given))
    return tuple((f"labels.{name}", given) for name, given in named[:MOST_LABELS] if given)


def numbers(group: str, fields: Mapping[str, Any], names: Iterable[str]) -> Properties:
    """Those of `names` under which `fields` has an integer, as properties of `group`."""
    found = ((name, integer(fields.get(name))) for name in names)
    return tuple((f"{group}.{name}", number) for name, number in found if number is not None)


def in_state(kind: str, said: str | None, phases: Phases, properties: Properties = ()) -> Happened:
    """The event `kind` of an entity that says it is in state `said`. An undocumented word decides nothing."""
    phase, precedence = phases.get((said or "").lower(), (None, 0))
    properties += told(state=said)
    return Happened(kind=kind, phase=phase, precedence=precedence, properties=properties)

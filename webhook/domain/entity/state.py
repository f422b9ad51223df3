"""What is known of an entity: every field is a maximum, a minimum, or a set of the newest.

Marks compare by event time, then sequence, rank of the type and precedence of the word, then by what they say, so that
even a tie has one outcome.
"""

from __future__ import annotations

from msgspec import Struct

from webhook.domain.entity.events import Value
from webhook.domain.states import State

MOST_MARKS = 4  # a phase; enough to tell since when it holds
MOST_PROPERTIES = 64
MOST_TROUBLES = 20

Mark = tuple[int, int, int, int]  # event time ms, sequence, rank of the type, precedence of the word


class Phase(Struct, frozen=True, array_like=True):
    """When the entity was said to be in one state: the first time, and the latest times, ascending."""

    first: Mark
    latest: tuple[Mark, ...]


class End(Struct, frozen=True, array_like=True, order=True):
    """The end of the entity, `state` ended or failed. `reason` is empty where none was told."""

    mark: Mark
    state: State
    kind: str
    abnormal: bool
    reason: str


class Word(Struct, frozen=True, array_like=True):
    """The latest word on one property."""

    mark: Mark
    value: Value


class Trouble(Struct, frozen=True, array_like=True, order=True):
    """A problem and its event time. `code` is its digits, empty where it has none."""

    at_ms: int
    module: str
    code: str
    message: str
    warning: bool


class Entity(Struct, frozen=True, array_like=True, tag="entity"):
    """One converter, player, ingest stream, transcoder, agent or task. `begun_ms` is the least beginning told."""

    product: str = ""
    phases: dict[State, Phase] = {}
    end: End | None = None
    begun_ms: int | None = None
    properties: dict[str, Word] = {}
    troubles: tuple[Trouble, ...] = ()

"""What converters, players, ingest streams, transcoders and agents do (agora-notifications.md, section 8)."""

from __future__ import annotations

from msgspec import Struct

from webhook.domain.states import State

Value = str | int | float
Properties = tuple[tuple[str, Value], ...]


class Problem(Struct, frozen=True):
    """Something an entity complained of; its product's vocabulary has the words for `module` and `code`."""

    module: str
    code: int | None
    message: str
    warning: bool = False  # it goes on as if nothing had been


class Happened(Struct, frozen=True, kw_only=True):
    """One thing an entity did.

    `phase` is the state it says the entity is in from now on, None where it says nothing of it; `final` means that no
    other can follow. `abnormal` and `reason` say how it ended. `properties` are what it tells of the entity, by name;
    the latest word on each counts. `precedence` decides between words of one type at one instant: the clocks of some
    products tick in seconds. `begins` marks the first thing an entity does; `began_ms` is when it says it did that.
    """

    kind: str
    phase: State | None = None
    precedence: int = 0
    begins: bool = False
    began_ms: int | None = None
    final: bool = False
    abnormal: bool = False
    reason: str | None = None
    properties: Properties = ()
    problems: tuple[Problem, ...] = ()

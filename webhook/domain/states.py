"""The words for the state of a session, shared by all products (contract.md, section 4)."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class State(StrEnum):
    """The states of a session, in words that all products share."""

    EXPECTED = "expected"
    STARTING = "starting"
    LIVE = "live"
    LOST = "lost"
    ENDING = "ending"
    ENDED = "ended"
    FAILED = "failed"


OPEN = frozenset({State.EXPECTED, State.STARTING, State.LIVE, State.ENDING})
OVER = frozenset({State.ENDED, State.FAILED})


class Status(Struct, frozen=True):
    """A state and the event time, in ms, since which it holds."""

    state: State
    since_ms: int


class Exit(Struct, frozen=True):
    """How the session ended. `reasons` are words; empty where none was heard."""

    normal: bool
    at_ms: int
    reasons: tuple[str, ...]

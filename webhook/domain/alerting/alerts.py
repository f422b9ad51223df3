"""An alert is a rule's verdict on one subject; it is pending, then firing, then resolved (contract.md, section 5)."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct


class Severity(StrEnum):
    """How bad it is."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Higher for what is worse."""
        return list(Severity).index(self)


class AlertState(StrEnum):
    """Where an alert is in its life."""

    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"


class Resolution(StrEnum):
    """Why an alert went away."""

    RECOVERED = "recovered"  # what it was about is well again
    ENDED = "ended"  # its session is over
    RETRACTED = "retracted"  # a late notification shows that it never was
    EXPIRED = "expired"  # its time is over, or nobody watches it any more as what it was


class Key(NamedTuple):
    """What tells alerts of one session apart. `uid` and `track` are empty where all of the session is meant."""

    rule: str
    uid: str = ""
    track: str = ""


class Condition(Struct, frozen=True, kw_only=True):
    """What a rule finds wrong. Times are ms.

    `since_ms` is when it began, by event time; where it is `foreseen`, that may be still to come. It fires no earlier
    than `held_until_ms`, and is over at `expires_ms`. `severity` overrides the policy's. `about` tells one beginning
    from another where `since_ms` says only until when it began.
    """

    key: Key
    since_ms: int
    summary: str
    meaning: str = ""
    action: str = ""
    severity: Severity | None = None
    held_until_ms: int = 0
    expires_ms: int | None = None
    foreseen: bool = False
    about: str = ""

    @property
    def beginning(self) -> str:
        """The same as long as it is the same that is wrong."""
        return self.about or str(self.since_ms)


class Clear(Struct, frozen=True):
    """What a rule finds well, and since when, ms: an alert about it is over. Or it is not well, but goes on in another
    alert: `instead` says in which.
    """

    key: Key
    since_ms: int
    instead: str = ""


Finding = Condition | Clear


class Alert(Struct, frozen=True, array_like=True):
    """One alert of one session. Times are ms; those of its life are by the server's clock, `started_ms` is the event's,
    but no later than it was found.

    `episode` counts how often the same was wrong. `found_ms` is when it was first seen, `due_ms` when it fires.
    `changes` are the latest times when it fired or cleared, by which flapping is told.
    """

    key: Key
    episode: int
    severity: Severity
    state: AlertState
    started_ms: int
    found_ms: int
    due_ms: int
    summary: str
    meaning: str
    action: str
    fired_ms: int | None = None
    resolved_ms: int | None = None
    resolution: Resolution | None = None
    expires_ms: int | None = None
    changes: tuple[int, ...] = ()
    flapping_until_ms: int | None = None  # until then it fires whatever is found
    beginning: str = ""  # of the condition from which `started_ms` is
    graver_ms: int | None = None  # since when it fires and is found to be worse than it says yet

    @property
    def is_open(self) -> bool:
        """Whether it is pending or firing."""
        return self.state is not AlertState.RESOLVED


def fingerprint(project: str, session_id: str, key: Key) -> str:
    """16 hex digits that stand for what an alert is about, the same in every episode."""
    told = "\x1f".join((project, session_id, *key))
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:16]

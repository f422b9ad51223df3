"""What must be said of the recorders of a recording: from when until when each recorded, and why it left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from webhook.simulation.truth import Line, RecorderTruth

STARTED, LEFT, STOPPED, EXITED = 40, 41, 71, 11
LEAVE_BITS = {2: "sigint", 4: "no_users", 8: "ignore", 16: "left_channel"}
INIT_FAILED = "init_failed"

Named = Mapping[str, int]  # when a failover named a recorder, by its uid


def recorder_truths(told: Sequence[Line], in_turn: Sequence[str], named: Named) -> tuple[RecorderTruth, ...]:
    """The recorders as they took over, `in_turn`, by what was `told`, which is in the order of time."""
    begins = {uid: _took_over_ms(told, uid, named) for uid in in_turn}
    until = {before: begins[after] for before, after in pairwise(in_turn)}
    return tuple(_recorder(_own(told, uid), uid, named.get(uid, begins[uid]), until.get(uid)) for uid in in_turn)


def _took_over_ms(told: Sequence[Line], uid: str, named: Named) -> int:
    """When a failover named it, else when it was first heard."""
    return named[uid] if uid in named else min(_event_ms(line) for line in _own(told, uid))


def _recorder(own: Sequence[Line], uid: str, began_ms: int, replaced_ms: int | None) -> RecorderTruth:
    """It recorded until it left, stopped or exited, whichever was first; else until it was replaced."""
    started = [_event_ms(line) for line in own if line.event_type == STARTED]
    left = [line for line in own if line.event_type == LEFT]
    gone = [_event_ms(line) for line in (*left[:1], *_last(own, STOPPED), *_last(own, EXITED))]
    reasons = leave_words(left[-1].payload["details"]["leaveCode"]) if left else ()
    return RecorderTruth(uid, min(started, default=began_ms), min(gone, default=replaced_ms), reasons)


def leave_words(code: int) -> tuple[str, ...]:
    """The reasons in a leave code, which is a bit mask."""
    return tuple(word for bit, word in LEAVE_BITS.items() if bit & code) or (INIT_FAILED,)


def _last(own: Sequence[Line], event_type: int) -> list[Line]:
    return [line for line in own if line.event_type == event_type][-1:]


def _own(told: Sequence[Line], uid: str) -> list[Line]:
    return [line for line in told if line.payload["uid"] == uid]


def _event_ms(line: Line) -> int:
    details = line.payload["details"]
    event_ms: int = details.get("UtcMs") or details.get("utcMs") or line.payload["sendts"]
    return event_ms

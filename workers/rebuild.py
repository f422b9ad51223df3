"""Sessions folded again from their logs, and what that changes: nothing, while logs and code are sound."""

from __future__ import annotations

from contextlib import suppress

import msgspec
from msgspec import Struct

from webhook.domain.deadlines import settle
from webhook.domain.errors import StoreError, VigilError
from webhook.domain.folding import Folding, Limits
from webhook.domain.session import Session
from webhook.store.record import Recorder
from webhook.store.shard import Shard
from webhook.views.sessions import session_view

COUNTED = frozenset({"revision", "notifications"})  # what a fold of the log does not tell


class Difference(Struct, frozen=True):
    """One value of a session, by its path in the API's answer, as it is and as its log says."""

    path: str
    stored: object
    folded: object


class Rebuilt(Struct, frozen=True):
    """What folding a session again came to. `why_not` says why it was not tried, or not saved."""

    session_id: str
    differences: list[Difference]
    why_not: str | None = None


class Busy(VigilError):
    """Another worker holds the shard; trying again in a second helps."""


def rebuild(shard: Shard, session_id: str, limits: Limits, *, save: bool) -> Rebuilt:
    """Folds one session again from its log and, with `save`, keeps what comes out.

    A session whose log was trimmed is left alone: what is gone from it cannot be folded again. So is one of which
    folding it raises. Raises Busy, LeaseLost, StoreError; nothing was written then.
    """
    if not shard.acquire():
        raise Busy(f"a worker is at shard {shard.keys.shard}")
    try:
        return _rebuild(shard, session_id, limits, save=save)
    except VigilError:
        raise
    except Exception as failure:  # one session's fault is not the next one's
        return Rebuilt(session_id, [], f"it cannot be folded again: {type(failure).__name__}: {failure}")
    finally:
        with suppress(StoreError):  # the lease ends by itself then
            shard.forgive()  # whoever tried what waits in the inbox, it was not this process


def _rebuild(shard: Shard, session_id: str, limits: Limits, *, save: bool) -> Rebuilt:
    known, lost = shard.load([], [session_id])
    if session_id in lost.reasons:
        return Rebuilt(session_id, [], lost.reasons[session_id])
    stored = known.sessions.get(session_id)
    if stored is None:
        return Rebuilt(session_id, [], "there is no such session")
    if stored.log_floor is not None:
        return Rebuilt(session_id, [], "its log was trimmed (VIGIL_LOG_PER_SESSION), so it cannot be folded whole")
    folding = Folding(known, limits)
    folding.refold(session_id, shard.told_of(session_id))
    now_ms = shard.now_ms()
    folding.settle([], now_ms, deaf=True)  # time alone is no difference
    found = differences(settle(stored, now_ms, deaf=True), folding.sessions[session_id])
    if found and save:
        recorder = Recorder(shard.keys, limits.retention_ms, now_ms=0)  # nothing is counted in any minute
        recorder.save(folding, looks={})  # its alerts are looked at next
        shard.amend(recorder.finish(None))
    return Rebuilt(session_id, found)


def differences(stored: Session, folded: Session) -> list[Difference]:
    """Where the API's answers of both differ, in order of their paths."""
    before, after = (_flat("", msgspec.to_builtins(session_view(session))) for session in (stored, folded))
    return [
        Difference(path, before.get(path), after.get(path))
        for path in sorted(before.keys() | after.keys())
        if before.get(path) != after.get(path) and path.split(".")[1] not in COUNTED
    ]


def _flat(path: str, value: object) -> dict[str, object]:
    if isinstance(value, dict):
        parts = {f"{path}.{name}": inner for name, inner in value.items()}
    elif isinstance(value, list):
        parts = {f"{path}[{number}]": inner for number, inner in enumerate(value)}
    else:
        return {path: value}
    return {name: leaf for part, inner in parts.items() for name, leaf in _flat(part, inner).items()} or {path: value}

"""What a batch needs to know of a shard before it is folded, and how it is read from what is stored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct

from webhook.domain.arrivals import Reading
from webhook.domain.folding import Known, stale_field
from webhook.domain.log import DEAD, LOOSE
from webhook.store.codec import decode_entry, decode_session

EFFECT = "\x00e:"  # marks, among a log's fields, what was counted; no name of an entry begins so


class Lost(Struct, frozen=True):
    """Sessions whose projection cannot be read, with the reason; their notifications become dead letters."""

    reasons: dict[str, str]


class Wanted:
    """Which sessions and log fields a batch needs, each once: those of its readings, and the sessions `others`."""

    def __init__(self, readings: Iterable[Reading], others: Sequence[str]) -> None:
        sessions = dict.fromkeys(others)
        fields: dict[str, dict[str, None]] = {}
        for reading in readings:
            names = fields.setdefault(reading.log, {})
            names[reading.field] = None
            if reading.entry.effect is not None:
                names[EFFECT + reading.entry.effect] = None
            if reading.fact is not None:
                sessions[reading.fact.session_id] = None
                # where it goes if it is stale, or cannot be folded
                fields.setdefault(LOOSE, {})[stale_field(reading)] = None
                fields.setdefault(DEAD, {})[reading.field] = None
        self.sessions = list(sessions)
        self.fields = {log: list(names) for log, names in fields.items()}


def decode_sessions(session_ids: Sequence[str], stored: Sequence[bytes | None], known: Known) -> Lost:
    """Puts the stored projections into `known`; returns those that cannot be read."""
    reasons = {}
    for session_id, value in zip(session_ids, stored, strict=True):
        try:
            if value is not None:
                known.sessions[session_id] = decode_session(value)
        except msgspec.MsgspecError as mistake:
            reasons[session_id] = f"the session's projection cannot be read: {mistake}"
    return Lost(reasons)


def sort_fields(log: str, fields: Sequence[str], values: Sequence[bytes | None], known: Known) -> None:
    """Puts what is stored in these fields of a log into `known`."""
    for field, value in zip(fields, values, strict=True):
        if value is None:
            continue
        if field.startswith(EFFECT):
            known.effects[log, field.removeprefix(EFFECT)] = value.decode()
        else:
            _know(known, log, field, value)


def _know(known: Known, log: str, field: str, value: bytes) -> None:
    try:
        known.entries[log, field] = decode_entry(value)
    except msgspec.MsgspecError:  # written by a later release, which this one leaves as it is
        known.unreadable.add((log, field))

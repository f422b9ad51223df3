"""What one session's log comes to by the pure core alone, against what is stored of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import msgspec
from msgspec.structs import replace

from tests.system.stack import Json
from webhook.domain.arrivals import Arrival, Reading, read
from webhook.domain.deadlines import settle, silence_deadline_ms
from webhook.domain.folding import Folding, Known, Limits
from webhook.domain.log import Copy, Entry
from webhook.domain.session import Session
from webhook.domain.timeline import Window, timeline
from webhook.samples import envelope
from webhook.simulation.truth import Line
from webhook.views.sessions import session_view
from webhook.views.timeline import timeline_view

LIMITS = Limits(log_per_session=4096, retention_ms=7 * 86_400_000)
COUNTERS = ("notifications", "revision", "alerts")
Entries = Mapping[str, Entry]  # by field of the log
Lines = Mapping[str, Line]  # by noticeId


def differences(stored: Session, entries: Entries, lines: Lines, now_ms: int) -> Iterator[str]:
    """In words, what is stored of a session against an undisturbed fold of the notifications in its log.

    `lines` is what Agora said under each noticeId: nothing that Vigil wrote is believed but which of them it kept,
    when it received them, and which of several times of sending was the least.
    """
    folding = Folding(Known(), LIMITS)
    for entry in entries.values():
        for copy in entry.copies:
            folding.take(_reading(lines[copy.notice_id], copy, entry))
    again = {field: entry for (_, field), entry in folding.entries.items()}
    yield from _unlike_entries(entries, again)
    folded = folding.sessions.get(stored.id)
    if folded is None:
        yield "its log does not make this session"
        return
    if stored.lost_ms is not None and stored.lost_ms != silence_deadline_ms(folded):
        yield f"it is lost since {stored.lost_ms}, but its silence counts from {silence_deadline_ms(folded)} on"
    yield from _unlike(view(stored, now_ms), view(folded, now_ms), "")
    yield from _unlike(drawn(stored, entries, now_ms), drawn(folded, again, now_ms), "timeline ")


def view(session: Session, now_ms: int) -> Json:
    """The session as the API would show it at that time, had no silence been noticed."""
    seen: Json = json.loads(msgspec.json.encode(session_view(_unlost(session, now_ms))))
    return seen


def is_timeless(entry: Entry) -> bool:
    """Whether what the entry tells has no time of its own: it happened when it was sent."""
    fact = read(Arrival("", entry.source, "default", entry.signature, entry.body), entry.copies[0].received_ms).fact
    return fact is not None and fact.timeless


def _unlost(session: Session, now_ms: int) -> Session:
    return settle(replace(session, lost_ms=None), now_ms, deaf=True)


def drawn(session: Session, entries: Entries, now_ms: int) -> Json:
    """The session's timeline as the API would show it at that time, had no silence been noticed."""
    shown = timeline_view(timeline(_unlost(session, now_ms), entries.values(), Window(None, None)))
    seen: Json = json.loads(msgspec.json.encode(shown))
    return seen


def _reading(line: Line, copy: Copy, entry: Entry) -> Reading:
    said = envelope(line.product_id, line.event_type, line.payload, copy.notice_id, copy.notified_ms)
    reading = read(Arrival("", "default", "default", 2, msgspec.json.encode(said)), copy.received_ms)
    if reading.fact is None or not reading.fact.timeless or entry.occurred_ms is None:
        return reading
    # it happened at the least notifyMs under which it came, and a resend may have brought that, which no copy shows
    moved = replace(reading.fact, order=reading.fact.order._replace(at_ms=entry.occurred_ms))
    return replace(reading, fact=moved, entry=replace(reading.entry, occurred_ms=entry.occurred_ms))


def _unlike_entries(stored: Entries, again: Entries) -> Iterator[str]:
    if stored.keys() != again.keys():
        yield f"its log has {len(stored)} entries, but what stands in them makes {len(again)}"
    for field in stored.keys() & again.keys():
        for name in ("body", "outcome", "occurred_ms", "session_id", "channel", "effect"):
            found, expected = getattr(stored[field], name), getattr(again[field], name)
            if found != expected:
                yield f"{name} of entry {field} is {found!r}, not {expected!r}"


def _unlike(found: Json, expected: Json, what: str) -> Iterator[str]:
    for name in found.keys() | expected.keys():
        if name not in COUNTERS and found.get(name) != expected.get(name):
            yield f"{what}{name} is {_short(found.get(name))}, not {_short(expected.get(name))}"


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 300 else f"{text[:300]}…"

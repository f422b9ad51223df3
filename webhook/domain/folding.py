"""Folds one batch of readings into what is known, and says what has to be written. No clock, no store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from webhook.domain.arrivals import Reading
from webhook.domain.deadlines import forget_ms, settle
from webhook.domain.facts import Fact
from webhook.domain.log import DEAD, LOOSE, Entry, Outcome, session_log, with_arrival
from webhook.domain.merging import least
from webhook.domain.refolding import refold
from webhook.domain.registration import Registration
from webhook.domain.session import Session
from webhook.domain.transitions import apply, open_session, register

DEAD_KEPT_MS = 30 * 86_400_000  # how long dead letters and quarantined bodies are kept


class Limits(Struct, frozen=True):
    """Bounds of what is kept. `retention_ms` also decides what is too old to open a session."""

    log_per_session: int
    retention_ms: int
    loose: int = 10_000
    dead_ms: int = DEAD_KEPT_MS
    drifted: int = 500
    forgotten: int = 10_000  # log entries that one batch may forget; the rest stays due


class Spot(Struct, frozen=True, order=True):
    """Where an entry stands in its log: event time in ms (received time outside session logs), then the rest."""

    at_ms: int
    place: str

    @property
    def field(self) -> str:
        """The entry's name in its log."""
        return self.place.partition("|")[2]

    @property
    def floor(self) -> str:
        """The spot as text that sorts like it."""
        return f"{self.at_ms:015d}:{self.place}"


class Known(Struct):
    """What was loaded for a batch: sessions, log entries by (log, field), sizes of logs.

    Effects, by (log, digest), say which spot told of them last (its `floor`): with that entry they go from the log.
    """

    sessions: dict[str, Session] = field(default_factory=dict)
    entries: dict[tuple[str, str], Entry] = field(default_factory=dict)
    effects: dict[tuple[str, str], str] = field(default_factory=dict)
    unreadable: set[tuple[str, str]] = field(default_factory=set)  # entries of a later release
    loose: int = 0
    drifted: set[str] = field(default_factory=set)  # fields that were counted as schema drift


class Folding:
    """The working set of one batch. After the last `take`, its attributes say what changed."""

    def __init__(self, known: Known, limits: Limits) -> None:
        self.before = dict(known.sessions)
        self.sessions = known.sessions
        self.entries: dict[tuple[str, str], Entry] = {}
        self.spots: dict[tuple[str, str], Spot] = {}
        self.effects: dict[tuple[str, str], str] = {}
        self.forgotten: list[Session] = []
        self.moved: set[str] = set()
        self.withdrawn: dict[str, Entry] = {}  # dead letters no longer, by name, as they are stored
        self.outcomes: Counter[Outcome] = Counter()
        self.lags_ms: list[int] = []
        self.loose = known.loose
        self.drift: Counter[str] = Counter()
        self._known = known
        self._limits = limits
        self._touched: dict[str, None] = {}

    @property
    def touched(self) -> list[str]:
        """The ids of the sessions to save."""
        return list(self._touched)

    def take(self, reading: Reading) -> Outcome:
        """Folds one reading; returns what became of it. A POST that is kept already changes nothing at all."""
        if self.kept(reading):
            return Outcome.DUPLICATE
        outcome = self._take(reading)
        self.outcomes[outcome] += 1
        if outcome is not Outcome.DUPLICATE:
            self._count_drift(reading.drift)
        return outcome

    def take_again(self, reading: Reading, *, heard: bool) -> Outcome:
        """Folds what was a dead letter until now; where it was `heard` its session has counted it already."""
        counted = heard and reading.fact is not None and reading.fact.session_id in self.sessions  # or forgotten since
        lags = len(self.lags_ms)
        outcome = self._take(reading)
        del self.lags_ms[lags:]  # it was received long ago
        session = self.sessions.get(reading.fact.session_id) if reading.fact else None
        if session is not None:
            more = sum(copy.count for copy in reading.entry.copies) - 1
            received, duplicates = (-1, 0) if counted else (more, more)
            self._put(
                replace(session, received=session.received + received, duplicates=session.duplicates + duplicates)
            )
        return outcome

    def kept(self, reading: Reading) -> list[Entry]:
        """The entries that have a POST of `reading` already: its append seemed to fail, say, and the spool has it."""
        places = ((reading.log, reading.field), (DEAD, reading.field), (LOOSE, stale_field(reading)))
        entries = [entry for place in places if (entry := self._entry(*place)) is not None]
        return [entry for entry in entries if not set(reading.entry.receipts).isdisjoint(entry.receipts)]

    def dead_letter(self, name: str) -> Entry | None:
        """The dead letter of that name, None where there is none, or none any more."""
        return self._entry(DEAD, name)

    def amend(self, name: str, entry: Entry) -> None:
        """The dead letter of that name is `entry` from now on."""
        self.entries[DEAD, name] = entry

    def withdraw(self, name: str, left: Entry | None = None) -> None:
        """The dead letter of that name goes, but for what is `left` of it."""
        stored = self._known.entries.pop((DEAD, name), None)  # it may come again in this very batch, as a new one
        if stored is not None:
            self.withdrawn[name] = stored
        self.entries.pop((DEAD, name), None)
        self.spots.pop((DEAD, name), None)
        if left is not None:
            self.entries[DEAD, name] = left
            self.spots[DEAD, name] = Spot(left.copies[0].received_ms, f"|{name}")

    def alert(self, session: Session, alerts: tuple[str, ...]) -> None:
        """These alerts of `session` fire now; it may be one that nothing else touched."""
        if session.id not in self.sessions:
            self.before[session.id] = self.sessions[session.id] = session
        if alerts != session.alerts:
            self._put(replace(session, alerts=alerts))

    def register(self, registration: Registration) -> None:
        """Folds what whoever starts a recording told of it."""
        self._put(register(self.sessions.get(registration.sid), registration))

    def settle(self, due: Iterable[str], now_ms: int, *, deaf: bool) -> None:
        """Counts the silence of the sessions that are due and of all that were touched, up to `now_ms`.

        Forgets those that are due, were not touched, and whose time is over.
        """
        for session_id in [session_id for session_id in due if session_id not in self._touched]:
            session = self.sessions.get(session_id)
            forget_at = forget_ms(session, self._limits.retention_ms) if session else None
            if session and forget_at is not None and forget_at <= now_ms:
                self._forget(session)
            elif session:
                self._touched[session_id] = None
        for session_id in self._touched:
            self.sessions[session_id] = settle(self.sessions[session_id], now_ms, deaf=deaf)

    def _forget(self, session: Session) -> None:
        if not self.forgotten or sum(gone.logged for gone in self.forgotten) < self._limits.forgotten:
            self.forgotten.append(session)

    def overflow(self) -> dict[str, int]:
        """How many entries each log holds over its bound."""
        sizes = {session_log(key): self.sessions[key].logged for key in self.touched}
        over = {log: size - self._limits.log_per_session for log, size in sizes.items()}
        over[LOOSE] = self.loose - self._limits.loose
        return {log: count for log, count in over.items() if count > 0}

    def trim(self, log: str, count: int, stored: Iterable[Spot]) -> list[Spot]:
        """The `count` least spots of `log`, out of the least that are `stored` and the new ones; they are to go."""
        new = [spot for (of, _), spot in self.spots.items() if of == log]
        trimmed = sorted({*stored, *new})[:count]
        for spot in trimmed:
            entry = self.entries.pop((log, spot.field), None)
            self.spots.pop((log, spot.field), None)
            if entry and entry.effect and self.effects.get((log, entry.effect)) == spot.floor:
                del self.effects[log, entry.effect]
        if trimmed and log != LOOSE:
            session = self.sessions[log.partition(":")[2]]
            floor = max(trimmed[-1].floor, session.log_floor or "")
            self._put(replace(session, logged=session.logged - len(trimmed), log_floor=floor))
        return trimmed

    def _take(self, reading: Reading) -> Outcome:
        if (reading.log, reading.field) in self._known.unreadable:
            return Outcome.DUPLICATE
        known = self._entry(reading.log, reading.field)
        if known is not None:
            return self._repeat(reading, known)
        if reading.fact is None:
            return self._keep(reading, reading.entry.outcome)
        return self._fold(reading, reading.fact)

    def _repeat(self, reading: Reading, known: Entry) -> Outcome:
        told = with_arrival(known, reading.entry)
        if reading.log == DEAD and reading.entry.occurred_ms is not None:
            told = replace(told, occurred_ms=least(told.occurred_ms, reading.entry.occurred_ms))
        self.entries[reading.log, reading.field] = told
        session = self.sessions.get(reading.fact.session_id) if reading.fact else None
        if session is not None:
            self._put(replace(session, received=session.received + 1, duplicates=session.duplicates + 1))
        if session is not None and session.log_floor is None and reading.fact is not None and reading.fact.timeless:
            self._move(reading, reading.fact, known)
        return Outcome.DUPLICATE

    def _move(self, reading: Reading, fact: Fact, known: Entry) -> None:
        """An event without its own time happened at the least notifyMs of its copies: this one may be earlier."""
        if known.occurred_ms is None or fact.order.at_ms < known.occurred_ms:
            moved = replace(self.entries[reading.log, reading.field], occurred_ms=fact.order.at_ms)
            self.entries[reading.log, reading.field] = moved
            self.spots[reading.log, reading.field] = _spot(fact)
            self.moved.add(fact.session_id)

    def refold(self, session_id: str, stored: Mapping[tuple[str, str], Entry]) -> None:
        """Folds a session whose facts moved again, from the `stored` entries that tell of it and the new ones."""
        entries = [
            entry
            for (log, _), entry in {**stored, **self.entries}.items()
            if log == session_log(session_id) or (log == DEAD and entry.session_id == session_id)
        ]
        self._put(refold(self.sessions[session_id], entries))

    def _fold(self, reading: Reading, fact: Fact) -> Outcome:
        session = self.sessions.get(fact.session_id)
        if session is None and fact.received_ms - fact.order.at_ms > self._limits.retention_ms:
            return self._keep_stale(reading)
        if session is None:
            session = open_session(fact)
        spot = _spot(fact)
        if session.log_floor is not None and spot.floor <= session.log_floor:
            self._put(replace(session, received=session.received + 1, stale=session.stale + 1))
            return self._keep_stale(reading)
        effect = (reading.log, reading.entry.effect) if reading.entry.effect else None
        folded = apply(session, fact, effect_known=effect is not None and self._told(effect) != "")
        self._put(replace(folded, logged=session.logged + (reading.log != DEAD)))
        if effect:
            self.effects[effect] = max(spot.floor, self._told(effect))
        if reading.log == DEAD:
            kept = replace(reading, entry=replace(reading.entry, heard=True))
            self._log(kept, Spot(reading.received_ms, f"|{reading.field}"))
        else:
            self._log(reading, spot)
        self.lags_ms.append(max(0, fact.received_ms - fact.order.at_ms))
        return reading.entry.outcome

    def _count_drift(self, fields: Iterable[str]) -> None:
        for name in fields:
            counted = self._known.drifted
            if name in counted or len(counted) < self._limits.drifted:
                counted.add(name)
                self.drift[name] += 1

    def _told(self, effect: tuple[str, str]) -> str:
        """The floor of the last spot that told of `effect`, empty if none did."""
        return self.effects.get(effect) or self._known.effects.get(effect, "")

    def _keep_stale(self, reading: Reading) -> Outcome:
        entry = replace(reading.entry, outcome=Outcome.STALE, effect=None)
        stale = replace(reading, log=LOOSE, field=stale_field(reading), entry=entry)
        known = self._entry(stale.log, stale.field)
        if known is None:
            return self._keep(stale, Outcome.STALE)
        self.entries[stale.log, stale.field] = with_arrival(known, stale.entry)
        return Outcome.STALE

    def _keep(self, reading: Reading, outcome: Outcome) -> Outcome:
        self._log(reading, Spot(reading.received_ms, f"|{reading.field}"))
        self.loose += reading.log == LOOSE
        return outcome

    def _log(self, reading: Reading, spot: Spot) -> None:
        self.entries[reading.log, reading.field] = reading.entry
        self.spots[reading.log, reading.field] = spot

    def _entry(self, log: str, name: str) -> Entry | None:
        return self.entries.get((log, name)) or self._known.entries.get((log, name))

    def _put(self, session: Session) -> None:
        self.sessions[session.id] = session
        self._touched[session.id] = None


def stale_field(reading: Reading) -> str:
    """The name, in the loose log, of a notification that is too old for its session's log."""
    return f"stale:{reading.field}"


def _spot(fact: Fact) -> Spot:
    return Spot(fact.order.at_ms, fact.place)

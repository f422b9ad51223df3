"""Whether the promises were kept: what Agora knows against what Vigil kept, each difference in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct
from redis import Redis

from tests.store import consistency
from tests.system.chaos import folded
from tests.system.chaos.kept import Kept
from tests.system.chaos.ledger import Ledger
from tests.system.chaos.load import NOBODY, Load, Wave
from tests.system.stack import SHARDS
from webhook.domain.log import DEAD, LOOSE, Entry, Outcome, session_log
from webhook.domain.session import Session
from webhook.simulation.comparison import compare, compare_timeline
from webhook.simulation.oracle import fold
from webhook.simulation.plan import Posting
from webhook.simulation.truth import Line, Script
from webhook.store.connection import server_now_ms

REPEATED = (Outcome.DUPLICATE.value,)  # how arrivals are counted that made no entry


class Promise:
    """The names of what is promised, as differences begin with them."""

    LOST = "lost"
    TWICE = "twice"
    COUNTS = "counts"
    STATUS = "status"
    ORACLE = "oracle"
    STORE = "store"
    ASIDE = "set aside"
    ANSWERS = "answers"


class Difference(Struct, frozen=True):
    """What does not agree, under the promise that it breaks."""

    promise: str
    words: str


Differences = Iterator[Difference]


def judge(redis: Redis, ledger: Ledger, load: Load) -> tuple[Kept, list[Difference]]:
    """What was kept, and every difference. Nothing may write to the store meanwhile."""
    kept = Kept(redis)
    return kept, [
        *(Difference(Promise.ANSWERS, words) for words in ledger.odd),
        *_kept_once(ledger, kept),
        *_counted_once(kept),
        *_sessions(load, kept, server_now_ms(redis)),
        *_walked(redis),
    ]


def _kept_once(ledger: Ledger, kept: Kept) -> Differences:
    """Promise 1 and 2, notification by notification."""
    for words in kept.twice:
        yield Difference(Promise.TWICE, words)
    for name, told in ledger.told.items():
        place = kept.places.get(name)
        if place is None and told.acknowledged:
            yield Difference(Promise.LOST, f"{name} of wave {told.wave}, acknowledged {told.acknowledged} times")
        if place is not None and not 0 <= place.count - told.acknowledged <= told.uncertain:
            counts = f"{place.count} times, acknowledged {told.acknowledged} and uncertain {told.uncertain} times"
            yield Difference(Promise.COUNTS, f"{name} is counted in {place.log} {counts}")
    for name in kept.places.keys() - ledger.told.keys():
        yield Difference(Promise.STORE, f"{name} in {kept.places[name].log} was never posted")


def _counted_once(kept: Kept) -> Differences:
    """The statistics count each arrival once, by what became of it."""
    arrivals = sum(place.count for place in kept.places.values())
    if kept.counted.total() != arrivals:
        words = f"{kept.counted.total()} arrivals are in the statistics, {arrivals} in the logs"
        yield Difference(Promise.COUNTS, words)
    for outcome in (kept.folded.keys() | kept.counted.keys()) - {*REPEATED}:
        if kept.folded[outcome] != kept.counted[outcome]:
            words = f"{outcome}: {kept.counted[outcome]} in the statistics, {kept.folded[outcome]} in the logs"
            yield Difference(Promise.COUNTS, words)


def _sessions(load: Load, kept: Kept, now_ms: int) -> Differences:
    known: set[str] = set()
    for number in load.began_ms:
        wave = load.wave(number)
        by_session = _by_session(wave)
        yield from _strays(by_session.pop(NOBODY, []), kept)
        for script in wave.scripts:
            known.add(script.sid)
            judging = _Judging(script, by_session.get(script.sid, []), kept, load.ledger)
            yield from judging.differences(now_ms)
    for sid in kept.session_ids - known:
        yield Difference(Promise.STORE, f"session {sid} is one that nobody told of")


def _by_session(wave: Wave) -> dict[str, list[Posting]]:
    by_session: dict[str, list[Posting]] = {}
    for posting in wave.postings:
        by_session.setdefault(posting.sid, []).append(posting)
    return by_session


def _strays(postings: list[Posting], kept: Kept) -> Differences:
    """What belongs to no session is in the log for such (a body that is no envelope goes by another name)."""
    for posting in postings:
        place = kept.places.get(posting.notice_id)
        if place is not None and place.log not in (LOOSE, DEAD):
            yield Difference(Promise.ASIDE, f"{posting.notice_id} is in {place.log}, but belongs to no session")


class _Judging:
    """One session: its script and what was posted of it, against what was kept."""

    def __init__(self, script: Script, postings: list[Posting], kept: Kept, ledger: Ledger) -> None:
        self._script, self._kept, self._ledger = script, kept, ledger
        self._lines: Mapping[str, Line] = {
            posting.notice_id: posting.line for posting in postings if posting.notice_id in kept.places
        }
        self._told = [ledger.told[name] for name in {posting.notice_id for posting in postings} & ledger.told.keys()]

    def differences(self, now_ms: int) -> Differences:
        """Each in words that begin with the session's id."""
        for promise, words in self._all(now_ms):
            yield Difference(promise, f"{self._script.sid}: {words}")

    def _all(self, now_ms: int) -> Iterator[tuple[str, str]]:
        shards = self._kept.shards_of(self._script.sid)
        if len(shards) > 1:
            yield Promise.TWICE, f"it stands in the shards {shards}"
        found = self._kept.session(self._script.sid)
        if found is None:
            if self._lines:
                yield Promise.STATUS, f"there is no such session, though {len(self._lines)} of its noticeIds were kept"
            return
        session, entries = found
        yield from ((Promise.COUNTS, words) for words in self._counters(session))
        yield from ((Promise.ASIDE, words) for words in self._elsewhere())
        yield from ((Promise.COUNTS, words) for words in self._times(entries))
        yield from ((Promise.STATUS, words) for words in folded.differences(session, entries, self._lines, now_ms))
        yield from ((Promise.ORACLE, words) for words in self._untrue(session, entries, now_ms))

    def _counters(self, session: Session) -> Iterator[str]:
        """Promise 2: the session counts what its log lists, and that is what was acknowledged, and perhaps more."""
        tally, acknowledged = self._kept.tallies[session.id], sum(told.acknowledged for told in self._told)
        most = acknowledged + sum(told.uncertain for told in self._told)
        if not acknowledged <= session.received <= most:
            yield f"received is {session.received}, but {acknowledged} to {most} came"
        found = session.received, session.duplicates, session.stale
        if found != (expected := (tally.arrivals, tally.arrivals - tally.entries, 0)):
            yield f"received, duplicates and stale are {found}, but its log says {expected}"

    def _elsewhere(self) -> Iterator[str]:
        """Nothing is wrong with what was told of a session: all of it belongs into the session's log."""
        for name in self._lines:
            place = self._kept.places[name]
            if place.log != session_log(self._script.sid):
                yield f"{name} is in {place.log}, {place.outcome}"

    def _times(self, entries: Mapping[str, Entry]) -> Iterator[str]:
        """What has no time of its own happened at the least notifyMs under which it came."""
        for entry in filter(folded.is_timeless, entries.values()):
            told = [self._ledger.told[copy.notice_id] for copy in entry.copies]
            acknowledged = [each.least_acknowledged_ms for each in told if each.least_acknowledged_ms is not None]
            least, most = min(each.least_ms for each in told), min(acknowledged, default=None)
            at_ms = entry.occurred_ms or 0
            if not least <= at_ms <= (at_ms if most is None else most):
                yield f"an entry without a time happened at {entry.occurred_ms}, but was told from {least} to {most}"

    def _untrue(self, session: Session, entries: Mapping[str, Entry], now_ms: int) -> list[str]:
        """Against the simulator's own fold, which shares no code with Vigil's."""
        lines = {line.notice_id: line for line in self._lines.values()}
        whole = len(lines) == len(self._script.lines)
        truth = self._script.truth if whole else fold(lines.values())
        if truth is None:
            return []
        timeline = compare_timeline(folded.drawn(session, entries, now_ms), truth)
        return [*compare(folded.view(session, now_ms), truth), *timeline]


def _walked(redis: Redis) -> Differences:
    try:
        consistency.check(redis, SHARDS)
    except AssertionError as mistake:
        yield Difference(Promise.STORE, str(mistake)[:500])

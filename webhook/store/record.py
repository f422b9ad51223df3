"""A folded batch as the writes of one commit: projections, logs, indexes, gauges, deadlines, the inbox's head."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec
from msgspec.structs import replace

from webhook.domain.deadlines import next_deadline_ms
from webhook.domain.facets import Facets, facets
from webhook.domain.folding import Folding, Spot
from webhook.domain.log import DEAD, Entry
from webhook.domain.replaying import Answer
from webhook.domain.session import Session
from webhook.store.codec import encode_entry, encode_session
from webhook.store.commit import Commit
from webhook.store.keys import ShardKeys
from webhook.store.lags import bucket
from webhook.store.loading import EFFECT
from webhook.store.shard import session_keys

ANSWER_KEPT = 600  # seconds
MINUTE_KEPT = 7200  # seconds that the counts of a minute are kept
SEPARATOR = "\x1f"
NOTHING = Facets(frozenset(), {})


class Recorder:
    """Turns what a batch changed in one shard into a Commit. `now_ms` is the server's."""

    def __init__(self, shard_keys: ShardKeys, retention_ms: int, now_ms: int) -> None:
        self._commit = Commit()
        self._keys = shard_keys
        self._retention_ms = retention_ms
        self._now_ms = now_ms
        self._gauges: Counter[str] = Counter()

    def finish(self, last_id: str | None) -> Commit:
        """The commit, with the inbox trimmed up to `last_id`."""
        for gauge, amount in self._gauges.items():
            self._commit.add_to(self._keys.counts, gauge, amount)
        if last_id is not None:
            self._commit.trim(self._keys.inbox, last_id)
        return self._commit

    def save(self, folding: Folding, *, not_before_ms: int = 0) -> None:
        """Sessions, log entries and statistics of the batch. No deadline is set before `not_before_ms`."""
        for session_id in folding.touched:
            self._session(folding.before.get(session_id), folding.sessions[session_id], not_before_ms)
        self._entries(folding)
        self._statistics(folding)

    def forget(self, session: Session, entries: Mapping[tuple[str, str], Entry]) -> None:
        """`session`, as it is stored, and its log go, and every reference to them."""
        for key in session_keys(self._keys, session):
            self._commit.delete(key)
        known = facets(session)
        for name in known.indexes:
            self._commit.unscore(self._keys.index(name), session.id)
        self._commit.unscore(self._keys.deadlines, session.id)
        member = channel_member(session)
        if member is not None:
            self._commit.unscore(self._keys.channels, member)
        self._gauges.subtract(known.gauges)
        self._unlist(entries)

    def unschedule(self, session_ids: Iterable[str]) -> None:
        """The deadlines of sessions that are gone already go too."""
        for session_id in session_ids:
            self._commit.unscore(self._keys.deadlines, session_id)

    def drop(self, log: str, spots: Iterable[Spot], entries: Mapping[tuple[str, str], Entry]) -> None:
        """These spots of `log` go; `entries` holds those of them that are stored."""
        for spot in spots:
            self._commit.unscore(self._keys.places(log), spot.place)
            self._commit.drop(self._keys.log(log), [spot.field])
        self._unlist(entries)

    def drop_effects(self, log: str, digests: Iterable[str]) -> None:
        """These effects are told of by no entry of `log` any more."""
        self._commit.drop(self._keys.log(log), [EFFECT + digest for digest in digests])

    def withdraw(self, dead_letters: Mapping[str, Entry]) -> None:
        """These dead letters, by name, go."""
        entries = {(DEAD, name): entry for name, entry in dead_letters.items()}
        self.drop(DEAD, [Spot(0, f"|{name}") for name in dead_letters], entries)

    def answer(self, answers: Mapping[str, Answer]) -> None:
        """What is told, by its ticket, to whoever waits for it."""
        for ticket, answer in answers.items():
            self._commit.set(self._keys.answer(ticket), msgspec.json.encode(answer))
            self._commit.expire(self._keys.answer(ticket), ANSWER_KEPT)

    def postpone(self, session_ids: Iterable[str], until_ms: int) -> None:
        """These sessions are looked at again at `until_ms`, whatever they say themselves."""
        for session_id in session_ids:
            self._commit.score(self._keys.deadlines, session_id, until_ms)

    def _session(self, before: Session | None, after: Session, not_before_ms: int) -> None:
        saved = replace(after, revision=after.revision + 1)
        self._commit.set(self._keys.session(saved.id), encode_session(saved))
        then, now = facets(before) if before else NOTHING, facets(saved)
        for name in then.indexes - now.indexes:
            self._commit.unscore(self._keys.index(name), saved.id)
        for name in now.indexes:
            self._commit.score(self._keys.index(name), saved.id, saved.activity_ms)
        self._list_channel(before, saved)
        deadline = next_deadline_ms(saved, self._retention_ms)
        self._commit.score(self._keys.deadlines, saved.id, max(deadline, not_before_ms))
        self._gauges.update(now.gauges)
        self._gauges.subtract(then.gauges)

    def _list_channel(self, before: Session | None, after: Session) -> None:
        then, now = channel_member(before) if before else None, channel_member(after)
        if then is not None and then != now:
            self._commit.unscore(self._keys.channels, then)
        if now is not None:
            self._commit.score(self._keys.channels, now, after.activity_ms)

    def _entries(self, folding: Folding) -> None:
        for (log, field), entry in folding.entries.items():
            self._commit.put(self._keys.log(log), {field: encode_entry(entry)})
            if counts_as_heard(log, entry):
                self._commit.score(self._keys.heard(entry.session_id or ""), field, entry.copies[0].received_ms)
            for copy in entry.copies:
                reference = refer(copy.notice_id, log, field)
                self._commit.score(self._keys.received, reference, copy.received_ms)
                self._commit.score(self._keys.notices, reference, 0)
        for (log, _), spot in folding.spots.items():
            self._commit.score(self._keys.places(log), spot.place, spot.at_ms)
        for name, amount in folding.drift.items():
            self._commit.add_to(self._keys.drift, name, amount)
        for (log, effect), floor in folding.effects.items():
            self._commit.put(self._keys.log(log), {EFFECT + effect: floor})

    def _unlist(self, entries: Mapping[tuple[str, str], Entry]) -> None:
        for (log, field), entry in entries.items():
            if counts_as_heard(log, entry):
                self._commit.unscore(self._keys.heard(entry.session_id or ""), field)
            for copy in entry.copies:
                reference = refer(copy.notice_id, log, field)
                self._commit.unscore(self._keys.received, reference)
                self._commit.unscore(self._keys.notices, reference)

    def _statistics(self, folding: Folding) -> None:
        counts: Counter[str] = Counter({f"outcome:{outcome.value}": n for outcome, n in folding.outcomes.items()})
        counts.update(f"lag:{bucket(lag_ms)}" for lag_ms in folding.lags_ms)
        key = self._keys.minute(self._now_ms // 60_000)
        for name, amount in counts.items():
            self._commit.add_to(key, name, amount)
        if counts:
            self._commit.expire(key, MINUTE_KEPT)


def counts_as_heard(log: str, entry: Entry) -> bool:
    """Whether it is a dead letter that its session counts, and finds again by `ShardKeys.heard`."""
    return log == DEAD and entry.heard and entry.session_id is not None


def channel_member(session: Session) -> str | None:
    """How the index of channels names a session and its channel; None where the session names no channel."""
    if session.channel is None:
        return None
    return channel_place(session.project, session.channel, session.id)


def channel_place(project: str, channel: str, session_id: str) -> str:
    """The member of the index of channels that stands for a session of a channel."""
    return SEPARATOR.join(map(escape, (project, channel, session_id)))


def refer(notice_id: str, log: str, field: str) -> str:
    """How indexes name one copy of an entry of a log."""
    return SEPARATOR.join(map(escape, (notice_id, log, field)))


def read_reference(member: str) -> tuple[str, str, str]:
    """The noticeId, the log and the field that `refer` wrote."""
    notice_id, log, field = parts(member)
    return notice_id, log, field


def parts(member: str) -> list[str]:
    """What was joined by SEPARATOR after `escape`."""
    return [part.replace("%1F", SEPARATOR).replace("%25", "%") for part in member.split(SEPARATOR)]


def escape(part: str) -> str:
    """`part` without the separator, which the wire may spell in a noticeId or a sid."""
    return part.replace("%", "%25").replace(SEPARATOR, "%1F")

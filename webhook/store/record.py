"""A folded batch as the writes of one commit: projections, logs, indexes, gauges, deadlines, the inbox's head."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec
from msgspec.structs import replace

from webhook.domain.alerting.dossier import Dossier
from webhook.domain.alerting.telling import Telling
from webhook.domain.deadlines import next_deadline_ms
from webhook.domain.facets import Facets, facets
from webhook.domain.folding import Folding, Spot
from webhook.domain.log import DEAD, Entry
from webhook.domain.replaying import Answer
from webhook.domain.session import Session
from webhook.store.codec import encode_dossier, encode_entry, encode_session
from webhook.store.commit import Commit
from webhook.store.dossiers import alert_facets
from webhook.store.keys import ShardKeys
from webhook.store.lags import bucket
from webhook.store.loading import EFFECT
from webhook.store.members import channel_place, refer
from webhook.store.shard import session_keys

ANSWER_KEPT = 600  # seconds
MINUTE_KEPT = 7200  # seconds that the counts of a minute are kept
NOTHING = Facets(frozenset(), {})
NEVER = 2**53  # ms; no deadline is later


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

    def save(self, folding: Folding, looks: Mapping[str, int], *, not_before_ms: int = 0) -> None:
        """Sessions, log entries and statistics of the batch.

        No deadline is set before `not_before_ms` but those of alerts: `looks` says when those of a session have to be
        looked at again. A session that it does not name is due at once, or never where the time is NEVER.
        """
        touched = dict.fromkeys(folding.touched, 0)
        times = {
            name: self._deadline(folding.sessions.get(name), at_ms, not_before_ms)
            for name, at_ms in (touched | dict(looks)).items()
        }
        for name in touched:
            self._session(folding.before.get(name), folding.sessions[name])
        self.postpone(times)
        self._entries(folding)
        self._statistics(folding)

    def forget(self, session: Session, entries: Mapping[tuple[str, str], Entry]) -> None:
        """`session`, as it is stored, and its log go, and every reference to them."""
        for key in (*session_keys(self._keys, session), self._keys.deliveries(session.id)):
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

    def postpone(self, until_ms: Mapping[str, int]) -> None:
        """These sessions are looked at again at their times, whatever they say themselves."""
        for session_id, at_ms in until_ms.items():
            self._commit.score(self._keys.deadlines, session_id, at_ms)

    def keep_alerts(self, before: Dossier, after: Dossier) -> None:
        """The alerts of a session as they are now. Where nothing is left of them their key goes."""
        key, shard = self._keys.dossier(after.session_id), self._keys.shard
        if after.is_empty:
            self._commit.delete(key)
        else:
            self._commit.set(key, encode_dossier(after))
        then, now = alert_facets(before, shard), alert_facets(after, shard)
        for name, member in then.members.keys() - now.members.keys():
            self._commit.unscore(self._keys.alerts(name), member)
        for (name, member), at_ms in now.members.items():
            self._commit.score(self._keys.alerts(name), member, at_ms)
        self._commit.drop(self._keys.acks, then.ids - now.ids)
        self._commit.drop(self._keys.subjects, then.fingerprints - now.fingerprints)
        self._commit.put(self._keys.subjects, dict.fromkeys(now.fingerprints, after.session_id))
        self._gauges.update(now.gauges)
        self._gauges.subtract(then.gauges)

    def tell(self, tellings: Iterable[Telling]) -> None:
        """What sinks have to be told, each in the outbox of its own."""
        for telling in tellings:
            self._commit.put(self._keys.outbox(telling.sink), {telling.key: msgspec.json.encode(telling)})
            self._commit.score(self._keys.waiting(telling.sink), telling.key, telling.due_ms)

    def _deadline(self, session: Session | None, look_ms: int, not_before_ms: int) -> int:
        own_ms = next_deadline_ms(session, self._retention_ms) if session else NEVER
        return min(max(own_ms, not_before_ms), look_ms)

    def _session(self, before: Session | None, after: Session) -> None:
        saved = replace(after, revision=after.revision + 1)
        self._commit.set(self._keys.session(saved.id), encode_session(saved))
        then, now = facets(before) if before else NOTHING, facets(saved)
        for name in then.indexes - now.indexes:
            self._commit.unscore(self._keys.index(name), saved.id)
        for name in now.indexes:
            self._commit.score(self._keys.index(name), saved.id, saved.activity_ms)
        self._list_channel(before, saved)
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

"""Looks at the alerts of the sessions that a batch touched, and decides who is told what, for the same commit.

A fault here is never a notification's: the session keeps the alerts it had, and is looked at again in a minute.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct, field
from msgspec.structs import replace
from rq.timeouts import JobTimeoutException

from webhook.domain.alerting.alerts import Finding
from webhook.domain.alerting.dossier import SELF, Dossier, open_dossier
from webhook.domain.alerting.guide import Guide
from webhook.domain.alerting.lifecycle import Hold, Look, advance
from webhook.domain.alerting.policies import Policies
from webhook.domain.alerting.rules import evaluate
from webhook.domain.alerting.rules.vigil import Pulse
from webhook.domain.alerting.rules.vigil import find as find_own
from webhook.domain.alerting.silences import Silence
from webhook.domain.alerting.subject import NOT_YET, Surroundings, ended_badly_ms, subject_of, succeeds
from webhook.domain.alerting.telling import Ack, Context, Decision, decide
from webhook.domain.channels import channel_id
from webhook.domain.decoding import routes_by_channel
from webhook.domain.facets import of_alerting_channel, of_channel, of_running_channel
from webhook.domain.folding import Folding
from webhook.domain.recording.state import Recording
from webhook.domain.rtc.presence import present
from webhook.domain.rtc.state import Channel
from webhook.domain.session import Session
from webhook.domain.status import status_of
from webhook.store.dossiers import Around, Found, named
from webhook.store.record import NEVER, Recorder
from webhook.store.shard import Batch, Shard
from webhook.store.silences import decode_all

log = logging.getLogger(__name__)

AGAIN_MS = 60_000  # until a session whose rules failed is looked at again
OWN_PULSE_MS = 5_000  # from one look at Vigil itself to the next
BEHIND_MS = 5_000  # what was received longer ago than that and is read only now may be contradicted by what follows
HELD_MS = 1_000  # from one look to the next while what contradicts an alert may be on its way


class Watch(Struct, frozen=True, kw_only=True):
    """What is done about alerts: rules and routes; how Vigil itself fares, None where nobody looks; whom to wake."""

    guide: Guide = field(default_factory=Guide)
    pulse: Callable[[], Pulse] | None = None
    wake: Callable[[Iterable[str]], None] = lambda sinks: None


class Seen(Struct, frozen=True):
    """What became of the alerts of one session."""

    before: Dossier
    decision: Decision


class _Neighbourhood:
    """What is around the sessions that a batch touched, read in at most two pipelines.

    `linked` are sessions whose alerts may change though nothing touched them: recordings of a channel of which RTC
    told something, and those with alerts in a channel in which another session came to life.
    """

    def __init__(self, shard: Shard, folding: Folding) -> None:
        self._folding = folding
        self._linking: list[str] = []
        self._siblings: list[str] = []
        self._rtc: dict[str, Surroundings] = {}
        near = Around(dossiers=[*folding.touched, *(session.id for session in folding.forgotten)])
        for session_id in folding.touched:
            self._ask(folding.sessions[session_id], near)
        near.indexes = [*dict.fromkeys(self._linking), *dict.fromkeys(self._siblings)]
        found = shard.dossiers.read(near)
        linked, siblings = self._listed(found, self._linking), self._listed(found, self._siblings)
        further = shard.dossiers.read(Around(dossiers=linked, sessions=[*dict.fromkeys((*linked, *siblings))]))
        self._sessions = {**found.sessions, **further.sessions, **folding.sessions}
        self.linked = {name: further.sessions[name] for name in linked if name in further.sessions}
        self.dossiers = found.dossiers | further.dossiers
        self.unreadable = found.unreadable | further.unreadable

    def rtc_of(self, session: Session) -> Surroundings:
        """What RTC says of the session's channel: worked out once for all sessions of a channel."""
        if session.channel is None or not isinstance(session.state, Recording):
            return Surroundings()
        name = channel_id(session.project, session.channel)
        if name not in self._rtc:
            told = self._sessions.get(name)
            channel = told.state if told is not None and isinstance(told.state, Channel) else None
            self._rtc[name] = Surroundings(channel, present(channel) if channel else frozenset())
        return self._rtc[name]

    def successor_ms(self, session: Session, dossier: Dossier) -> int | None:
        """When the next session of its channel began, which makes good that this one ended badly."""
        since_ms = ended_badly_ms(session)
        if since_ms is None or session.channel is None:
            return dossier.successor_ms
        others = (other for other in self._sessions.values() if succeeds(other, session, since_ms))
        times = [other.first_ms for other in others if other.first_ms is not None]
        return min((at_ms for at_ms in (*times, dossier.successor_ms) if at_ms is not None), default=None)

    def _ask(self, session: Session, near: Around) -> None:
        if session.channel is None or not routes_by_channel(session.product):
            return
        place = (session.project, session.channel)
        if isinstance(session.state, Channel):
            self._linking.append(of_running_channel(*place))
        elif isinstance(session.state, Recording) and channel_id(*place) not in self._folding.sessions:
            near.sessions.append(channel_id(*place))
        if self._came_to_life(session):
            self._linking.append(of_alerting_channel(*place))
        if ended_badly_ms(session) is not None:
            self._siblings.append(of_channel(*place))

    def _came_to_life(self, session: Session) -> bool:
        before = self._folding.before.get(session.id)
        asleep = before is None or status_of(before).state in NOT_YET
        return asleep and status_of(session).state not in NOT_YET

    def _listed(self, found: Found, indexes: Iterable[str]) -> list[str]:
        names = dict.fromkeys(name for index in indexes for name in found.listed[index])
        return [name for name in names if name not in self._folding.sessions]


class Watching:
    """One batch's look at alerts. `looks` says when each session has to be looked at again, in ms."""

    def __init__(self, shard: Shard, batch: Batch, watch: Watch) -> None:
        self._shard, self._batch, self._guide, self._pulse = shard, batch, watch.guide, watch.pulse
        self._seen: list[Seen] = []
        self._silences: tuple[Silence, ...] = ()
        self._hold = Hold()
        self.looks: dict[str, int] = {}

    @property
    def sinks(self) -> set[str]:
        """Those that have to be told something."""
        return {telling.sink for seen in self._seen for telling in seen.decision.tellings}

    def look(self, folding: Folding, *, caught_up: bool) -> None:
        """Judges every session that was touched or forgotten, and those around whose alerts that may change."""
        self._hold = _hold(self._batch, caught_up=caught_up)
        touched = [folding.sessions[session_id] for session_id in folding.touched]
        around = _Neighbourhood(self._shard, folding)
        acks = self._read_facts(around.dossiers.values())
        for session in (*touched, *around.linked.values()):
            self._judge(folding, session, around, acks)
        for session in folding.forgotten:
            self._close(session, around.dossiers.get(session.id))

    def look_at_vigil(self) -> None:
        """Judges Vigil itself, where it is this shard's turn to."""
        if self._pulse is None:
            return
        found = self._shard.dossiers.read(Around(dossiers=[SELF]))
        before = found.dossiers.get(SELF, open_dossier(SELF))
        labels = dict.fromkeys(("project", "channel", "session", "source"), "") | {"product": "vigil"}
        findings = list(find_own(self._pulse(), self._guide.policies))
        context = self._context(self._guide.policies_of(None), self._read_facts([before]), over=False)
        # what is wrong with Vigil is wrong while it is behind, too: nothing holds it back
        decision = self._decide(replace(before, labels=labels), findings, context, Hold())
        self._seen.append(Seen(before, decision))
        self.looks[SELF] = min(decision.next_ms or NEVER, self._batch.now_ms + OWN_PULSE_MS)

    def record(self, recorder: Recorder) -> None:
        """What was decided, as writes of the batch's commit."""
        for seen in self._seen:
            if seen.before != seen.decision.dossier:
                recorder.keep_alerts(seen.before, seen.decision.dossier)
            recorder.tell(seen.decision.tellings)

    def _read_facts(self, dossiers: Iterable[Dossier]) -> dict[str, Ack]:
        """What people decided: acknowledgements and silences. What is first seen now cannot fire yet."""
        known = list(dossiers)
        if not known:
            return {}
        self._silences = decode_all(self._shard.dossiers.silences())
        shard = self._shard.keys.shard
        return self._shard.dossiers.acks([name for of in known for name, _ in named(of, shard, of.firing)])

    def _judge(self, folding: Folding, session: Session, around: _Neighbourhood, acks: Mapping[str, Ack]) -> None:
        folding.alert(session, session.alerts)
        if session.id in around.unreadable:
            self.looks[session.id] = NEVER
            return
        before = around.dossiers.get(session.id, open_dossier(session.id))
        try:
            decision = self._decision(session, before, around, acks)
        except JobTimeoutException:  # the job's own time is over, whichever session it was at
            raise
        except Exception:
            log.exception("the rules failed for session %s; its alerts stay as they are for a minute", session.id)
            self.looks[session.id] = self._batch.now_ms + AGAIN_MS
            return
        self._seen.append(Seen(before, decision))
        self.looks[session.id] = NEVER if decision.next_ms is None else decision.next_ms
        folding.alert(session, self._firing(decision.dossier))

    def _decision(self, session: Session, before: Dossier, around: _Neighbourhood, acks: Mapping[str, Ack]) -> Decision:
        successor_ms = around.successor_ms(session, before)
        dossier = replace(before, labels=self._labels(session), successor_ms=successor_ms)
        policies = self._guide.policies_of(session.source)
        surroundings = replace(around.rtc_of(session), successor_ms=successor_ms)
        subject = subject_of(session, surroundings, self._batch.now_ms, policies)
        context = self._context(policies, acks, over=subject.is_over)
        return self._decide(dossier, evaluate(subject), context, self._hold, ending=subject.is_ending)

    def _decide(
        self, dossier: Dossier, findings: list[Finding], context: Context, hold: Hold, *, ending: bool = False
    ) -> Decision:
        episodes = dict(dossier.episodes)
        look = Look(policies=context.policies, now_ms=context.now_ms, over=ending, hold=hold, episodes=episodes)
        return decide(dossier, advance(dossier.alerts, findings, look), context)

    def _close(self, session: Session, before: Dossier | None) -> None:
        """A session is forgotten: whoever knows of an alert of it hears that it is over, and nothing is kept."""
        if before is None:
            return
        context = self._context(self._guide.policies_of(session.source), {}, over=True)
        decision = self._decide(before, [], context, self._hold, ending=True)
        self._seen.append(Seen(before, replace(decision, dossier=open_dossier(session.id))))

    def _context(self, policies: Policies, acks: Mapping[str, Ack], *, over: bool) -> Context:
        shard, now_ms = self._shard.keys.shard, self._batch.now_ms
        return Context(shard, policies, self._guide.routes, self._silences, acks, now_ms, over)

    def _labels(self, session: Session) -> dict[str, str]:
        own = {
            "product": session.product,
            "project": session.project,
            "channel": session.channel or "",
            "session": session.id,
            "source": session.source or "",
        }
        return {**self._guide.labels.get(own["source"], {}), **own}

    def _firing(self, dossier: Dossier) -> tuple[str, ...]:
        return tuple(sorted(name for name, _ in named(dossier, self._shard.keys.shard, dossier.firing)))


def _hold(batch: Batch, *, caught_up: bool) -> Hold:
    """While what was received is not read yet nothing new fires, and while deaf nothing that is found by silence."""
    again_ms = batch.now_ms + HELD_MS
    latest_ms = batch.received[-1].received_ms if batch.received else batch.now_ms
    behind = batch.spooled or (not caught_up and latest_ms < batch.now_ms - BEHIND_MS)
    deaf = batch.deaf or not caught_up
    return Hold(again_ms if behind else 0, max(batch.deaf_until_ms, again_ms) if deaf else 0)

"""Whatever happens, in whatever order: silences keep quiet for as long as they hold and no longer, what somebody has is
not told again, and each transition reaches its sink, once for who can tell copies, its end never before its beginning.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from redis import Redis

from tests.domain.rtc.calls import joined, left
from tests.store.build import AT_MS, audio, exited, snapshot, started, video
from tests.workers.alerting import Ward
from webhook.domain.alerting.alerts import AlertState
from webhook.domain.alerting.delivery import Batch
from webhook.domain.alerting.dossier import alert_id, labels_of
from webhook.domain.alerting.matchers import all_fit, parse_matcher
from webhook.domain.alerting.silences import Silence
from webhook.domain.alerting.telling import Ack, Route, Telling, Transition
from webhook.domain.errors import DeliveryError
from webhook.domain.states import OVER
from webhook.domain.status import status_of
from webhook.store import keys
from webhook.store.keys import ShardKeys
from webhook.store.outbox import Outbox
from workers.deliver import Deliverer

SESSIONS = ("s1", "s2")
USERS = ("7", "8")
ROUTES = (Route("chat"), Route("pager", (parse_matcher("severity=~critical|warning"),)))
MATCHERS = ("channel=lobby", "rule=video_stopped", "uid=7", "session=s1", "severity!=critical")
NOISY = frozenset({Transition.FIRING, Transition.REPEAT, Transition.RISE, Transition.FLAPPING})
PAUSES = st.sampled_from((1, 3, 11, 45, 400, 3 * 3600, 5 * 3600))


class Crash(BaseException):
    """The deliverer died."""


class Receiver:
    """A sink that takes what it gets as told, and remembers every batch that it took."""

    most = 100

    def __init__(self, name: str) -> None:
        self.name = name
        self.taken: list[Batch] = []
        self.next: str = "takes"

    def send(self, batch: Batch, seconds: float) -> None:
        if self.next == "busy":
            raise DeliveryError("try again", retry_after=1)
        if self.next == "refuses":
            raise DeliveryError("never", permanent=True)
        if self.next == "dies before":
            raise Crash
        self.taken.append(batch)
        if self.next == "dies after":
            raise Crash


class Machine(RuleBasedStateMachine):
    """One channel's sessions, people who silence and acknowledge, sinks that fail, and deliverers that die."""

    redis: Redis

    @initialize()
    def begin(self) -> None:
        self.redis.flushall()
        self.ward = Ward(self.redis, *ROUTES)
        self.sinks = {route.sink: Receiver(route.sink) for route in ROUTES}
        self.silences: dict[str, Silence] = {}
        self.acks: dict[str, Ack] = {}
        self.told: dict[tuple[str, str], Telling] = {}
        self.count = 0
        self.ward.hear(*(body for sid in SESSIONS for body in self._opening(sid)))

    def _opening(self, sid: str) -> list[dict[str, Any]]:
        return [started(sid), *(track(0, sid, stream=uid) for uid in USERS for track in (video, audio))]

    @rule(
        sid=st.sampled_from(SESSIONS),
        uid=st.sampled_from(USERS),
        state=st.sampled_from((0, 1)),
        late=st.integers(0, 20),
    )
    def video_changes(self, sid: str, uid: str, state: int, late: int) -> None:
        self._hear(video(state, sid, self._at(late), uid))

    @rule(uid=st.sampled_from(USERS), reason=st.sampled_from((0, 1, 2)))
    def somebody_comes_or_goes(self, uid: str, reason: int) -> None:
        second, self.count = (self.ward.now_ms - AT_MS) // 1000, self.count + 1
        if reason:
            self._hear(left(second, self.count, uid, channel="lobby", reason=reason))
        else:
            self._hear(joined(second, self.count, uid, channel="lobby"))

    @rule(sid=st.sampled_from(SESSIONS))
    def snapshot_is_taken(self, sid: str) -> None:
        self.count += 1
        self._hear(snapshot(self.count, sid, self._at(0)))

    @rule(sid=st.sampled_from(SESSIONS), status=st.sampled_from((0, 1)))
    def session_ends(self, sid: str, status: int) -> None:
        self._hear(exited(sid, self._at(0), status))

    @rule(seconds=PAUSES)
    def time_goes_on(self, seconds: int) -> None:
        for _ in range(seconds if seconds < 60 else 1):  # step by step, so that each telling is seen when it is decided
            step = 1 if seconds < 60 else seconds
            self.ward.wait_until((self.ward.now_ms - AT_MS) / 1000 + step)
            self._collect()

    @rule(matcher=st.sampled_from(MATCHERS), seconds=st.sampled_from((5, 60, 600, 4 * 3600)), opens=st.booleans())
    def somebody_silences(self, matcher: str, seconds: int, opens: bool) -> None:
        self.count += 1
        now_ms = self.ward.now_ms
        ends_ms = None if opens and matcher.startswith("session=") else now_ms + seconds * 1000
        known = {"by": "ann", "reason": "works", "created_ms": now_ms, "starts_ms": now_ms, "ends_ms": ends_ms}
        self._save(Silence(id=f"q{self.count}", matchers=(parse_matcher(matcher),), **known))

    @precondition(lambda self: any(each.expired_ms is None for each in self.silences.values()))
    @rule(data=st.data())
    def somebody_ends_a_silence(self, data: st.DataObject) -> None:
        lasting = sorted(name for name, each in self.silences.items() if each.expired_ms is None)
        silence = self.silences[data.draw(st.sampled_from(lasting))]
        self._save(msgspec.structs.replace(silence, expired_ms=self.ward.now_ms))
        self._look()

    @precondition(lambda self: self._firing())
    @rule(data=st.data())
    def somebody_has_it_or_not(self, data: st.DataObject) -> None:
        identity = data.draw(st.sampled_from(sorted(self._firing())))
        if self.acks.pop(identity, None) is not None:
            self.redis.hdel(ShardKeys(0).acks, identity)
        else:
            self.acks[identity] = Ack("ann", self.ward.now_ms)
            self.redis.hset(ShardKeys(0).acks, identity, msgspec.json.encode(self.acks[identity]))
        self._look()

    @rule(
        sink=st.sampled_from([route.sink for route in ROUTES]),
        how=st.sampled_from(("takes", "takes", "busy", "refuses", "dies before", "dies after")),
    )
    def sink_is_sent_what_is_due(self, sink: str, how: str) -> None:
        receiver = self.sinks[sink]
        receiver.next = how
        deliverer = self._deliverer(receiver)
        try:
            deliverer.step(self.ward.now_ms)
        except Crash:
            self.ward.rig.redis.delete(keys.SinkKeys(sink).lease)  # its time is over
        else:
            self._let_go(sink)

    @invariant()
    def silence_and_acknowledgement_hold(self) -> None:
        if not hasattr(self, "ward"):
            return
        self._collect()
        for identity, labels, sinks, over in self._firing().values():
            quiet = any(
                each.covers(self.ward.now_ms, over=over) and each.fits(labels) for each in self.silences.values()
            )
            if not quiet and identity not in self.acks:
                fitting = {route.sink for route in ROUTES if all_fit(route.matchers, labels)}
                assert fitting <= sinks, f"{identity} fires, nothing keeps it quiet, and {fitting - sinks} do not know"

    def teardown(self) -> None:
        if not hasattr(self, "ward"):
            return
        self.ward.rig.check()
        self._deliver_all()
        for sink, receiver in self.sinks.items():
            self._account(sink, receiver)

    def _account(self, sink: str, receiver: Receiver) -> None:
        """Each telling arrived; whoever tells copies by the id of the batch took it once; all in order."""
        dead = {key for at, key in self._given_up() if at == sink}
        decided = {key for at, key in self.told if at == sink}
        distinct = {batch.id: batch for batch in receiver.taken}
        once = Counter(telling.key for batch in distinct.values() for telling in batch.tellings)
        assert decided - dead <= set(once), "each transition is delivered at least once"
        assert not set(once) - decided
        assert set(once.values()) <= {1}, "a sink that tells copies takes each once"
        seen: dict[str, list[Transition]] = defaultdict(list)
        for batch in distinct.values():
            assert len(batch.alerts) == len(batch.tellings), "a batch may break off, and is sent again whole"
            for telling in batch.tellings:
                seen[telling.alert_id].append(telling.transition)
        for identity, transitions in seen.items():
            assert transitions[0] is Transition.FIRING, f"{identity}: {transitions}"
            assert Transition.RESOLVED not in transitions[:-1], f"{identity}: {transitions}"
        open_ids = set(self._firing())
        for identity, transitions in seen.items():
            assert (identity in open_ids) or transitions[-1] is Transition.RESOLVED or self._lost_end(identity, dead)

    def _lost_end(self, identity: str, dead: set[str]) -> bool:
        return f"{identity}:resolved" in dead

    def _given_up(self) -> Iterator[tuple[str, str]]:
        for route in ROUTES:
            for stored in self.redis.hvals(ShardKeys(0).failures(route.sink)):
                batch = msgspec.json.decode(stored, type=Batch)
                yield from ((route.sink, telling.key) for telling in batch.tellings)

    def _deliver_all(self) -> None:
        for sink, receiver in self.sinks.items():
            receiver.next = "takes"
            for _ in range(1000):
                self.ward.rig.now_ms = self.ward.now_ms + 1000
                deliverer = self._deliverer(receiver)
                next_ms = deliverer.step(self.ward.now_ms)
                self._let_go(sink)
                if next_ms is None:
                    break
                self.ward.rig.now_ms = max(self.ward.now_ms, next_ms)

    def _deliverer(self, receiver: Receiver) -> Deliverer:
        outbox = Outbox(self.redis, receiver.name, 1, "deliverer")
        assert outbox.lease.acquire()
        return Deliverer(outbox, receiver, lambda: 0.5)

    def _let_go(self, sink: str) -> None:
        self.redis.delete(keys.SinkKeys(sink).lease)

    def _firing(self) -> dict[str, tuple[str, dict[str, str], set[str], bool]]:
        """By id: labels, who knows, whether the session is over."""
        found = {}
        for sid in SESSIONS:
            dossier = self.ward.dossier(sid)
            for each in dossier.watched if dossier else ():
                if each.alert.state is AlertState.FIRING:
                    assert dossier is not None
                    identity = alert_id(0, "default", sid, each.alert)
                    over = self._is_over(sid)
                    found[identity] = (identity, labels_of(dossier, each.alert), set(dict(each.told.sinks)), over)
        return found

    def _is_over(self, sid: str) -> bool:
        return status_of(self.ward.rig.session(sid)).state in OVER

    def _collect(self) -> None:
        """Every telling that was decided since; nothing noisy is told of what is quiet, or of what somebody has."""
        for telling in self.ward.tellings():
            place = telling.sink, telling.key
            if place in self.told:
                continue
            self.told[place] = telling
            if telling.transition is Transition.REPEAT:
                ack = self.acks.get(telling.alert_id)
                assert ack is None or ack.at_ms > telling.decided_ms, "what somebody has is told again"
            if telling.transition in NOISY:
                self._check_quiet(telling)

    def _check_quiet(self, telling: Telling) -> None:
        over = self._is_over(telling.labels["session"])
        for silence in self.silences.values():
            in_time = silence.created_ms < telling.decided_ms and silence.covers(telling.decided_ms, over=over)
            assert not (in_time and silence.fits(telling.labels)), f"{telling.key} is told in silence {silence.id}"

    def _save(self, silence: Silence) -> None:
        self.silences[silence.id] = silence
        self.redis.hset(keys.SILENCES, silence.id, msgspec.json.encode(silence))

    def _look(self) -> None:
        self.ward.look(*SESSIONS)
        self._collect()

    def _hear(self, *bodies: Any) -> None:
        self.ward.hear(*bodies)
        self._collect()

    def _at(self, late: int) -> int:
        return self.ward.now_ms - late * 1000


@pytest.mark.parametrize(
    ("examples", "steps"), [(15, 25), pytest.param(200, 50, marks=[pytest.mark.full, pytest.mark.timeout(1800)])]
)
def test_alerts_are_told_as_promised_whatever_happens(redis: Redis, examples: int, steps: int) -> None:
    bounds = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(type("OnThisServer", (Machine,), {"redis": redis}), settings=bounds)

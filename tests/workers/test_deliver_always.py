"""Whatever fails, dies or sleeps in whatever order: each key is accepted, once by who knows batches again, in order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from redis import Redis

from tests.store.outboxes import NOW, OWN, SINK, Delivery, Killed, Taking, left, put, telling
from webhook.domain.alerting.delivery import Batch, Outcome
from webhook.domain.alerting.telling import Telling, Transition
from webhook.domain.errors import DeliveryError
from webhook.store.keys import SinkKeys
from webhook.store.outbox import Outbox
from workers.deliver import CLAIMED_MS

FLOW = [Transition.FIRING, Transition.REPEAT, Transition.REPEAT, Transition.ACKNOWLEDGED, Transition.RESOLVED]
STEPS = ("seal", "claim", "settle")


class Doomed(Outbox):
    """An outbox whose worker is killed, or falls asleep, before or after a step, if `doom` says so."""

    doom: tuple[str, bool] | None = None
    asleep: Callable[[], bool] | None = None  # what it does when it wakes up

    def _do(self, step: str, do: Callable[[], bool]) -> bool:
        if self.doom == (step, True):
            self.asleep = do
            raise Killed
        done = do()
        if self.doom == (step, False):
            raise Killed
        return done

    def seal(self, shard: int, batch: Batch) -> bool:
        return self._do("seal", lambda: super(Doomed, self).seal(shard, batch))

    def claim(self, shard: int, batch: Batch, next_ms: int) -> bool:
        return self._do("claim", lambda: super(Doomed, self).claim(shard, batch, next_ms))

    def settle(self, shard: int, outcome: Outcome, now_ms: int) -> bool:
        return self._do("settle", lambda: super(Doomed, self).settle(shard, outcome, now_ms))


class Life(RuleBasedStateMachine):
    """Alerts of two shards and one sink, by a clock of its own."""

    redis: Redis

    @initialize()
    def begin(self) -> None:
        self.redis.flushall()
        self.now_ms = NOW
        self.told: list[Telling] = []
        self.sleepers: list[Callable[[], bool]] = []
        self.sink = Taking()
        self.deliverer = self.worker()

    def worker(self) -> Delivery:
        self.redis.delete(SinkKeys(SINK).lease)
        return Delivery(self.redis, self.sink, Doomed)

    @rule(alert=st.integers(0, 5), channel=st.integers(0, 12), steps=st.integers(1, 3))
    def tell(self, alert: int, channel: int, steps: int) -> None:
        """The next transitions of an alert, which belongs to one shard."""
        for _ in range(steps):
            known = [each for each in self.told if each.alert_id == f"a{alert}"]
            if len(known) == len(FLOW):
                return
            group = known[0].group if known else f"default/{channel}"
            number = {1: 1, 2: 2, 3: 1}.get(len(known), 0)
            new = telling(f"a{alert}", FLOW[len(known)], self.now_ms, group=group, number=number)
            put(self.redis, new, shard=alert % 2)
            self.told.append(new)
            self.now_ms += 1

    @rule(passed_ms=st.sampled_from([1, 400, 1000, 6000, CLAIMED_MS, 60_000, 400_000]))
    def wait(self, passed_ms: int) -> None:
        self.now_ms += passed_ms

    @rule(
        doom=st.none() | st.tuples(st.sampled_from(STEPS), st.booleans()),
        answer=st.sampled_from(["taken", "taken", "refused", "taken and refused", "busy", "fault"]),
    )
    def step(self, doom: tuple[str, bool] | None, answer: str) -> None:
        outbox: Any = self.deliverer.outbox
        outbox.doom = doom
        self.sink.answer = lambda batch: self.respond(answer, batch)
        try:
            self.deliverer.deliverer.step(self.now_ms)
        except Killed:
            self.sleepers += [outbox.asleep] if outbox.asleep else []
            self.deliverer = self.worker()
        outbox.doom = outbox.asleep = None

    def respond(self, answer: str, batch: Batch) -> None:
        if answer == "taken and refused":
            self.sink.got.append(batch)
        if answer == "fault":
            raise RuntimeError("a fault")
        if answer != "taken":
            raise DeliveryError(f"HTTP: {answer}", retry_after=30 if answer == "busy" else None)

    @precondition(lambda self: bool(self.sleepers))
    @rule(which=st.integers(0, 9))
    def wake_up(self, which: int) -> None:
        """Somebody who slept goes on where it was, long after another took over."""
        self.sleepers.pop(which % len(self.sleepers))()

    def teardown(self) -> None:
        if not hasattr(self, "told"):
            return
        outbox: Any = self.deliverer.outbox
        outbox.doom, self.sink.answer = None, lambda _: None
        for _ in range(200):
            next_ms = self.deliverer.run(self.now_ms)
            if next_ms is None:
                break
            self.now_ms = next_ms
        self.check()

    def check(self) -> None:
        assert left(self.redis) == [], OWN
        batches = {batch.id: batch for batch in self.sink.got}  # as one that deduplicates has them, in its order
        keys = [each.key for batch in batches.values() for each in batch.tellings]
        assert sorted(keys) == sorted(each.key for each in self.told)
        assert all(batch.tellings == batches[batch.id].tellings for batch in self.sink.attempts)
        for alert in {each.alert_id for each in self.told}:
            own = [each.key for each in self.told if each.alert_id == alert]
            assert [key for key in keys if key in own] == own


@pytest.mark.long
def test_each_key_is_accepted_once_by_who_deduplicates_and_in_order(redis: Redis) -> None:
    bound = type("Bound", (Life,), {"redis": redis})
    run_state_machine_as_test(
        bound,
        settings=settings(
            max_examples=150, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )

"""What drain and deliver tell pages, and when: after the save, and only of what it changed."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import pytest
from redis import Redis

from tests.store.build import AT_MS, poison, raw, snapshot, started, video
from tests.store.outboxes import NOW, Delivery, put, refuse, telling
from tests.store.rig import Rig
from tests.workers.alerting import Ward
from webhook.domain.errors import StoreError
from webhook.store.commit import Commit
from webhook.store.shard import Shard
from webhook.store.silences import look_again
from webhook.store.ticks import Area
from workers import drain as draining
from workers.deliver import Deliverer
from workers.drain import drain, drain_once

ALERTS, LOG, QUEUE, SESSIONS = Area.ALERTS, Area.LOG, Area.QUEUE, Area.SESSIONS


class Told:
    """Notes what pages were told."""

    def __init__(self) -> None:
        self.areas: list[set[Area]] = []

    def __call__(self, areas: Collection[Area]) -> None:
        self.areas.append(set(areas))


def after(rig: Rig, *bodies: Any) -> set[Area]:
    """What is told of a batch with these."""
    rig.append(*bodies)
    told = Told()
    for number in range(rig.shards):
        drain_once(rig.shard(number), rig.limits, rig.watch, told)
    return set().union(*told.areas)


@pytest.fixture
def own(redis: Redis) -> Ward:
    """A session by the test's clock, with nothing wrong."""
    own = Ward(redis)
    own.hear(started(), video(0))
    return own


def heard_by(own: Ward, *bodies: Any) -> set[Area]:
    """What is told of a batch with these, a second later."""
    own.wait_until(1.0)
    for body in bodies:
        own.rig.put(body, own.now_ms)
    told = Told()
    drain_once(own.rig.shard(0), own.rig.limits, own.rig.watch, told)
    return set().union(*told.areas)


def test_a_notification_changes_sessions_log_and_inbox(own: Ward) -> None:
    assert heard_by(own, snapshot(1, at_ms=AT_MS + 1000)) == {SESSIONS, LOG, QUEUE}


def test_an_alert_that_begins_changes_alerts_too(own: Ward) -> None:
    assert heard_by(own, video(1, at_ms=AT_MS + 1000)) == {SESSIONS, LOG, QUEUE, ALERTS}


def test_an_alert_that_fires_by_itself_changes_sessions_and_alerts(own: Ward) -> None:
    own.hear(video(1, at_ms=AT_MS + 1000), at=1.0)
    own.rig.now_ms = own.now_ms + 11_000
    own.rig.attend()
    told = Told()
    drain_once(own.rig.shard(0), own.rig.limits, own.rig.watch, told)
    assert own.firing() == ["video_stopped"]
    assert told.areas == [{SESSIONS, ALERTS}]


def test_whoever_asks_for_a_look_at_alerts_has_them_told_of(own: Ward) -> None:
    list(look_again(own.rig.inbox, [(0, "s1")]))
    assert ALERTS in heard_by(own)


def test_what_belongs_to_no_session_changes_log_and_inbox(rig: Rig) -> None:
    assert after(rig, b"null") == {LOG, QUEUE}


def test_with_nothing_to_do_nothing_is_told(rig: Rig) -> None:
    assert after(rig) == set()


def test_a_dead_letter_is_told_of_as_such(rig: Rig) -> None:
    assert QUEUE in after(rig, poison())


def test_nothing_is_told_of_a_commit_that_failed(rig: Rig) -> None:
    class Failing(Shard):
        def commit(self, commit: Commit) -> None:
            raise StoreError("the server went away")

    rig.append(started())
    told = Told()
    failing = Failing(rig.redis, rig.keys_of(started()).shard, "failing")
    with pytest.raises(StoreError):
        drain(failing, rig.limits, lambda: None, tick=told)
    assert told.areas == []


def test_what_is_told_is_saved_already(rig: Rig) -> None:
    seen: list[bool] = []
    rig.append(started())
    shard = rig.shard(rig.keys_of(started()).shard)
    drain_once(shard, rig.limits, tick=lambda _: seen.append(rig.has("s1")))
    assert seen == [True]


@pytest.mark.parametrize("answer", [lambda _: None, refuse()])
def test_what_became_of_a_delivery_is_told(redis: Redis, answer: Callable[[Any], None]) -> None:
    put(redis, telling("a"))
    delivery, told = Delivery(redis), Told()
    delivery.sink.answer = answer
    delivery.deliverer = Deliverer(delivery.outbox, delivery.sink, chance=lambda: 0.0, tick=told)
    delivery.run(NOW)
    assert told.areas == [{ALERTS, QUEUE}]


def test_with_nothing_to_deliver_nothing_is_told(redis: Redis) -> None:
    delivery, told = Delivery(redis), Told()
    delivery.deliverer = Deliverer(delivery.outbox, delivery.sink, chance=lambda: 0.0, tick=told)
    delivery.run(NOW)
    assert told.areas == []


def test_a_batch_that_fails_as_a_whole_has_all_areas_told_of(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = draining._drain
    tries: list[int] = []

    def fails_once(*arguments: Any) -> Any:
        tries.append(1)
        if len(tries) == 1:
            raise RuntimeError("a fault")
        return whole(*arguments)

    monkeypatch.setattr(draining, "_drain", fails_once)
    rig.append(raw(started()))
    told = Told()
    drain_once(rig.shard(rig.keys_of(started()).shard), rig.limits, tick=told)
    assert told.areas == [set(Area)]

"""5 000 alerts in a minute: told together, none late, and who posts does not notice (issue's own bounds)."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby, pairwise
from pathlib import Path
from statistics import quantiles
from typing import NamedTuple

import pytest

from tests.receivers import HttpReceiver, Received
from tests.store.build import raw, started, video
from tests.system.alerting_stack import ONLY_VIDEOS, all_alerts, hook, left_to_tell, time_ms, told_by
from tests.system.outages import Load
from tests.system.stack import SHARDS, Json, Stack, needs_proc
from tests.waiting import wait_for
from webhook import clock
from webhook.domain.alerting.alerts import AlertState
from webhook.domain.alerting.delivery import MOST_TELLINGS
from webhook.store.connection import server_now_ms
from webhook.store.keys import ShardKeys

ALERTS, ROOMS = 5000, 500
IN_A_ROOM = ALERTS // ROOMS
STORM_S = 60  # within which all of them stop
FIRE_WITHIN = 60.0  # seconds
BEGIN_RATE = 400.0  # posts a second
FOR_MS = 10_000  # a video has stopped for so long when its alert is due
LATE_MS = 5_000  # what is due may wait for so long
TOGETHER_MS = 500  # alerts of a room that fire within a second are one delivery; a commit may wait for the disk as long
LOOK_S = 0.1  # from one look at what is due to the next
SINK, FIRING = "hook", f"state:{AlertState.FIRING.value}"
UNAFFECTED = 2.0  # times the p99 of before, beside what one look of a busy machine takes
JITTER_S = 0.02


class Figures(NamedTuple):
    """What was measured."""

    overdue_ms: int
    late_ms: list[int]
    deliveries: int
    before_s: list[float]
    storm_s: list[float]


class Begins(Load):
    """Recordings, ten in a room."""

    def body(self, number: int) -> bytes:
        return raw(started(self.sids[number], clock.now_ms(), cname=room_of(number)))


class Videos(Load):
    """The video of each recording's one user: it is there, or it stopped."""

    def __init__(self, vigil: Stack, state: int, count: int, rate: float) -> None:
        super().__init__(vigil, "storm", count, rate)
        self._state = state

    def body(self, number: int) -> bytes:
        return raw(video(self._state, self.sids[number], clock.now_ms(), cname=room_of(number)))


def room_of(number: int) -> str:
    return f"room{number // IN_A_ROOM}"


@pytest.mark.full
@pytest.mark.timeout(600)
@needs_proc
def test_a_storm_of_alerts_is_told_together_none_late_and_posts_are_answered_as_before(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rate = ALERTS / STORM_S
    with HttpReceiver() as receiver, hooked(tmp_path, receiver) as vigil:
        for load in (Begins(vigil, "storm", ALERTS, BEGIN_RATE), Videos(vigil, 0, ALERTS, BEGIN_RATE)):
            post(load)
        before_s = post(Videos(vigil, 0, ALERTS // 2, rate))
        with overdue_ms(vigil) as looks:
            storm_s = post(Videos(vigil, 1, ALERTS, rate))
            wait_for(lambda: firing(vigil) >= ALERTS, FIRE_WITHIN, "not all alerts fire")
        wait_for(lambda: not left_to_tell(vigil, SINK), FIRE_WITHIN, "something is left to tell")
        alerts = {alert["id"]: alert for alert in all_alerts(vigil, "&state=firing")}
        late_ms = [time_ms(each["firedAt"]) - time_ms(each["startedAt"]) - FOR_MS for each in alerts.values()]
        figures = Figures(max(looks), late_ms, len(receiver.received), before_s, storm_s)
    with capsys.disabled():
        sys.stdout.write(f"\n{account(figures)}\n")
    assert sorted(fired_in(receiver)) == sorted(alerts)
    assert len(alerts) == ALERTS
    assert_told_together(receiver.received, alerts)
    assert max(figures.overdue_ms, *late_ms) <= LATE_MS
    assert p99(storm_s) <= UNAFFECTED * p99(before_s) + JITTER_S


@contextmanager
def hooked(directory: Path, receiver: HttpReceiver) -> Iterator[Stack]:
    """Vigil, with one sink."""
    (directory / "vigil.toml").write_text(ONLY_VIDEOS + hook(SINK, receiver.url))
    with Stack(directory) as vigil:
        yield vigil.start()


def post(load: Load) -> list[float]:
    """Posts all of it, and returns how long each answer took, in seconds."""
    load.run()
    load.assert_acknowledged()
    return load.took_s


@contextmanager
def overdue_ms(vigil: Stack) -> Iterator[list[int]]:
    """While this goes on, by how much the oldest deadline has passed, look after look."""
    looks: list[int] = [0]
    over = threading.Event()

    def watch() -> None:
        while not over.wait(LOOK_S):
            looks.append(oldest_ms(vigil))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield looks
    finally:
        over.set()
        watcher.join()


def oldest_ms(vigil: Stack) -> int:
    with vigil.redis.pipeline(transaction=False) as pipe:
        for shard in range(SHARDS):
            pipe.zrange(ShardKeys(shard).deadlines, 0, 0, withscores=True)
        heads = pipe.execute()
    now_ms = server_now_ms(vigil.redis)
    return max((now_ms - int(due_ms) for head in heads for _, due_ms in head), default=0)


def firing(vigil: Stack) -> int:
    """How many alerts fire now; asked of the server, as asking the API again and again would be a load of its own."""
    return sum(int(vigil.redis.zcard(ShardKeys(shard).alerts(FIRING))) for shard in range(SHARDS))


def fired_in(receiver: HttpReceiver) -> list[str]:
    """The alerts of which the receiver was told that they fire."""
    return [name for request in receiver.received for name, of in told_by(request) if of == "firing"]


def assert_told_together(requests: list[Received], alerts: dict[str, Json]) -> None:
    """What fired in a room within a second came as one delivery; where rooms share one it may be full."""
    full = {place for place, request in enumerate(requests) if len(told_by(request)) == MOST_TELLINGS}
    places = {name: place for place, request in enumerate(requests) for name, _ in told_by(request)}
    by_room = sorted(alerts.values(), key=lambda alert: (alert["labels"]["channel"], alert["firedAt"]))
    for room, group in groupby(by_room, key=lambda alert: alert["labels"]["channel"]):
        for one, another in pairwise(group):
            at_once = time_ms(another["firedAt"]) - time_ms(one["firedAt"]) <= TOGETHER_MS
            both = {places[one["id"]], places[another["id"]]}
            assert not at_once or len(both) == 1 or both & full, f"{room}: {one['firedAt']}, {another['firedAt']}"
    assert len(requests) <= 2 * ROOMS


def p99(took_s: list[float]) -> float:
    return quantiles(took_s, n=100)[98]


def account(figures: Figures) -> str:
    """For people to read."""
    late_ms = sorted(figures.late_ms)
    posts = "; ".join(
        f"{name} p50 {1000 * quantiles(took_s, n=100)[49]:.1f} ms, p99 {1000 * p99(took_s):.1f} ms"
        for name, took_s in (("before", figures.before_s), ("in the storm", figures.storm_s))
    )
    return (
        f"{len(late_ms)} alerts in {figures.deliveries} deliveries; the oldest deadline was late by "
        f"{figures.overdue_ms} ms, alerts fired p50 {late_ms[len(late_ms) // 2]} ms, max {late_ms[-1]} ms late; "
        f"posts {posts}"
    )

"""A day of many sessions, by a clock of the test's own: no alert late or early, and nothing left behind."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import pytest
from redis import Redis

from tests.domain.rtc.calls import joined, left
from tests.store.build import AT_MS, audio, exited, snapshot, started, uploaded, video
from tests.workers.alerting import Ward
from webhook.domain.alerting.delivery import Batch
from webhook.domain.alerting.lifecycle import SETTLE_MS
from webhook.domain.alerting.policies import DEFAULTS
from webhook.domain.alerting.telling import Route, Telling, Transition
from webhook.domain.folding import Limits
from webhook.store.keys import ShardKeys

HOUR = 3600  # seconds
STEP = 10  # seconds between two looks at what was received
RETENTION = 2 * HOUR
LASTING = {"rtc", "counts", "drift", "inbox", "attempts", "lease"}  # what is there whatever there is to watch
Heard = tuple[int, dict[str, Any]]  # the second when it is received, what is


class Taking:
    """A sink that takes everything, and remembers it."""

    name, most = "chat", 100

    def __init__(self) -> None:
        self.taken: list[Telling] = []

    def send(self, batch: Batch, seconds: float) -> None:
        self.taken += batch.tellings


def lesson(number: int, day: int, random: Random) -> list[Heard]:
    """A hundred notifications of one recording: users come and go, videos stop and come back, and some never end."""
    sid, channel = f"r{number}", f"c{number}"
    begin = random.randrange(day)
    more: dict[str, Any] = {"sid": sid, "cname": channel}

    def at(second: int) -> int:
        return AT_MS + second * 1000

    told: list[Heard] = [(begin, started(at_ms=at(begin), **more))]
    users = ("7", "8")
    for position, uid in enumerate(users):
        told.append((begin, joined(begin, 1, uid, channel=channel)))
        told.append((begin, video(0, at_ms=at(begin), stream=uid, **more)))
        told.append((begin, audio(0, at_ms=at(begin) + position, stream=uid, **more)))
    second = begin
    for step in range(85):
        second += random.choice((1, 5, 15, 40))
        uid = random.choice(users)
        kind = random.random()
        if kind < 0.5:
            told.append((second, video(random.choice((0, 1)), at_ms=at(second), stream=uid, **more)))
        elif kind < 0.9:
            told.append((second, snapshot(step, at_ms=at(second), **more)))
        else:
            told.append((second, audio(random.choice((0, 1)), at_ms=at(second), stream=uid, **more)))
    told += [(second, left(second, 2, uid, channel=channel)) for uid in users]
    if random.random() < 0.9:
        status = int(random.random() < 0.1)
        told += [(second + 1, exited(at_ms=at(second + 1), status=status, **more))]
        told += [(second + 20, uploaded(at_ms=at(second + 20), **more))]
    return told


def live(ward: Ward, sink: Taking, heard: list[Heard], until: int) -> None:
    """Hears it all in its time, and looks whenever something is due."""
    by_step: dict[int, list[dict[str, Any]]] = {}
    for second, body in heard:
        by_step.setdefault(-(-second // STEP) * STEP, []).append(body)
    for at in sorted({*by_step, *range(0, until, HOUR), until}):
        ward.wait_until(at)
        for body in by_step.get(at, ()):
            ward.rig.put(body, ward.now_ms)
        ward.drain()
        ward.deliver(sink)
        if at % HOUR == 0:
            ward.rig.check()


@pytest.mark.parametrize(
    ("sessions", "hours"), [(8, 1), pytest.param(1000, 24, marks=[pytest.mark.full, pytest.mark.timeout(1200)])]
)
def test_through_a_day_every_alert_is_in_time_and_in_the_end_nothing_is_left(
    redis: Redis, sessions: int, hours: int
) -> None:
    random = Random(sessions)
    ward, sink = Ward(redis, Route("chat"), shards=2), Taking()
    ward.rig.limits = Limits(log_per_session=4096, retention_ms=RETENTION * 1000)
    heard = [said for number in range(sessions) for said in lesson(number, hours * HOUR, random)]
    assert len(heard) >= 95 * sessions
    over = max(second for second, _ in heard) + 26 * HOUR  # silence, retention, and a day for what says that it failed
    live(ward, sink, heard, over)
    fired = [told for told in sink.taken if told.transition is Transition.FIRING]
    ended = [told for told in sink.taken if told.transition is Transition.RESOLVED]
    assert {told.rule for told in fired} >= {"video_stopped", "audio_stopped", "abnormal_exit"}
    assert {told.alert_id for told in fired} == {told.alert_id for told in ended}
    assert Counter(told.key for told in sink.taken).most_common(1)[0][1] == 1
    late_ms = [told.decided_ms - told.started_ms for told in fired if told.rule == "abnormal_exit"]
    assert max(late_ms) <= SETTLE_MS + 2 * STEP * 1000, "early or late in the day, it fires when it has settled"
    for told in fired:
        assert told.decided_ms >= told.started_ms + DEFAULTS[told.rule].for_ms, f"{told.summary} is told too early"
    assert left_behind(redis, ward.rig.shards) == set()


def left_behind(redis: Redis, shards: int) -> set[str]:
    """Names of keys, without their shard, that should be gone."""
    names: set[str] = set()
    for number in range(shards):
        prefix = ShardKeys(number).inbox.removesuffix("inbox")
        names |= {key.decode().removeprefix(prefix) for key in redis.scan_iter(f"{prefix}*", count=1000)}
        gauges = {name: int(count) for name, count in redis.hgetall(f"{prefix}counts").items() if int(count)}
        assert gauges == {}, "nothing is counted any more"
    mortal = {name for name in names if name.startswith(("minute:", "deliveries:"))}
    return names - LASTING - mortal

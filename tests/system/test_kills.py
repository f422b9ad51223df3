"""Processes are killed while Agora goes on posting: nothing acknowledged is lost, nothing is applied twice."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from random import Random

import msgspec
import pytest

from tests.system.stack import QUEUE, SHARDS, Json, Stack, find, needs_proc, read_answer, send
from tests.waiting import wait_for
from webhook import clock, embedded
from webhook.domain.arrivals import Arrival, read
from webhook.domain.folding import Folding, Known, Limits
from webhook.queues import Waker
from webhook.samples import envelope
from webhook.samples.recording import PRODUCT_ID
from webhook.simulation.agora import INGEST_PATH, Agora, Clock, Manners, Report, Target
from webhook.simulation.plan import Adversity, pace, plan
from webhook.simulation.scenario import cast
from webhook.simulation.script import Script, write
from webhook.simulation.truth import Line
from webhook.simulation.verdict import compare
from webhook.store.keys import SWEPT, ShardKeys
from webhook.views.sessions import session_view

pytestmark = needs_proc

WORKERS = 4  # two that fold and two that deliver
RECOVERS_WITHIN = 10.0  # seconds from the moment at which what was killed is there again
WALL = Clock(clock.now_ms, clock.sleep)
ADVERSITY = Adversity(duplicate=0.2, reorder=0.3)
ONCE = Manners(pauses_s=())
LIMITS = Limits(log_per_session=4096, retention_ms=7 * 86_400_000)
ALL_KEYS = [ShardKeys(shard) for shard in range(SHARDS)]


class Play:
    """Recordings, told to a stack by Agora's rules within a few seconds, and what must be said of them in the end."""

    def __init__(self, vigil: Stack, seed: int, sessions: int = 10, seconds: float = 2.0) -> None:
        self.vigil, rng = vigil, Random(seed)
        actors = cast("screenshots", sessions, rng)
        lasts_ms = max(recording.ends_ms for recording in actors)
        timing = pace(clock.now_ms(), lasts_ms, lasts_ms / 1000 / seconds)
        self.scripts = [write(recording, timing.starts_ms) for recording in actors]
        self.postings = plan(self.scripts, timing, ADVERSITY, rng).postings
        self.settled = 0
        self.report = Report()

    @contextmanager
    def told(self, manners: Manners | None = None) -> Iterator[None]:
        """While this goes on the recordings are told; in the end `report` says what was acknowledged."""
        agora = Agora(Target(self.vigil.url + INGEST_PATH, self.vigil.secret), WALL, manners)
        with ThreadPoolExecutor(1) as threads:
            telling = threads.submit(agora.deliver, self.postings, self._settle)
            yield
            self.report = telling.result(timeout=60)

    def wait_for_settled(self, share: float) -> None:
        """Returns when that share of the notifications is acknowledged (or dropped)."""
        wait_for(lambda: self.settled >= share * len(self.postings), 30, "posting does not get on")

    def assert_told(self, seconds: float) -> None:
        """Everything was acknowledged, and within `seconds` all is said as it would be had nothing happened."""
        assert self.report.dropped == []
        undisturbed = {script.sid: fold(script.lines) for script in self.scripts}
        wait_for(lambda: self._said(undisturbed) == undisturbed, seconds, "this is not the outcome of a calm run")
        for script in self.scripts:
            assert compare(self.vigil.get(f"/api/v1/sessions/{script.sid}"), script.truth) == []
        self.assert_each_once()

    def assert_each_once(self) -> None:
        """What was acknowledged, and nothing that was not posted, is in the logs, each fact applied once."""
        items = {script.sid: log_of(self.vigil, script.sid) for script in self.scripts}
        acknowledged = len(self.report.acknowledged)
        copies = sum(item["copies"] for log in items.values() for item in log)
        assert acknowledged <= copies <= self.report.attempts
        for script in self.scripts:
            self._assert_log(script, items[script.sid])

    def _assert_log(self, script: Script, items: Sequence[Json]) -> None:
        lines = {posting.notice_id: posting.line for posting in self.postings if posting.sid == script.sid}
        names = Counter(item["noticeId"] for item in items)
        assert set(names.values()) == {1}
        assert set(self._names()[script.sid]) <= names.keys() <= lines.keys()
        applied = Counter(lines[item["noticeId"]].notice_id for item in items if item["outcome"] == "applied")
        assert applied == Counter({lines[name].notice_id for name in names})
        assert all(item["body"]["payload"] == lines[item["noticeId"]].payload for item in items)

    def kept(self) -> dict[str, list[Line]]:
        """The lines of each session that are in its log."""
        lines = {posting.notice_id: posting.line for posting in self.postings}
        logs = {script.sid: log_of(self.vigil, script.sid) for script in self.scripts}
        return {
            sid: list({lines[item["noticeId"]].notice_id: lines[item["noticeId"]] for item in items}.values())
            for sid, items in logs.items()
        }

    def _said(self, expected: dict[str, Json]) -> dict[str, Json | None]:
        """The sessions as the API shows them, those of which not all that was acknowledged is counted left out."""
        return {sid: said(self.vigil, sid, len(self._names()[sid])) for sid in expected}

    def _names(self) -> dict[str, list[str]]:
        names: dict[str, list[str]] = {script.sid: [] for script in self.scripts}
        for posting in self.report.acknowledged:
            names[posting.sid].append(posting.notice_id)
        return names

    def _settle(self, count: int) -> None:
        self.settled += count


def said(vigil: Stack, sid: str, received: int) -> Json | None:
    """What the API says of the session, but for its counters; None while it counts fewer than `received`."""
    answer = vigil.ask("GET", f"/api/v1/sessions/{sid}")
    if answer.status != 200 or answer.json()["notifications"]["received"] < received:
        return None
    return without_counters(answer.json())


def fold(lines: Sequence[Line]) -> Json:
    """What the API must say of a session, by the pure core alone: no store, no workers, no order of arrival."""
    folding = Folding(Known(), LIMITS)
    for line in lines:
        outer = envelope(PRODUCT_ID, line.event_type, line.payload, line.notice_id, line.sent_ms)
        folding.take(read(Arrival("", "default", "default", 2, msgspec.json.encode(outer)), clock.now_ms()))
    (session,) = folding.sessions.values()
    return without_counters(json.loads(msgspec.json.encode(session_view(session))))


def without_counters(session: Json) -> Json:
    return {name: value for name, value in session.items() if name not in ("notifications", "revision", "alerts")}


def log_of(vigil: Stack, sid: str) -> list[Json]:
    """Every item of the session's log."""
    items: list[Json] = []
    path = f"/api/v1/sessions/{sid}/notifications?limit=500"
    cursor: str | None = ""
    while cursor is not None:
        page = vigil.get(f"{path}&cursor={cursor}" if cursor else path)
        items, cursor = items + page["items"], page["next"]
    return items


def one_recording(seed: int) -> list[Line]:
    """A recording to tell by hand, of some fifty notifications."""
    return list(write(cast("screenshots", 1, Random(seed))[0], clock.now_ms() - 300_000).lines)


def body_of(line: Line) -> bytes:
    return msgspec.json.encode(
        envelope(PRODUCT_ID, line.event_type, line.payload, line.notice_id, notified_ms=clock.now_ms())
    )


def assert_applied_once(vigil: Stack, lines: Sequence[Line], seconds: float = RECOVERS_WITHIN) -> None:
    sid, expected = lines[0].payload["sid"], fold(lines)
    wait_for(lambda: said(vigil, sid, len(lines)) == expected, seconds, "this is not the outcome of a calm run")
    assert Counter(item["noticeId"] for item in log_of(vigil, sid)) == Counter(line.notice_id for line in lines)
    assert vigil.get(f"/api/v1/sessions/{sid}")["notifications"]["received"] == len(lines)


def strike_in_the_middle_of_a_batch(vigil: Stack, number: int) -> int | None:
    """The worker that held a lease, got the signal, and had not come to its commit; None if it had."""
    workers = set(vigil.fold_workers())
    for _ in range(200):
        for of, token in zip(ALL_KEYS, vigil.redis.mget([of.lease for of in ALL_KEYS]), strict=True):
            pid = int(token.decode().partition(":")[0]) if isinstance(token, bytes) else 0
            if pid in workers:
                strike(pid, number)
                if vigil.redis.get(of.lease) == token and vigil.redis.xlen(of.inbox):
                    return pid
                send(vigil.fold_workers(), signal.SIGCONT)
                return None
    return None


def strike(pid: int, number: int) -> None:
    """Returns when the signal has stopped or ended the process."""
    os.kill(pid, number)
    wait_for(partial(has_obeyed, pid), 5, "the signal does nothing")


def has_obeyed(pid: int) -> bool:
    process = find(pid)
    return process is None or process.state == "T"


def workers_that_wait_for_jobs(vigil: Stack) -> int:
    return sum(client["cmd"] in ("blmove", "blpop") and "b" in client["flags"] for client in vigil.redis.client_list())


@pytest.fixture(scope="module")
def vigil(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("vigil")) as stack:
        yield stack.start()


@pytest.fixture
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("vigil")) as stack:
        yield stack


def test_workers_killed_or_paused_in_the_middle_of_batches_lose_nothing_and_repeat_nothing(own: Stack) -> None:
    play, struck = Play(own.start(), seed=1), 0
    with play.told():
        for share, number in ((0.2, signal.SIGKILL), (0.4, signal.SIGKILL), (0.6, signal.SIGSTOP)):
            play.wait_for_settled(share)
            struck = wait_for(partial(strike_in_the_middle_of_a_batch, own, number), 10, "none held a lease") or 0
        struck_at = time.monotonic()
    play.assert_told(struck_at + RECOVERS_WITHIN - time.monotonic())
    send([struck], signal.SIGCONT)
    wait_for(lambda: workers_that_wait_for_jobs(own) == WORKERS, 10, "the paused worker does not come to an end")
    play.assert_told(0)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_server_ended_under_load_loses_nothing_and_all_others_go_on(vigil: Stack, number: int) -> None:
    others = vigil.web_master(), vigil.worker(), vigil.clock()
    play = Play(vigil, seed=number)
    with play.told():
        play.wait_for_settled(0.3)
        (server,) = vigil.server()
        os.kill(server, number)
        wait_for(lambda: vigil.server() not in ([], [server]), 10, "the server is not started again")
        wait_for(lambda: embedded.is_ready(vigil.var), 10, "the server does not answer again")
        answered_at = time.monotonic()
    assert "spooling until" in vigil.said(), "nothing was posted while the server was away"
    assert play.report.attempts == len(play.postings), "a post was refused while the server was away"
    play.assert_told(answered_at + RECOVERS_WITHIN - time.monotonic())
    assert (vigil.web_master(), vigil.worker(), vigil.clock()) == others
    wait_for(vigil.is_sound, RECOVERS_WITHIN, "workers, web or clock did not come back")


def test_what_got_200_is_kept_when_the_web_is_killed_at_once(vigil: Stack) -> None:
    lines = one_recording(seed=2)[:3]
    for line in lines:
        web, connection, body = vigil.web_workers(), vigil.connect(), body_of(line)
        connection.request("POST", INGEST_PATH, body, vigil.signed(body))
        answer = read_answer(connection)
        send(web, signal.SIGKILL)
        assert answer.status == 200
        connection.close()
        wait_for(partial(are_others, vigil, web), 10, "the web is not started again")
        wait_for(vigil.is_sound, 10, "the web does not answer again")
    assert_applied_once(vigil, lines)


def are_others(vigil: Stack, before: list[int]) -> bool:
    """Whether web workers run that did not run before."""
    return not set(vigil.web_workers()) <= set(before)


def test_a_wake_up_that_dies_with_the_worker_that_took_it_is_made_good_in_time(vigil: Stack) -> None:
    lines = one_recording(seed=3)[:1]
    wait_for(lambda: workers_that_wait_for_jobs(vigil) == WORKERS, 10, "the workers are never idle")
    workers = vigil.fold_workers()
    send(workers, signal.SIGSTOP)
    assert vigil.post(body_of(lines[0])).status == 200
    wait_for(lambda: not vigil.redis.llen(QUEUE), 5, "the wake-up was not taken")
    assert vigil.waiting() == 1
    send(workers, signal.SIGKILL)
    assert_applied_once(vigil, lines)


def test_without_any_wake_up_the_sweep_alone_has_the_inbox_drained(vigil: Stack) -> None:
    lines = one_recording(seed=4)[:20]
    wait_for(lambda: workers_that_wait_for_jobs(vigil) == WORKERS, 10, "the workers are never idle")
    vigil.redis.mset({of.pending: "lost" for of in ALL_KEYS})
    assert {vigil.post(body_of(line)).status for line in lines} == {200}
    assert vigil.waiting() == len(lines), "somebody was woken"
    swept = vigil.redis.get(SWEPT)
    vigil.redis.delete(QUEUE, *(of.pending for of in ALL_KEYS))
    assert_applied_once(vigil, lines)
    assert vigil.redis.get(SWEPT) != swept


def test_ctrl_c_at_the_terminal_under_load_and_a_new_start_lose_nothing_that_got_200(own: Stack) -> None:
    keyboard, terminal = pty.openpty()
    play = Play(own.start(terminal), seed=6)
    with play.told(ONCE):
        play.wait_for_settled(0.3)
        began = time.monotonic()
        os.write(keyboard, b"\x03")
        assert own.ended() == 0
        assert time.monotonic() - began < 10
    os.close(keyboard)
    os.close(terminal)
    assert play.report.acknowledged
    assert play.report.dropped, "nothing was posted while it stopped"
    assert not [answer for _, answer in play.report.dropped if answer.startswith("status")], "the server was gone first"
    own.start()
    wait_for(lambda: not own.waiting(), RECOVERS_WITHIN, "the inboxes are not drained")
    play.assert_each_once()
    kept = {sid: lines for sid, lines in play.kept().items() if lines}
    assert {sid: said(own, sid, 0) for sid in kept} == {sid: fold(lines) for sid, lines in kept.items()}


def test_another_number_of_shards_is_refused_with_a_sentence_and_takes_nothing(own: Stack) -> None:
    first, second = one_recording(seed=7)[:2]
    own.start().post(body_of(first))
    own.stop()
    up = own.launch(VIGIL_SHARDS="4")
    wait_for(lambda: re.search(r"VIGIL_SHARDS.*\b4\b.*\b8\b", own.said()), 10, "nothing is said of the shards")
    wait_for(lambda: up.poll() is not None or own.is_announced(), 10, "it neither starts nor ends")
    assert up.poll() is not None or own.post(body_of(second)).status == 503


def test_two_clocks_four_workers_and_superfluous_wake_ups_change_nothing(own: Stack) -> None:
    own.environment["VIGIL_FOLD_WORKERS"] = "4"
    play = Play(own.start(), seed=5)
    with second_clock(own), play.told():
        wait_for(lambda: len(own.fold_workers()) == 4, 10, "there are no four workers")
        wait_for(lambda: wake_all(own) and play.settled == len(play.postings), 30, "posting does not get on")
    play.assert_told(RECOVERS_WITHIN)
    assert_counted_once(own, play)


def wake_all(vigil: Stack) -> bool:
    """Has every shard drained, whether or not it has work and somebody at it, unless the queue is long already."""
    if vigil.redis.llen(QUEUE) < 2 * SHARDS:
        for shard in range(SHARDS):
            Waker(vigil.redis).wake(shard)
    return True


def assert_counted_once(vigil: Stack, play: Play) -> None:
    """The gauges, which grow and shrink by differences, come out as a count of what there is in the end."""
    summary = vigil.get("/api/v1/summary")
    assert {state: count for state, count in summary["sessions"].items() if count} == {"ended": len(play.scripts)}
    assert set(summary["streams"].values()) == {0}
    assert len(play.postings) <= summary["notifications"]["accepted"] <= play.report.attempts


@contextmanager
def second_clock(vigil: Stack) -> Iterator[None]:
    environment = vigil.environment | {"REDIS_URL": embedded.url(vigil.var)}
    with (vigil.directory / "clock").open("w") as output:
        process = subprocess.Popen([sys.executable, "-m", "workers.schedule"], env=environment, stderr=output)
    try:
        yield
        assert process.poll() is None, "the second clock has ended"
    finally:
        process.terminate()
        assert process.wait(timeout=10) == 0

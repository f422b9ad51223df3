"""Redis is away for five minutes at 200 posts a second: nobody notices but the operators (issue's own bounds)."""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path
from statistics import quantiles

import pytest

from tests.store.build import heartbeat, raw
from tests.store.rig import Rig
from tests.system.outages import APPLIED_WITHIN, Load, external, spool_files
from tests.system.servers import TcpServer
from tests.system.stack import SHARDS, Stack, needs_proc
from tests.waiting import wait_for
from webhook import clock
from webhook.domain.states import State
from webhook.domain.status import status_of

RATE, AWAY_S, BEFORE_S, AFTER_S = 200, 300, 30, 30
SESSIONS = 100
P99_S = 0.5


class Heartbeats(Load):
    """Sessions that each give a sign of life twice a second, though they may be silent for three minutes."""

    def body(self, number: int) -> bytes:
        session = number % SESSIONS
        more = {"notice_id": f"beat {number}", "sequence": 1 + number // SESSIONS}
        return raw(heartbeat(f"long{session}", at_ms=clock.now_ms(), cname=f"room{session}", **more))


@pytest.mark.full
@pytest.mark.timeout(900)
@needs_proc
def test_five_minutes_without_redis_cost_no_post_no_session_and_no_minute_more(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (
        TcpServer(tmp_path / "server") as server,
        external(tmp_path / "vigil", server.start().url, VIGIL_WEB_WORKERS="2") as vigil,
    ):
        vigil.start()
        posted = Heartbeats(vigil, "", RATE * (BEFORE_S + AWAY_S + AFTER_S), RATE)
        with posted.running():
            posted.wait_for(RATE * BEFORE_S, BEFORE_S + 30)
            server.kill()
            posted.wait_for(RATE * (BEFORE_S + AWAY_S), AWAY_S + 60)
            server.start()
            returned = time.monotonic()
            wait_for(lambda: is_caught_up(vigil), APPLIED_WITHIN, "the spool does not become empty")
            emptied_s = time.monotonic() - returned
        posted.assert_acknowledged()
        rig = Rig(server.redis, SHARDS)
        wait_for(lambda: all_counted(rig, len(posted.sids) // SESSIONS), 30, "some are not applied")
        states = Counter(status_of(rig.session(sid)).state for sid in rig.ids())
        p50, p99 = (quantiles(posted.took_s, n=100)[at] for at in (49, 98))
        with capsys.disabled():
            sys.stdout.write(
                f"\n{len(posted.sids)} posts, all 200: p50 {p50:.4f} s, p99 {p99:.4f} s, max {posted.latest_s:.3f} s; "
                f"all applied {emptied_s:.1f} s after Redis was back\n"
            )
        assert p99 < P99_S
        assert states == {State.LIVE: SESSIONS}
        assert spool_files(vigil) == []


def is_caught_up(vigil: Stack) -> bool:
    """Whether nothing waits any more; no session may be called silent meanwhile."""
    summary = vigil.get("/api/v1/summary")
    assert summary["sessions"]["lost"] == 0, "a session was called silent because Vigil was deaf"
    return not spool_files(vigil) and summary["inbox"]["depth"] == 0


def all_counted(rig: Rig, count: int) -> bool:
    """Whether every session has heard each of its notifications, once."""
    return {(rig.session(sid).received, rig.session(sid).duplicates) for sid in rig.ids()} == {(count, 0)}

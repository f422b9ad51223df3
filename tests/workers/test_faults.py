"""Faults that are no single notification's: of one session's deadlines, of folding it again, of writing it down.

They stop neither their shard nor what else is in the batch, and condemn nobody else.
"""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis

from tests.store.build import AT_MS, heartbeat, started, video
from tests.store.rig import Rig
from webhook.domain import folding as folding_module
from webhook.domain.session import Session
from webhook.store import record
from webhook.store.keys import ShardKeys
from workers.drain import UNREADABLE_MS

FAULTY = "faulty"


@pytest.fixture
def one(redis: Redis) -> Rig:
    return Rig(redis, 1)


def plant(patch: pytest.MonkeyPatch, module: Any, name: str) -> None:
    """A fault in a function of one session, which is its first argument."""
    sound = getattr(module, name)

    def fault(session: Session, *arguments: Any, **more: Any) -> Any:
        if session.id == FAULTY:
            raise ValueError("a planted fault")
        return sound(session, *arguments, **more)

    patch.setattr(module, name, fault)


@pytest.mark.parametrize(("module", "name"), [(folding_module, "settle"), (record, "next_deadline_ms")])
def test_a_session_that_cannot_be_settled_or_written_stops_nobody_else(one: Rig, module: Any, name: str) -> None:
    one.append(started(FAULTY, cname="a"))
    one.drain()
    with pytest.MonkeyPatch.context() as patch:
        plant(patch, module, name)
        one.append(*(started(f"s{number}") for number in range(5)), video(0, FAULTY, AT_MS + 1, cname="a"))
        one.append(*(heartbeat(f"s{number}", AT_MS + 2) for number in range(5)))
        one.drain()
        assert [one.session(f"s{number}").received for number in range(5)] == [2] * 5
        assert one.outcomes() == {"applied": 11, "quarantined": 1}
    one.append(heartbeat(FAULTY, AT_MS + 3, cname="a"))
    one.drain()
    assert one.session(FAULTY).received == 2


def test_a_session_that_is_due_and_cannot_be_settled_is_looked_at_again_later(one: Rig) -> None:
    one.append(started(FAULTY), started("s1"))
    one.drain()
    deadlines = ShardKeys(0).deadlines
    one.redis.zadd(deadlines, {FAULTY: 1, "s1": 1})
    with pytest.MonkeyPatch.context() as patch:
        plant(patch, folding_module, "settle")
        one.drain()
    later = {name.decode(): int(score) for name, score in one.redis.zrange(deadlines, 0, -1, withscores=True)}
    now_ms = one.redis.time()[0] * 1000
    assert now_ms < later[FAULTY] <= now_ms + 2 * UNREADABLE_MS
    assert later["s1"] > now_ms
    assert not one.redis.hgetall(ShardKeys(0).attempts)

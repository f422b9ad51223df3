"""Products side by side in the store: no type of one is another's, no session takes what is not its own."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as budget
from hypothesis import strategies as st
from redis import Redis

from tests.store.build import AT_MS, created, exited, joined, left, pushing, snapshot, started, told, uploaded, video
from tests.store.rig import Rig
from webhook.domain.decoding import BY_NAME
from webhook.domain.session import Session
from webhook.domain.states import State
from webhook.domain.status import status_of
from webhook.samples import SAMPLES, sample
from webhook.store.connection import server_now_ms
from webhook.store.keys import ShardKeys
from webhook.views.sessions import session_view

MINUTE_MS = 60_000


def view(session: Session) -> dict[str, Any]:
    shown = session_view(session)
    del shown["revision"]
    return shown


def state(rig: Rig, session_id: str) -> State:
    return status_of(rig.session(session_id)).state


def sessions(rig: Rig) -> dict[str, Session]:
    """Every session of every shard, each id in one shard only."""
    names = rig.ids()
    assert len(names) == len(set(names)), "a session is in two shards"
    return {name: rig.session(name) for name in names}


@pytest.mark.parametrize(("product_id", "event_type"), sorted(SAMPLES))
def test_every_documented_event_is_kept_and_folded(rig: Rig, product_id: int, event_type: int) -> None:
    rig.append(sample(product_id, event_type))
    rig.drain()
    (session,) = sessions(rig).values()
    assert (session.received, session.product in BY_NAME) == (1, True)
    assert set(rig.outcomes()) == {"applied"}


COLLIDING = (1, 2, 3, 4, 30, 31, 32, 33, 101, 102, 103, 104, 110, 111, 112)
RUNNING: dict[str, list[dict[str, Any]]] = {
    "s1": [started(), video(0, at_ms=AT_MS + 1)],
    "rtc:default:lobby": [told(1, 101, {"channelName": "lobby", "ts": AT_MS // 1000}), joined(7, at_ms=AT_MS + 1000)],
    "p1": [told(4, 1, {"player": {"id": "p1", "channelName": "lobby", "status": "running"}, "lts": AT_MS})],
    "c1": [created("c1")],
    "g1": [told(10, 1, {"sid": "g1", "rtcInfo": {"channel": "lobby"}, "beginAt": "2025-11-24T16:00:00Z"})],
    "a1": [told(17, 101, {"agent_id": "a1", "channel": "lobby", "start_ts": AT_MS})],
    "t1": [told(20, 101, {"agent_id": "t1", "channel": "lobby", "start_ts": AT_MS})],
}
PRODUCT_OF = {"s1": 3, "rtc:default:lobby": 1, "p1": 4, "c1": 5, "g1": 10, "a1": 17, "t1": 20}


def naming(product_id: int, session_id: str, at_ms: int) -> dict[str, Any]:
    """A payload that names the session wherever any product would, as far as `product_id` is not the one it is of."""
    return {
        "channelName": "elsewhere",
        "cname": "elsewhere",
        "channel": "elsewhere",
        "sid": f"{product_id} {session_id}",
        "agent_id": f"{product_id} {session_id}",
        "player": {"id": f"{product_id} {session_id}", "status": "stopped"},
        "converter": {"id": f"{product_id} {session_id}", "state": "failed"},
        "rtcInfo": {"channel": "elsewhere"},
        "uid": 7,
        "lts": at_ms,
        "ts": at_ms // 1000,
        "sendts": at_ms,
        "stop_ts": at_ms,
        "status": "FAILED",
        "details": {"exitStatus": 1, "leaveCode": 0, "status": 0},
    }


def test_no_type_of_one_product_touches_a_session_of_another(rig: Rig) -> None:
    rig.append(*(body for bodies in RUNNING.values() for body in bodies))
    rig.drain()
    before = {session_id: view(rig.session(session_id)) for session_id in RUNNING}
    for product_id in (1, 3, 4, 5, 10, 17, 20, 2, 7, 99):
        for event_type in COLLIDING:
            rig.append(told(product_id, event_type, naming(product_id, "other", AT_MS + MINUTE_MS)))
    rig.drain()
    assert {session_id: view(rig.session(session_id)) for session_id in RUNNING} == before
    assert all(shown["state"] in ("live", "starting") for shown in before.values())


@pytest.mark.parametrize("session_id", RUNNING)
@pytest.mark.parametrize("event_type", COLLIDING)
def test_a_type_that_ends_another_product_ends_no_session_that_has_its_id(
    rig: Rig, session_id: str, event_type: int
) -> None:
    """An RTC 102 stopped an agent elsewhere: here the same ids are posted by products that number otherwise."""
    rig.append(*RUNNING[session_id])
    rig.drain()
    before = view(rig.session(session_id))
    strangers = [product_id for product_id in (1, 3, 2, 7, 99) if product_id != PRODUCT_OF[session_id]]
    for product_id in strangers:
        payload = {"agent_id": session_id, "player": {"id": session_id}, "converter": {"id": session_id}}
        rig.append(told(product_id, event_type, payload | {"channelName": "elsewhere", "ts": AT_MS, "uid": 7}))
    rig.drain()
    assert view(rig.session(session_id)) == before


def test_one_id_in_two_products_is_not_folded_into_one(rig: Rig) -> None:
    rig.append(told(17, 101, {"agent_id": "x", "channel": "lobby", "start_ts": AT_MS}))
    rig.append(told(1, 102, {"channelName": "lobby", "ts": AT_MS // 1000 + 60, "agent_id": "x"}))
    rig.drain()
    assert state(rig, "x") is State.LIVE
    assert state(rig, "rtc:default:lobby") is State.ENDED


LATE = [
    left("old", AT_MS + 5 * MINUTE_MS, code=4),
    uploaded("old", AT_MS + 6 * MINUTE_MS),
    exited("old", AT_MS + 7 * MINUTE_MS, status=1),
]


@pytest.mark.parametrize(
    "late", list(permutations(LATE)), ids=["41-31-11", "41-11-31", "31-41-11", "31-11-41", "11-41-31", "11-31-41"]
)
def test_a_late_end_of_an_old_recording_never_touches_the_next_one_of_the_channel(
    rig: Rig, late: tuple[dict[str, Any], ...]
) -> None:
    rig.append(started("old", AT_MS), video(0, "old", AT_MS + 1))
    rig.append(started("new", AT_MS + MINUTE_MS), video(0, "new", AT_MS + MINUTE_MS + 1), snapshot(1, "new"))
    rig.drain()
    before = view(rig.session("new"))
    for body in late:
        rig.append(body, body | {"noticeId": f"{body['noticeId']} again"})
        rig.drain()
        assert view(rig.session("new")) == before
    assert (state(rig, "old"), state(rig, "new")) == (State.FAILED, State.LIVE)
    assert before["streams"][0]["video"] == "receiving"


def test_a_late_end_of_an_old_recording_in_one_batch_with_the_next_one(rig: Rig) -> None:
    rig.append(*LATE, started("new", AT_MS + MINUTE_MS), video(0, "new", AT_MS + MINUTE_MS + 1), started("old", AT_MS))
    rig.drain()
    assert (state(rig, "old"), state(rig, "new")) == (State.FAILED, State.LIVE)


def test_an_entity_whose_later_notifications_name_no_channel_stays_one_session(redis: Redis) -> None:
    rig = Rig(redis, 8)
    lives = [f"converter {number}" for number in range(12)]
    for name in lives:
        rig.append(created(name), pushing(3, name, AT_MS + 1000, state="running"))
        rig.append(pushing(4, name, AT_MS + 2000) | {"payload": ended(name)})
    rig.drain()
    found = sessions(rig)
    assert set(found) == set(lives)
    assert {(session.channel, session.received, status_of(session).state) for session in found.values()} == {
        ("lobby", 3, State.ENDED)
    }
    assert len(holding(rig)) > 1


def holding(rig: Rig) -> list[int]:
    """The shards that hold sessions."""
    return [shard for shard in range(rig.shards) if rig.redis.exists(ShardKeys(shard).index("all"))]


def ended(name: str) -> dict[str, Any]:
    converter = {"id": name, "createTs": AT_MS // 1000, "updateTs": AT_MS // 1000 + 2}
    return {"converter": converter, "lts": AT_MS // 1000 + 2, "destroyReason": "Delete Request"}


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_whichever_comes_first_an_entity_is_one_session_of_its_channel(rig: Rig, order: tuple[int, ...]) -> None:
    life = [created("c1"), pushing(3, "c1", AT_MS + 1000, state="running"), pushing(2, "c1", AT_MS + 2000)]
    for number in order:
        rig.append(life[number])
        rig.drain()
    (session,) = sessions(rig).values()
    assert (session.channel, session.received, status_of(session).state) == ("lobby", 3, State.LIVE)


def test_all_that_concerns_a_channel_by_name_is_in_one_shard(redis: Redis) -> None:
    rig = Rig(redis, 8)
    rig.append(*(body for name in ("s1", "rtc:default:lobby", "g1", "a1", "t1") for body in RUNNING[name]))
    rig.drain()
    assert len(sessions(rig)) == 5
    assert len(holding(rig)) == 1


def test_one_channel_and_one_id_in_two_projects_never_mix(rig: Rig) -> None:
    rig.append(joined(7), joined(8), started("s1"))
    rig.append(joined(9), started("s2"), source="eu", project="europe")
    rig.drain()
    found = sessions(rig)
    assert set(found) == {"rtc:default:lobby", "rtc:europe:lobby", "s1", "s2"}
    assert {session.project for name, session in found.items() if "default" in name or name == "s1"} == {"default"}
    assert len(view(found["rtc:default:lobby"])["detail"]["users"]) == 2
    assert [user["uid"] for user in view(found["rtc:europe:lobby"])["detail"]["users"]] == ["9"]


TIMELESS = {"sid": "g1", "rtcInfo": {"channel": "lobby", "uid": "7"}}
MIXED: list[Any] = [
    *(body for bodies in RUNNING.values() for body in bodies),
    told(10, 4, TIMELESS | {"videoProfile": {"width": 640}}, AT_MS + 4000),
    told(10, 3, TIMELESS | {"errorCode": 7, "reason": "no data 10 s"}, AT_MS + 5000),
    told(17, 110, {"agent_id": "a1", "channel": "lobby", "errors": [{"module": "llm", "code": 1, "message": "m"}]}),
    told(
        17, 102, {"agent_id": "a1", "channel": "lobby", "stop_ts": AT_MS + 8000, "status": "STOPPED", "message": "OK"}
    ),
    pushing(3, "c1", AT_MS + 3000, state="failed"),
    joined(8, at_ms=AT_MS + 2000, sequence=9),
    told(1, 102, {"channelName": "lobby", "ts": AT_MS // 1000 + 60}),
    exited(at_ms=AT_MS + 9000),
]


@budget(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(len(MIXED))), cuts=st.sets(st.integers(0, len(MIXED))), again=st.booleans())
def test_all_products_in_any_order_with_later_copies_give_the_same_sessions(
    redis: Redis, order: list[int], cuts: set[int], again: bool
) -> None:
    expected = folded(redis, MIXED, set())
    told_in_order = [MIXED[position] for position in order]
    later = [body | {"notifyMs": body["notifyMs"] + 30_000, "noticeId": f"{body['noticeId']} again"} for body in MIXED]
    found = folded(redis, [*(later if again else []), *told_in_order], cuts)
    assert found == expected


def folded(redis: Redis, bodies: list[Any], cuts: set[int]) -> dict[str, dict[str, Any]]:
    redis.flushall()
    rig = Rig(redis, 2)
    now_ms = server_now_ms(redis)  # nothing is silent for long
    for number, body in enumerate(bodies):
        rig.put(body, now_ms)
        if number in cuts:
            rig.drain()
    rig.drain()
    shown = {name: view(session) for name, session in sessions(rig).items()}
    for each in shown.values():
        del each["notifications"]
    return shown

"""`/alerts` and their acknowledgement, and what else shows alerts (contract.md, section 4)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from msgspec.structs import replace
from redis import Redis
from werkzeug.test import TestResponse

from tests import unserved
from tests.routes.paging import API, get, walk
from tests.store.alerting import PENDING, RESOLVED, Alerted, alert
from tests.store.build import AT_MS, exited, started
from tests.store.rig import Rig
from webhook import settings as configuration
from webhook.domain.alerting.alerts import Severity
from webhook.domain.arrivals import Arrival, Kind
from webhook.domain.facets import indexes
from webhook.settings import Settings
from webhook.store.codec import encode_session
from webhook.store.connection import server_now_ms
from webhook.store.inbox import from_fields
from webhook.store.keys import ShardKeys

PATH = "/alerts"
SHARDS = 2


@pytest.fixture
def alerted(redis: Redis) -> Alerted:
    return Alerted(redis, SHARDS)


def looks(redis: Redis) -> list[Arrival]:
    """What the writers of all shards are asked to look at."""
    return [from_fields(fields) for shard in range(SHARDS) for _, fields in redis.xrange(ShardKeys(shard).inbox)]


def deeds(client: FlaskClient) -> list[tuple[str, str, str | None]]:
    return [(deed["action"], deed["subject"], deed["reason"]) for deed in get(client, "/audit")["items"]]


def test_an_alert_has_the_shape_of_the_contract(client: FlaskClient, alerted: Alerted) -> None:
    name = alerted.add()
    alerted.deliver(name, "mail", "firing")
    alerted.silence("maintenance", "channel=lobby")
    expected = {
        "id": name,
        "rule": "video_stopped",
        "severity": "warning",
        "state": "firing",
        "resolution": None,
        "labels": {
            "product": "rtc",
            "project": "default",
            "channel": "lobby",
            "session": "s1",
            "source": "default",
            "rule": "video_stopped",
            "severity": "warning",
            "uid": "7",
            "track": "video",
        },
        "summary": "video_stopped of 7",
        "meaning": "nothing arrives",
        "action": "look at the encoder",
        "startedAt": "2025-11-24T16:00:00.000Z",
        "firedAt": "2025-11-24T16:00:10.000Z",
        "resolvedAt": None,
        "acknowledged": None,
        "silencedBy": ["maintenance"],
        "deliveries": [
            {
                "sink": "mail",
                "at": "2025-11-24T16:00:00.000Z",
                "transition": "firing",
                "reason": "first",
                "result": "delivered",
                "attempt": 1,
                "error": None,
            }
        ],
        "episode": 1,
        "flapping": False,
    }
    assert get(client, f"{PATH}/{name}") == expected
    assert get(client, PATH) == {"items": [expected], "next": None}


def test_what_rules_find_is_listed_and_acknowledged_under_the_id_that_its_writer_gave_it(
    client: FlaskClient, rig: Rig
) -> None:
    now_ms = server_now_ms(rig.redis)
    rig.append(started(at_ms=now_ms - 9000), exited(at_ms=now_ms - 1000, status=1))
    rig.drain()
    (item,) = [each for each in walk(client, PATH, session="s1") if each["rule"] == "abnormal_exit"]
    assert (item["state"], item["labels"]["channel"], item["acknowledged"]) == ("pending", "lobby", None)
    assert client.post(f"{API}{PATH}/{item['id']}/ack", json={}).status_code == 200
    assert rig.drain() == 1
    acknowledged = get(client, f"{PATH}/{item['id']}")
    assert acknowledged["acknowledged"]["by"] == "local"
    assert acknowledged in walk(client, PATH, channel="lobby", severity="critical")


def test_without_alerts_the_list_is_empty(client: FlaskClient, redis: Redis) -> None:
    assert get(client, PATH) == {"items": [], "next": None}


@pytest.mark.parametrize("limit", [1, 4, 50])
@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        ({}, 9),
        ({"state": "pending"}, 3),
        ({"severity": "critical"}, 3),
        ({"rule": "failover"}, 3),
        ({"channel": "room 1"}, 3),
        ({"session": "s2", "state": "pending"}, 1),
        ({"project": "default"}, 9),
        ({"project": "other"}, 0),
        ({"since": "2025-11-24T16:00:01.000Z"}, 6),
        ({"until": "2025-11-24T16:00:01.000Z"}, 3),
        ({"acknowledged": "true"}, 0),
        ({"acknowledged": "false"}, 9),
        ({"silenced": "true"}, 2),
        ({"silencedBy": "one"}, 2),
        ({"silencedBy": "other"}, 0),
        ({"resolvedSince": "2025-11-24T16:01:01.000Z"}, 2),
    ],
    ids=str,
)
def test_pages_of_what_is_asked_for_show_each_once(
    client: FlaskClient, alerted: Alerted, limit: int, wanted: dict[str, str], count: int
) -> None:
    for number in range(3):
        where, at_ms = (f"s{number}", f"room {number}"), AT_MS + 1000 * number
        alerted.add(alert("video_stopped", at_ms, PENDING), *where)
        alerted.add(alert("failover", at_ms), *where)
        alerted.add(alert("upload_failed", at_ms, RESOLVED, severity=Severity.CRITICAL), *where)
    alerted.silence("one", 'channel="room 2"')
    items = walk(client, PATH, limit=limit, **wanted)
    assert len(items) == len({item["id"] for item in items}) == count
    assert [item["startedAt"] for item in items] == sorted((item["startedAt"] for item in items), reverse=True)


@pytest.mark.parametrize(
    "wanted",
    [
        {"state": "open"},
        {"severity": "fatal"},
        {"since": "now"},
        {"limit": "0"},
        {"cursor": "x"},
        {"uid": "7"},
        {"acknowledged": "yes"},
        {"silenced": "false"},
    ],
    ids=str,
)
def test_what_cannot_be_asked_is_a_400_problem(client: FlaskClient, redis: Redis, wanted: dict[str, str]) -> None:
    answer = client.get(f"{API}{PATH}", query_string=wanted)
    assert (answer.status_code, answer.content_type) == (400, "application/problem+json")


def test_a_cursor_is_good_for_its_own_list_only(client: FlaskClient, rig: Rig, alerted: Alerted) -> None:
    rig.append(started(), started("s2"))
    rig.drain()
    cursor = get(client, "/sessions", limit=1)["next"]
    assert client.get(f"{API}{PATH}", query_string={"cursor": cursor}).status_code == 400
    alerted.add(), alerted.add(alert("failover"))
    cursor = get(client, PATH, limit=1)["next"]
    assert client.get(f"{API}/sessions", query_string={"cursor": cursor}).status_code == 400


def test_a_single_alert_takes_no_parameters(client: FlaskClient, alerted: Alerted) -> None:
    answer = client.get(f"{API}{PATH}/{alerted.add()}?fields=id")
    assert (answer.status_code, answer.json["errors"][0]["path"]) == (400, "fields")


def test_answers_are_304_until_something_changes(client: FlaskClient, alerted: Alerted) -> None:
    name = alerted.add()
    for path in (PATH, f"{PATH}/{name}"):
        tag = client.get(f"{API}{path}").headers["ETag"]
        again = client.get(f"{API}{path}", headers={"If-None-Match": tag})
        assert (again.status_code, again.data) == (304, b"")
        client.post(f"{API}{PATH}/{name}/ack", json={"note": path})
        assert client.get(f"{API}{path}", headers={"If-None-Match": tag}).status_code == 200


def test_names_with_html_come_back_as_json_text(client: FlaskClient, alerted: Alerted) -> None:
    evil = '<script>alert("1")</script>&\u2028\x1b[2J'
    name = alerted.add(alert(uid=evil, summary=evil), evil, evil)
    assert get(client, f"{PATH}/{name}")["labels"]["channel"] == evil
    (item,) = get(client, PATH, channel=evil, session=evil)["items"]
    assert (item["id"], item["summary"], item["labels"]["uid"]) == (name, evil, evil)


def test_an_acknowledgement_is_shown_at_once_and_told_to_the_shards_writer(
    client: FlaskClient, redis: Redis, alerted: Alerted
) -> None:
    name = alerted.add()
    answer = client.post(f"{API}{PATH}/{name}/ack", json={"note": " on it "})
    told = answer.json["acknowledged"]
    assert (answer.status_code, told["by"], told["note"], told["at"].endswith("Z")) == (200, "local", "on it", True)
    assert get(client, f"{PATH}/{name}") == get(client, PATH)["items"][0] == answer.json
    (look,) = looks(redis)
    assert (look.kind, look.body, bool(look.receipt)) == (Kind.LOOK, b'["s1"]', True)
    assert redis.xlen(ShardKeys(int(name.partition("-")[0])).inbox) == 1
    assert deeds(client) == [("acknowledge", f"alert {name} (video_stopped of 7)", "on it")]


@pytest.mark.parametrize("note", [{}, {"note": None}, {"note": "on it"}, {"note": "  "}], ids=str)
def test_the_same_said_again_by_the_same_person_changes_nothing(
    client: FlaskClient, redis: Redis, alerted: Alerted, note: dict[str, Any]
) -> None:
    name = alerted.add()
    first = client.post(f"{API}{PATH}/{name}/ack", json={"note": "on it"}).json
    again = client.post(f"{API}{PATH}/{name}/ack", json=note)
    assert (again.status_code, again.json) == (200, first)
    assert (len(looks(redis)), len(deeds(client))) == (1, 1)


def test_what_else_the_same_person_says_takes_the_place(client: FlaskClient, alerted: Alerted) -> None:
    name = alerted.add()
    client.post(f"{API}{PATH}/{name}/ack", json={"note": "on it"})
    again = client.post(f"{API}{PATH}/{name}/ack", json={"note": "not so simple"})
    assert (again.status_code, again.json["acknowledged"]["note"]) == (200, "not so simple")


def test_an_acknowledgement_is_taken_back_and_whoever_has_none_loses_none(
    client: FlaskClient, redis: Redis, alerted: Alerted
) -> None:
    name = alerted.add(alert(state=PENDING))
    client.post(f"{API}{PATH}/{name}/ack", json={})
    for _ in range(2):
        answer = client.delete(f"{API}{PATH}/{name}/ack", json={})
        assert (answer.status_code, answer.json["acknowledged"]) == (200, None)
    assert get(client, f"{PATH}/{name}")["acknowledged"] is None
    assert [action for action, _, _ in deeds(client)] == ["take back acknowledgement", "acknowledge"]
    assert len(looks(redis)) == 2


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_what_is_resolved_cannot_be_acknowledged(
    client: FlaskClient, redis: Redis, alerted: Alerted, method: str
) -> None:
    name = alerted.add(alert(state=RESOLVED))
    answer = client.open(f"{API}{PATH}/{name}/ack", method=method, json={})
    assert (answer.status_code, answer.content_type) == (409, "application/problem+json")
    assert (looks(redis), deeds(client), get(client, f"{PATH}/{name}")["acknowledged"]) == ([], [], None)


def test_what_is_over_a_moment_before_it_is_acknowledged_is_409(
    client: FlaskClient, redis: Redis, alerted: Alerted
) -> None:
    name = alerted.add()
    redis.delete(ShardKeys(int(name.partition("-")[0])).alerts("state:firing"))
    assert client.post(f"{API}{PATH}/{name}/ack", json={}).status_code == 409
    assert (looks(redis), get(client, f"{PATH}/{name}")["acknowledged"]) == ([], None)


@pytest.mark.parametrize(("method", "end"), [("GET", ""), ("POST", "/ack"), ("DELETE", "/ack")])
@pytest.mark.parametrize("name", ["nobody", "0-0123456789abcdef-1", "9-0123456789abcdef-1", "1" * 3000])
def test_what_is_not_there_is_a_404_problem(
    client: FlaskClient, alerted: Alerted, method: str, end: str, name: str
) -> None:
    alerted.add()
    answer = client.open(f"{API}{PATH}/{name}{end}", method=method, json=None if method == "GET" else {})
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")


@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("POST", {"note": 1}),
        ("POST", {"note": "x" * 501}),
        ("POST", {"why": "x"}),
        ("POST", []),
        ("DELETE", {"note": "x"}),
    ],
    ids=str,
)
def test_a_body_that_cannot_be_used_changes_nothing(
    client: FlaskClient, redis: Redis, alerted: Alerted, method: str, body: Any
) -> None:
    name = alerted.add()
    answer = client.open(f"{API}{PATH}/{name}/ack", method=method, json=body)
    assert (answer.status_code, answer.content_type) == (400, "application/problem+json")
    assert (looks(redis), deeds(client)) == ([], [])


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_only_json_changes_anything(client: FlaskClient, redis: Redis, alerted: Alerted, content_type: str) -> None:
    name = alerted.add()
    for method in ("POST", "DELETE"):
        answer = client.open(f"{API}{PATH}/{name}/ack", method=method, data=b"{}", content_type=content_type)
        assert answer.status_code == 415
    assert (looks(redis), deeds(client)) == ([], [])


def test_an_acknowledgement_is_kept_where_nobody_can_be_asked_to_look(
    settings: Settings, redis: Redis, alerted: Alerted, rig: Rig
) -> None:
    crowded = unserved.create(replace(settings, inbox_max=1), redis).test_client()
    name = alerted.add()
    for shard in range(SHARDS):
        redis.xadd(ShardKeys(shard).inbox, {"any": "entry"})
    answer = crowded.post(f"{API}{PATH}/{name}/ack", json={})
    assert (answer.status_code, answer.json["acknowledged"]["by"]) == (200, "local")
    assert get(crowded, f"{PATH}/{name}")["acknowledged"] is not None


TOKENS = "ann:reader:reader-token,bob:operator:operator-token,cid:operator:cid-token"
Ask = Callable[..., TestResponse]


@pytest.fixture
def ask(redis: Redis, tmp_path: Path) -> Ask:
    settings = configuration.load({"VIGIL_API_TOKENS": TOKENS, "VIGIL_SHARDS": str(SHARDS)}, tmp_path)
    client = unserved.create(settings, redis).test_client()

    def send(role: str, method: str, path: str, **more: Any) -> TestResponse:
        return client.open(f"{API}{path}", method=method, headers={"Authorization": f"Bearer {role}-token"}, **more)

    return send


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_a_reader_sees_alerts_but_has_none(ask: Ask, redis: Redis, alerted: Alerted, method: str) -> None:
    name = alerted.add()
    assert ask("operator", "POST", f"{PATH}/{name}/ack", json={}).status_code == 200
    before = ask("reader", "GET", f"{PATH}/{name}").json
    answer = ask("reader", method, f"{PATH}/{name}/ack", json={})
    assert (answer.status_code, answer.content_type) == (403, "application/problem+json")
    assert ask("reader", "GET", PATH).json["items"] == [before]
    assert ask("stranger", "GET", PATH).status_code == 401


def test_a_later_acknowledgement_of_another_takes_the_place_of_the_first(
    ask: Ask, redis: Redis, alerted: Alerted
) -> None:
    name = alerted.add()
    for role in ("operator", "cid"):
        assert ask(role, "POST", f"{PATH}/{name}/ack", json={"note": "mine"}).status_code == 200
    assert ask("reader", "GET", f"{PATH}/{name}").json["acknowledged"]["by"] == "cid"
    assert [deed["by"] for deed in ask("reader", "GET", "/audit").json["items"]] == ["cid", "bob"]


def alerting(rig: Rig, *session_ids: str) -> None:
    """As if alerts of these sessions fired."""
    for session_id in session_ids:
        shard, before = rig.sessions.find(session_id) or pytest.fail(f"no session {session_id}")
        after, of = replace(before, alerts=("an alert",)), ShardKeys(shard)
        rig.redis.set(of.session(session_id), encode_session(after))
        for name in indexes(after):
            rig.redis.zadd(of.index(name), {session_id: after.activity_ms})


def ids(client: FlaskClient, **query: Any) -> list[str]:
    return [item["id"] for item in walk(client, "/sessions", **query)]


@pytest.mark.parametrize("limit", [1, 50])
@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, ["s5", "s3", "s1"]),
        ({"channel": "room 3"}, ["s3"]),
        ({"channel": "room 2"}, []),
        ({"state": "starting"}, ["s5", "s3", "s1"]),
        ({"state": "live"}, []),
        ({"stream": "stopped"}, []),
        ({"product": "rtc"}, []),
        ({"since": "2025-11-24T16:00:00.002Z"}, ["s5", "s3"]),
    ],
    ids=str,
)
def test_sessions_with_alerts_that_fire_are_listed(
    client: FlaskClient, rig: Rig, limit: int, wanted: dict[str, str], expected: list[str]
) -> None:
    rig.append(*(started(f"s{number}", AT_MS + number, cname=f"room {number}") for number in range(6)))
    rig.drain()
    alerting(rig, "s1", "s3", "s5")
    assert ids(client, alerting="true", limit=limit, **wanted) == expected


def test_sessions_without_alerts_are_not_looked_at_where_those_with_them_are_asked_for(
    client: FlaskClient, rig: Rig
) -> None:
    rig.append(*(started(f"s{number}", AT_MS + number, cname=f"room {number}") for number in range(6)))
    rig.drain()
    alerting(rig, "s0")
    page = get(client, "/sessions", alerting="true", limit=1)
    assert ([item["id"] for item in page["items"]], page["next"]) == (["s0"], None)


def test_the_summary_counts_alerts_by_the_gauges_of_all_shards(client: FlaskClient, redis: Redis) -> None:
    gauges = {
        "alert:video_stopped:warning:firing": 2,
        "alert:upload_failed:critical:firing": 1,
        "alert:video_stopped:warning:pending": 3,
        "alert:failover:info:firing": 0,
        "alerts:unacknowledged": 2,
    }
    for shard in range(SHARDS):
        redis.hset(ShardKeys(shard).counts, mapping=gauges)
    summary = get(client, "/summary")
    assert summary["alerts"] == {
        "pending": 6,
        "firing": {"info": 0, "warning": 4, "critical": 2},
        "unacknowledged": 4,
    }
    assert summary["verdict"] == "No worker is alive, 6 alerts fire, 2 critical"

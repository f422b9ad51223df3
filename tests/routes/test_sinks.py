"""`/sinks`: how each is, what was given up, and delivering that after all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from redis import Redis

from tests import unserved
from tests.routes.paging import API, get, walk
from tests.store.outboxes import NOW, RESOLVED, Delivery, Taking, batches, left, put, refuse, telling
from webhook import settings as configuration
from webhook.store.connection import server_now_ms
from webhook.store.dead_deliveries import MOST_REPLAYED
from webhook.store.keys import ShardKeys, SinkKeys
from webhook.store.outbox import FAILED_MS
from webhook.views.times import rfc3339

TOML = '[[sink]]\nname = "ops"\nkind = "log"\n[[sink]]\nname = "other"\nkind = "log"\n'
TOKENS = "ann:reader:reader-token,bob:operator:operator-token"
READER, OPERATOR = ({"Authorization": f"Bearer {role}-token"} for role in ("reader", "operator"))
FIGURES = {
    *("name", "kind", "state", "failures", "failingSince", "lastError", "lastSuccessAt", "nextAttemptAt"),
    *("waiting", "dead", "delivered"),
}


def served(redis: Redis, directory: Path, **environment: str) -> FlaskClient:
    (directory / "vigil.toml").write_text(TOML)
    return unserved.create(configuration.load({"VIGIL_SHARDS": "2"} | environment, directory), redis).test_client()


@pytest.fixture
def client(redis: Redis, tmp_path: Path) -> FlaskClient:
    return served(redis, tmp_path)


def given_up(redis: Redis, *alerts: str, shard: int = 0, **more: Any) -> Delivery:
    """A delivery of each of these alerts, given up in turn."""
    delivery = Delivery(redis, Taking(refuse(permanent=True)))
    begun_ms = server_now_ms(redis)
    for number, alert in enumerate(alerts):
        put(redis, telling(alert, **more), shard=shard)
        redis.delete(SinkKeys("ops").state)  # or it would rest after three
        delivery.run(begun_ms + number)
    return delivery


def of(client: FlaskClient, name: str = "ops") -> dict[str, Any]:
    found: dict[str, Any] = next(item for item in get(client, "/sinks")["items"] if item["name"] == name)
    return found


def replay(client: FlaskClient, **body: Any) -> dict[str, str]:
    answer = client.post(f"{API}/sinks/ops/replay", json=body)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return {item["id"]: item["verdict"] for item in answer.json["items"]}


def test_a_sink_that_was_told_of_nothing_is_idle(client: FlaskClient) -> None:
    assert [item["name"] for item in get(client, "/sinks")["items"]] == ["ops", "other"]
    assert of(client) == dict.fromkeys(FIGURES) | {
        "name": "ops",
        "kind": "log",
        "state": "idle",
        "failures": 0,
        "waiting": 0,
        "dead": 0,
        "delivered": 0,
    }


def test_a_sink_that_takes_what_it_is_sent_is_ok(client: FlaskClient, redis: Redis) -> None:
    put(redis, telling("a"), telling("b"))
    put(redis, telling("c"), shard=1)
    assert (of(client)["waiting"], of(client)["nextAttemptAt"]) == (3, "2025-11-24T16:00:00.000Z")
    Delivery(redis).run()
    item = of(client)
    assert (item["state"], item["delivered"], item["waiting"], item["nextAttemptAt"]) == ("ok", 3, 0, None)
    assert item["lastSuccessAt"].startswith("2025-11-24T16:00:0")


def test_a_sink_that_fails_says_since_when_and_why(client: FlaskClient, redis: Redis) -> None:
    put(redis, telling("a"), telling("b"))
    put(redis, telling("b", RESOLVED), shard=1)
    Delivery(redis, Taking(refuse(retry_after=60))).run()
    item = of(client)
    assert (item["state"], item["failures"], item["lastError"], item["waiting"]) == ("failing", 1, "HTTP 500", 3)
    assert item["failingSince"].startswith("2025-11-24T16:00:0")
    assert item["nextAttemptAt"].startswith("2025-11-24T16:01:0")
    assert of(client, "other")["state"] == "idle"


def test_what_was_given_up_is_listed_with_its_alerts(client: FlaskClient, redis: Redis) -> None:
    given_up(redis, "a")
    (item,) = get(client, "/sinks/ops/dead")["items"]
    assert item["id"] == f"0.{batches(redis, 'failures')[0].id}"
    assert (item["attempts"], item["error"]) == (1, "HTTP 500")
    assert item["givenUpAt"] == rfc3339(batches(redis, "failures")[0].given_up_ms or 0)
    assert item["alerts"] == [{"id": "a", "transition": "firing", "summary": "a is wrong"}]
    assert get(client, "/sinks/other/dead")["items"] == []
    assert of(client)["dead"] == 1


@pytest.mark.parametrize("limit", [1, 3, 50])
def test_pages_show_each_once_the_last_given_up_first(client: FlaskClient, redis: Redis, limit: int) -> None:
    given_up(redis, *"abcd")
    redis.delete(SinkKeys("ops").lease)
    given_up(redis, *"efg", shard=1)
    items = walk(client, "/sinks/ops/dead", limit=limit)
    assert {item["alerts"][0]["id"] for item in items} == set("abcdefg")
    assert len(items) == 7
    assert [item["givenUpAt"] for item in items] == sorted((item["givenUpAt"] for item in items), reverse=True)


def test_one_that_is_replayed_is_delivered_with_the_same_id(client: FlaskClient, redis: Redis) -> None:
    delivery = given_up(redis, "a")
    (dead,) = batches(redis, "failures")
    assert replay(client, ids=[f"0.{dead.id}"]) == {f"0.{dead.id}": "replayed"}
    assert get(client, "/sinks/ops/dead")["items"] == []
    assert redis.hgetall(ShardKeys(0).busy("ops")) == {b"a": dead.id.encode()}
    delivery.sink.answer = lambda _: None
    delivery.run(delivery.outbox.now_ms())
    assert [(batch.id, batch.attempts, batch.tellings) for batch in delivery.sink.got] == [(dead.id, 1, dead.tellings)]
    assert left(redis) == []
    assert get(client, "/audit")["items"][0]["subject"] == "1 dead delivery to sink ops"


def test_without_ids_all_are_replayed(client: FlaskClient, redis: Redis) -> None:
    given_up(redis, *"abc")
    assert list(replay(client).values()) == ["replayed"] * 3
    assert replay(client) == {}


def test_one_whose_alert_is_under_way_is_left_and_said(client: FlaskClient, redis: Redis) -> None:
    given_up(redis, "a")
    (dead,) = batches(redis, "failures")
    redis.hset(ShardKeys(0).busy("ops"), "a", "another")
    redis.zadd(ShardKeys(0).sealed("ops"), {"another": NOW})
    assert replay(client) == {f"0.{dead.id}": "busy"}
    assert batches(redis, "failures") == [dead]


def test_what_follows_a_firing_is_replayed_after_it_was(client: FlaskClient, redis: Redis) -> None:
    delivery = given_up(redis, "a")
    put(redis, telling("a", RESOLVED, decided_ms=NOW))
    delivery.run(delivery.now_ms + 1000)
    firing, resolved = sorted(batches(redis, "failures"), key=lambda batch: batch.tellings[0].decided_ms)
    assert replay(client, ids=[f"0.{resolved.id}"]) == {f"0.{resolved.id}": "unfired"}
    delivery.sink.answer = lambda _: None
    assert replay(client) == {f"0.{firing.id}": "replayed", f"0.{resolved.id}": "unfired"}
    delivery.run(delivery.outbox.now_ms())
    assert replay(client) == {f"0.{resolved.id}": "replayed"}
    delivery.run(delivery.outbox.now_ms())
    assert delivery.sink.keys == ["a:firing", "a:resolved"]


def test_what_was_given_up_a_month_ago_is_not_shown(client: FlaskClient, redis: Redis) -> None:
    delivery = Delivery(redis, Taking(refuse(permanent=True)))
    put(redis, telling())
    delivery.run(server_now_ms(redis) - FAILED_MS - 1)
    assert get(client, "/sinks/ops/dead")["items"] == []


@pytest.mark.parametrize("name", ["0.0", "9.0", "x", "", "0.", "1." + "f" * 32])
def test_one_that_is_not_there_is_said_to_be_gone(client: FlaskClient, redis: Redis, name: str) -> None:
    given_up(redis, "a")
    assert replay(client, ids=[name]) == {name: "gone"}
    assert of(client)["dead"] == 1


@pytest.mark.parametrize("body", [{"ids": []}, {"ids": "all"}, {"ids": [1]}, {"all": True}, {"ids": ["x"] * 501}])
def test_a_body_that_cannot_be_used_replays_nothing(client: FlaskClient, redis: Redis, body: dict[str, Any]) -> None:
    given_up(redis, "a")
    answer = client.post(f"{API}/sinks/ops/replay", json=body)
    assert (answer.status_code, answer.json["errors"][0]["path"][:2]) == (400, "$.")
    assert of(client)["dead"] == 1
    assert MOST_REPLAYED == 500


@pytest.mark.parametrize(("method", "path"), [("GET", "dead"), ("POST", "replay")])
def test_a_sink_that_is_not_configured_is_a_404_problem(client: FlaskClient, method: str, path: str) -> None:
    answer = client.open(f"{API}/sinks/nobody/{path}", method=method, json={} if method == "POST" else None)
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")
    assert "configured are ops, other" in answer.json["detail"]


def test_readers_look_and_only_operators_replay(redis: Redis, tmp_path: Path) -> None:
    client = served(redis, tmp_path, VIGIL_API_TOKENS=TOKENS)
    given_up(redis, "a")
    for path in ("/sinks", "/sinks/ops/dead"):
        assert client.get(f"{API}{path}", headers=READER).status_code == 200
        assert client.get(f"{API}{path}").status_code == 401
    assert client.post(f"{API}/sinks/ops/replay", headers=READER, json={}).status_code == 403
    assert client.get(f"{API}/sinks", headers=READER).json["items"][0]["dead"] == 1
    assert client.post(f"{API}/sinks/ops/replay", headers=OPERATOR, json={}).status_code == 200


def test_a_cursor_of_another_sink_is_refused(client: FlaskClient, redis: Redis) -> None:
    given_up(redis, *"ab")
    cursor = get(client, "/sinks/ops/dead", limit=1)["next"]
    assert client.get(f"{API}/sinks/other/dead", query_string={"cursor": cursor}).status_code == 400

"""`GET /api/v1/system`: how Vigil itself is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from redis import Redis

from tests import unserved
from tests.routes.dashboard.counting import Counting
from tests.routes.dashboard.signed import OPERATOR, READER, browser, served
from tests.routes.given_up import given_up
from tests.routes.paging import get
from tests.routes.posting import Post
from tests.store.build import started
from tests.store.rig import Rig
from webhook.queues import FOLD
from webhook.settings import Settings
from webhook.store import audit, keys
from webhook.store.connection import server_now_ms
from webhook.store.keys import ShardKeys
from webhook.store.spools import Report, save_report
from webhook.views.times import parse_rfc3339


def parts(client: FlaskClient) -> dict[str, set[str]]:
    """The tones of the remarks on each part."""
    told: dict[str, set[str]] = {}
    for remark in get(client, "/system")["remarks"]:
        told.setdefault(remark["part"], set()).add(remark["tone"])
    return told


@pytest.fixture
def well(client: FlaskClient, redis: Redis) -> FlaskClient:
    """The application beside a clock that swept just now."""
    redis.set(keys.SWEPT, server_now_ms(redis))
    return client


def test_before_anything_happened_it_says_what_is_missing(client: FlaskClient) -> None:
    told = get(client, "/system")
    assert [queue["name"] for queue in told["queues"]] == ["fold", "deliver"]
    assert told["workers"] == told["refused"] == told["spools"] == told["audit"] == []
    assert parts(client) == {"workers": {"bad"}, "sweeper": {"bad"}}


def test_a_sweep_is_told_and_a_late_one_remarked(client: FlaskClient, redis: Redis) -> None:
    swept_ms = server_now_ms(redis) - 1000
    redis.set(keys.SWEPT, swept_ms)
    assert parse_rfc3339(get(client, "/system")["sweeper"]["sweptAt"]) == swept_ms
    assert "sweeper" not in parts(client)
    redis.set(keys.SWEPT, swept_ms - 60_000)
    (remark,) = [each for each in get(client, "/system")["remarks"] if each["part"] == "sweeper"]
    assert "The last sweep was 1 min ago" in remark["text"]


def test_deadlines_that_have_passed_are_counted_in_each_shard(well: FlaskClient, redis: Redis) -> None:
    now_ms = server_now_ms(redis)
    redis.zadd(ShardKeys(0).deadlines, {"a": now_ms - 5000, "b": now_ms - 1, "c": now_ms + 60_000})
    redis.zadd(ShardKeys(1).deadlines, {"d": now_ms - 5000})
    told = get(well, "/system")
    assert [shard["overdue"] for shard in told["inboxes"]["shards"]] == [2, 1]
    assert told["sweeper"]["overdue"] == 3


def test_what_waits_in_inboxes_is_told_with_its_age(well: FlaskClient, rig: Rig) -> None:
    rig.append(started("s1"), ago_ms=20_000)
    told = get(well, "/system")["inboxes"]
    assert told["depth"] == 1
    age_ms = server_now_ms(rig.redis) - parse_rfc3339(told["oldestAt"])
    assert 20_000 <= age_ms < 30_000
    assert parts(well)["inboxes"] == {"warn"}


def test_the_server_is_told_as_far_as_it_tells(well: FlaskClient) -> None:
    redis = get(well, "/system")["redis"]
    assert redis["version"].startswith("Valkey ")
    assert 0 < redis["latency"] < 5
    assert redis["memory"]["used"] > 0
    assert redis["memory"]["limit"] is None
    assert (redis["evictionPolicy"], redis["persistence"]["appendFsync"]) == ("noeviction", "always")
    assert redis["clients"] >= 1


@pytest.mark.parametrize(
    ("setting", "value", "usual", "tone"),
    [
        ("maxmemory-policy", "allkeys-lru", "noeviction", "bad"),
        ("appendfsync", "everysec", "always", "warn"),
        ("maxmemory", "1", "0", "warn"),
    ],
)
def test_what_weakens_a_promise_is_remarked(
    well: FlaskClient, redis: Redis, setting: str, value: str, usual: str, tone: str
) -> None:
    redis.config_set(setting, value)
    try:
        assert parts(well)["redis"] == {tone}
    finally:
        redis.config_set(setting, usual)
    assert "redis" not in parts(well)


def test_where_the_server_keeps_things_to_itself_the_rest_is_told(settings: Settings, redis: Redis) -> None:
    redis.acl_setuser("shy", enabled=True, nopass=True, keys="*", channels="*", commands=["+@all", "-info", "-config"])
    path = redis.connection_pool.connection_kwargs["path"]
    try:
        with Redis(unix_socket_path=path, username="shy", password="any") as shy:
            told = get(unserved.create(settings, shy).test_client(), "/system")
    finally:
        redis.acl_deluser("shy")
    assert told["redis"]["version"] is None
    assert told["redis"]["memory"] == {"used": None, "peak": None, "limit": None}
    assert told["inboxes"]["depth"] == 0
    assert "redis" not in {remark["part"] for remark in told["remarks"]}


def test_refused_posts_are_told_with_their_reason_last_first(well: FlaskClient, post: Post) -> None:
    post({}, secret="another")
    post({}, path="/webhooks/agora/nobody")
    first, second = get(well, "/system")["refused"]
    assert (first["reason"], second["reason"]) == ("unknown_source", "wrong")
    assert "nobody" in first["detail"]


def test_of_each_source_it_is_told_when_it_posted_last(well: FlaskClient, rig: Rig) -> None:
    (source,) = get(well, "/system")["sources"]
    assert (source["name"], source["secret"], source["lastPostAt"]) == ("default", "set", None)
    rig.append(started("s1"), ago_ms=9000)
    rig.append(started("s2"), ago_ms=3000)
    rig.append(started("s3"), source="other")
    rig.drain()
    (source,) = get(well, "/system")["sources"]
    assert 3000 <= server_now_ms(rig.redis) - parse_rfc3339(source["lastPostAt"]) < 9000


def test_a_source_without_a_secret_is_remarked(redis: Redis, tmp_path: Path) -> None:
    client = served(redis, tmp_path, "").test_client()
    assert get(client, "/system")["sources"][0]["secret"] == "missing"
    assert parts(client)["sources"] == {"bad"}


def test_sinks_are_told_as_by_their_own_list_and_remarked_where_they_fail(redis: Redis, tmp_path: Path) -> None:
    client = served(redis, tmp_path, "").test_client()
    assert "sinks" not in parts(client)
    given_up(redis, "a", "b")
    assert get(client, "/system")["sinks"] == get(client, "/sinks")["items"]
    assert get(client, "/system")["sinks"][0]["dead"] == 2
    assert parts(client)["sinks"] == {"warn"}


def test_spools_are_told_by_host(well: FlaskClient, redis: Redis) -> None:
    now_ms = server_now_ms(redis)
    for host in ("b.example", "a.example"):
        save_report(redis, "d", Report(host, now_ms, depth=3, oldest_ms=now_ms - 1000, damaged=1))
    told = get(well, "/system")["spools"]
    assert [(each["host"], each["depth"], each["damaged"]) for each in told] == [
        ("a.example", 3, 1),
        ("b.example", 3, 1),
    ]
    assert parts(well)["spools"] == {"warn"}


def test_who_did_what_is_told_last_first(well: FlaskClient, redis: Redis) -> None:
    audit.note(redis, "ann", "silence", "silence s1", "maintenance")
    audit.note(redis, "bob", "acknowledge", "alert 1-a")
    told = get(well, "/system")["audit"]
    assert [(each["by"], each["action"], each["reason"]) for each in told] == [
        ("bob", "acknowledge", None),
        ("ann", "silence", "maintenance"),
    ]
    assert told == get(well, "/audit", limit=50)["items"]


def test_what_runs_is_told_by_its_versions(well: FlaskClient) -> None:
    versions = get(well, "/system")["versions"]
    assert versions["python"].startswith("3.")
    assert versions.keys() >= {"vigil", "rq", "gunicorn", "redis", "server"}


def test_only_what_this_process_knows_is_told_of_processes(well: FlaskClient) -> None:
    process = get(well, "/system")["process"]
    assert process["openFeeds"] == 0
    assert process["mostFeeds"] == 64
    assert abs(process["clockAhead"]) < 2


def test_no_secret_is_in_it(redis: Redis, tmp_path: Path) -> None:
    client = browser(served(redis, tmp_path, AGORA_NOTIFICATION_SECRET="hush-hush"), READER)
    text = client.get("/api/v1/system").get_data(as_text=True)
    assert not any(secret in text for secret in ("hush-hush", READER, OPERATOR))


def test_strangers_are_told_nothing(redis: Redis, tmp_path: Path) -> None:
    assert served(redis, tmp_path).test_client().get("/api/v1/system").status_code == 401


def test_it_takes_no_parameters(well: FlaskClient) -> None:
    assert well.get("/api/v1/system?a=b").status_code == 400


def test_it_costs_three_round_trips(settings: Settings, rig: Rig) -> None:
    rig.append(*(started(f"s{number}") for number in range(20)))
    rig.drain()
    counting = Counting(connection_pool=rig.redis.connection_pool)
    client = unserved.create(settings, counting).test_client()
    client.get("/api/v1/system")
    before = counting.trips
    assert get(client, "/system")["sources"][0]["lastPostAt"]
    assert counting.trips - before == 3


def test_a_remark_on_workers_names_the_queue_that_nobody_listens_to(well: FlaskClient) -> None:
    texts: list[Any] = [remark["text"] for remark in get(well, "/system")["remarks"] if remark["part"] == "workers"]
    assert any(f"queue {FOLD}" in text for text in texts)

"""The page about Vigil itself."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis

from tests import unserved
from tests.routes.dashboard.counting import Counting
from tests.routes.dashboard.reading import Reading, look, send
from tests.routes.dashboard.signed import OPERATOR, READER, browser, served
from tests.routes.given_up import given_up
from tests.routes.paging import get
from tests.routes.posting import Post
from tests.store.build import started
from tests.store.rig import Rig
from webhook.queues import Waker
from webhook.settings import Settings
from webhook.store import audit, keys
from webhook.store.connection import server_now_ms
from webhook.store.history import Sample
from webhook.store.keys import ShardKeys
from webhook.store.spools import Report, save_report

HOSTILE = "<img src=x onerror=alert(1)>"
BREAKING = "</script><script>alert(1)</script>"
REPLAY = "/ops/sinks/ops/replay"


def test_on_an_empty_server_it_says_what_would_be_here(client: FlaskClient) -> None:
    text = look(client, "/ops/system").text
    for sentence in (
        "The clock process has never swept",
        "No worker is alive for queue fold",
        "RQ lists no worker",
        "No figures yet",
        "No post was refused",
        "No spool holds anything",
        "Nobody did anything yet",
    ):
        assert sentence in text


def test_where_all_is_well_it_says_so(redis: Redis, client: FlaskClient) -> None:
    redis.set(keys.SWEPT, server_now_ms(redis))
    text = look(client, "/ops/system").text
    assert "never swept" not in text
    assert "Valkey" in text
    assert "refuses writes (noeviction)" in text
    assert "append-only file, synced: always" in text


def test_it_shows_what_the_api_tells(client: FlaskClient, rig: Rig) -> None:
    rig.append(started("s1"), ago_ms=20_000)
    Waker(rig.redis).wake(0)
    told, text = get(client, "/system"), look(client, "/ops/system").text
    assert told["redis"]["version"] in text
    assert "oldest 20 s" in text
    assert "fold 0 1" in text
    assert "/api/v1/system" in look(client, "/ops/system").links


def test_charts_are_drawn_of_the_last_day_with_their_figures_in_words(client: FlaskClient, redis: Redis) -> None:
    minute = server_now_ms(redis) // 60_000 - 30
    for number in range(20):
        sample = Sample(minute=minute + number, accepted=600, lag_p95=0.25, live=7)
        redis.xadd(keys.HISTORY, {"sample": msgspec.json.encode(sample)}, id=f"{minute + number}-1")
    html = client.get("/ops/system").get_data(as_text=True)
    assert html.count('role="img"') >= 4
    assert "Accepted a minute, mean of 5 min" in Reading(html).text
    assert "greatest 600" in Reading(html).text


def test_refused_posts_who_posts_and_who_did_what_are_listed(client: FlaskClient, redis: Redis, post: Post) -> None:
    post({}, secret="another")
    audit.note(redis, "ann", "silence", "silence s1", "maintenance until noon")
    text = look(client, "/ops/system").text
    assert "wrong" in text
    assert "default default /webhooks/agora set" in text
    assert "ann silence silence s1 maintenance until noon" in text


def test_a_source_without_a_secret_is_told(redis: Redis, tmp_path: Path) -> None:
    assert "no secret" in look(served(redis, tmp_path, "").test_client(), "/ops/system").text


def test_settings_are_shown_and_no_secret(redis: Redis, tmp_path: Path) -> None:
    client = browser(served(redis, tmp_path, AGORA_NOTIFICATION_SECRET="hush-hush"), READER)
    html = client.get("/ops/system").get_data(as_text=True)
    assert "AGORA_NOTIFICATION_SECRET set" in Reading(html).text
    assert "VIGIL_API_TOKENS set: ann (reader), bob (operator)" in Reading(html).text
    assert not any(secret in html for secret in ("hush-hush", READER, OPERATOR))


def test_a_sink_that_fails_leads_to_what_it_was_not_told(redis: Redis, guarded: Flask) -> None:
    given_up(redis, "a", "b")
    page = look(browser(guarded, OPERATOR), "/ops/system")
    assert page.links["/ops/sinks/ops"].endswith("2 dead")
    assert "HTTP 500" in page.text
    assert "Replay 2" in page.text


def test_its_dead_deliveries_are_replayed_from_here_and_it_says_how_many(redis: Redis, guarded: Flask) -> None:
    given_up(redis, "a", "b")
    client = browser(guarded, OPERATOR)
    answer = send(client, look(client, "/ops/system").form(REPLAY))
    assert (answer.status_code, answer.location) == (303, "/ops/system")
    assert "2 will be attempted again" in look(client, "/ops/system").text
    assert [(deed.by, deed.action, deed.subject) for deed in audit.deeds(redis, 9)] == [
        ("bob", "replay", "2 dead deliveries to sink ops")
    ]


def test_a_reader_sees_no_form_that_replays(redis: Redis, guarded: Flask) -> None:
    given_up(redis, "a")
    page = look(browser(guarded, READER), "/ops/system")
    assert [form.action for form in page.forms if form.method == "post"] == ["/ops/sign-out"]
    assert "1 dead" in page.text


@pytest.mark.parametrize("hostile", [HOSTILE, BREAKING, "'\"><b>"])
def test_names_from_outside_are_only_text(redis: Redis, tmp_path: Path, hostile: str) -> None:
    client = served(redis, tmp_path, "").test_client()
    now_ms = server_now_ms(redis)
    audit.note(redis, hostile, hostile, hostile, hostile)
    redis.lpush(keys.REJECTIONS, f"{now_ms} {hostile.replace(' ', '_')} {hostile}")
    save_report(redis, "d", Report(hostile, now_ms, depth=1, oldest_ms=now_ms))
    given_up(redis, "a")
    redis.hset("vigil:{sink:ops}:state", mapping={"failures": 1, "last_error": hostile})
    html = client.get("/ops/system").get_data(as_text=True)
    assert Reading(html).text.count(" ".join(hostile.split())) >= 4
    assert hostile not in html
    assert "<img" not in html


def test_where_many_shards_are_empty_only_what_waits_is_listed(redis: Redis, settings: Settings) -> None:
    redis.xadd(ShardKeys(77).inbox, {"x": "y"})
    client = unserved.create(msgspec.structs.replace(settings, shards=200), redis).test_client()
    text = look(client, "/ops/system").text
    assert "Nothing waits in the other 199 of 200 shards" in text


def test_parameters_change_nothing(client: FlaskClient) -> None:
    assert client.get("/ops/system?limit=x&a=b").status_code == 200


def test_it_costs_three_round_trips(settings: Settings, rig: Rig) -> None:
    rig.append(*(started(f"s{number}") for number in range(20)))
    rig.drain()
    counting = Counting(connection_pool=rig.redis.connection_pool)
    client = unserved.create(settings, counting).test_client()
    client.get("/ops/system")
    before = counting.trips
    client.get("/ops/system")
    assert counting.trips - before == 3

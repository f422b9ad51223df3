"""The page of one sink: its dead deliveries, and replaying them."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis

from tests.routes.dashboard.reading import Reading, look, send
from tests.routes.dashboard.signed import OPERATOR, READER, browser
from tests.routes.given_up import given_up
from tests.routes.paging import get
from webhook.store import audit
from webhook.store.keys import ShardKeys

PAGE, REPLAY = "/ops/sinks/ops", "/ops/sinks/ops/replay"
HOSTILE = "<img src=x onerror=alert(1)></script>"


@pytest.fixture
def client(guarded: Flask) -> FlaskClient:
    """An operator's browser."""
    return browser(guarded, OPERATOR)


def ids(client: FlaskClient) -> list[str]:
    return [item["id"] for item in get(client, "/sinks/ops/dead")["items"]]


def test_without_dead_deliveries_it_says_what_would_be_here(client: FlaskClient) -> None:
    page = look(client, PAGE)
    assert "No dead delivery" in page.text
    assert [form.action for form in page.forms if form.action == REPLAY] == []


def test_each_is_told_with_its_alerts_its_error_and_when_it_was_given_up(client: FlaskClient, redis: Redis) -> None:
    given_up(redis, "a", "b")
    page = look(client, PAGE)
    assert page.links["/ops/alerts/a"] == "a is wrong"
    assert page.text.index("b is wrong") < page.text.index("a is wrong")
    assert "HTTP 500" in page.text
    assert "/api/v1/sinks/ops/dead" in page.links


def test_those_that_are_chosen_are_replayed(client: FlaskClient, redis: Redis) -> None:
    given_up(redis, "a", "b", "c")
    first, second, third = ids(client)
    fields = look(client, PAGE).form(REPLAY).fields
    answer = client.post(REPLAY, data=fields | {"id": [first, third]})
    assert (answer.status_code, answer.location) == (303, PAGE)
    assert ids(client) == [second]
    assert "2 will be attempted again." in look(client, PAGE).text
    assert audit.deeds(redis, 1)[0].subject == "2 dead deliveries to sink ops"


def test_all_are_replayed_by_their_own_button(client: FlaskClient, redis: Redis) -> None:
    given_up(redis, "a", "b")
    page = look(client, PAGE)
    assert "Replay all 2" in page.text
    send(client, page.form(REPLAY), all="true")
    assert ids(client) == []


def test_where_none_is_chosen_it_says_so_and_replays_nothing(client: FlaskClient, redis: Redis) -> None:
    given_up(redis, "a")
    answer = send(client, look(client, PAGE).form(REPLAY))
    assert "Nothing was chosen" in look(client, answer.location).text
    assert len(ids(client)) == 1
    assert audit.deeds(redis, 9) == []


def test_one_that_is_gone_or_under_way_is_said(client: FlaskClient, redis: Redis) -> None:
    given_up(redis, "a")
    redis.hset(ShardKeys(0).busy("ops"), "a", "another")
    redis.zadd(ShardKeys(0).sealed("ops"), {"another": 1})
    fields = look(client, PAGE).form(REPLAY).fields
    client.post(REPLAY, data=fields | {"id": [*ids(client), "0.gone"]})
    text = look(client, PAGE).text
    assert "left: another delivery of the same alert is under way" in text.lower()
    assert "1 gone already" in text


def test_too_many_are_refused_by_a_page(client: FlaskClient, redis: Redis) -> None:
    given_up(redis, "a")
    fields = look(client, PAGE).form(REPLAY).fields
    answer = client.post(REPLAY, data=fields | {"id": [f"0.{number}" for number in range(501)]})
    assert answer.status_code == 400
    assert "write 1 to 500" in Reading.of(answer).text
    assert len(ids(client)) == 1


def test_pages_follow_each_other(client: FlaskClient, redis: Redis) -> None:
    given_up(redis, *"abc")
    first = look(client, f"{PAGE}?limit=2")
    assert "Replay the newest 500" in first.text
    (older,) = [href for href, words in first.links.items() if words == "Older"]
    second = look(client, f"{PAGE}{older}")
    assert "a is wrong" in second.text
    assert "b is wrong" not in second.text
    assert "First page" in second.links.values()


@pytest.mark.parametrize(("query", "told"), [("limit=x", "limit"), ("colour=red", "colour"), ("cursor=x", "cursor")])
def test_a_mistake_in_the_address_is_told_on_the_page(client: FlaskClient, redis: Redis, query: str, told: str) -> None:
    given_up(redis, "a")
    text = look(client, f"{PAGE}?{query}").text
    assert f"{told}:" in text
    assert "a is wrong" in text


def test_names_from_outside_are_only_text(client: FlaskClient, redis: Redis) -> None:
    given_up(redis, "a", summary=HOSTILE)
    html = client.get(PAGE).get_data(as_text=True)
    assert HOSTILE in Reading(html).text
    assert "<img" not in html


def test_a_reader_looks_and_does_not_replay(guarded: Flask, redis: Redis) -> None:
    given_up(redis, "a")
    client = browser(guarded, READER)
    page = look(client, PAGE)
    assert "a is wrong" in page.text
    assert [form.action for form in page.forms if form.method == "post"] == ["/ops/sign-out"]
    key = page.form("/ops/sign-out").fields["form_key"]
    assert client.post(REPLAY, data={"form_key": key, "all": "true"}).status_code == 403
    assert len(ids(client)) == 1


def test_without_the_forms_key_nothing_is_replayed(client: FlaskClient, redis: Redis) -> None:
    given_up(redis, "a")
    assert client.post(REPLAY, data={"all": "true"}).status_code == 403
    assert len(ids(client)) == 1


def test_a_get_replays_nothing(client: FlaskClient, redis: Redis) -> None:
    given_up(redis, "a")
    assert client.get(f"{REPLAY}?all=true").status_code == 405
    look(client, PAGE)
    assert len(ids(client)) == 1
    assert audit.deeds(redis, 9) == []


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_sink_that_is_not_configured_is_a_page_that_names_those_that_are(client: FlaskClient, method: str) -> None:
    key = look(client, "/ops/").form("/ops/sign-out").fields["form_key"]
    path = "/ops/sinks/nobody" + ("/replay" if method == "POST" else "")
    answer = client.open(path, method=method, data={"form_key": key})
    assert answer.status_code == 404
    assert "configured are ops, other" in Reading.of(answer).text

"""Forms: made for one browser, sent by it alone, and told once what came of them."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis

from tests.routes.dashboard.reading import Form, Reading, look, send
from tests.routes.dashboard.signed import OPERATOR, browser
from tests.routes.given_up import given_up
from webhook.routes.dashboard import forms
from webhook.store import keys

REPLAY = "/ops/sinks/ops/replay"


@pytest.fixture
def client(guarded: Flask, redis: Redis) -> FlaskClient:
    """An operator's browser, with something to replay."""
    given_up(redis, "a", "b")
    return browser(guarded, OPERATOR)


def form_of(client: FlaskClient) -> Form:
    return look(client, "/ops/sinks/ops").form(REPLAY)


def was_changed(redis: Redis) -> bool:
    return bool(redis.llen(keys.AUDIT))


def test_a_form_that_its_browser_sends_acts_and_leads_back(client: FlaskClient, redis: Redis) -> None:
    answer = send(client, form_of(client), all="true")
    assert (answer.status_code, answer.location) == (303, "/ops/sinks/ops")
    assert was_changed(redis)


@pytest.mark.parametrize("key", [None, "", "0" * 32, "\u00e9", "x" * 100_000])
def test_a_form_without_its_key_or_with_a_forged_one_changes_nothing(
    client: FlaskClient, redis: Redis, key: str | None
) -> None:
    fields = {"all": "true"} | ({} if key is None else {"form_key": key})
    answer = client.post(REPLAY, data=fields)
    assert answer.status_code == 403
    assert "Nothing was changed" in Reading.of(answer).text
    assert not was_changed(redis)


def test_a_form_of_another_browser_changes_nothing(client: FlaskClient, guarded: Flask, redis: Redis) -> None:
    stolen = form_of(browser_again(guarded))
    assert client.post(REPLAY, data=stolen.fields | {"all": "true"}).status_code == 403
    assert not was_changed(redis)


def browser_again(guarded: Flask) -> FlaskClient:
    """Another browser, of a person who signed in at another time."""
    other = guarded.test_client()
    other.set_cookie(forms.BROWSER, "another browser", path="/ops/")
    other.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {OPERATOR}"
    return other


def test_a_form_from_before_signing_in_is_too_old_afterwards(guarded: Flask, redis: Redis) -> None:
    client = guarded.test_client()
    early = look(client, "/ops/sign-in").form("/ops/sign-in")
    send(client, early, token=OPERATOR)
    assert client.post(REPLAY, data={"form_key": early.fields["form_key"], "all": "true"}).status_code == 403
    assert not was_changed(redis)


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
def test_a_form_that_a_page_of_another_site_sends_changes_nothing(
    client: FlaskClient, redis: Redis, headers: dict[str, str]
) -> None:
    answer = client.post(REPLAY, data=form_of(client).fields | {"all": "true"}, headers=headers)
    assert answer.status_code == 403
    assert "Another site asks" in Reading.of(answer).text
    assert not was_changed(redis)


def test_a_key_in_the_address_is_none(client: FlaskClient, redis: Redis) -> None:
    key = form_of(client).fields["form_key"]
    assert client.post(f"{REPLAY}?form_key={key}", data={"all": "true"}).status_code == 403
    assert not was_changed(redis)


@pytest.mark.parametrize(
    "back",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/api/v1/audit", "/ops/\n"],
)
def test_the_way_back_stays_inside(client: FlaskClient, back: str) -> None:
    assert send(client, form_of(client), all="true", back=back).location == "/ops/"


def test_the_way_back_keeps_what_was_filtered_for(client: FlaskClient) -> None:
    fields = look(client, "/ops/sinks/ops?limit=1").form(REPLAY).fields
    assert fields["back"] == "/ops/sinks/ops?limit=1"
    assert client.post(REPLAY, data=fields | {"all": "true"}).location == "/ops/sinks/ops?limit=1"


def test_what_came_of_it_is_told_once_on_the_next_page(client: FlaskClient) -> None:
    answer = send(client, form_of(client), all="true")
    assert "2 will be attempted again" in look(client, answer.location).text
    assert "will be attempted again" not in look(client, answer.location).text


def test_nobody_else_can_have_a_browser_told_something(client: FlaskClient) -> None:
    client.set_cookie(forms.SAID, '["ok","Send your token to evil.example"]', path="/ops/")
    assert "evil.example" not in look(client, "/ops/system").text


def test_what_is_told_is_only_text(guarded: Flask) -> None:
    client = browser(guarded, OPERATOR)
    with guarded.test_request_context("/ops/", headers={"Cookie": _cookies(client)}):
        told = forms.back_with("ok", "<img src=x onerror=alert(1)>" + "x" * 1000)
    value = told.headers["Set-Cookie"].partition("=")[2].partition(";")[0]
    client.set_cookie(forms.SAID, value, path="/ops/")
    html = client.get("/ops/system").get_data(as_text=True)
    assert "&lt;img src=x" in html
    assert "<img" not in html


def _cookies(client: FlaskClient) -> str:
    return "; ".join(f"{each.key}={each.value}" for each in (client._cookies or {}).values())


def test_pages_of_one_browser_carry_the_same_key(client: FlaskClient) -> None:
    assert form_of(client).fields["form_key"] == look(client, "/ops/").form("/ops/sign-out").fields["form_key"]


def test_without_tokens_a_browser_is_told_from_another_by_a_cookie_of_its_own(redis: Redis, application: Flask) -> None:
    one, other = application.test_client(), application.test_client()
    first, second = one.get("/ops/"), other.get("/ops/")
    assert first.headers["Set-Cookie"].startswith(f"{forms.BROWSER}=")
    assert first.headers["Set-Cookie"] != second.headers["Set-Cookie"]
    assert "Set-Cookie" not in one.get("/ops/").headers

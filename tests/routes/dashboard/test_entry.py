"""Signing in and out, and who is let in how far."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis

from tests.routes.dashboard.reading import Reading, look, send
from tests.routes.dashboard.signed import OPERATOR, READER, TOKENS, browser, served, sign_in
from tests.routes.given_up import given_up
from webhook.routes.signing_in import COOKIE
from webhook.store import failures, keys

ACT = "/ops/sinks/ops/replay"  # any form that changes something


def cookie(client: FlaskClient) -> str:
    found = client.get_cookie(COOKIE)
    return found.value if found else ""


def test_a_stranger_is_asked_for_a_token_and_led_back(guarded: Flask) -> None:
    client = guarded.test_client()
    answer = client.get("/ops/system?a=b%26c")
    assert (answer.status_code, answer.location) == (303, "/ops/sign-in?next=%2Fops%2Fsystem%3Fa%3Db%2526c")
    answer = sign_in(client, READER, answer.location)
    assert (answer.status_code, answer.location) == (303, "/ops/system?a=b%26c")
    assert client.get("/ops/").status_code == 200


def test_the_token_is_not_kept_in_the_page_the_cookie_or_the_address(guarded: Flask) -> None:
    client = guarded.test_client()
    answer = sign_in(client, OPERATOR)
    assert OPERATOR not in str(answer.headers) + client.get("/ops/").get_data(as_text=True)
    assert look(client, "/ops/sign-in").form("/ops/sign-in").fields["token"] == ""


def test_a_wrong_token_is_told_and_lets_nobody_in(guarded: Flask) -> None:
    client = guarded.test_client()
    answer = sign_in(client, "wrong-token")
    assert answer.status_code == 403
    assert "No such token is configured" in Reading.of(answer).text
    assert cookie(client) == ""
    assert client.get("/ops/").status_code == 303


def test_where_the_way_back_leads_is_kept_over_a_wrong_token(guarded: Flask) -> None:
    client = guarded.test_client()
    form = Reading.of(sign_in(client, "wrong-token", "/ops/sign-in?next=/ops/system")).form("/ops/sign-in")
    assert send(client, form, token=READER).location == "/ops/system"


def test_blanks_around_a_pasted_token_do_not_matter(guarded: Flask) -> None:
    assert sign_in(guarded.test_client(), f"  {READER}\n").status_code == 303


@pytest.mark.parametrize(
    "way",
    [
        "https://evil.example/ops/",
        "//evil.example/ops/",
        "/\\evil.example/ops/",
        "/ops/\\..\\evil",
        "\\\\evil.example",
        "javascript:alert(1)",
        "ops/",
        "/api/v1/sessions",
        "/opsx",
        "/ops/\r\nSet-Cookie: a=b",
        "/ops/\x00",
        "http:/ops/",
        "",
    ],
)
def test_the_way_back_never_leaves_the_dashboard(guarded: Flask, way: str) -> None:
    client = guarded.test_client()
    form = Reading.of(client.get("/ops/sign-in", query_string={"next": way})).form("/ops/sign-in")
    assert form.fields["next"] == "/ops/"
    assert send(client, form, token=READER, next=way).location == "/ops/"


def test_ten_failures_of_an_address_are_enough(guarded: Flask) -> None:
    client = guarded.test_client()
    assert [sign_in(client, "wrong-token").status_code for _ in range(10)] == [403] * 10
    for token in ("wrong-token", READER):
        answer = sign_in(client, token)
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, str(failures.WINDOW))
        assert "wait" in Reading.of(answer).text
    assert client.get("/ops/").status_code == 303


def test_failures_of_one_address_hinder_no_other(guarded: Flask, redis: Redis) -> None:
    client = guarded.test_client()
    for _ in range(10):
        sign_in(client, "wrong-token")
    abroad = guarded.test_client()
    abroad.environ_base["REMOTE_ADDR"] = "198.51.100.7"
    assert sign_in(abroad, READER).status_code == 303


def test_after_a_minute_the_address_may_try_again(guarded: Flask, redis: Redis) -> None:
    client = guarded.test_client()
    for _ in range(10):
        sign_in(client, "wrong-token")
    redis.delete(keys.sign_in_failures("127.0.0.1"))  # as it expires
    assert sign_in(client, READER).status_code == 303


def test_those_who_are_signed_in_are_not_hindered_by_failures_of_their_address(guarded: Flask) -> None:
    client = browser(guarded, READER)
    stranger = guarded.test_client()
    for _ in range(11):
        sign_in(stranger, "wrong-token")
    assert client.get("/ops/").status_code == 200


def test_a_token_that_is_changed_signs_its_holders_out(redis: Redis, tmp_path: Path) -> None:
    kept = cookie(browser(served(redis, tmp_path), OPERATOR))
    later = served(redis, tmp_path, TOKENS.replace(OPERATOR, "a-new-token")).test_client()
    later.set_cookie(COOKIE, kept)
    assert later.get("/ops/").status_code == 303
    same = served(redis, tmp_path).test_client()
    same.set_cookie(COOKIE, kept)
    assert same.get("/ops/").status_code == 200


def test_signing_out_forgets_the_browser(guarded: Flask) -> None:
    client = browser(guarded, READER)
    answer = send(client, look(client, "/ops/").form("/ops/sign-out"))
    assert (answer.status_code, answer.location) == (303, "/ops/sign-in")
    assert cookie(client) == ""
    assert client.get("/ops/").status_code == 303


def test_signing_out_needs_the_form_of_this_browser(guarded: Flask) -> None:
    client = browser(guarded, READER)
    assert client.post("/ops/sign-out").status_code == 403
    assert client.get("/ops/").status_code == 200


def test_a_get_signs_nobody_in_or_out(guarded: Flask) -> None:
    client = browser(guarded, READER)
    assert client.get("/ops/sign-out").status_code == 405
    assert client.get("/ops/").status_code == 200
    assert guarded.test_client().get(f"/ops/sign-in?token={READER}").status_code == 200
    assert cookie(guarded.test_client()) == ""


@pytest.mark.parametrize(("url", "secure"), [("http://localhost", False), ("https://localhost", True)])
def test_cookies_are_kept_from_scripts_and_other_sites_and_sent_by_https_where_it_is_in_use(
    guarded: Flask, url: str, secure: bool
) -> None:
    client = guarded.test_client()
    page = client.get("/ops/sign-in", base_url=url)
    fields = Reading.of(page).form("/ops/sign-in").fields | {"token": READER}
    answer = client.post("/ops/sign-in", data=fields, base_url=url)
    told = [*page.headers.getlist("Set-Cookie"), *answer.headers.getlist("Set-Cookie")]
    assert len(told) == 2
    for each in told:
        assert "HttpOnly" in each
        assert "SameSite=Lax" in each
        assert ("; Secure" in each) is secure


def test_behind_a_proxy_that_speaks_https_cookies_are_secure(redis: Redis, tmp_path: Path) -> None:
    app = served(redis, tmp_path, VIGIL_PUBLIC_URL="https://vigil.example.org")
    assert "; Secure" in app.test_client().get("/ops/sign-in").headers["Set-Cookie"]


def test_the_cookie_lasts_a_shift_and_is_for_the_api_as_well(guarded: Flask) -> None:
    (told,) = sign_in(guarded.test_client(), READER).headers.getlist("Set-Cookie")
    assert told.startswith(f"{COOKIE}=")
    assert "Max-Age=43200" in told
    assert "Path=/;" in f"{told};"


def test_the_api_takes_the_signed_in_cookie_for_reading(guarded: Flask) -> None:
    assert browser(guarded, READER).get("/api/v1/summary").status_code == 200
    assert guarded.test_client().get("/api/v1/summary").status_code == 401


def test_by_the_cookie_an_operator_acts_on_the_api_and_a_reader_does_not(guarded: Flask) -> None:
    assert browser(guarded, OPERATOR).post("/api/v1/sinks/ops/replay", json={}).status_code == 200
    assert browser(guarded, READER).post("/api/v1/sinks/ops/replay", json={}).status_code == 403


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
def test_a_page_of_another_site_cannot_use_the_cookie(guarded: Flask, headers: dict[str, str]) -> None:
    client = browser(guarded, OPERATOR)
    assert client.get("/api/v1/summary", headers=headers).status_code == 403
    assert client.get("/ops/", headers=headers).status_code == 403
    fields = look(client, "/ops/").form("/ops/sign-out").fields
    assert client.post(ACT, data=fields, headers=headers).status_code == 403


def test_a_reader_sees_no_buttons_and_may_not_act(guarded: Flask, redis: Redis) -> None:
    client = browser(guarded, READER)
    page = look(client, "/ops/system")
    assert {form.action for form in page.forms if form.method == "post"} == {"/ops/sign-out"}
    answer = client.post(ACT, data=page.form("/ops/sign-out").fields | {"all": "true"})
    assert answer.status_code == 403
    assert "Operators only" in Reading.of(answer).text
    assert redis.llen(keys.AUDIT) == 0


def test_a_stranger_may_not_act_and_is_not_sent_away_with_a_lost_form(guarded: Flask) -> None:
    answer = guarded.test_client().post(ACT, data={"all": "true"})
    assert answer.status_code == 401
    assert answer.content_type.startswith("text/html")


def test_a_page_says_who_looks_at_it(guarded: Flask) -> None:
    assert "bob" in look(browser(guarded, OPERATOR), "/ops/").text


def test_a_token_in_the_header_is_let_in_as_well(guarded: Flask) -> None:
    headers = {"Authorization": f"Bearer {READER}"}
    assert guarded.test_client().get("/ops/", headers=headers).status_code == 200


def test_without_tokens_this_machine_is_served_as_operator(redis: Redis, tmp_path: Path) -> None:
    client = served(redis, tmp_path, "").test_client()
    page = look(client, "/ops/system")
    assert "Sign out" not in page.text
    given_up(redis, "a")
    assert send(client, look(client, "/ops/sinks/ops").form(ACT), all="true").status_code == 303


def test_without_tokens_nobody_signs_in(redis: Redis, tmp_path: Path) -> None:
    client = served(redis, tmp_path, "").test_client()
    answer = client.get("/ops/sign-in")
    assert answer.status_code == 404
    assert "VIGIL_API_TOKENS" in Reading.of(answer).text


@pytest.mark.parametrize(
    ("headers", "address"),
    [
        ({"Host": "vigil.example"}, "127.0.0.1"),
        ({"Host": "localhost.evil.example"}, "127.0.0.1"),
        ({"X-Forwarded-For": "203.0.113.7"}, "127.0.0.1"),
        ({}, "198.51.100.1"),
    ],
)
def test_without_tokens_whoever_comes_under_another_name_or_from_elsewhere_is_refused(
    redis: Redis, tmp_path: Path, headers: dict[str, str], address: str
) -> None:
    client = served(redis, tmp_path, "").test_client()
    for path in ("/ops/", "/ops/system", "/ops/live"):
        answer = client.get(path, headers=headers, environ_base={"REMOTE_ADDR": address})
        assert answer.status_code == 403, path
        assert "Only from this machine" in Reading.of(answer).text

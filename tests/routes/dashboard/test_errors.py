"""What went wrong, in the dress of the dashboard; and what every answer of it carries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from werkzeug.test import TestResponse

from tests import unserved
from tests.routes.dashboard.reading import Reading
from webhook import embedded
from webhook.settings import Settings
from webhook.store.connection import WEB_TIMEOUT, connect
from webhook.store.keys import ShardKeys


@pytest.fixture
def away(settings: Settings, tmp_path: Path) -> Iterator[FlaskClient]:
    """The application before a server that is not there."""
    with connect(embedded.url(tmp_path / "none"), WEB_TIMEOUT) as redis:
        yield unserved.create(settings, redis).test_client()


def assert_is_dressed(answer: TestResponse, status: int, *words: str) -> None:
    """A whole page that says so and leads on, and nothing of what is inside."""
    assert answer.status_code == status
    page = Reading.of(answer)
    for each in (*words, f"Status {status}"):
        assert each in page.text
    assert "/ops/" in page.links
    assert "Traceback" not in page.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/ops/sinks/nobody", "/ops/sinks/%3Cimg%20src=x%3E"])
def test_what_is_not_there_is_a_page(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert_is_dressed(answer, 404, "No such sink")
    assert "<img" not in answer.get_data(as_text=True)


@pytest.mark.parametrize("path", ["/ops/nowhere", "/ops/nowhere/at/all", "/ops/sinks"])
def test_an_address_that_leads_nowhere_is_a_page(client: FlaskClient, path: str) -> None:
    assert_is_dressed(client.get(path), 404, "No such page")


def test_a_method_that_is_not_possible_is_a_page_that_says_which_are(client: FlaskClient) -> None:
    answer = client.get("/ops/sinks/log/replay")
    assert_is_dressed(answer, 405, "this address takes POST")
    assert "POST" in answer.headers["Allow"]


@pytest.mark.parametrize("path", ["/ops/", "/ops/system", "/ops/sinks/log"])
def test_with_redis_away_a_page_says_so_and_tries_again_by_itself(away: FlaskClient, path: str) -> None:
    answer = away.get(path)
    assert_is_dressed(answer, 503, "Redis is away", "This page tries again by itself")
    assert answer.headers["Retry-After"] == answer.headers["Refresh"] == "5"


def test_a_fault_of_our_own_is_a_page_without_its_details(client: FlaskClient, redis: Redis) -> None:
    redis.hset(ShardKeys(0).counts, "state:live", "many")
    assert_is_dressed(client.get("/ops/"), 500, "Internal error", "its log has the details")


def test_a_refusal_is_a_page(client: FlaskClient) -> None:
    assert_is_dressed(client.get("/ops/", headers={"Host": "vigil.example"}), 403, "Only from this machine")


def test_errors_of_the_api_stay_problem_documents(client: FlaskClient, away: FlaskClient) -> None:
    assert client.get("/api/v1/nowhere").content_type == "application/problem+json"
    assert away.get("/api/v1/system").content_type == "application/problem+json"


ANSWERS = {
    "a page": ("GET", "/ops/", 200),
    "a file": ("GET", "/ops/static/ops.css", 200),
    "another page": ("GET", "/ops/system", 200),
    "what is not there": ("GET", "/ops/sinks/nobody", 404),
    "another method": ("PUT", "/ops/", 405),
    "a form without its key": ("POST", "/ops/sinks/log/replay", 403),
}


@pytest.mark.parametrize(("method", "path", "status"), ANSWERS.values(), ids=ANSWERS.keys())
def test_every_answer_forbids_what_vigil_does_not_serve_itself(
    client: FlaskClient, method: str, path: str, status: int
) -> None:
    with client.open(path, method=method) as answer:
        assert answer.status_code == status
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert {policy[name] for name in ("script-src", "style-src", "img-src", "connect-src", "form-action")} == {"'self'"}
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"


def test_pages_are_kept_by_nobody_and_files_only_as_long_as_they_stay_the_same(client: FlaskClient) -> None:
    assert client.get("/ops/").headers["Cache-Control"] == "no-store"
    assert client.get("/ops/nowhere").headers["Cache-Control"] == "no-store"
    with client.get("/ops/static/ops.css") as first:
        assert first.headers["Cache-Control"] == "no-cache"
    with client.get("/ops/static/ops.css", headers={"If-None-Match": first.headers["ETag"]}) as again:
        assert again.status_code == 304


def test_files_are_served_before_anyone_signs_in(guarded: Flask) -> None:
    with guarded.test_client().get("/ops/static/ops.css") as answer:
        assert answer.status_code == 200


@pytest.mark.parametrize("path", ["../app.py", "%2e%2e/app.py", "..%2fapp.py"])
def test_files_are_only_those_of_the_dashboard(client: FlaskClient, path: str) -> None:
    assert client.get(f"/ops/static/{path}").status_code == 404


def test_a_stranger_is_not_told_which_sinks_there_are(guarded: Flask) -> None:
    for name in ("ops", "nobody"):
        assert guarded.test_client().get(f"/ops/sinks/{name}").status_code == 303

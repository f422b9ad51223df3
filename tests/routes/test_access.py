"""Who may read: tokens where they are set, else only this machine (contract.md, section 4)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis

from tests import unserved
from tests.routes.posting import Post
from tests.store.rig import Rig
from webhook import settings as configuration
from webhook.domain.errors import Rejected
from webhook.routes.access import admit
from webhook.settings import Settings

READER, OPERATOR = "reader-token", "operator-token"
TOKENS = f"ann:reader:{READER},bob:operator:{OPERATOR}"
ADDRESSES = ["/api/v1/sessions", "/api/v1/sessions/x", "/api/v1/notifications", "/api/v1/summary"]


@pytest.fixture
def guarded(redis: Redis, tmp_path: Path) -> FlaskClient:
    """The application with tokens set."""
    return unserved.create(guarded_settings(tmp_path), redis).test_client()


def guarded_settings(directory: Path) -> Settings:
    return configuration.load({"VIGIL_API_TOKENS": TOKENS, "VIGIL_SHARDS": "2"}, directory)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("path", ADDRESSES)
def test_with_tokens_set_a_stranger_is_401_and_told_what_to_send(guarded: FlaskClient, path: str) -> None:
    answer = guarded.get(path)
    assert (answer.status_code, answer.content_type) == (401, "application/problem+json")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "VIGIL_API_TOKENS" in answer.json["detail"]


@pytest.mark.parametrize("token", [READER, OPERATOR])
def test_a_token_lets_its_holder_read(guarded: FlaskClient, token: str) -> None:
    assert guarded.get("/api/v1/sessions", headers=bearer(token)).status_code == 200


def test_a_token_serves_from_anywhere_through_any_proxy(guarded: FlaskClient) -> None:
    headers = {
        **bearer(READER),
        "X-Forwarded-For": "203.0.113.7",
        "Host": "vigil.example",
        "Origin": "https://x.example",
    }
    answer = guarded.get("/api/v1/sessions", headers=headers, environ_base={"REMOTE_ADDR": "198.51.100.1"})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", f"Basic {READER}", READER, f"Bearer {READER}x", f"Bearer {READER[:-1]}", "Bearer \xe9"],
)
def test_anything_but_a_token_is_401(guarded: FlaskClient, header: str) -> None:
    assert guarded.get("/api/v1/sessions", headers={"Authorization": header}).status_code == 401


def test_the_scheme_may_be_spelt_in_any_case(guarded: FlaskClient) -> None:
    assert guarded.get("/api/v1/sessions", headers={"Authorization": f"bearer {READER}"}).status_code == 200


@pytest.mark.parametrize(("token", "status"), [(READER, 403), (OPERATOR, None)])
def test_what_is_for_operators_is_refused_to_readers(tmp_path: Path, token: str, status: int | None) -> None:
    found = None
    with Flask("test").test_request_context("/", headers=bearer(token)):
        try:
            admit(guarded_settings(tmp_path), "operator")
        except Rejected as refusal:
            found = refusal.status
    assert found == status


def test_a_reader_does_not_see_a_quarantined_body_and_an_operator_does(
    guarded: FlaskClient, post: Post, rig: Rig
) -> None:
    post(b"\xffsecret")
    rig.drain()
    seen = [
        guarded.get("/api/v1/notifications", headers=bearer(token)).json["items"][0]["body"]
        for token in (READER, OPERATOR)
    ]
    assert seen == [None, "\\xffsecret"]


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:8000",
        "LOCALHOST:8000",
        "LocalHost",
        "127.0.0.1",
        "127.0.0.1:8000",
        "[::1]",
        "[::1]:8000",
    ],
)
def test_without_tokens_this_machine_is_served(client: FlaskClient, host: str) -> None:
    assert client.get("/api/v1/sessions", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("remote", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_without_tokens_any_loopback_address_is_this_machine(client: FlaskClient, remote: str) -> None:
    assert client.get("/api/v1/sessions", environ_base={"REMOTE_ADDR": remote}).status_code == 200


STRANGE: list[dict[str, Any]] = [
    {"environ_base": {"REMOTE_ADDR": "198.51.100.1"}},
    {"environ_base": {"REMOTE_ADDR": "10.0.0.1"}},
    {"environ_base": {"REMOTE_ADDR": ""}},
    {"headers": {"Host": "vigil.example"}},
    {"headers": {"Host": "127.0.0.1.vigil.example"}},
    {"headers": {"Host": "localhost.vigil.example:8000"}},
    {"headers": {"Host": "203.0.113.7:8000"}},
    {"headers": {"Forwarded": "for=203.0.113.7"}},
    {"headers": {"X-Forwarded-For": "127.0.0.1"}},
    {"headers": {"X-Forwarded-Host": "localhost"}},
    {"headers": {"X-Forwarded-Proto": "https"}},
    {"headers": {"X-Real-IP": "127.0.0.1"}},
    {"headers": {"Origin": "https://elsewhere.example"}},
    {"headers": {"Origin": "http://localhost:9999"}},
    {"headers": {"Origin": "null"}},
    {"headers": {"Sec-Fetch-Site": "cross-site"}},
    {"headers": {"Sec-Fetch-Site": "Cross-Site"}},
]


@pytest.mark.parametrize("sent", STRANGE, ids=str)
def test_without_tokens_whoever_may_be_a_stranger_is_403(client: FlaskClient, sent: dict[str, Any]) -> None:
    answer = client.get("/api/v1/sessions", **sent)
    assert (answer.status_code, answer.content_type) == (403, "application/problem+json")


@pytest.mark.parametrize("name", ["X-Forwarded-Port", "X-Forwarded-Server", "X-Forwarded-Prefix", "X-Forwarded-Ssl"])
def test_without_tokens_any_forwarding_header_tells_of_a_proxy(client: FlaskClient, name: str) -> None:
    assert client.get("/api/v1/sessions", headers={name: "x"}).status_code == 403


@pytest.mark.parametrize(
    "sent",
    [
        {"Origin": "http://localhost"},
        {"Origin": "http://localhost:8000", "Host": "LOCALHOST:8000"},
        {"Sec-Fetch-Site": "same-origin"},
    ],
    ids=str,
)
def test_without_tokens_our_own_pages_are_served(client: FlaskClient, sent: dict[str, str]) -> None:
    assert client.get("/api/v1/sessions", headers=sent).status_code == 200


def test_ingest_needs_no_token_but_a_signature(guarded: FlaskClient) -> None:
    answer = guarded.post("/webhooks/agora", data=b"{}")
    assert "Agora-Signature" in answer.json["detail"]

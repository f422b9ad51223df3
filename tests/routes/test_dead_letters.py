"""`/dead-letters` and `/audit`: looked at by readers, replayed and discarded by operators (contract.md, section 4)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from redis import Redis
from werkzeug.test import TestResponse

from tests import unserved
from tests.routes.paging import API, get, walk
from tests.store.build import poison, raw, snapshot, started, video
from tests.store.rig import Rig
from webhook import settings as configuration
from webhook.domain import arrivals

PATH = "/dead-letters"
LISTED = {
    *("id", "kind", "error", "source", "product", "productId", "eventType", "name", "noticeId", "session", "channel"),
    *("occurredAt", "notifiedAt", "receivedAt", "expiresAt", "copies", "body"),
}


@pytest.fixture
def working(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Rig:
    """While a route waits, workers work."""
    monkeypatch.setattr("webhook.routes.dead_letters.sleep", lambda _: rig.drain())
    return rig


@pytest.fixture
def idle(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Rig:
    """While a route waits, nobody works."""
    monkeypatch.setattr("webhook.routes.dead_letters.sleep", lambda _: None)
    return rig


def unread(rig: Rig, *bodies: Any) -> None:
    """Drains these by a release that can decode none of them."""

    def faulty(*_: object) -> None:
        raise RuntimeError("a planted fault")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrivals, "decode", faulty)
        rig.append(*bodies)
        rig.drain()


def only(client: FlaskClient) -> dict[str, Any]:
    (item,) = get(client, PATH)["items"]
    found: dict[str, Any] = item
    return found


def test_a_dead_letter_is_listed_with_all_that_is_known_of_it(client: FlaskClient, rig: Rig) -> None:
    rig.append(poison(), poison(notice_id="redundant"))
    rig.drain()
    item = only(client)
    assert set(item) == LISTED
    assert (item["kind"], item["product"], item["eventType"]) == ("dead_letter", "cloud_recording", 44)
    assert (item["noticeId"], item["session"], item["channel"]) == ("poison:s1", "s1", "lobby")
    assert (item["copies"], item["body"], "streamUid" in item["error"]) == (2, poison(), True)
    assert get(client, f"{PATH}/{item['id']}") == item
    assert get(client, "/summary")["deadLetters"] == 1


@pytest.mark.parametrize("limit", [1, 3, 50])
@pytest.mark.parametrize(("wanted", "count"), [({}, 7), ({"kind": "quarantine"}, 2), ({"type": "44"}, 5)])
def test_pages_show_each_once(client: FlaskClient, rig: Rig, limit: int, wanted: dict[str, str], count: int) -> None:
    rig.append(*(poison(f"s{number}", cname=f"room {number}") for number in range(5)), b"one", b"two")
    rig.drain()
    items = walk(client, PATH, limit=limit, **wanted)
    assert len(items) == len({item["id"] for item in items}) == count


def test_what_was_mended_is_replayed_and_its_session_is_right(client: FlaskClient, working: Rig) -> None:
    unread(working, started(), video(1))
    for item in get(client, PATH)["items"]:
        answer = client.post(f"{API}{PATH}/{item['id']}/replay", json={})
        assert (answer.status_code, answer.json) == (200, {"id": item["id"], "verdict": "applied", "detail": ""})
    assert get(client, PATH)["items"] == []
    assert get(client, "/sessions/s1")["streams"][0]["video"] == "stopped"


def test_what_fails_again_says_why_and_stays(client: FlaskClient, working: Rig) -> None:
    working.append(poison())
    working.drain()
    item = only(client)
    answer = client.post(f"{API}{PATH}/{item['id']}/replay", json={}).json
    assert (answer["verdict"], answer["detail"]) == ("failed", item["error"])
    assert only(client) == item


@pytest.mark.parametrize(("method", "end", "body"), [("POST", "/replay", {}), ("DELETE", "", {"reason": "old"})])
def test_where_no_worker_comes_in_time_it_is_202_and_done_later(
    client: FlaskClient, idle: Rig, method: str, end: str, body: dict[str, str]
) -> None:
    unread(idle, video(1))
    item = only(client)
    answer = client.open(f"{API}{PATH}/{item['id']}{end}", method=method, json=body)
    assert (answer.status_code, answer.json["verdict"]) == (202, "pending")
    idle.drain()
    assert get(client, PATH)["items"] == []


def test_asked_for_twice_at_once_it_is_replayed_once(client: FlaskClient, idle: Rig) -> None:
    unread(idle, snapshot(1))
    item = only(client)
    for _ in range(2):
        client.post(f"{API}{PATH}/{item['id']}/replay", json={})
    idle.drain()
    assert get(client, "/sessions/s1")["notifications"] == {"received": 1, "duplicates": 0, "stale": 0}


@pytest.mark.parametrize("limit", [1, 2, 500])
def test_by_filter_a_page_at_a_time_is_replayed(client: FlaskClient, working: Rig, limit: int) -> None:
    unread(working, *(started(f"s{number}", cname=f"room {number}") for number in range(5)))
    working.append(poison("bad"))
    working.drain()
    verdicts, cursor = [], None
    for _ in range(20):
        given = {"kind": "quarantine", "limit": limit, "cursor": cursor}
        page = client.post(f"{API}{PATH}/replay", json=given).json
        verdicts += [item["verdict"] for item in page["items"]]
        assert len(page["items"]) <= limit
        cursor = page["next"]
        if cursor is None:
            break
    assert verdicts == ["applied"] * 5
    assert [item["session"] for item in get(client, PATH)["items"]] == ["bad"]
    assert len(get(client, "/sessions")["items"]) == 6


def test_without_any_filter_all_are_replayed(client: FlaskClient, working: Rig) -> None:
    unread(working, started(), started("s2"))
    assert len(client.post(f"{API}{PATH}/replay", json={}).json["items"]) == 2


def test_one_is_discarded_for_a_reason_that_the_audit_list_keeps(client: FlaskClient, working: Rig) -> None:
    working.append(started(sequence=1), poison(sequence=2), video(0, sequence=3))
    working.drain()
    item = only(client)
    answer = client.delete(f"{API}{PATH}/{item['id']}", json={"reason": " a test of ours "})
    assert (answer.status_code, answer.json["verdict"]) == (200, "discarded")
    assert get(client, PATH)["items"] == []
    assert get(client, "/sessions/s1")["sequence"]["1001"] == {"highest": 3, "missing": []}
    (deed,) = get(client, "/audit")["items"]
    assert deed["at"].endswith("Z")
    assert {name: deed[name] for name in ("by", "action", "subject", "reason")} == {
        "by": "local",
        "action": "discard",
        "subject": f"dead_letter poison:s1 (id {item['id']})",
        "reason": "a test of ours",
    }


def test_the_audit_list_tells_what_was_replayed(client: FlaskClient, working: Rig) -> None:
    unread(working, started(), started("s2"))
    client.post(f"{API}{PATH}/{get(client, PATH)['items'][0]['id']}/replay", json={})
    client.post(f"{API}{PATH}/replay", json={"kind": "quarantine"})
    newest, older = get(client, "/audit")["items"]
    assert (newest["action"], newest["subject"]) == ("replay", "1 dead letter with kind=quarantine")
    assert older["subject"].startswith("quarantine sha256:")
    client.post(f"{API}{PATH}/replay", json={})
    assert get(client, "/audit")["items"][0]["subject"] == "0 dead letters"
    assert len(get(client, "/audit", limit=1)["items"]) == 1


TOKENS = {"VIGIL_API_TOKENS": "ann:reader:reader-token,bob:operator:operator-token", "VIGIL_SHARDS": "2"}
Ask = Callable[..., TestResponse]


@pytest.fixture
def ask(redis: Redis, tmp_path: Path) -> Ask:
    client = unserved.create(configuration.load(TOKENS, tmp_path), redis).test_client()

    def send(role: str, method: str, path: str, **more: Any) -> TestResponse:
        return client.open(f"{API}{path}", method=method, headers={"Authorization": f"Bearer {role}-token"}, **more)

    return send


def test_a_reader_sees_dead_letters_but_no_body_that_nothing_could_mask(ask: Ask, rig: Rig) -> None:
    rig.append(b'["a secret of somebody"]', poison())
    rig.drain()
    bodies = {
        role: {item["kind"]: item["body"] for item in ask(role, "GET", PATH).json["items"]}
        for role in ("reader", "operator")
    }
    assert bodies["reader"] == {"quarantine": None, "dead_letter": poison()}
    assert bodies["operator"] == {"quarantine": '["a secret of somebody"]', "dead_letter": poison()}
    ids = [item["id"] for item in ask("reader", "GET", PATH).json["items"]]
    assert all(b"a secret" not in ask("reader", "GET", f"{PATH}/{name}").data for name in ids)


@pytest.mark.parametrize(("method", "end"), [("POST", "/replay"), ("POST", "/{id}/replay"), ("DELETE", "/{id}")])
def test_a_reader_may_change_nothing(ask: Ask, rig: Rig, method: str, end: str) -> None:
    rig.append(poison())
    rig.drain()
    (item,) = ask("reader", "GET", PATH).json["items"]
    answer = ask("reader", method, PATH + end.replace("{id}", item["id"]), json={"reason": "mine"})
    assert (answer.status_code, answer.content_type) == (403, "application/problem+json")
    assert rig.redis.xlen(rig.keys_of(poison()).inbox) == 0
    assert ask("reader", "GET", "/audit").json["items"] == []


def test_the_audit_list_names_whose_token_it_was(ask: Ask, working: Rig) -> None:
    working.append(poison())
    working.drain()
    (item,) = ask("operator", "GET", PATH).json["items"]
    assert ask("operator", "DELETE", f"{PATH}/{item['id']}", json={"reason": "mine"}).status_code == 200
    assert [deed["by"] for deed in ask("reader", "GET", "/audit").json["items"]] == ["bob"]


@pytest.mark.parametrize(("method", "end"), [("GET", ""), ("POST", "/replay"), ("DELETE", "")])
@pytest.mark.parametrize(
    "name", ["0.bm9ib2R5", "nobody", "9.eA", "0.", "1" * 3000, "0.%FF", "0.e%00"], ids=lambda name: name[:12]
)
def test_what_is_not_there_is_a_404_problem(client: FlaskClient, method: str, end: str, name: str) -> None:
    answer = client.open(f"{API}{PATH}/{name}{end}", method=method, json=None if method == "GET" else REASON[end])
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")


REASON: dict[str, dict[str, str]] = {"": {"reason": "x"}, "/replay": {}}


@pytest.mark.parametrize(
    "given",
    [{"kind": "dead"}, {"type": "x"}, {"since": "now"}, {"limit": 501}, {"limit": 0}, {"cursor": "x"}, {"odd": 1},
     {"type": [44]}, {"type": 10**30}, {"product": "nothing"}, {"limit": True}, {"kind": {"a": 1}}],
)  # fmt: skip
def test_a_filter_that_cannot_be_used_is_400_and_replays_nothing(
    client: FlaskClient, rig: Rig, given: dict[str, Any]
) -> None:
    rig.append(poison())
    rig.drain()
    answer = client.post(f"{API}{PATH}/replay", json=given)
    assert (answer.status_code, answer.content_type) == (400, "application/problem+json")
    assert rig.redis.xlen(rig.keys_of(poison()).inbox) == 0


@pytest.mark.parametrize(
    "body", [{}, {"reason": ""}, {"reason": "  "}, {"reason": "x" * 501}, {"reason": 1}, {"why": "x"}]
)
def test_without_a_usable_reason_nothing_is_discarded(client: FlaskClient, rig: Rig, body: dict[str, Any]) -> None:
    rig.append(poison())
    rig.drain()
    answer = client.delete(f"{API}{PATH}/{only(client)['id']}", json=body)
    assert (answer.status_code, answer.content_type) == (400, "application/problem+json")
    assert answer.json["errors"][0]["path"].startswith("$.")
    assert get(client, "/audit")["items"] == []


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_only_json_changes_anything(client: FlaskClient, rig: Rig, content_type: str) -> None:
    rig.append(poison())
    rig.drain()
    name = only(client)["id"]
    for method, end in (("POST", f"/{name}/replay"), ("POST", "/replay"), ("DELETE", f"/{name}")):
        answer = client.open(f"{API}{PATH}{end}", method=method, data=raw({"reason": "x"}), content_type=content_type)
        assert answer.status_code == 415
    assert rig.redis.xlen(rig.keys_of(poison()).inbox) == 0

"""Dead letters that this release routes to another shard: they move there, with all their copies, and once."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from tests.routes.paging import API, get
from tests.routes.test_dead_letters import PATH, only, unread
from tests.store.build import arrival, poison, video
from tests.store.rig import Rig
from webhook.domain import arrivals
from webhook.store.inbox import shard_of


@pytest.fixture
def idle(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Rig:
    """While a route waits, nobody works."""
    monkeypatch.setattr("webhook.routes.dead_letters.sleep", lambda _: None)
    return rig


@pytest.mark.parametrize("quick", [True, False], ids=["worked on at once", "worked on later"])
def test_what_this_release_routes_to_another_shard_is_moved_and_applied_once(
    client: FlaskClient, idle: Rig, quick: bool
) -> None:
    right = idle.keys_of(video(1)).shard
    unread(idle)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrivals, "decode", None)
        idle.inbox.append_to(1 - right, arrival(video(1)))
        idle.drain()
    item = only(client)
    for _ in range(2):
        answer = client.post(f"{API}{PATH}/{item['id']}/replay", json={})
        assert (answer.status_code, answer.json["verdict"]) == (200, "moved")
        if quick:
            idle.drain()
            break
    idle.drain()
    assert get(client, PATH)["items"] == []
    assert get(client, "/sessions/s1")["notifications"] == {"received": 1, "duplicates": 0, "stale": 0}
    assert idle.sessions.find("s1")[0] == right == shard_of("default\x1flobby", 2)  # type: ignore[index]


def test_of_what_moves_to_another_shard_no_notice_is_lost(client: FlaskClient, idle: Rig) -> None:
    right = idle.keys_of(video(1)).shard
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrivals, "decode", None)
        for name in ("first", "second", "third"):
            idle.inbox.append_to(1 - right, arrival(video(1, notice_id=name)))
        idle.drain()
    for item in get(client, PATH)["items"]:
        assert client.post(f"{API}{PATH}/{item['id']}/replay", json={}).json["verdict"] == "moved"
    idle.drain()
    assert get(client, PATH)["items"] == []
    for name in ("first", "second", "third"):
        assert len(get(client, "/notifications", noticeId=name)["items"]) == 1
    assert get(client, "/sessions/s1")["notifications"] == {"received": 3, "duplicates": 2, "stale": 0}


def test_of_a_dead_letter_with_copies_that_moves_none_is_lost(client: FlaskClient, idle: Rig) -> None:
    right = idle.keys_of(poison()).shard
    for name in ("first", "second", "third"):
        idle.inbox.append_to(1 - right, arrival(poison(notice_id=name)))
    idle.drain()
    (item,) = get(client, PATH)["items"]
    assert client.post(f"{API}{PATH}/{item['id']}/replay", json={}).json["verdict"] == "moved"
    idle.drain()
    assert only(client)["copies"] == 3
    for name in ("first", "second", "third"):
        assert len(get(client, "/notifications", noticeId=name)["items"]) == 1

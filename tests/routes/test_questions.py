"""What cannot be asked of the status API, and what it says to that: parameters, cursors, addresses, methods."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from flask.testing import FlaskClient
from redis import Redis

from tests.routes.paging import API, get
from tests.store.build import AT_MS, exited, joined, started, video
from tests.store.rig import Rig
from webhook.store.codec import encode_entry
from webhook.store.notifications import Notifications
from webhook.store.paging import Cursor, write_cursor

SINGLE = [
    "/sessions/s1",
    "/channels/rtc:default:lobby",
    "/summary",
    "/sessions/s1/timeline",
    "/sessions/s1/notifications",
]
OF_ONE = ["/notifications?session=s1", "/notifications?noticeId=n"]
LISTS = ["/sessions", "/channels", "/streams", "/notifications", *OF_ONE]


def refused(client: FlaskClient, path: str, status: int = 400, **query: Any) -> Any:
    answer = client.get(f"{API}{path}", query_string=query or None)
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    return answer.json


@pytest.mark.parametrize("path", SINGLE)
def test_an_unknown_parameter_of_a_single_thing_is_400_and_named(client: FlaskClient, rig: Rig, path: str) -> None:
    rig.append(started(), joined(7))
    rig.drain()
    assert client.get(f"{API}{path}").status_code == 200
    (error,) = refused(client, f"{path}?fields=state")["errors"]
    assert error["path"] == "fields"
    assert error["message"].startswith("unknown parameter; ")


def test_an_address_without_parameters_says_so(client: FlaskClient, redis: Redis) -> None:
    assert refused(client, "/summary?x=1")["errors"][0]["message"] == "unknown parameter; this address takes none"


@pytest.mark.parametrize("path", ["/sessions", "/notifications", "/channels", "/streams"])
def test_a_repeated_parameter_is_400(client: FlaskClient, redis: Redis, path: str) -> None:
    (error,) = refused(client, f"{path}?limit=1&limit=2")["errors"]
    assert error == {"path": "limit", "message": "given 2 times; give it once"}


@pytest.mark.parametrize("limit", ["\u0661", "1\u0660", "\u00b2", "+1", "1_0", " 1", "9" * 5000])
def test_a_limit_is_digits(client: FlaskClient, redis: Redis, limit: str) -> None:
    message = refused(client, "/sessions", limit=limit)["errors"][0]["message"]
    assert message.endswith("a whole number from 1 to 500 is needed")


@pytest.mark.parametrize("text", ["yesterday", "2025-11-24T16:00:00", "2025-13-01T00:00:00Z", ""])
@pytest.mark.parametrize("path", ["/sessions?since=", "/notifications?until=", "/sessions/s1/timeline?from="])
def test_what_is_no_time_is_told_how_times_are_written(client: FlaskClient, rig: Rig, path: str, text: str) -> None:
    rig.append(started())
    rig.drain()
    message = refused(client, path + text)["errors"][0]["message"]
    assert message == f"{text!r}: a time by RFC 3339 with its zone is needed, such as 2026-11-22T23:34:05Z"


def cursor_of(client: FlaskClient, path: str) -> str:
    found: str = client.get(f"{API}{path}", query_string=None).json["next"]
    return found


def test_a_cursor_is_good_for_its_own_list_only(client: FlaskClient, rig: Rig) -> None:
    for number in range(3):
        rig.append(video(1, f"s{number}", AT_MS + number, cname=f"room {number}", notice_id="n"), joined(7))
        rig.append(video(1, f"s{number}", AT_MS + number, stream="8", cname=f"room {number}", notice_id="m"))
    rig.drain()
    lists = {path: path + ("&" if "?" in path else "?") for path in [*LISTS, "/sessions/s1/notifications"]}
    given = {path: cursor_of(client, f"{begun}limit=1") for path, begun in lists.items()}
    assert all(given.values())
    assert given["/notifications?session=s1"] == given["/sessions/s1/notifications"]
    for path, begun in lists.items():
        for other, cursor in given.items():
            fits = cursor == given[path]
            answer = client.get(f"{API}{begun}limit=1&cursor={cursor}")
            assert (answer.status_code == 200) is fits, (path, other)
            assert fits or "another list's" in answer.json["detail"]


@pytest.mark.parametrize(
    "cursor",
    [Cursor(0, "s", -1), Cursor(2**60, "s"), Cursor(-(2**60), "s"), Cursor(0, "s", 2**60)],
    ids=["shown", "score", "least", "most"],
)
@pytest.mark.parametrize("path", ["/sessions", "/channels", "/streams", "/notifications"])
def test_a_cursor_that_no_list_could_give_out_is_400(
    client: FlaskClient, redis: Redis, path: str, cursor: Cursor
) -> None:
    assert refused(client, path, cursor=write_cursor(path, cursor))["title"] == "Bad cursor"


@pytest.mark.parametrize(
    ("window", "found"),
    [
        ("from=9999-01-01T00:00:00Z", ("9999-01-01T00:00:00.000Z",) * 2),
        ("to=1971-01-01T00:00:00Z", ("1971-01-01T00:00:00.000Z",) * 2),
        ("from=2025-11-24T16:00:05Z", ("2025-11-24T16:00:05.000Z", "2025-11-24T16:00:09.000Z")),
    ],
)
def test_a_window_beside_the_session_is_empty_and_never_runs_backwards(
    client: FlaskClient, rig: Rig, window: str, found: tuple[str, str]
) -> None:
    rig.append(started(), exited(at_ms=AT_MS + 9000))
    rig.drain()
    drawn = get(client, f"/sessions/s1/timeline?{window}")
    assert (drawn["from"], drawn["until"]) == found
    lanes = [lane for lane in drawn["lanes"] if lane["kind"] != "alert"]  # which go by the server's clock, and go on
    assert bool(lanes) is (drawn["from"] != drawn["until"])


def test_a_method_that_is_not_there_is_told_which_is(client: FlaskClient, redis: Redis) -> None:
    answer = client.get(f"{API}/start-request/check")
    assert answer.status_code == 405
    assert answer.json["detail"] == "GET is not possible here; this address takes POST"
    assert client.delete(f"{API}/sessions").json["detail"].endswith("this address takes GET and POST")


@pytest.mark.parametrize("path", ["/api/v1/session", "/api/v2/sessions", "/"])
def test_an_unknown_address_is_told_which_there_are(client: FlaskClient, redis: Redis, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    detail = answer.json["detail"]
    assert detail.startswith(f"nothing is at {path}; there are GET /api/v1/")
    assert "GET /api/v1/sessions, POST /api/v1/sessions, GET /api/v1/sessions/{id}, " in detail


UNREADABLE = [b"\xff", b"", b"{}", encode_entry.__name__.encode(), msgspec.msgpack.encode([1, "of a later release"])]


@pytest.mark.parametrize("stored", UNREADABLE, ids=range(len(UNREADABLE)))
def test_an_entry_that_cannot_be_read_is_left_out_and_hides_no_other(
    client: FlaskClient, rig: Rig, stored: bytes
) -> None:
    rig.append(started(), video(1, at_ms=AT_MS + 1), exited(at_ms=AT_MS + 2))
    rig.drain()
    log = rig.keys_of(started()).log("session:s1")
    spoilt = next(field for field in rig.redis.hkeys(log) if b"|" not in field and not field.startswith(b"\0"))
    rig.redis.hset(log, spoilt, stored)
    for path in ("/notifications", "/sessions/s1/notifications", "/notifications?session=s1"):
        assert len(get(client, path)["items"]) == 2, path
    assert get(client, "/sessions/s1/timeline")["lanes"]
    assert client.get(f"{API}/notifications?noticeId=40:s1").status_code == 200
    assert get(client, "/channels/lobby")["sessions"]
    shard = rig.sessions.find("s1")
    assert shard
    assert len(Notifications(rig.redis, rig.shards).whole_session(shard[0], "s1")) == 2

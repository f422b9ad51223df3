"""The status API (contract.md, section 4): shapes, filters, pages that show each item exactly once."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from redis import Redis

from tests.routes.paging import API, get, walk
from tests.routes.posting import Post
from tests.store.build import AT_MS, exited, heartbeat, notification, poison, raw, snapshot, started, video
from tests.store.rig import Rig

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
HOSTILE = "<img src=x onerror=alert(1)>"


def ids(client: FlaskClient, **query: Any) -> list[str]:
    return [item["id"] for item in get(client, "/sessions", **query)["items"]]


def notices(client: FlaskClient, path: str = "/notifications", **query: Any) -> list[str]:
    return [item["noticeId"] for item in get(client, path, **query)["items"]]


def is_problem(client: FlaskClient, path: str, status: int) -> dict[str, Any]:
    answer = client.get(f"{API}{path}")
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    document = answer.json
    assert document["status"] == status
    assert {"type", "title", "detail"} <= set(document)
    return document


RECORDING = {
    "id": "s1",
    "product": "cloud_recording",
    "project": "default",
    "source": "default",
    "channel": "lobby",
    "state": "ended",
    "stateSince": "2025-11-24T16:00:09.000Z",
    "firstEventAt": "2025-11-24T16:00:00.000Z",
    "lastEventAt": "2025-11-24T16:00:09.000Z",
    "endedAt": "2025-11-24T16:00:09.000Z",
    "exit": {"status": "normal", "at": "2025-11-24T16:00:09.000Z", "reason": None},
    "recorders": [
        {"uid": "1001", "from": "2025-11-24T16:00:00.000Z", "until": "2025-11-24T16:00:09.000Z", "leaveReasons": []}
    ],
    "failovers": 0,
    "streams": [
        {
            "uid": "7",
            "video": "stopped",
            "videoSince": "2025-11-24T16:00:02.000Z",
            "audio": "unknown",
            "audioSince": None,
            "snapshots": {
                "count": 1,
                "lastAt": "2025-11-24T16:00:00.001Z",
                "lastFile": "s1_lobby__uid_s_7__uid_e_video_20251124160000001.jpg",
                "interval": None,
                "gaps": [],
            },
        }
    ],
    "upload": {"state": "uploading", "progress": 0.01, "files": [], "filesCount": 0},
    "errors": [],
    "warnings": [],
    "notRecorded": [],
    "sequence": {"1001": {"highest": 6, "missing": [[3, 4]]}},
    "notifications": {"received": 6, "duplicates": 1, "stale": 0},
    "registration": None,
    "alerts": [],
    "detail": {"mode": "individual"},
    "revision": 1,
}


def tell(rig: Rig) -> None:
    rig.append(
        started(sequence=1),
        video(1, at_ms=AT_MS + 2000, sequence=2),
        video(1, at_ms=AT_MS + 2000, sequence=2),
        snapshot(1, at_ms=AT_MS + 1, sequence=5),
        heartbeat(at_ms=AT_MS + 3000),
        exited(at_ms=AT_MS + 9000, sequence=6),
    )
    rig.drain()


def test_a_session_has_the_shape_of_the_contract(client: FlaskClient, rig: Rig) -> None:
    tell(rig)
    assert get(client, "/sessions/s1") == RECORDING


def test_the_list_shows_sessions_as_one_by_one(client: FlaskClient, rig: Rig) -> None:
    tell(rig)
    assert get(client, "/sessions") == {"items": [RECORDING], "next": None}


def test_without_sessions_the_list_is_empty(client: FlaskClient, redis: Redis) -> None:
    assert get(client, "/sessions") == {"items": [], "next": None}


def test_a_session_carries_its_revision_as_etag_and_is_304_while_it_is_the_same(client: FlaskClient, rig: Rig) -> None:
    tell(rig)
    tag = client.get(f"{API}/sessions/s1").headers["ETag"]
    same = client.get(f"{API}/sessions/s1", headers={"If-None-Match": tag})
    assert (tag, same.status_code, same.get_data()) == ('"1"', 304, b"")
    rig.append(video(0, at_ms=AT_MS + 5000))
    rig.drain()
    changed = client.get(f"{API}/sessions/s1", headers={"If-None-Match": tag})
    assert (changed.status_code, changed.headers["ETag"]) == (200, '"2"')


@pytest.mark.parametrize("path", ["/sessions", "/notifications", "/sessions/s1/notifications", "/summary"])
def test_other_answers_are_304_while_their_bytes_are_the_same(client: FlaskClient, rig: Rig, path: str) -> None:
    tell(rig)
    tag = client.get(f"{API}{path}").headers["ETag"]
    assert client.get(f"{API}{path}", headers={"If-None-Match": tag}).status_code == 304
    rig.append(video(0, at_ms=AT_MS + 5000))
    rig.drain()
    assert client.get(f"{API}{path}", headers={"If-None-Match": tag}).status_code == 200


def test_an_unknown_session_is_a_404_problem(client: FlaskClient, redis: Redis) -> None:
    assert "nobody" in is_problem(client, "/sessions/nobody", 404)["detail"]
    is_problem(client, "/sessions/nobody/notifications", 404)


def test_an_unknown_address_is_a_404_problem(client: FlaskClient, redis: Redis) -> None:
    is_problem(client, "/nothing", 404)


def test_a_session_written_by_a_later_release_is_no_500(client: FlaskClient, rig: Rig) -> None:
    rig.append(started())
    rig.drain()
    rig.redis.set(rig.keys_of(started()).session("s1"), b"[99]")
    answers = [client.get(f"{API}{path}") for path in ("/sessions/s1", "/notifications?session=s1", "/sessions")]
    assert [answer.status_code for answer in answers if answer.status_code == 500] == []


@pytest.mark.parametrize(
    "sid", ["50% off", "a%2Fb", "rtc:default:a%20b", "\U0001f600", "{s1}", HOSTILE.replace("/", "")]
)
def test_ids_are_percent_encoded_in_addresses(client: FlaskClient, rig: Rig, sid: str) -> None:
    rig.append(started(sid))
    rig.drain()
    assert get(client, f"/sessions/{quote(sid, safe='')}")["id"] == sid
    assert len(get(client, f"/sessions/{quote(sid, safe='')}/notifications")["items"]) == 1


@pytest.mark.parametrize("sid", ["a/b", "a/b/c"])
def test_an_id_with_a_slash_is_found(client: FlaskClient, rig: Rig, sid: str) -> None:
    rig.append(started(sid))
    rig.drain()
    assert get(client, f"/sessions/{quote(sid, safe='')}")["id"] == sid


def test_names_with_html_come_back_as_json_text(client: FlaskClient, rig: Rig) -> None:
    rig.append(video(1, cname=HOSTILE, stream=HOSTILE))
    rig.drain()
    session = get(client, "/sessions/s1")
    assert (session["channel"], session["streams"][0]["uid"]) == (HOSTILE, HOSTILE)
    assert ids(client, channel=HOSTILE) == ["s1"]


def cast(rig: Rig) -> None:
    """Four sessions that differ in everything that can be asked for."""
    rig.append(
        video(1, "stopped", at_ms=AT_MS + 1),
        video(0, "receiving", at_ms=AT_MS + 2, cname="elsewhere"),
        exited("ended", at_ms=AT_MS + 3),
        exited("failed", at_ms=AT_MS + 4, status=1, cname="elsewhere"),
    )
    rig.drain()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["failed", "ended", "receiving", "stopped"]),
        ({"product": "cloud_recording"}, ["failed", "ended", "receiving", "stopped"]),
        ({"product": "unknown"}, []),
        ({"project": "default"}, ["failed", "ended", "receiving", "stopped"]),
        ({"project": "other"}, []),
        ({"source": "default"}, ["failed", "ended", "receiving", "stopped"]),
        ({"source": "other"}, []),
        ({"state": "live"}, ["receiving", "stopped"]),
        ({"state": "failed"}, ["failed"]),
        ({"state": "lost"}, []),
        ({"channel": "elsewhere"}, ["failed", "receiving"]),
        ({"channel": "nowhere"}, []),
        ({"channel": "elsewhere", "state": "live"}, ["receiving"]),
        ({"channel": "elsewhere", "project": "default"}, ["failed", "receiving"]),
        ({"channel": "elsewhere", "project": "other"}, []),
        ({"stream": "stopped"}, ["stopped"]),
        ({"stream": "stopped", "state": "live"}, ["stopped"]),
        ({"stream": "stopped", "channel": "elsewhere"}, []),
        ({"since": "2025-11-24T16:00:00.003Z"}, ["failed", "ended"]),
        ({"until": "2025-11-24T16:00:00.003Z"}, ["receiving", "stopped"]),
        ({"since": "2025-11-24T16:00:00.002Z", "until": "2025-11-24T16:00:00.004Z"}, ["ended", "receiving"]),
        ({"since": "2025-11-24T17:00:00.003+01:00"}, ["failed", "ended"]),
        ({"limit": "2"}, ["failed", "ended"]),
        ({"limit": "1", "state": "live"}, ["receiving"]),
    ],
    ids=str,
)
def test_sessions_are_filtered_newest_first(
    client: FlaskClient, rig: Rig, query: dict[str, str], found: list[str]
) -> None:
    cast(rig)
    assert ids(client, **query) == found


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "501"},
        {"limit": "many"},
        {"state": "happy"},
        {"product": "radio"},
        {"stream": "running"},
        {"since": "yesterday"},
        {"since": "2025-11-24T16:00:00"},
        {"sate": "live"},
        {"cursor": "no cursor"},
        {"cursor": "e30"},
        {"cursor": "\u00e9"},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/sessions", "/notifications"])
def test_what_cannot_be_asked_is_a_400_problem(client: FlaskClient, redis: Redis, path: str, query: Any) -> None:
    answer = client.get(f"{API}{path}", query_string=query)
    assert (answer.status_code, answer.content_type) == (400, "application/problem+json")


def test_all_mistakes_of_a_question_are_told_at_once(client: FlaskClient, redis: Redis) -> None:
    document = is_problem(client, "/sessions?limit=0&state=happy&sate=x&channel=lobby", 400)
    assert sorted(error["path"] for error in document["errors"]) == ["limit", "sate", "state"]
    assert all(error["message"] for error in document["errors"])


def fill(rig: Rig, count: int, tied: int) -> list[str]:
    """`count` sessions, the last `tied` of them at one millisecond; their ids, newest first, ties by id."""
    times = [(AT_MS + min(number, count - tied), f"s{number:03d}") for number in range(count)]
    rig.append(*(video(1, sid, at_ms=at_ms, cname=f"room {sid[-1]}") for at_ms, sid in times))
    rig.drain()
    return [sid for _, sid in sorted(times, reverse=True)]


@pytest.mark.parametrize("limit", [1, 50, 120])
def test_pages_show_each_session_exactly_once_whatever_the_limit(client: FlaskClient, rig: Rig, limit: int) -> None:
    expected = fill(rig, 120, tied=50)
    assert [item["id"] for item in walk(client, "/sessions", limit=limit)] == expected


def test_filtered_pages_show_each_session_exactly_once(client: FlaskClient, rig: Rig) -> None:
    expected = fill(rig, 120, tied=50)
    for query in ({"state": "live"}, {"stream": "stopped"}, {"product": "cloud_recording"}, {"source": "default"}):
        assert [item["id"] for item in walk(client, "/sessions", limit=13, **query)] == expected, query


def test_pages_of_one_channel_show_each_of_its_sessions_exactly_once(client: FlaskClient, rig: Rig) -> None:
    expected = [sid for sid in fill(rig, 120, tied=50) if sid.endswith("7")]
    assert [item["id"] for item in walk(client, "/sessions", limit=5, channel="room 7")] == expected


def test_a_filter_that_few_pass_reaches_them_all(
    client: FlaskClient, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webhook.store.sessions.MOST_LOOKED_AT", 10)
    rig.append(exited("needle", at_ms=AT_MS - 1, cname="room 1"))
    fill(rig, 120, tied=50)
    page = get(client, "/sessions", channel="room 1", state="ended", limit=2)
    assert (page["items"], page["next"] is None) == ([], False)
    assert [item["id"] for item in walk(client, "/sessions", channel="room 1", state="ended", limit=2)] == ["needle"]


def test_a_session_that_changes_between_pages_is_not_shown_again_and_hides_no_other(
    client: FlaskClient, rig: Rig
) -> None:
    expected = fill(rig, 60, tied=20)
    page = get(client, "/sessions", limit=25)
    shown = [item["id"] for item in page["items"]]
    rig.append(video(0, shown[3], at_ms=AT_MS + 1_000_000), exited(shown[24], at_ms=AT_MS + 2_000_000))
    rig.drain()
    while page["next"]:
        page = get(client, "/sessions", limit=25, cursor=page["next"])
        shown += [item["id"] for item in page["items"]]
    assert shown == expected


def test_since_and_until_hold_on_every_page(client: FlaskClient, rig: Rig) -> None:
    fill(rig, 40, tied=1)
    since, until = "2025-11-24T16:00:00.010Z", "2025-11-24T16:00:00.030Z"
    found = [item["id"] for item in walk(client, "/sessions", limit=3, since=since, until=until)]
    assert found == [f"s{number:03d}" for number in reversed(range(10, 30))]


def test_a_notification_has_the_shape_of_the_contract(client: FlaskClient, rig: Rig) -> None:
    rig.append(video(1, notice_id="n1"))
    rig.drain()
    (item,) = get(client, "/notifications")["items"]
    received_at, lag = item.pop("receivedAt"), item.pop("lag")
    assert TIME.fullmatch(received_at)
    assert lag > 0
    assert item == {
        "noticeId": "n1",
        "product": "cloud_recording",
        "productId": 3,
        "eventType": 44,
        "name": "recorder_video_stream_state_changed",
        "source": "default",
        "session": "s1",
        "channel": "lobby",
        "occurredAt": "2025-11-24T16:00:00.000Z",
        "notifiedAt": "2025-11-24T16:00:00.000Z",
        "outcome": "applied",
        "copies": 1,
        "error": None,
        "body": video(1, notice_id="n1"),
    }


def test_the_lag_is_received_minus_occurred_in_seconds(client: FlaskClient, rig: Rig) -> None:
    rig.put(video(1), AT_MS + 1234)
    rig.drain()
    (item,) = get(client, "/notifications")["items"]
    assert (item["lag"], item["receivedAt"]) == (1.234, "2025-11-24T16:00:01.234Z")


def test_notifications_are_found_by_their_notice_id(client: FlaskClient, rig: Rig) -> None:
    for name in ("n1", "n", "n10", "2000001428:4330:107"):
        rig.append(video(1, stream=name, notice_id=name))
    rig.append(video(1, stream="n1", notice_id="another of the same"))
    rig.drain()
    assert notices(client, noticeId="n1") == ["n1"]
    assert notices(client, noticeId="another of the same") == ["another of the same"]
    assert notices(client, noticeId="n") == ["n"]
    assert notices(client, noticeId="2000001428:4330:107") == ["2000001428:4330:107"]
    assert notices(client, noticeId="nobody") == []


def test_copies_under_one_notice_id_are_one_item_that_counts_them(client: FlaskClient, rig: Rig) -> None:
    rig.append(video(1), video(1) | {"notifyMs": AT_MS + 9}, video(1))
    rig.drain()
    assert [(item["copies"], item["outcome"]) for item in get(client, "/notifications")["items"]] == [(3, "applied")]


def test_a_copy_under_another_notice_id_is_an_item_of_its_own(client: FlaskClient, rig: Rig) -> None:
    rig.append(video(1, notice_id="n1"), video(1, notice_id="n2"))
    rig.drain()
    outcomes = {item["noticeId"]: item["outcome"] for item in get(client, "/notifications")["items"]}
    assert outcomes == {"n1": "applied", "n2": "duplicate"}


def test_notifications_of_a_session_are_its_own_latest_event_first(client: FlaskClient, rig: Rig) -> None:
    rig.append(*(video(1, at_ms=AT_MS + number, notice_id=f"n{number}") for number in (2, 0, 1)), started("s2"))
    rig.drain()
    assert notices(client, "/sessions/s1/notifications") == ["n2", "n1", "n0"]
    assert notices(client, session="s1") == ["n2", "n1", "n0"]
    assert notices(client, session="nobody") == []


def test_all_notifications_are_listed_latest_received_first(client: FlaskClient, rig: Rig) -> None:
    for number in (2, 0, 1):
        rig.append(video(1, at_ms=AT_MS + number, notice_id=f"n{number}"))
        rig.drain()
    assert notices(client) == ["n1", "n0", "n2"]


def every_outcome(rig: Rig) -> None:
    rig.append(video(1, notice_id="applied"), video(1, notice_id="duplicate"))
    rig.append(started(cname="test_webhook", notice_id="test"), notification(77, {}, notice_id="unknown"))
    rig.append(poison(notice_id="dead_letter"))
    rig.put(b"null", rig.redis.time()[0] * 1000 + 10_000, key="lobby")
    rig.drain()


@pytest.mark.parametrize("outcome", ["applied", "duplicate", "test", "unknown", "dead_letter", "quarantined"])
def test_notifications_are_filtered_by_outcome(client: FlaskClient, rig: Rig, outcome: str) -> None:
    every_outcome(rig)
    (item,) = get(client, "/notifications", outcome=outcome)["items"]
    assert outcome == "quarantined" or item["noticeId"] == outcome


@pytest.mark.parametrize(
    ("query", "count"),
    [({}, 6), ({"type": "44"}, 3), ({"channel": "lobby"}, 4), ({"product": "cloud_recording"}, 5), ({"type": "1"}, 0)],
    ids=str,
)
def test_notifications_are_filtered_by_what_they_say(
    client: FlaskClient, rig: Rig, query: dict[str, str], count: int
) -> None:
    every_outcome(rig)
    assert len(notices(client, **query)) == count


def test_notifications_are_filtered_by_the_time_of_receiving(client: FlaskClient, rig: Rig) -> None:
    for number in range(4):
        rig.put(video(1, at_ms=AT_MS + number, notice_id=f"n{number}"), AT_MS + 1000 * number)
    rig.drain()
    since, until = "2025-11-24T16:00:01.000Z", "2025-11-24T16:00:03.000Z"
    assert notices(client, since=since, until=until) == ["n2", "n1"]
    assert notices(client, since=since, until=until, session="s1") == ["n2", "n1"]


def test_a_copy_is_found_by_the_time_of_its_own_receiving(client: FlaskClient, rig: Rig) -> None:
    rig.put(video(1, notice_id="n1"), AT_MS)
    rig.put(video(1, notice_id="n2"), AT_MS + 5000)
    rig.drain()
    assert notices(client, since="2025-11-24T16:00:05.000Z") == ["n2"]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 500])
def test_pages_show_each_notification_exactly_once(client: FlaskClient, rig: Rig, limit: int) -> None:
    expected = set()
    for number in range(12):
        for copy in range(number % 4 + 1):
            name = f"n{number}.{copy}"
            rig.put(video(1, at_ms=AT_MS + number // 3, stream=str(number), notice_id=name), AT_MS + number // 5)
            expected.add(name)
    rig.drain()
    for path, query in LISTS:
        found = [item["noticeId"] for item in walk(client, path, limit=limit, **query)]
        assert (len(found), set(found)) == (len(expected), expected), path


LISTS: list[tuple[str, dict[str, str]]] = [
    ("/notifications", {}),
    ("/notifications", {"session": "s1"}),
    ("/sessions/s1/notifications", {}),
]


def test_a_quarantined_body_is_shown_to_operators_as_far_as_it_is_text(
    client: FlaskClient, post: Post, rig: Rig
) -> None:
    post(b"\xff<script>")
    rig.drain()
    (item,) = get(client, "/notifications")["items"]
    assert (item["outcome"], item["body"]) == ("quarantined", "\\xff<script>")
    assert "not JSON" in item["error"]


def test_a_body_is_shown_byte_for_byte_where_it_was_readable(client: FlaskClient, rig: Rig) -> None:
    rig.append(video(1) | {"big": 12345678901234567890123})
    rig.drain()
    assert raw(video(1) | {"big": 12345678901234567890123}) in client.get(f"{API}/notifications").get_data()


def test_the_summary_has_the_shape_of_the_contract(client: FlaskClient, rig: Rig) -> None:
    every_outcome(rig)
    rig.append(exited("s2"), exited("s3", status=1))
    rig.drain()
    rig.append(started("s4"))
    summary = get(client, "/summary")
    lag, inbox, alerts = summary.pop("lag"), summary.pop("inbox"), summary.pop("alerts")
    assert summary == {
        "verdict": "No worker is alive, 1 session failed, 1 stream stopped, 2 dead letters",
        "sessions": {"expected": 0, "starting": 0, "live": 1, "lost": 0, "ending": 0, "ended": 1, "failed": 1},
        "products": {"cloud_recording": 3},
        "streams": {"receiving": 0, "stopped": 1, "unknown": 0},
        "spool": {"depth": 0, "oldestAge": 0},
        "deadLetters": 2,
        "workers": 0,
        "notifications": {"accepted": 8, "duplicate": 1, "rejected": 0, "unknown": 1},
    }
    assert (alerts["pending"] > 0, alerts["unacknowledged"]) == (True, 0)
    assert alerts["firing"] == {"info": 0, "warning": 0, "critical": 0}
    assert set(lag) == {"p50", "p95", "p99"}
    assert all(isinstance(value, float) for value in lag.values())
    assert (inbox["depth"], 0 <= inbox["oldestAge"] < 60) == (1, True)


def test_with_nothing_there_the_summary_says_so(client: FlaskClient, redis: Redis) -> None:
    summary = get(client, "/summary")
    assert (summary["lag"], summary["inbox"]) == ({"p50": None, "p95": None, "p99": None}, {"depth": 0, "oldestAge": 0})
    assert summary["notifications"] == {"accepted": 0, "duplicate": 0, "rejected": 0, "unknown": 0}


def test_the_percentiles_of_the_lag_are_seconds(client: FlaskClient, rig: Rig) -> None:
    now_ms = rig.redis.time()[0] * 1000
    rig.put(video(1, at_ms=now_ms - 2000), now_ms)
    rig.drain()
    assert all(1.7 < value < 2.3 for value in get(client, "/summary")["lag"].values())


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_method_that_is_not_there_is_a_405_problem(client: FlaskClient, redis: Redis, method: str) -> None:
    answer = client.open(f"{API}/summary", method=method)
    assert (answer.status_code, answer.content_type) == (405, "application/problem+json")
    assert "GET" in answer.headers["Allow"]


def test_a_store_that_is_away_is_a_503_problem(client: FlaskClient, redis: Redis) -> None:
    redis.set("vigil:{s0}:index:all", "no sorted set")
    answer = client.get(f"{API}/sessions")
    assert (answer.status_code, answer.content_type) == (503, "application/problem+json")
    assert "WRONGTYPE" not in answer.get_data(as_text=True)

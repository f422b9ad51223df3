"""`GET /sessions/{id}/timeline`: the shape of the contract, from what the store holds."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from tests.store.alerting import FIRING, PENDING, RESOLVED, Alerted, alert
from tests.store.build import AT_MS, exited, notification, snapshot, started, video
from tests.store.rig import Rig
from webhook.domain.alerting.dossier import VERSION, Dossier, Watched
from webhook.domain.alerting.telling import Ack
from webhook.domain.timeline import MOST_LANES, Interval, Kind, Lane, Mark, Timeline, Window
from webhook.store.keys import ShardKeys
from webhook.store.known_alerts import FoundAlert, KnownAlert
from webhook.views.timeline import ALL, timeline_view

SESSION = "/api/v1/sessions"


def stamp(second: float) -> str:
    return f"2025-11-24T16:00:{second:06.3f}Z"


@pytest.fixture
def told(rig: Rig) -> None:
    rig.append(started(), video(0, at_ms=AT_MS + 1000), video(1, at_ms=AT_MS + 4000))
    rig.append(snapshot(500, at_ms=AT_MS + 600), snapshot(500, at_ms=AT_MS + 600, notice_id="45:again"))
    rig.append(notification(34, {"odd": 1}, "34", sid="s1", sendts=AT_MS + 2000), exited(at_ms=AT_MS + 9000))
    rig.drain()


def get(client: FlaskClient, session: str = "s1", **query: Any) -> Any:
    answer = client.get(f"{SESSION}/{quote(session, safe='')}/timeline", query_string=query)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.json


def test_a_timeline_is_shown_in_the_contracts_words() -> None:
    mark = Mark(AT_MS + 1, "left", "n1", "gone", "info")
    lane = Lane(
        Kind.USER, "7", [Interval(AT_MS, AT_MS + 500, "audience"), Interval(AT_MS + 900, None, "audience")], [mark]
    )
    assert timeline_view(Timeline(AT_MS, None, True, [lane])) == {
        "from": stamp(0),
        "until": None,
        "truncated": True,
        "lanes": [
            {
                "kind": "user",
                "uid": "7",
                "intervals": [
                    {"from": stamp(0), "until": stamp(0.5), "state": "audience"},
                    {"from": stamp(0.9), "until": None, "state": "audience"},
                ],
                "marks": [
                    {"at": stamp(0.001), "kind": "left", "noticeId": "n1", "text": "gone", "severity": "info"},
                ],
            }
        ],
    }


@pytest.mark.usefixtures("told")
def test_the_timeline_of_a_session_is_drawn_from_its_log(client: FlaskClient) -> None:
    drawn = get(client)
    assert (drawn["from"], drawn["until"], drawn["truncated"]) == (stamp(0), stamp(9), False)
    assert [(lane["kind"], lane["uid"]) for lane in drawn["lanes"]] == [
        ("video", "7"),
        ("recorder", "1001"),
        ("snapshots", "7"),
        ("other", None),
    ]
    assert drawn["lanes"][0]["intervals"] == [
        {"from": stamp(1), "until": stamp(4), "state": "receiving"},
        {"from": stamp(4), "until": stamp(9), "state": "stopped"},
    ]
    assert [(mark["at"], mark["noticeId"]) for mark in drawn["lanes"][2]["marks"]] == [(stamp(0.5), "45:again")]


@pytest.mark.usefixtures("told")
def test_from_and_to_cut_the_window(client: FlaskClient) -> None:
    drawn = get(client, **{"from": stamp(2), "to": stamp(3)})
    assert (drawn["from"], drawn["until"]) == (stamp(2), stamp(3))
    assert [(lane["kind"], lane["intervals"]) for lane in drawn["lanes"]] == [
        ("recorder", [{"from": stamp(2), "until": stamp(3), "state": "recording"}]),
        ("video", [{"from": stamp(2), "until": stamp(3), "state": "receiving"}]),
        ("other", []),
    ]


@pytest.mark.usefixtures("told")
def test_a_reader_that_has_the_timeline_is_not_sent_it_again(client: FlaskClient, rig: Rig) -> None:
    path = f"{SESSION}/s1/timeline"
    tag = client.get(path).headers["ETag"]
    again = client.get(path, headers={"If-None-Match": tag})
    assert (again.status_code, again.get_data()) == (304, b"")
    rig.append(video(0, at_ms=AT_MS + 5000))
    rig.drain()
    assert client.get(path, headers={"If-None-Match": tag}).status_code == 200


@pytest.mark.usefixtures("told")
@pytest.mark.parametrize(
    ("query", "path"),
    [
        ({"from": stamp(3), "to": stamp(3)}, "to"),
        ({"from": stamp(4), "to": stamp(3)}, "to"),
        ({"from": "yesterday"}, "from"),
        ({"to": "2025-11-24T16:00:00"}, "to"),
        ({"to": "9999-12-31T23:59:59-10:00"}, "to"),
        ({"from": "0001-01-01T00:00:00+10:00"}, "from"),
        ({"until": stamp(3)}, "until"),
    ],
)
def test_a_window_that_is_none_is_refused(client: FlaskClient, query: dict[str, str], path: str) -> None:
    answer = client.get(f"{SESSION}/s1/timeline", query_string=query)
    assert (answer.status_code, answer.content_type) == (400, "application/problem+json")
    assert [mistake["path"] for mistake in answer.json["errors"]] == [path]


def test_a_session_that_nobody_knows_has_no_timeline(client: FlaskClient) -> None:
    answer = client.get(f"{SESSION}/nobody/timeline")
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")


def test_ids_with_slashes_and_colons_are_found(client: FlaskClient, rig: Rig) -> None:
    rig.append(started(sid="a/b:c"))
    rig.drain()
    assert [lane["uid"] for lane in get(client, "a/b:c")["lanes"]] == ["1001"]


def episode(number: int, at_ms: int, fired_ms: int | None, resolved_ms: int | None = None, **more: Any) -> KnownAlert:
    """One alert of video_stopped, times as they are given."""
    state = PENDING if fired_ms is None else FIRING if resolved_ms is None else RESOLVED
    ack = more.pop("ack", None)
    told = alert(at_ms=at_ms, state=state, episode=number, fired_ms=fired_ms, resolved_ms=resolved_ms, **more)
    return KnownAlert(FoundAlert(0, Dossier(VERSION, "s1", {}), Watched(told)), ack, (), ())


EMPTY = Timeline(AT_MS, None, False, [])


def spans(alerts: list[KnownAlert], window: Window = ALL) -> list[tuple[str, str | None, str]]:
    lanes = timeline_view(EMPTY, alerts, window)["lanes"]
    return [(each["from"], each["until"], each["state"]) for lane in lanes for each in lane["intervals"]]


def test_an_alert_is_pending_and_then_fires() -> None:
    pending, firing = episode(1, AT_MS, None), episode(1, AT_MS, AT_MS + 10_000)
    resolved = episode(1, AT_MS, AT_MS + 10_000, AT_MS + 30_000)
    assert spans([pending]) == [(stamp(0), None, "pending")]
    assert spans([firing]) == [(stamp(0), stamp(10), "pending"), (stamp(10), None, "firing")]
    assert spans([resolved]) == [(stamp(0), stamp(10), "pending"), (stamp(10), stamp(30), "firing")]


def test_episodes_of_the_same_are_one_lane_and_never_overlap() -> None:
    first = episode(1, AT_MS, AT_MS, AT_MS + 20_000)
    second = episode(2, AT_MS + 15_000, AT_MS + 25_000)
    (lane,) = timeline_view(EMPTY, [second, first])["lanes"]
    assert {name: lane[name] for name in ("kind", "uid", "rule", "track", "marks")} == {
        "kind": "alert",
        "uid": "7",
        "rule": "video_stopped",
        "track": "video",
        "marks": [],
    }
    assert spans([second, first]) == [
        (stamp(0), stamp(20), "firing"),
        (stamp(20), stamp(25), "pending"),
        (stamp(25), None, "firing"),
    ]


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        (Window(AT_MS + 5000, AT_MS + 12_000), [(5, 10, "pending"), (10, 12, "firing")]),
        (Window(AT_MS + 15_000), [(15, 30, "firing")]),
        (Window(None, AT_MS + 10_000), [(0, 10, "pending")]),
        (Window(AT_MS + 30_000), []),
        (Window(None, AT_MS), []),
    ],
    ids=str,
)
def test_alerts_are_shown_as_far_as_they_are_in_the_window(
    window: Window, expected: list[tuple[int, int, str]]
) -> None:
    alerts = [episode(1, AT_MS, AT_MS + 10_000, AT_MS + 30_000)]
    assert spans(alerts, window) == [(stamp(from_s), stamp(until_s), state) for from_s, until_s, state in expected]


@pytest.mark.parametrize(("note", "text"), [(None, "acknowledged by ann"), ("on it", "acknowledged by ann: on it")])
def test_an_acknowledgement_is_a_mark(note: str | None, text: str) -> None:
    known = episode(1, AT_MS, AT_MS, ack=Ack("ann", AT_MS + 5000, note))
    mark = {"at": stamp(5), "kind": "acknowledged", "noticeId": None, "text": text, "severity": "info"}
    assert [lane["marks"] for lane in timeline_view(EMPTY, [known])["lanes"]] == [[mark]]
    assert [lane["marks"] for lane in timeline_view(EMPTY, [known], Window(None, AT_MS + 5000))["lanes"]] == [[]]


def test_lanes_of_alerts_are_the_last_and_bounded_with_the_others() -> None:
    users = [Lane(Kind.USER, str(number), [Interval(AT_MS, None, "host")]) for number in range(MOST_LANES)]
    alerts = [episode(1, AT_MS + number, AT_MS + number, uid=str(number)) for number in range(60)]
    few = timeline_view(Timeline(AT_MS, None, False, users[:100]), alerts[:50])
    assert ([lane["kind"] for lane in few["lanes"]], few["truncated"]) == (["user"] * 100 + ["alert"] * 50, False)
    assert few["lanes"][100]["uid"] == "49"
    many = timeline_view(Timeline(AT_MS, None, False, users[:100]), alerts)
    assert ([lane["uid"] for lane in many["lanes"]][-50:], many["truncated"]) == (
        [str(number) for number in reversed(range(10, 60))],
        True,
    )
    full = timeline_view(Timeline(AT_MS, None, False, users), alerts[:1])
    assert (len(full["lanes"]), full["lanes"][-1]["kind"], full["truncated"]) == (MOST_LANES, "alert", True)


def test_alerts_of_a_session_are_lanes_of_its_timeline(client: FlaskClient, told: None, rig: Rig) -> None:
    before = get(client)["lanes"]
    shard, _ = rig.sessions.find("s1") or pytest.fail("no session s1")
    rig.redis.delete(ShardKeys(shard).dossier("s1"))
    alerted = Alerted(rig.redis, rig.shards)
    alerted.add(alert(at_ms=AT_MS + 5000), shard=shard)
    alerted.add(alert("failover"), "s2")
    lanes = get(client)["lanes"]
    assert lanes[:-1] == [lane for lane in before if lane["kind"] != "alert"]
    assert (lanes[-1]["kind"], lanes[-1]["uid"], lanes[-1]["rule"]) == ("alert", "7", "video_stopped")
    assert lanes[-1]["intervals"][-1] == {"from": stamp(15), "until": None, "state": "firing"}

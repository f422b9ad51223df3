"""`GET /sessions/{id}/timeline`: the shape of the contract, from what the store holds."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from tests.store.build import AT_MS, exited, notification, snapshot, started, video
from tests.store.rig import Rig
from webhook.domain.timeline import Interval, Kind, Lane, Mark, Timeline
from webhook.views.timeline import timeline_view

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

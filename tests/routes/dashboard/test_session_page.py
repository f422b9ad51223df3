"""The page of one session: how it is, its timeline, and what was told of it. No test looks at classes."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote, unquote

import pytest
from flask.testing import FlaskClient

from tests.routes.dashboard.reading import Reading, look
from tests.store.alerting import Alerted, alert
from tests.store.build import (
    AT_MS,
    audio,
    created,
    exited,
    joined,
    notification,
    registration,
    snapshot,
    started,
    video,
)
from tests.store.rig import Rig

HOSTILE = ["<img src=x onerror=alert(1)>", "</script><script>alert(1)</script>", "\u202egnp.elif", "u" * 300, "\"'&"]
WRITTEN = frozenset({"style", "onerror", "onload", "onclick"})
FORBIDDEN = frozenset({"img", "style"})


class Elements(HTMLParser):
    """What a page is made of: its ids, its links, and whatever the policy would stop."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.stopped: list[str] = []
        self.numbers: list[float] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.ids += [given["id"]] if "id" in given else []
        self.links += [given["href"]] if tag == "a" else []
        inline = tag == "script" and "src" not in given
        if inline or tag in FORBIDDEN or WRITTEN & set(given):
            self.stopped.append(f"{tag} {given}")
        if tag == "rect":
            self.numbers += [float(given["width"]), float(given["height"])]


def address(session: str) -> str:
    return f"/ops/sessions/{quote(session, safe='')}"


def elements(client: FlaskClient, session: str = "s1", query: str = "") -> Elements:
    return Elements(client.get(address(session) + query).get_data(as_text=True))


def page(client: FlaskClient, session: str = "s1", query: str = "") -> Reading:
    return look(client, address(session) + query)


def at(second: float, sequence: int = 1, **more: Any) -> dict[str, Any]:
    return {"at_ms": AT_MS + int(second * 1000), "sequence": sequence, **more}


@pytest.fixture
def lesson(rig: Rig) -> None:
    """A lesson whose video was off for 20 s, with a failover, an error, two holes, and a normal end."""
    error = {"module": 0, "errorCode": 3, "errorMsg": "disk is full", "errorLevel": 4, "stat": 0}
    rig.append(
        started(**at(0)),
        video(0, **at(1, 2)),
        audio(0, **at(1, 3)),
        video(1, **at(60, 6)),
        video(0, **at(80, 7)),
        notification(1, error, "1:s1", sendts=AT_MS + 90_000, sequence=8),
        notification(12, {"newUid": 2002}, "12:s1", sendts=AT_MS + 100_000, sequence=10),
        exited(**at(120, 2, uid="2002")),
    )
    rig.drain()


@pytest.mark.usefixtures("lesson")
def test_the_head_says_what_it_is_and_how_it_stands(client: FlaskClient) -> None:
    text = page(client).text
    assert re.search(r"lobby ended since .* Cloud recording s1 ", text)
    assert re.search("Lasted *2 min *from 2025-11-24 16:00:00 to", text)
    assert re.search("Recorder *2002 *failed over 1 time, before: 1001", text)


@pytest.mark.usefixtures("lesson")
def test_an_outage_is_told_with_its_times_and_its_length_in_the_picture_and_as_a_table(client: FlaskClient) -> None:
    text = page(client).text
    assert "stopped 2025-11-24 16:01:00.000 2025-11-24 16:01:20.000 20 s" in text
    assert "video of 7: stopped from 16:01:00.000 to 16:01:20.000, 20 s" in client.get(address("s1")).get_data(
        as_text=True
    )


@pytest.mark.usefixtures("lesson")
def test_every_link_within_the_page_leads_somewhere(client: FlaskClient) -> None:
    found = elements(client)
    inside = {unquote(link[1:]) for link in found.links if link.startswith("#")}
    assert len([link for link in inside if link.startswith("n-")]) >= 5
    assert inside <= set(found.ids)
    assert len(found.ids) == len(set(found.ids))


@pytest.mark.usefixtures("lesson")
def test_numbers_that_never_came_are_rows_of_the_list(client: FlaskClient) -> None:
    text = page(client).text
    assert "4-5 missing: recorder 1001 numbered them, and nothing came" in text
    assert "9 missing: recorder 1001 numbered it, and nothing came" in text
    assert "Numbers that were never heard, by recorder: 1001: 4-5, 9" in text


@pytest.mark.usefixtures("lesson")
def test_an_error_says_what_it_means(client: FlaskClient) -> None:
    view = client.get("/api/v1/sessions/s1").json["errors"][0]
    text = page(client).text
    assert f"{view['meaning']} disk is full" in text
    assert view["action"] in text


@pytest.mark.usefixtures("lesson")
def test_a_session_that_is_over_says_until_when_it_stays(client: FlaskClient) -> None:
    assert re.search(r"Kept until \d{4}-\d\d-\d\d \d\d:\d\d UTC", page(client).text)


@pytest.mark.usefixtures("lesson")
def test_the_page_names_its_twins(client: FlaskClient) -> None:
    twins = [link for link in page(client).links if link.startswith("/api/v1/")]
    assert "/api/v1/sessions/s1" in twins
    assert "/api/v1/sessions/s1/timeline" in twins
    assert {client.get(link).status_code for link in twins} == {200}


@pytest.mark.usefixtures("lesson")
def test_a_part_of_the_session_is_drawn_where_one_is_asked_for(client: FlaskClient) -> None:
    part = page(client, query="?from=2025-11-24T16:00:50Z&to=2025-11-24T16:01:10Z")
    assert "2025-11-24 16:00:50 to 16:01:10 UTC" in part.text
    assert "1 of 1 shown" in part.text
    assert {"Earlier", "Later", "15 min", "1 h"} <= {words.strip("←→ ") for words in part.links.values()}
    assert address("s1") in part.links


@pytest.mark.usefixtures("lesson")
def test_links_to_other_parts_lead_to_this_page(client: FlaskClient) -> None:
    part = page(client, query="?from=2025-11-24T16:00:50Z&to=2025-11-24T16:01:10Z")
    parts = [link for link, words in part.links.items() if words.strip("←→ ") in ("Earlier", "Later", "15 min", "1 h")]
    assert len(parts) == 4
    assert {client.get(link).status_code for link in parts} == {200}


@pytest.mark.usefixtures("lesson")
@pytest.mark.parametrize("query", ["?from=yesterday", "?from=2025-11-24T16:00:50Z&to=2025-11-24T16:00:50Z", "?odd=1"])
def test_a_part_that_is_none_is_refused_in_words(client: FlaskClient, query: str) -> None:
    answer = client.get(address("s1") + query)
    assert answer.status_code == 400
    assert "Bad parameters" in Reading.of(answer).text


def test_a_session_that_nobody_knows_is_not_found(client: FlaskClient) -> None:
    answer = client.get(address("nobody"))
    assert answer.status_code == 404
    assert "No such session" in Reading.of(answer).text


def test_an_open_alert_can_be_acknowledged_and_silenced_from_here(client: FlaskClient, rig: Rig) -> None:
    rig.append(started(**at(0)))
    rig.drain()
    shard, _ = rig.sessions.find("s1") or pytest.fail("no session s1")
    name = Alerted(rig.redis, rig.shards).add(alert(summary="video of 7 stopped"), shard=shard)
    seen = page(client)
    assert "video of 7 stopped" in seen.text
    assert seen.form(f"/ops/alerts/{name}/ack").method == "post"
    assert f"/ops/silences/new?alert={name}" in seen.links


@pytest.mark.parametrize("name", HOSTILE)
def test_whatever_things_are_called_nothing_of_it_is_markup(client: FlaskClient, rig: Rig, name: str) -> None:
    error = {"module": 0, "errorCode": 3, "errorMsg": name, "errorLevel": 4}
    who = {"cname": name[:64], "uid": name[:32]}
    rig.append(
        started(**who),
        video(0, stream=name, **who),
        notification(1, error, name[:100], sequence=9, **who),
        snapshot(1, notice_id=f"{name[:100]}?#", **who),
        notification(34, {"x": name}, "odd", **who),
    )
    rig.drain()
    found = elements(client)
    assert found.stopped == []
    assert name[:40].replace("\u202e", "") in page(client).text


def test_ids_with_slashes_and_markup_have_a_page(client: FlaskClient, rig: Rig) -> None:
    rig.append(started(sid="a/b:c<i>", **at(0)))
    rig.drain()
    assert "a/b:c<i>" in page(client, "a/b:c<i>").text


def test_a_long_list_is_cut_and_leads_to_the_whole(client: FlaskClient, rig: Rig) -> None:
    rig.append(started(**at(0)), *(snapshot(number, **at(number, number + 2)) for number in range(250)))
    rig.drain()
    seen = page(client)
    assert "200 of 251 shown" in seen.text
    assert seen.links["/ops/notifications?session=s1"] == "All notifications of the session"
    assert [link for link in seen.links if link.startswith("/ops/notifications?noticeId=40:s1")]


def test_marks_are_never_thinner_than_two_units(client: FlaskClient, rig: Rig) -> None:
    flapping = [video(number % 2, **at(number / 10, number + 1)) for number in range(300)]
    rig.append(*flapping, exited(**at(36_000, 400)))
    rig.drain()
    assert min(elements(client).numbers) >= 2


def test_a_session_with_one_fact_is_a_page(client: FlaskClient, rig: Rig) -> None:
    rig.append(started(**at(0)))
    rig.drain()
    assert "40 recorder_started" in page(client).text


def test_a_session_that_is_only_registered_says_what_was_registered(client: FlaskClient, rig: Rig) -> None:
    rig.append(registration())
    rig.drain()
    text = page(client).text
    assert "nothing was heard of it yet" in text
    assert "Resource r1" in text


def test_a_channel_shows_who_was_there(client: FlaskClient, rig: Rig) -> None:
    rig.append(joined(5), joined(6, at_ms=AT_MS + 9000))
    rig.drain()
    text = page(client, "rtc:default:lobby").text
    assert "RTC channel" in text
    assert re.search(r"Users .* 5 broadcaster web", text)


def test_an_entity_shows_what_is_known_of_it(client: FlaskClient, rig: Rig) -> None:
    rig.append(created("c1"))
    rig.drain()
    assert "converter_created" in page(client, "c1").text


@pytest.mark.parametrize(("name", "most"), [("timeline.js", 2000), ("timeline.css", 5000)])
def test_script_and_style_of_the_timeline_are_small(client: FlaskClient, name: str, most: int) -> None:
    answer = client.get(f"/ops/static/{name}")
    assert (answer.status_code, len(answer.get_data()) <= most) == (200, True)
    answer.close()

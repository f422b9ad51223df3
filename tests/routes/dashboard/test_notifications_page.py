"""The list of notifications: looked through, opened, and taken away as lines of JSON."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests import unserved
from tests.routes.dashboard.counting import Counting
from tests.routes.dashboard.reading import Reading, look
from tests.routes.dashboard.signed import OPERATOR, READER, browser
from tests.store.build import AT_MS, heartbeat, joined, poison, started, video
from tests.store.rig import Rig
from webhook.routes.dashboard import notifications as module
from webhook.settings import Settings

PATH, EXPORT = "/ops/notifications", "/ops/notifications.ndjson"
HOSTILE = "<img src=x onerror=alert(1)></script>"


@pytest.fixture
def filled(rig: Rig) -> Rig:
    """Five notifications, a copy, one of another product, and one that could not be processed."""
    rig.append(started(sequence=3), video(0, stream="7"), video(1, stream="8", at_ms=AT_MS + 1000), heartbeat())
    rig.append(started("s2", cname="hall"), started(sequence=3), joined(7), poison("s3", cname="cellar"))
    rig.drain()
    return rig


def opened(page: Reading) -> set[str]:
    """The noticeIds that the page offers to open."""
    return {href.partition("open=")[2].partition("#")[0] for href in page.links if "open=" in href}


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 7),
        ("?session=s1", 4),
        ("?session=nobody", 0),
        ("?channel=hall", 1),
        ("?uid=8", 1),
        ("?type=44", 3),
        ("?type=recorder_video_stream_state_changed", 3),
        ("?type=Recorder%20video%20stream%20state%20changed", 3),
        ("?type=40&session=s1", 1),
        ("?product=rtc", 1),
        ("?outcome=dead_letter", 1),
        ("?session=rtc:default:lobby", 1),
        ("?since=2000-01-01T00:00&until=2000-01-02T00:00", 0),
    ],
)
def test_the_address_says_which_are_listed(filled: Rig, client: FlaskClient, query: str, count: int) -> None:
    assert len(opened(look(client, f"{PATH}{query}"))) == count


def test_one_that_is_asked_for_by_name_is_open_at_once(filled: Rig, client: FlaskClient) -> None:
    page = look(client, f"{PATH}?noticeId=40:s1")
    assert '"noticeId": "40:s1"' in page.text
    assert "signed, version 2 (HMAC-SHA256): it held" in page.text
    assert "Told by 1001" in page.text
    assert f"/ops/sessions/s1#{'n-40%3As1'}" in page.links


def test_of_one_session_it_is_found_by_its_name_however_old_it_is(filled: Rig, client: FlaskClient) -> None:
    assert "Told by 1001" in look(client, f"{PATH}?session=s1&noticeId=40:s1").text
    assert "No notification is like that" in look(client, f"{PATH}?session=s2&noticeId=40:s1").text


def test_a_row_is_opened_and_closed_by_its_address(filled: Rig, client: FlaskClient) -> None:
    page = look(client, f"{PATH}?session=s1")
    (href,) = [href for href in page.links if "open=40%3As1" in href]
    assert '"noticeId"' not in page.text
    page = look(client, href.partition("#")[0])
    assert '"noticeId": "40:s1"' in page.text
    assert "open=40%3As1" not in "".join(page.links)


def test_a_row_has_its_times_its_sequence_and_its_copies(rig: Rig, client: FlaskClient) -> None:
    body = started(sequence=3)
    rig.append(body, body)
    rig.drain()
    text = look(client, PATH).text
    assert "40 recorder started lobby applied" in text
    assert "2025-11-24 16:00:00" in text
    assert text.partition("No notification")[0].count(" 3 2 ") == 1


def test_the_place_in_the_timeline_is_there(filled: Rig, client: FlaskClient) -> None:
    page = look(client, f"{PATH}?noticeId=40:s1")
    (around,) = [href for href in page.links if href.startswith("/ops/sessions/s1?from=")]
    path, _, anchor = around.partition("#")
    html = client.get(path).get_data(as_text=True)
    assert 'id="n-40:s1"' in html
    assert anchor == "n-40%3As1"


@pytest.mark.parametrize("query", ["", "?session=s1", "?type=44"])
def test_pages_show_each_once(filled: Rig, client: FlaskClient, query: str) -> None:
    whole = opened(look(client, f"{PATH}{query}"))
    found: list[str] = []
    page = look(client, f"{PATH}{query}{'&' if query else '?'}limit=2")
    for _ in range(5):
        found += opened(page)
        following = [href for href, words in page.links.items() if words == "Older"]
        if not following:
            break
        page = look(client, f"{PATH}{following[0]}")
    assert sorted(found) == sorted(whole)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("?type=nonsense", "no type is called so"),
        ("?outcome=lost", "known are applied"),
        ("?cursor=x", "cursor is not one"),
        ("?colour=red", "unknown parameter"),
    ],
)
def test_a_mistake_in_the_address_is_told_on_the_page(filled: Rig, client: FlaskClient, query: str, said: str) -> None:
    page = look(client, f"{PATH}{query}")
    assert said in page.text
    assert opened(page) == set()


@pytest.mark.parametrize(
    ("query", "said"),
    [("", "No notification yet"), ("?noticeId=x", "it never came"), ("?uid=9", "No notification is like that")],
)
def test_an_empty_list_says_what_that_means(client: FlaskClient, query: str, said: str) -> None:
    assert said in look(client, f"{PATH}{query}").text


def test_a_body_that_nothing_could_mask_is_for_operators(guarded: Flask, rig: Rig) -> None:
    rig.append(b'["a secret of somebody"]')
    rig.drain()
    seen = {}
    for token in (READER, OPERATOR):
        client = browser(guarded, token)
        (name,) = opened(look(client, PATH))
        seen[token] = look(client, f"{PATH}?open={name}").text + client.get(EXPORT).get_data(as_text=True)
    assert "a secret of somebody" not in seen[READER]
    assert "shown to operators only" in seen[READER]
    assert seen[OPERATOR].count("a secret of somebody") == 2


def test_names_from_outside_are_only_text(rig: Rig, client: FlaskClient) -> None:
    rig.append(started(HOSTILE, cname=HOSTILE, notice_id=HOSTILE, uid=HOSTILE))
    rig.drain()
    for query in ({}, {"noticeId": HOSTILE}, {"open": HOSTILE, "channel": HOSTILE}):
        html = client.get(PATH, query_string=query).get_data(as_text=True)
        assert HOSTILE in Reading(html).text
        assert "<img" not in html


@pytest.mark.parametrize("query", ["", "?type=recorder_started&channel=lobby", "?session=s1"])
def test_it_costs_two_round_trips(filled: Rig, settings: Settings, query: str) -> None:
    counting: Any = Counting(connection_pool=filled.redis.connection_pool)
    client = unserved.create(settings, counting).test_client()
    client.get(PATH)
    before = counting.trips
    client.get(f"{PATH}{query}")
    assert counting.trips - before == 2


def lines(client: FlaskClient, query: str = "") -> list[dict[str, Any]]:
    answer = client.get(f"{EXPORT}{query}")
    assert (answer.status_code, answer.content_type) == (200, "application/x-ndjson")
    return [msgspec.json.decode(line) for line in answer.data.splitlines()]


@pytest.mark.parametrize("query", ["", "?session=s1", "?type=44", "?noticeId=40:s1"])
def test_the_export_holds_what_the_status_api_answers(filled: Rig, client: FlaskClient, query: str) -> None:
    assert lines(client, query) == client.get(f"/api/v1/notifications{query}").json["items"]


@pytest.mark.parametrize("limit", [1, 2])
def test_an_export_is_read_page_by_page(
    filled: Rig, client: FlaskClient, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = lines(client)
    monkeypatch.setattr(module, "MOST_LIMIT", limit)
    assert lines(client) == whole


def test_an_export_that_was_cut_says_where_it_goes_on(
    filled: Rig, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = lines(client)
    monkeypatch.setattr(module, "MOST_LIMIT", 2)
    monkeypatch.setattr(module, "MOST_EXPORTED", 4)
    *first, end = lines(client)
    assert first == whole[:4]
    assert lines(client, f"?cursor={end['next']}") == whole[4:]


def test_an_export_of_a_mistaken_address_is_an_error(client: FlaskClient) -> None:
    answer = client.get(f"{EXPORT}?type=nonsense")
    assert answer.status_code == 400
    assert "no type is called so" in Reading.of(answer).text


def test_the_page_links_to_its_export_and_to_the_status_api(filled: Rig, client: FlaskClient) -> None:
    page = look(client, f"{PATH}?type=recorder_started&open=x")
    links = {words: href for href, words in page.links.items()}
    assert links["Export as NDJSON"] == f"{EXPORT}?type=recorder_started"
    items = client.get(links["JSON"]).json["items"]
    assert {item["name"] for item in items} == {"recorder_started"}

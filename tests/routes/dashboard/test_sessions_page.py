"""The list of sessions: what a row says, what narrows the list, and what it says where it is empty."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests import unserved
from tests.routes.dashboard.counting import Counting
from tests.routes.dashboard.reading import Reading, look
from tests.routes.dashboard.test_overview_page import Scene, scene
from tests.store.build import left, snapshot, started, uploaded, video
from tests.store.rig import Rig
from webhook.settings import Settings

__all__ = ["scene"]
PATH = "/ops/sessions"
HOSTILE = "<img src=x onerror=alert(1)></script>"


def shown(page: Reading) -> list[str]:
    """The sessions that are listed, in their order."""
    return [href.removeprefix(f"{PATH}/") for href in page.links if href.startswith(f"{PATH}/")]


def fill(scene: Scene) -> None:
    """One that runs well, one that failed, one that runs with a stopped stream, in this order."""
    scene.run(1)
    scene.fail("bad", cname="lobby")
    scene.hear(started("half", scene.rig.clock(), cname="hall"), video(1, "half", scene.rig.clock(), cname="hall"))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["half", "bad", "live0"]),
        ("?state=live", ["half", "live0"]),
        ("?state=broken", ["half", "bad"]),
        ("?state=failed", ["bad"]),
        ("?stream=stopped", ["half"]),
        ("?channel=lobby", ["bad"]),
        ("?channel=lobby&state=live", []),
        ("?product=rtc", []),
        ("?project=default&source=default", ["half", "bad", "live0"]),
        ("?until=1990-01-01T00:00:00Z", []),
        ("?since=1990-01-01T00:00", ["half", "bad", "live0"]),
    ],
)
def test_the_address_says_which_are_listed(scene: Scene, client: FlaskClient, query: str, expected: list[str]) -> None:
    fill(scene)
    assert shown(look(client, f"{PATH}{query}")) == expected


def test_a_row_says_how_a_recording_went(rig: Rig, client: FlaskClient) -> None:
    at_ms = rig.clock() - 60_000
    shots = [snapshot(number, at_ms=at_ms + number * 5000) for number in range(3)]
    rig.append(started(at_ms=at_ms), video(0, at_ms=at_ms), video(1, at_ms=at_ms, stream="8"), *shots)
    rig.drain()
    page = look(client, PATH)
    assert page.links[f"{PATH}/s1"] == "lobby"
    assert "Cloud recording live s1" in page.text
    assert "1 off 1 on" in page.text
    rig.append(left(at_ms=at_ms + 20_000), uploaded(at_ms=at_ms + 21_000))
    rig.drain()
    ended = look(client, PATH).text
    assert "ended" in ended
    assert "2 in all 3" in ended
    assert "100 %" in ended


def test_starting_and_ending_ones_are_live_as_the_first_screen_counts_them(rig: Rig, client: FlaskClient) -> None:
    rig.append(started("s1"), started("s2"), video(0, "s2"))
    rig.drain()
    figure = next(words for href, words in look(client, "/ops/").links.items() if href == f"{PATH}?state=live")
    assert figure.startswith("Sessions live 2")
    assert len(shown(look(client, f"{PATH}?state=live"))) == 2


def test_pages_show_each_once_and_keep_the_filter(scene: Scene, client: FlaskClient) -> None:
    scene.run(5)
    found: list[str] = []
    page = look(client, f"{PATH}?state=live&limit=2")
    for _ in range(3):
        found += shown(page)
        following = [href for href, words in page.links.items() if words == "Older"]
        if not following:
            break
        assert following[0].startswith("?state=live&limit=2&cursor=")
        page = look(client, f"{PATH}{following[0]}")
    assert sorted(found) == [f"live{number}" for number in range(5)]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("", "No session yet."),
        ("?state=broken", "Nothing is broken: no session has an alert that fires."),
        ("?stream=stopped", "No stream is stopped"),
        ("?state=lost", "No session is lost now."),
        ("?channel=nowhere", "No session is like that."),
    ],
)
def test_an_empty_list_says_what_that_means(client: FlaskClient, query: str, said: str) -> None:
    assert said in look(client, f"{PATH}{query}").text


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("?since=yesterday", "'yesterday': a time by RFC 3339"),
        ("?state=up", "state: 'up': known are"),
        ("?colour=red", "colour: unknown parameter"),
        ("?limit=0", "limit: '0': a whole number"),
        ("?cursor=x", "cursor: cursor is not one"),
        ("?state=live&state=lost", "state: given 2 times"),
    ],
)
def test_a_mistake_in_the_address_is_told_on_the_page(scene: Scene, client: FlaskClient, query: str, said: str) -> None:
    scene.run(1)
    page = look(client, f"{PATH}{query}")
    assert said in page.text
    assert shown(page) == []


def test_the_form_shows_what_is_asked_for(client: FlaskClient) -> None:
    page = look(client, f"{PATH}?channel=lobby&since=2025-11-24T16:00:05Z&state=live&limit=7")
    fields = page.form(PATH).fields
    wanted = {"channel": "lobby", "since": "2025-11-24T16:00:05", "state": "live", "limit": "7"}
    assert {name: fields[name] for name in wanted} == wanted


def test_what_a_form_leaves_empty_does_not_stay_in_the_address(client: FlaskClient) -> None:
    answer = client.get(f"{PATH}?state=live&channel=&stream=&since=")
    assert (answer.status_code, answer.location) == (303, f"{PATH}?state=live")
    assert client.get(f"{PATH}?channel=").location == PATH


def test_the_same_question_to_the_status_api_is_linked(client: FlaskClient) -> None:
    page = look(client, f"{PATH}?state=broken&channel=lobby&since=2025-11-24T16:00")
    (twin,) = [href for href, words in page.links.items() if words == "JSON"]
    assert client.get(twin).status_code == 200
    assert "alerting=true" in twin


def test_names_from_outside_are_only_text(rig: Rig, client: FlaskClient) -> None:
    rig.append(started(HOSTILE, cname=HOSTILE))
    rig.drain()
    html = client.get(PATH, query_string={"channel": HOSTILE, HOSTILE: HOSTILE}).get_data(as_text=True)
    assert HOSTILE in Reading(html).text
    assert HOSTILE in Reading(client.get(PATH).get_data(as_text=True)).text
    assert "<img" not in html


def test_it_costs_two_round_trips(scene: Scene, settings: Settings) -> None:
    scene.run(30)
    counting: Any = Counting(connection_pool=scene.rig.redis.connection_pool)
    client = unserved.create(settings, counting).test_client()
    client.get(PATH)
    before = counting.trips
    client.get(f"{PATH}?state=live&channel=lesson-3")
    assert counting.trips - before == 2

"""Search: straight to what has exactly the name, else a page that says where else to look."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from tests.routes.dashboard.reading import Reading, look
from tests.store.build import joined, started
from tests.store.rig import Rig

HOSTILE = "<img src=x onerror=alert(1)></script>"


def find(client: FlaskClient, name: str) -> str | None:
    """Where the browser is sent; None where it is shown a page."""
    answer = client.get("/ops/search", query_string={"for": name})
    assert answer.status_code == (303 if answer.location else 200)
    return answer.location


@pytest.fixture
def filled(rig: Rig) -> Rig:
    rig.append(started("s1", cname="lobby"), joined(7, "room 1"))
    rig.drain()
    return rig


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("s1", "/ops/sessions/s1"),
        ("  s1 ", "/ops/sessions/s1"),
        ("40:s1", "/ops/notifications?noticeId=40%3As1"),
        ("lobby", "/ops/sessions?channel=lobby"),
        ("room 1", "/ops/sessions?channel=room+1"),
        ("rtc:default:room%201", "/ops/sessions/rtc%3Adefault%3Aroom%25201"),
        ("rtc:default:room 1", "/ops/sessions/rtc%3Adefault%3Aroom%25201"),
    ],
)
def test_what_has_exactly_the_name_is_shown(filled: Rig, client: FlaskClient, name: str, place: str) -> None:
    assert find(client, name) == place
    assert client.get(place).status_code == 200


@pytest.mark.parametrize("name", ["nobody", "S1", "lob", HOSTILE, "x" * 5000, "\x00\x1f", "rtc:", "%", "\u202e"])
def test_what_nothing_is_called_leads_to_suggestions(filled: Rig, client: FlaskClient, name: str) -> None:
    assert find(client, name) is None
    page = Reading.of(client.get("/ops/search", query_string={"for": name}))
    assert "Nothing is called exactly" in page.text
    places = {href.partition("=")[0] for href in page.links}
    assert {"/ops/notifications?uid", "/ops/sessions?channel"} <= places


def test_the_name_is_only_text(client: FlaskClient) -> None:
    html = client.get("/ops/search", query_string={"for": HOSTILE}).get_data(as_text=True)
    assert HOSTILE in Reading(html).text
    assert "<img" not in html


def test_a_name_of_several_things_lists_them(rig: Rig, client: FlaskClient) -> None:
    rig.append(started("twice", cname="twice", notice_id="twice"))
    rig.drain()
    assert find(client, "twice") is None
    page = look(client, "/ops/search?for=twice")
    assert "Several things are called" in page.text
    assert {"/ops/sessions/twice", "/ops/sessions?channel=twice", "/ops/notifications?noticeId=twice"} <= (
        page.links.keys()
    )


@pytest.mark.parametrize("query", ["", "?for=", "?for=%20", "?other=1"])
def test_without_a_name_it_says_what_can_be_looked_for(client: FlaskClient, query: str) -> None:
    assert "Nothing was looked for." in look(client, f"/ops/search{query}").text

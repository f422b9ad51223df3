"""The pages about alerts and silences: what they say, and that taking, giving back, silencing and ending work."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.routes.dashboard.reading import Reading, look, send
from tests.routes.dashboard.test_overview_page import Scene, firing, scene

__all__ = ["scene"]
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def alert(scene: Scene, client: FlaskClient) -> dict[str, Any]:
    """One that fires, about the recording s1 in the channel lobby."""
    scene.fail(cname="lobby")
    (found,) = firing(client)
    return found


def test_with_nothing_firing_the_list_says_what_was_last(client: FlaskClient) -> None:
    assert "Nothing is firing." in look(client, "/ops/alerts").text


def test_what_fires_is_listed_with_links_to_it_and_its_session(alert: dict[str, Any], client: FlaskClient) -> None:
    page = look(client, "/ops/alerts")
    assert page.links[f"/ops/alerts/{alert['id']}"] == alert["summary"]
    assert page.links["/ops/sessions/s1"] == "lobby"


@pytest.mark.parametrize(("state", "shown"), [("acknowledged", False), ("silenced", False), ("resolved", False)])
def test_a_tab_shows_only_what_belongs_there(
    alert: dict[str, Any], client: FlaskClient, state: str, shown: bool
) -> None:
    assert (f"/ops/alerts/{alert['id']}" in look(client, f"/ops/alerts?state={state}").links) is shown


def test_whoever_takes_an_alert_is_named_and_it_never_hides(alert: dict[str, Any], client: FlaskClient) -> None:
    path = f"/ops/alerts/{alert['id']}"
    answer = send(client, look(client, path).form(f"{path}/ack"), note="on it")
    assert (answer.status_code, answer.headers["Location"]) == (303, path)
    page = look(client, path)
    assert "You have it" in page.text
    assert "local has it" in page.text
    assert "on it" in page.text
    assert path in look(client, "/ops/alerts").links
    assert path in look(client, "/ops/alerts?state=acknowledged").links
    assert send(client, page.form(f"{path}/take-back")).status_code == 303
    assert firing(client)[0]["acknowledged"] is None


def test_an_alert_tells_what_to_do_and_who_was_told(alert: dict[str, Any], client: FlaskClient) -> None:
    text = look(client, f"/ops/alerts/{alert['id']}").text
    assert alert["action"] in text
    assert "Nobody was told of it" in text


def test_an_alert_that_is_not_there_is_told_in_the_dress_of_the_pages(client: FlaskClient) -> None:
    answer = client.get("/ops/alerts/0-0123456789abcdef-1")
    assert answer.status_code == 404
    assert "No such alert" in Reading.of(answer).text


def test_a_mistake_in_the_address_is_told_beside_what_is_right(client: FlaskClient) -> None:
    assert "known are info, warning, critical" in look(client, "/ops/alerts?severity=loud").text


def test_a_silence_is_tried_out_then_made_then_ended(alert: dict[str, Any], client: FlaskClient) -> None:
    form = look(client, f"/ops/silences/new?alert={alert['id']}").form("/ops/silences")
    assert 'channel="lobby"' in form.fields["matchers"]
    previewed = send(client, form, do="preview")
    assert (previewed.status_code, "It mutes 1 firing alert now" in Reading.of(previewed).text) == (200, True)
    assert client.get("/api/v1/silences").json["items"] == []
    made = send(client, form, do="create", reason="maintenance")
    assert made.status_code == 303
    page = look(client, "/ops/silences")
    assert "1 firing alert is quiet now" in page.text
    assert f"/ops/alerts/{alert['id']}" in look(client, "/ops/alerts?state=silenced").links
    (silence,) = client.get("/api/v1/silences").json["items"]
    assert send(client, page.form(f"/ops/silences/{silence['id']}/expire")).status_code == 303
    assert client.get("/api/v1/silences").json["items"][0]["state"] == "expired"


def test_what_was_typed_is_kept_when_something_is_missing(client: FlaskClient) -> None:
    form = look(client, "/ops/silences/new").form("/ops/silences")
    answer = send(client, form, do="create", matchers='channel="lobby"', reason="")
    assert answer.status_code == 400
    assert "why" in Reading.of(answer).text
    assert 'channel="lobby"' in Reading.of(answer).text


def test_to_mute_everything_it_takes_a_second_look(client: FlaskClient) -> None:
    form = look(client, "/ops/silences/new").form("/ops/silences")
    everything = {"do": "create", "matchers": "channel=~.*", "reason": "night"}
    refused = send(client, form, **everything)
    assert (refused.status_code, "Mute everything all the same" in Reading.of(refused).text) == (422, True)
    assert send(client, form, **everything, force="true").status_code == 303


@pytest.mark.parametrize("path", ["/ops/alerts", "/ops/alerts/{id}", "/ops/silences/new?alert={id}"])
def test_names_from_outside_are_only_text(scene: Scene, client: FlaskClient, path: str) -> None:
    scene.fail(cname=HOSTILE)
    html = client.get(path.format(id=firing(client)[0]["id"])).get_data(as_text=True)
    assert "<img" not in html
    assert HOSTILE in Reading(html).text


def test_without_the_key_of_its_forms_nothing_is_done(alert: dict[str, Any], client: FlaskClient) -> None:
    assert client.post(f"/ops/alerts/{alert['id']}/ack").status_code == 403
    assert firing(client)[0]["acknowledged"] is None

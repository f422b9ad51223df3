"""Silences: the form that is filled in for an alert, what it would mute, the list, and ending one."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from werkzeug.test import TestResponse

from tests.routes.dashboard.reading import Form, Reading, look, send
from tests.routes.dashboard.signed import OPERATOR, READER, browser
from tests.store.alerting import HOUR_MS, Alerted, alert
from webhook.store.connection import server_now_ms
from webhook.views.times import parse_rfc3339

SHARDS = 2
PATH = "/ops/silences"
NEW = f"{PATH}/new"
HOSTILE = "<img src=x onerror=alert(1)></script>"
WHY = {"reason": "encoder exchange"}
EVERYTHING = {"matchers": "channel=~.*", **WHY}


@pytest.fixture
def alerted(redis: Redis) -> Alerted:
    return Alerted(redis, SHARDS)


@pytest.fixture
def three(alerted: Alerted) -> list[str]:
    """Three that fire in the lobby; another fires elsewhere."""
    alerted.add(session="s9", channel="attic")
    return [alerted.add(alert(uid=uid), f"s{uid}") for uid in ("1", "2", "3")]


def form(client: FlaskClient, name: str | None = None) -> Form:
    return look(client, f"{NEW}?alert={name}" if name else NEW).form(PATH)


def silences(client: FlaskClient) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = client.get("/api/v1/silences").json["items"]
    return items


def deeds(client: FlaskClient) -> list[tuple[str, str, str | None]]:
    items = client.get("/api/v1/audit").json["items"]
    return [(each["by"], each["action"], each["reason"]) for each in items]


def refused(answer: TestResponse, status: int = 400) -> Reading:
    """The form again."""
    assert answer.status_code == status, answer.get_data(as_text=True)
    return Reading.of(answer)


def test_the_form_is_filled_in_with_what_is_most_likely_meant(client: FlaskClient, three: list[str]) -> None:
    fields = form(client, three[0]).fields
    assert fields["matchers"].split() == ['rule="video_stopped"', 'channel="lobby"', 'uid="1"']
    assert (fields["length"], fields["reason"]) == ("1h", "")


def test_without_an_alert_the_form_is_empty(client: FlaskClient) -> None:
    assert form(client).fields["matchers"].strip() == ""


def test_an_alert_that_is_not_there_costs_nobody_the_form(client: FlaskClient) -> None:
    page = refused(client.get(f"{NEW}?alert=0-0123456789abcdef-1"), 404)
    assert "No such alert" in page.text
    assert page.form(PATH)


def test_the_preview_says_what_would_be_muted_and_mutes_nothing(client: FlaskClient, three: list[str]) -> None:
    answer = send(client, form(client, three[0]), do="preview", matchers="channel=lobby", **WHY)
    page = Reading.of(answer)
    assert (answer.status_code, silences(client), deeds(client)) == (200, [], [])
    assert "mutes 3 firing alerts now" in page.text
    assert {f"/ops/alerts/{name}" for name in three} <= page.links.keys()
    assert page.form(PATH).fields["matchers"].strip() == "channel=lobby"
    assert page.form(PATH).fields["reason"] == "encoder exchange"


def test_a_preview_needs_no_reason_yet(client: FlaskClient, three: list[str]) -> None:
    answer = send(client, form(client, three[0]), do="preview")
    assert "mutes 1 firing alert now" in Reading.of(answer).text


def test_where_nothing_fits_the_preview_says_so(client: FlaskClient, three: list[str]) -> None:
    answer = send(client, form(client), do="preview", matchers="channel=nowhere")
    assert "Nothing that fires fits" in Reading.of(answer).text


@pytest.mark.parametrize(
    ("length", "custom", "seconds"),
    [("15m", "", 900), ("1h", "", 3600), ("4h", "9d", 14_400), ("custom", " 90m ", 5400), ("custom", "2d", 172_800)],
)
def test_it_lasts_as_long_as_was_chosen(
    client: FlaskClient, three: list[str], length: str, custom: str, seconds: int
) -> None:
    answer = send(client, form(client, three[0]), do="create", length=length, custom=custom, **WHY)
    (made,) = silences(client)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{PATH}#{made['id']}")
    assert parse_rfc3339(made["endsAt"]) - parse_rfc3339(made["startsAt"]) == seconds * 1000
    assert deeds(client) == [("local", "silence", "encoder exchange")]
    assert "1 firing alert is quiet now" in look(client, PATH).text


def test_until_the_session_ends_names_the_session_of_the_alert(client: FlaskClient, three: list[str]) -> None:
    send(client, form(client, three[0]), do="create", length="session_end", **WHY)
    (made,) = silences(client)
    assert made["until"] == "session_end"
    assert {"label": "session", "op": "=", "value": "s1"} in made["matchers"]


def test_a_preview_until_the_session_ends_shows_the_line_that_it_adds(client: FlaskClient, three: list[str]) -> None:
    page = Reading.of(send(client, form(client, three[0]), do="preview", length="session_end"))
    assert page.form(PATH).fields["matchers"].split()[-1] == 'session="s1"'


def test_a_session_that_somebody_wrote_is_left_as_it_is(client: FlaskClient, three: list[str]) -> None:
    send(client, form(client, three[0]), do="create", matchers="session=s2", length="session_end", **WHY)
    assert [matcher["value"] for matcher in silences(client)[0]["matchers"]] == ["s2"]


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"matchers": "channel=lobby\n\nnonsense"}, "Line 3: 'nonsense' is no matcher"),
        ({"matchers": "channel=lobby\nrule=~("}, "Line 2: '(' is no pattern"),
        ({"matchers": ""}, "This has 0 matchers"),
        ({"length": "custom", "custom": "soon"}, "a duration is a number"),
        ({"length": "custom", "custom": ""}, "a duration is a number"),
        ({"length": "session_end"}, "which session is not said"),
        ({"length": ""}, "a duration is a number"),
        ({"reason": " "}, "The reason is missing"),
        ({"reason": "x" * 501}, "The reason has 501 characters"),
    ],
    ids=str,
)
def test_a_mistake_is_told_at_its_field_and_nothing_typed_is_lost(
    client: FlaskClient, typed: dict[str, str], told: str
) -> None:
    sent = {"matchers": "channel=lobby", "length": "4h", "custom": "3h", **WHY} | typed
    page = refused(send(client, form(client), do="create", **sent))
    assert told in page.text
    kept = page.form(PATH).fields
    assert (kept["matchers"].strip(), kept["custom"], kept["reason"]) == (
        sent["matchers"].strip(),
        sent["custom"],
        sent["reason"],
    )
    assert kept.get("length", "") == sent["length"]
    assert (silences(client), deeds(client)) == ([], [])


def test_muting_everything_asks_again_with_its_number(client: FlaskClient, three: list[str]) -> None:
    page = refused(send(client, form(client), do="create", **EVERYTHING), 422)
    assert "it mutes all 4 that fire now" in page.text
    assert "Mute everything all the same: 4 alerts fire now" in page.text
    assert "force" not in page.form(PATH).fields
    assert silences(client) == []
    assert send(client, page.form(PATH), do="create", force="true").status_code == 303
    assert silences(client)[0]["mutes"] == 4


def test_the_list_says_what_is_muted_why_by_whom_and_until_when(client: FlaskClient, alerted: Alerted) -> None:
    alerted.add(), alerted.add(alert("failover"))
    alerted.silence("q1", 'rule=~"video.*"', "channel=lobby")
    page = look(client, PATH)
    assert 'active rule=~"video.*" channel="lobby" maintenance ann, 1 h ago' in page.text
    assert page.links["/ops/alerts?state=firing&silencedBy=q1"] == "1"
    shown = look(client, "/ops/alerts?state=firing&silencedBy=q1")
    assert [link for link in shown.links if link.startswith("/ops/alerts/")] == [
        f"/ops/alerts/{client.get('/api/v1/alerts?rule=video_stopped').json['items'][0]['id']}"
    ]


@pytest.fixture
def one_of_each(alerted: Alerted, redis: Redis) -> None:
    alerted.silence("s-active", "channel=lobby", created_ms=1)
    alerted.silence("s-pending", "channel=lobby", starts_ms=server_now_ms(redis) + HOUR_MS, ends_in_ms=2 * HOUR_MS)
    alerted.silence("s-expired", "channel=lobby", ends_in_ms=-1)


@pytest.mark.usefixtures("one_of_each")
@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", ["active", "pending", "expired"]),
        ("?state=active", ["active"]),
        ("?state=pending", ["pending"]),
        ("?state=expired", ["expired"]),
    ],
)
def test_each_state_has_its_list_and_what_is_in_force_comes_first(
    client: FlaskClient, query: str, shown: list[str]
) -> None:
    html = client.get(f"{PATH}{query}").get_data(as_text=True)
    places = {name: html.find(f'id="s-{name}"') for name in ("active", "pending", "expired")}
    assert sorted((name for name in places if places[name] >= 0), key=lambda name: places[name]) == shown


@pytest.mark.usefixtures("one_of_each")
def test_tabs_count_and_only_what_is_not_over_can_be_ended(client: FlaskClient) -> None:
    page = look(client, PATH)
    assert "Active 1 Pending 1 Expired 1" in page.text
    ends = {form.action for form in page.forms if form.method == "post"}
    assert ends == {f"{PATH}/s-active/expire", f"{PATH}/s-pending/expire"}


def test_one_is_ended_now(client: FlaskClient, alerted: Alerted) -> None:
    alerted.add()
    alerted.silence("q1", "channel=lobby")
    answer = send(client, look(client, f"{PATH}?state=active").form(f"{PATH}/q1/expire"))
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{PATH}?state=active")
    page = look(client, f"{PATH}?state=active")
    assert "q1 has ended" in page.text
    assert "No silence is active" in page.text
    assert silences(client)[0]["state"] == "expired"
    assert deeds(client) == [("local", "expire silence", None)]


def test_one_that_is_not_there_is_told_in_the_dress_of_the_pages(client: FlaskClient, alerted: Alerted) -> None:
    alerted.silence("q1", "channel=lobby")
    ends = look(client, PATH).form(f"{PATH}/q1/expire")
    ends.action = f"{PATH}/nobody/expire"
    assert "No such silence" in refused(send(client, ends), 404).text


@pytest.mark.parametrize("query", ["?state=loud", "?cursor=x", "?colour=red"])
def test_a_mistake_in_the_address_costs_nobody_the_page(client: FlaskClient, query: str) -> None:
    assert "Nothing is listed until the address is mended" in look(client, f"{PATH}{query}").text


def test_without_silences_it_says_that_this_is_good(client: FlaskClient) -> None:
    assert "Nothing is silenced: everybody is told of everything" in look(client, PATH).text


def test_readers_see_silences_and_can_neither_make_nor_end_any(guarded: Flask, alerted: Alerted) -> None:
    alerted.silence("q1", "channel=lobby")
    ann = browser(guarded, READER)
    page = look(ann, PATH)
    assert "maintenance" in page.text
    assert {form.action for form in page.forms if form.method == "post"} == {"/ops/sign-out"}
    assert NEW not in page.links
    assert ann.get(NEW).status_code == 403
    key = page.form("/ops/sign-out").fields
    assert ann.post(f"{PATH}/q1/expire", data=key).status_code == 403
    assert ann.post(PATH, data=key | EVERYTHING | {"do": "create", "length": "1h", "force": "true"}).status_code == 403
    assert [each["state"] for each in silences(ann)] == ["active"]


def test_forms_of_nobody_and_looking_change_nothing(guarded: Flask, alerted: Alerted) -> None:
    alerted.silence("q1", "channel=lobby")
    bob = browser(guarded, OPERATOR)
    sent = {"do": "create", "length": "1h", "matchers": "channel=lobby", **WHY}
    assert bob.post(PATH, data=sent).status_code == 403
    assert bob.post(f"{PATH}/q1/expire").status_code == 403
    assert bob.get(f"{PATH}/q1/expire").status_code == 405
    bob.get(PATH, query_string=sent), bob.get(NEW, query_string=sent)
    assert ([each["id"] for each in silences(bob)], deeds(bob)) == (["q1"], [])
    assert send(bob, form(bob), **sent).status_code == 303
    assert deeds(bob) == [("bob", "silence", "encoder exchange")]


def test_names_from_outside_are_only_text(client: FlaskClient, alerted: Alerted) -> None:
    name = alerted.add(alert(uid=HOSTILE, summary=HOSTILE), HOSTILE, HOSTILE)
    alerted.silence("q1", f"channel={HOSTILE}", reason=HOSTILE, by=HOSTILE)
    filled = form(client, name)
    pages = [
        client.get(f"{NEW}?alert={name}"),
        client.get(PATH),
        send(client, filled, do="preview"),
        send(client, filled, do="create", matchers=HOSTILE, custom=HOSTILE, reason=HOSTILE, session=HOSTILE),
    ]
    for answer in pages:
        html = answer.get_data(as_text=True)
        assert HOSTILE in Reading(html).text
        assert "<img" not in html
        assert html.count("</script>") == html.count("<script ")

"""Dead letters: grouped by what went wrong, opened, replayed and discarded by operators, and who did that."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests import unserved
from tests.routes.dashboard.counting import Counting
from tests.routes.dashboard.reading import Reading, look, send
from tests.routes.paging import get
from tests.routes.test_dead_letters import idle, unread, working
from tests.store.build import poison, started
from tests.store.rig import Rig
from webhook.settings import Settings

__all__ = ["idle", "working"]
PATH = "/ops/dead-letters"
CHOSEN, ALL, DISCARD = f"{PATH}/replay-chosen", f"{PATH}/replay", f"{PATH}/discard"
TIMES = "\N{MULTIPLICATION SIGN}"
REASON = "a test of ours"


def letters(client: FlaskClient) -> dict[str, str]:
    """The id of each dead letter, by its noticeId."""
    return {item["noticeId"]: item["id"] for item in get(client, "/dead-letters")["items"]}


def deeds(client: FlaskClient) -> list[tuple[str, str | None]]:
    """What was done and why, the last first."""
    return [(deed["action"], deed["reason"]) for deed in get(client, "/audit")["items"]]


def poisoned(rig: Rig, *names: str) -> None:
    """So many that stay dead letters whoever replays them."""
    rig.append(*(poison(name, cname=name) for name in names))
    rig.drain()


def sent(client: FlaskClient, path: str, **fields: Any) -> TestResponse:
    """What a form of the page answers that goes to `path`; its key and its way back stand in each alike."""
    kept = look(client, PATH).form(CHOSEN).fields
    return client.post(path, data={name: kept[name] for name in ("form_key", "back")} | fields)


def test_without_any_it_says_that_this_is_good(client: FlaskClient) -> None:
    page = look(client, PATH)
    assert "No dead letters. Whatever was received could be processed." in page.text
    assert ALL not in page.links


def test_without_any_more_it_says_since_when(working: Rig, client: FlaskClient) -> None:
    poisoned(working, "s1")
    sent(client, DISCARD, id=letters(client)["poison:s1"], reason=REASON)
    assert "No dead letters. Whatever was received could be processed, or was dealt with: the last deed was" in (
        look(client, PATH).text
    )


def test_those_that_failed_alike_stand_together(rig: Rig, client: FlaskClient) -> None:
    rig.append(poison("s1"), b"[1]", poison("s2"), b"{1", b"{{{{12")
    rig.drain()
    text = look(client, PATH).text
    assert text.count(f"2 {TIMES} ") == 2
    assert f"2 {TIMES} details.streamUid is None, not a name, last" in text
    assert f"1 {TIMES} a JSON list where an object belongs, last" in text


def test_a_row_says_what_it_is(rig: Rig, client: FlaskClient) -> None:
    rig.append(poison(), poison(notice_id="redundant"))
    rig.drain()
    page = look(client, PATH)
    assert page.links["/ops/sessions/s1"] == "lobby"
    assert "poison:s1 44 recorder video stream state changed 2 copies lobby" in page.text
    assert "dead letter details.streamUid is None, not a name" in page.text


def test_its_payload_is_opened_by_the_address(rig: Rig, client: FlaskClient) -> None:
    poisoned(rig, "s1")
    assert '"noticeId"' not in look(client, PATH).text
    assert '"noticeId": "poison:s1"' in look(client, f"{PATH}?open={letters(client)['poison:s1']}").text


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("?kind=quarantine", 1),
        ("?kind=dead_letter", 2),
        ("?session=s1", 1),
        ("?type=44&product=cloud_recording", 2),
        ("?until=1990-01-01T00:00:00Z", 0),
        ("?source=default", 3),
    ],
)
def test_the_address_says_which_are_listed(rig: Rig, client: FlaskClient, query: str, count: int) -> None:
    rig.append(poison("s1"), poison("s2"), b"[]")
    rig.drain()
    page = look(client, f"{PATH}{query}")
    assert len([href for href in page.links if "open=" in href]) == count
    assert (f"Replay {count} dead letter" in page.text) is (count > 0)


@pytest.mark.parametrize("query", ["?type=x", "?kind=x", "?since=x", "?cursor=x", "?colour=red"])
@pytest.mark.parametrize("path", [PATH, ALL])
def test_a_mistake_in_the_address_is_told_on_the_page(rig: Rig, client: FlaskClient, path: str, query: str) -> None:
    poisoned(rig, "s1")
    page = look(client, f"{path}{query}")
    assert "until the address is mended" in page.text
    assert not [form for form in page.forms if form.method == "post"]


def test_one_is_replayed_from_its_row(working: Rig, client: FlaskClient) -> None:
    unread(working, started())
    (name,) = letters(client).values()
    answer = sent(client, f"{PATH}/{name}/replay")
    assert (answer.status_code, answer.location) == (303, PATH)
    page = look(client, PATH)
    assert "Applied: its session has it now." in page.text
    assert "local replay quarantine sha256:" in page.text
    assert get(client, "/sessions/s1")["state"] == "starting"


def test_what_fails_again_says_why(working: Rig, client: FlaskClient) -> None:
    poisoned(working, "s1")
    sent(client, f"{PATH}/{letters(client)['poison:s1']}/replay")
    assert "Failed again: details.streamUid is None, not a name." in look(client, PATH).text
    assert len(letters(client)) == 1


def test_those_that_are_chosen_are_replayed(working: Rig, client: FlaskClient) -> None:
    unread(working, started("s1"), started("s2", cname="hall"))
    names = list(letters(client).values())
    poisoned(working, "s3")
    sent(client, CHOSEN, id=[*names, letters(client)["poison:s3"], names[0]])
    text = look(client, PATH).text
    assert "2 applied: its session has it now; 1 failed again: details.streamUid" in text
    assert len(get(client, "/audit")["items"]) == 3


def test_where_no_worker_answers_the_rest_is_left_alone(idle: Rig, client: FlaskClient) -> None:
    unread(idle, started("s1"), started("s2", cname="hall"), started("s3", cname="cellar"))
    sent(client, CHOSEN, id=list(letters(client).values()))
    text = look(client, PATH).text
    assert "1 pending: no worker has come to it yet" in text or "Pending: no worker has come to it yet" in text
    assert "2 left alone, because no worker answers" in text
    assert len(get(client, "/audit")["items"]) == 1


def test_one_that_is_gone_meanwhile_is_told(working: Rig, client: FlaskClient) -> None:
    poisoned(working, "s1", "s2")
    name = letters(client)["poison:s1"]
    sent(client, DISCARD, id=name, reason=REASON)
    sent(client, f"{PATH}/{name}/replay")
    assert "Gone: it was replayed, discarded or forgotten before." in look(client, PATH).text


def test_nothing_chosen_is_nothing_done(working: Rig, client: FlaskClient) -> None:
    poisoned(working, "s1")
    for path in (CHOSEN, DISCARD):
        sent(client, path)
        assert "Nothing was chosen, so nothing was done." in look(client, PATH).text
    assert deeds(client) == []


def test_all_are_replayed_once_somebody_said_yes_to_their_number(working: Rig, client: FlaskClient) -> None:
    unread(working, *(started(f"s{number}", cname=f"room {number}") for number in range(3)))
    poisoned(working, "bad")
    page = look(client, f"{PATH}?kind=quarantine")
    (href,) = [href for href, words in page.links.items() if words == "Replay 3 dead letters"]
    asked = look(client, href)
    assert "Replay 3 dead letters?" in asked.text
    assert deeds(client) == []
    answer = send(client, asked.form(ALL))
    assert answer.location == f"{PATH}?kind=quarantine"
    assert "3 applied: its session has it now." in look(client, PATH).text
    assert list(letters(client)) == ["poison:bad"]


def test_what_came_since_it_was_asked_is_not_meant(working: Rig, client: FlaskClient) -> None:
    unread(working, started("s1"))
    asked = look(client, ALL)
    unread(working, started("s2", cname="hall"))
    send(client, asked.form(ALL))
    assert len(letters(client)) == 1
    assert [item["id"] for item in get(client, "/sessions")["items"]] == ["s1"]


def test_where_there_are_more_than_a_page_it_says_so(working: Rig, client: FlaskClient) -> None:
    unread(working, *(started(f"s{number}", cname=f"room {number}") for number in range(3)))
    asked = look(client, f"{ALL}?limit=2")
    assert "These are the latest 2; there are more." in asked.text
    send(client, asked.form(ALL))
    assert "There are more of them: replay again for the next." in look(client, PATH).text
    assert len(letters(client)) == 1


def test_one_is_discarded_for_a_reason(working: Rig, client: FlaskClient) -> None:
    poisoned(working, "s1")
    name = letters(client)["poison:s1"]
    page = look(client, f"{PATH}?session=s1")
    (href,) = [href for href in page.links if href.startswith(f"{DISCARD}?id=")]
    asked = look(client, href)
    assert "Discard 1 dead letter?" in asked.text
    assert (list(letters(client).values()), deeds(client)) == ([name], [])
    answer = send(client, asked.form(DISCARD), reason=REASON)
    assert answer.location == f"{PATH}?session=s1"
    page = look(client, PATH)
    assert "Discarded." in page.text
    assert f"local discard dead letter poison:s1 (id {name}) {REASON}" in page.text
    assert letters(client) == {}


def test_those_that_are_chosen_are_discarded_once_the_reason_is_given(working: Rig, client: FlaskClient) -> None:
    poisoned(working, "s1", "s2")
    names = list(letters(client).values())
    asked = sent(client, DISCARD, id=names)
    assert asked.status_code == 200
    assert "Discard 2 dead letters?" in Reading.of(asked).text
    assert deeds(client) == []
    sent(client, DISCARD, id=names, reason=REASON)
    assert "2 discarded." in look(client, PATH).text
    assert deeds(client) == [("discard", REASON)] * 2


@pytest.mark.parametrize(("typed", "said"), [("  ", "has 0 characters"), ("x" * 501, "has 501 characters")])
def test_a_mistaken_reason_is_told_at_its_field(working: Rig, client: FlaskClient, typed: str, said: str) -> None:
    poisoned(working, "s1")
    name = letters(client)["poison:s1"]
    answer = sent(client, DISCARD, id=name, reason=typed)
    assert answer.status_code == 400
    page = Reading.of(answer)
    assert said in page.text
    assert (page.form(DISCARD).fields["id"], page.form(DISCARD).fields["reason"]) == (name, typed)
    assert deeds(client) == []
    assert len(letters(client)) == 1


def test_only_deeds_on_dead_letters_are_told(working: Rig, client: FlaskClient) -> None:
    body = {"matchers": ['channel="x"'], "duration": "1h", "reason": "another matter"}
    assert client.post("/api/v1/silences", json=body).status_code == 201
    assert "another matter" not in look(client, PATH).text


def test_it_costs_three_round_trips(rig: Rig, settings: Settings) -> None:
    poisoned(rig, *(f"s{number}" for number in range(20)))
    counting: Any = Counting(connection_pool=rig.redis.connection_pool)
    client = unserved.create(settings, counting).test_client()
    client.get(PATH)
    before = counting.trips
    client.get(f"{PATH}?kind=dead_letter")
    assert counting.trips - before == 3  # two pipelines, and the audit list

"""Who may do what to dead letters, by which forms; and that looking, and names from outside, do nothing."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.routes.dashboard.reading import Reading, look
from tests.routes.dashboard.signed import OPERATOR, READER, browser
from tests.routes.dashboard.test_dead_letters_page import (
    ALL,
    CHOSEN,
    DISCARD,
    PATH,
    REASON,
    deeds,
    letters,
    poisoned,
    sent,
    working,
)
from tests.store.build import poison, video
from tests.store.rig import Rig

__all__ = ["working"]
HOSTILE = "<img src=x onerror=alert(1)></script>"
FORMS = [CHOSEN, ALL, DISCARD, f"{PATH}/{{id}}/replay"]


@pytest.mark.parametrize("path", FORMS)
def test_a_reader_sees_no_button_and_may_change_nothing(guarded: Flask, rig: Rig, path: str) -> None:
    poisoned(rig, "s1")
    client = browser(guarded, READER)
    (name,) = letters(client).values()
    page = look(client, PATH)
    assert "Replay" not in page.text
    assert not [href for href in page.links if DISCARD in href or ALL in href]
    fields = page.form("/ops/sign-out").fields | {"id": name, "reason": REASON}
    assert client.post(path.format(id=name), data=fields).status_code == 403
    assert (letters(client), deeds(client)) == ({"poison:s1": name}, [])


@pytest.mark.parametrize("path", [ALL, f"{DISCARD}?id=x"])
def test_a_reader_is_not_asked_either(guarded: Flask, path: str) -> None:
    assert browser(guarded, READER).get(path).status_code == 403
    assert browser(guarded, OPERATOR).get(path).status_code == 200


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize("key", [None, "", "0" * 32])
def test_only_forms_of_this_browser_change_anything(working: Rig, client: FlaskClient, path: str, key: str) -> None:
    poisoned(working, "s1")
    (name,) = letters(client).values()
    fields = {"id": name, "reason": REASON} | ({} if key is None else {"form_key": key})
    assert client.post(path.format(id=name), data=fields).status_code == 403
    assert (letters(client), deeds(client)) == ({"poison:s1": name}, [])


@pytest.mark.parametrize("path", [PATH, ALL, f"{DISCARD}?id={{id}}&reason=x", f"{PATH}?open={{id}}"])
def test_looking_changes_nothing(working: Rig, client: FlaskClient, path: str) -> None:
    poisoned(working, "s1")
    (name,) = letters(client).values()
    client.get(path.format(id=name))
    assert client.get(f"{PATH}/{name}/replay").status_code in (404, 405)
    assert (letters(client), deeds(client)) == ({"poison:s1": name}, [])
    assert working.redis.xlen(working.keys_of(poison("s1", cname="s1")).inbox) == 0


def test_a_reader_sees_no_body_that_nothing_could_mask(guarded: Flask, rig: Rig) -> None:
    rig.append(b'["a secret of somebody"]')
    rig.drain()
    seen = {}
    for token in (READER, OPERATOR):
        client = browser(guarded, token)
        (name,) = letters(client).values()
        seen[token] = look(client, f"{PATH}?open={name}").text
    assert "a secret of somebody" not in seen[READER]
    assert "shown to operators only" in seen[READER]
    assert "a secret of somebody" in seen[OPERATOR]


def test_names_from_outside_are_only_text(working: Rig, client: FlaskClient) -> None:
    working.append(poison(HOSTILE, cname=HOSTILE, notice_id=HOSTILE), HOSTILE.encode(), video(0, stream=HOSTILE))
    working.drain()
    name = letters(client)[HOSTILE]
    sent(client, f"{PATH}/{name}/replay")
    for path in (PATH, f"{PATH}?open={name}", f"{PATH}?session={HOSTILE}", ALL, f"{DISCARD}?id={name}&id={HOSTILE}"):
        html = client.get(path).get_data(as_text=True)
        assert "<img" not in html
    assert HOSTILE in Reading(client.get(PATH).get_data(as_text=True)).text


def test_a_way_back_leads_nowhere_else(working: Rig, client: FlaskClient) -> None:
    poisoned(working, "s1")
    page = look(client, f"{DISCARD}?id={letters(client)['poison:s1']}&back=https://example.org/ops/")
    assert page.form(DISCARD).fields["back"] == "/ops/"

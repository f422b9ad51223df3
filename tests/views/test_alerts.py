"""Alerts as the API shows them, from values alone."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.store.alerting import FIRING, PENDING, RESOLVED, alert
from tests.store.build import AT_MS
from webhook.domain.alerting.alerts import Alert, Resolution
from webhook.domain.alerting.delivery import Note, Result
from webhook.domain.alerting.dossier import SELF, VERSION, Dossier, Watched
from webhook.domain.alerting.telling import Ack
from webhook.store.known_alerts import Delivery, FoundAlert, KnownAlert
from webhook.views.alerts import alert_view

LABELS = {"product": "rtc", "project": "default", "channel": "lobby", "session": "s1", "source": "default"}
CONTRACT = {
    *("id", "rule", "severity", "state", "resolution", "labels", "summary", "meaning", "action", "startedAt"),
    *("firedAt", "resolvedAt", "acknowledged", "silencedBy", "deliveries"),
}


def shown(told: Alert, labels: dict[str, str] = LABELS, session: str = "s1", **known: Any) -> dict[str, Any]:
    found = FoundAlert(2, Dossier(VERSION, session, labels), Watched(told))
    return alert_view(KnownAlert(found, **{"ack": None, "silenced_by": (), "deliveries": ()} | known))


@pytest.mark.parametrize("state", [PENDING, FIRING, RESOLVED])
def test_every_member_of_the_contract_is_there_in_every_state(state: Any) -> None:
    view = shown(alert(state=state))
    assert view.keys() >= CONTRACT
    assert view["labels"].keys() >= {"product", "project", "channel", "session", "uid", "track", "source"}
    assert (view["state"], view["startedAt"]) == (state.value, "2025-11-24T16:00:00.000Z")


def test_what_has_not_happened_is_null() -> None:
    view = shown(alert(state=PENDING))
    nothing = ("resolution", "firedAt", "resolvedAt", "acknowledged")
    assert {name: view[name] for name in nothing} == dict.fromkeys(nothing)
    assert (view["silencedBy"], view["deliveries"]) == ([], [])


def test_times_are_those_of_its_life() -> None:
    view = shown(alert(state=RESOLVED, resolution=Resolution.RETRACTED))
    assert (view["firedAt"], view["resolvedAt"]) == ("2025-11-24T16:00:10.000Z", "2025-11-24T16:01:00.000Z")
    assert view["resolution"] == "retracted"


def test_its_id_names_shard_and_episode() -> None:
    shard, fingerprint, episode = shown(alert(episode=4))["id"].split("-")
    assert (shard, len(fingerprint), episode) == ("2", 16, "4")


@pytest.mark.parametrize(("until_ms", "flapping"), [(None, False), (AT_MS, True)])
def test_it_says_that_it_flaps(until_ms: int | None, flapping: bool) -> None:
    assert shown(alert(flapping_until_ms=until_ms))["flapping"] is flapping


def test_who_has_it_is_told_with_the_time_and_the_note() -> None:
    told = {"by": "ann", "at": "2025-11-24T16:00:00.000Z", "note": None}
    assert shown(alert(), ack=Ack("ann", AT_MS))["acknowledged"] == told
    assert shown(alert(), ack=Ack("ann", AT_MS, "on it"))["acknowledged"] == told | {"note": "on it"}


def test_deliveries_are_told_with_their_errors() -> None:
    delivery = Delivery("mail", "repeat", Note(AT_MS, "again", Result.FAILED, 2, "timed out"))
    assert shown(alert(), deliveries=(delivery,))["deliveries"] == [
        {
            "sink": "mail",
            "at": "2025-11-24T16:00:00.000Z",
            "transition": "repeat",
            "reason": "again",
            "result": "failed",
            "attempt": 2,
            "error": "timed out",
        }
    ]


def test_vigils_own_have_neither_channel_nor_session() -> None:
    own = dict.fromkeys(("project", "channel", "session", "source"), "") | {"product": "vigil"}
    labels = shown(alert("inbox_backlog", uid=""), own, SELF)["labels"]
    assert (labels["product"], labels["channel"], labels["session"]) == ("vigil", "", "")


def test_names_from_the_wire_are_text_and_nothing_else() -> None:
    evil = "<img src=x onerror=alert(1)>\x1b[2J\u202e"
    view = shown(alert(uid=evil, summary=evil, meaning=evil), LABELS | {"channel": evil})
    again = msgspec.json.decode(msgspec.json.encode(view))
    assert [again["labels"]["uid"], again["labels"]["channel"], again["summary"], again["meaning"]] == [evil] * 4

"""What is meant by silencing an alert, and what its page shows beside the item of the status API."""

from __future__ import annotations

from typing import Any

import pytest

from tests.store.alerting import RESOLVED, alert
from tests.store.build import AT_MS
from webhook.domain.alerting.alerts import Alert
from webhook.domain.alerting.dossier import VERSION, Dossier, Watched
from webhook.domain.alerting.matchers import LONGEST, parse_matcher
from webhook.domain.alerting.silences import Silence
from webhook.store.alerts import FullAlert
from webhook.store.known_alerts import FoundAlert, KnownAlert
from webhook.views.alert_page import alert_page, meant

LABELS = {"rule": "video_stopped", "project": "default", "channel": "lobby", "session": "s1", "uid": "7"}


def full(told: Alert, *silences: Silence, session: str = "s/1") -> FullAlert:
    dossier = Dossier(VERSION, session, {"project": "default", "channel": "lobby", "session": session})
    return FullAlert(KnownAlert(FoundAlert(0, dossier, Watched(told)), None, (), ()), silences)


@pytest.mark.parametrize(
    ("changes", "projects", "expected"),
    [
        ({}, ["default"], ['rule="video_stopped"', 'channel="lobby"', 'uid="7"']),
        ({"uid": ""}, ["default"], ['rule="video_stopped"', 'channel="lobby"']),
        ({"uid": ""}, ["a", "b"], ['rule="video_stopped"', 'project="default"', 'channel="lobby"']),
        ({"uid": "", "channel": ""}, ["default"], ['rule="video_stopped"', 'session="s1"']),
        ({"uid": "", "channel": "", "session": ""}, ["default"], ['rule="video_stopped"']),
        ({"uid": "", "channel": "a\nb"}, ["default"], ['rule="video_stopped"', 'session="s1"']),
        ({"uid": "", "channel": "x" * (LONGEST + 1)}, ["default"], ['rule="video_stopped"', 'session="s1"']),
    ],
    ids=str,
)
def test_what_is_meant_is_the_rule_in_its_channel_of_its_user(
    changes: dict[str, str], projects: list[str], expected: list[str]
) -> None:
    assert meant(LABELS | changes, projects).split("\n") == expected


@pytest.mark.parametrize("name", ['say "hi"', "back\\slash", "=~", " edge ", "Q&A: <live>", "\\d+"])
def test_each_line_is_read_as_the_value_that_it_was_made_of(name: str) -> None:
    _, line = meant(LABELS | {"channel": name, "uid": ""}, ["default"]).split("\n")
    assert parse_matcher(line).value == name


@pytest.mark.parametrize(
    ("told", "window"),
    [
        (alert(), "?from=2025-11-24T15%3A55%3A00.000Z"),
        (alert(state=RESOLVED), "?from=2025-11-24T15%3A55%3A00.000Z&to=2025-11-24T16%3A06%3A00.000Z"),
    ],
)
def test_it_leads_to_its_part_of_the_timeline(told: Alert, window: str) -> None:
    assert alert_page(full(told))["timeline"] == f"/ops/sessions/s%2F1{window}#timeline"


def test_an_alert_about_no_session_has_no_timeline() -> None:
    assert alert_page(full(alert(), session=""))["timeline"] is None


@pytest.mark.parametrize(
    ("ends_ms", "expected"), [(AT_MS, ("2025-11-24T16:00:00.000Z", None)), (None, (None, "session_end"))]
)
def test_each_silence_says_who_why_and_until_when(ends_ms: int | None, expected: tuple[Any, Any]) -> None:
    matchers = (parse_matcher("session=s1"),)
    silence = Silence(
        id="q", matchers=matchers, starts_ms=0, ends_ms=ends_ms, by="ann", reason="exchange", created_ms=0
    )
    (shown,) = alert_page(full(alert(), silence))["silences"]
    assert (shown["id"], shown["by"], shown["reason"]) == ("q", "ann", "exchange")
    assert (shown["endsAt"], shown["until"]) == expected

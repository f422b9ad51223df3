"""What Alertmanager is sent."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.receivers import HttpReceiver
from tests.workers.sinks.told import ACTS, PUBLIC, batch, hostile, telling
from webhook.domain.alerting.alerts import Severity
from webhook.domain.alerting.telling import Transition
from webhook.views.times import parse_rfc3339
from workers.sinks.alertmanager import AlertmanagerSink, alert_of, legal


@pytest.fixture
def receiver() -> Iterator[HttpReceiver]:
    with HttpReceiver() as started:
        yield started


def test_a_firing_alert_has_labels_texts_and_an_end_far_away(receiver: HttpReceiver) -> None:
    AlertmanagerSink("am", f"{receiver.url}/prefix/", PUBLIC).send(batch())
    assert receiver.received[0].path == "/prefix/api/v2/alerts"
    assert receiver.received[0].json == [
        {
            "labels": {
                "alertname": "recording_error",
                "rule": "recording_error",
                "product": "cloud_recording",
                "project": "school",
                "channel": "lesson-12",
                "session": "d12fdce9024d37862a8f3a88e387c817",
                "uid": "123",
                "source": "default",
                "severity": "critical",
            },
            "annotations": {
                "summary": "fatal error 47 of the uploader: the disk is full",
                "description": "No more can be written.",
                "action": "Make room.",
                "severity": "critical",
                "vigil_id": "3-00ff-1",
                "vigil_key": "3-00ff-1:firing",
            },
            "startsAt": "2026-11-23T03:00:00.000Z",
            "endsAt": "2026-12-23T03:00:02.000Z",
            "generatorURL": f"{PUBLIC}/ops/alerts/3-00ff-1",
        }
    ]


def test_without_a_public_address_there_is_no_link() -> None:
    assert "generatorURL" not in alert_of(telling(), None)


@pytest.mark.parametrize(
    ("resolved", "starts", "ends"),
    [
        pytest.param("03:04:05", "03:00:00", "03:03:05", id="one that lasted"),
        pytest.param("03:00:05", "02:59:05", "02:59:05", id="one that did not: nothing ends before it starts"),
    ],
)
def test_a_resolved_alert_ends_a_minute_before_so_that_it_is_past_by_a_clock_that_is_behind(
    resolved: str, starts: str, ends: str
) -> None:
    over = telling(Transition.RESOLVED, resolved_ms=parse_rfc3339(f"2026-11-23T{resolved}Z"))
    sent = alert_of(over, None)
    assert (sent["startsAt"], sent["endsAt"]) == (f"2026-11-23T{starts}.000Z", f"2026-11-23T{ends}.000Z")


def test_a_repeat_moves_the_end_on() -> None:
    later = telling(Transition.REPEAT, decided_ms=telling().decided_ms + 86_400_000)
    assert alert_of(later, None)["endsAt"] == "2026-12-24T03:00:02.000Z"


def test_an_alert_stays_the_same_when_its_severity_rises() -> None:
    risen = telling(
        Transition.RESOLVED,
        severity=Severity.CRITICAL,
        first_severity=Severity.INFO,
    )
    sent = alert_of(risen, None)
    assert (sent["labels"]["severity"], sent["annotations"]["severity"]) == ("info", "critical")


def test_acknowledgements_are_left_out_and_the_rest_is_sent_at_once(receiver: HttpReceiver) -> None:
    AlertmanagerSink("am", receiver.url, None).send(batch(*(telling(each) for each in Transition)))
    keys = [alert["annotations"]["vigil_key"].removeprefix("3-00ff-1:") for alert in receiver.received[0].json]
    assert keys == ["firing", "repeat", "rise", "flapping", "resolved"]


def test_a_batch_of_acknowledgements_is_not_sent(receiver: HttpReceiver) -> None:
    AlertmanagerSink("am", receiver.url, None).send(batch(telling(Transition.ACKNOWLEDGED)))
    assert receiver.received == []


def test_labels_are_legal_and_empty_ones_left_out() -> None:
    labels = legal({"team-name": "a", "1st": "b", "": "c", "\u00e4": "d", "track": "", "ok_1": "<e>"})
    assert all(re.fullmatch("[a-zA-Z_][a-zA-Z0-9_]*", name) for name in labels)
    assert labels["team_name"] == "a"
    assert labels["_1st"] == "b"
    assert labels["ok_1"] == "<e>"
    assert "track" not in labels


def test_texts_are_plain() -> None:
    said = "\n".join(alert_of(hostile(), None)["annotations"].values())
    assert [mark for mark in ACTS if mark in said] == []

"""The check of PagerDuty's events finds what PagerDuty would refuse."""

from __future__ import annotations

from typing import Any

import pytest

from tests.workers.sinks.events_v2 import LARGEST, violations
from tests.workers.sinks.told import ROUTING_KEY

PAYLOAD = {"summary": "s", "source": "here", "severity": "error", "timestamp": "2026-11-23T03:00:00.000Z"}
EVENT = {"routing_key": ROUTING_KEY, "event_action": "trigger", "dedup_key": "k", "payload": PAYLOAD}


def test_an_event_by_the_book_is_fine() -> None:
    assert violations({**EVENT, "links": [{"href": "https://a.example/", "text": "t"}]}) == []
    assert violations({"routing_key": ROUTING_KEY, "event_action": "resolve", "dedup_key": "k"}) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"routing_key": "short"},
        {"event_action": "close"},
        {"dedup_key": "k" * 256},
        {"payload": {**PAYLOAD, "summary": "s" * 1025}},
        {"payload": {**PAYLOAD, "severity": "bad"}},
        {"payload": {**PAYLOAD, "timestamp": "yesterday"}},
        {"payload": {"summary": "s", "severity": "info"}},
        {"links": [{"text": "t"}]},
        {"unknown": 1},
    ],
    ids=str,
)
def test_an_event_against_the_book_is_not(wrong: dict[str, Any]) -> None:
    assert len(violations({**EVENT, **wrong})) == 1


def test_a_resolution_needs_the_key_of_what_it_resolves() -> None:
    assert violations({"routing_key": ROUTING_KEY, "event_action": "resolve"}) == [
        "$: 'dedup_key' is a required property"
    ]


def test_a_trigger_needs_a_payload() -> None:
    assert violations({"routing_key": ROUTING_KEY, "event_action": "trigger"}) == [
        "$: 'payload' is a required property"
    ]


def test_a_request_has_a_greatest_size() -> None:
    assert violations(EVENT, LARGEST) == []
    assert len(violations(EVENT, LARGEST + 1)) == 1

import json
from typing import Any

import msgspec
import pytest

from tests.build import AT_MS, CHANNEL, RECEIVED_MS, SID, body, notification, reading, video
from webhook.domain.log import Copy, Entry, with_copy
from webhook.store.notifications import Item
from webhook.views.notifications import notification_view


def view(entry: Entry, position: int = 0, *, operator: bool = False) -> dict[str, Any]:
    return notification_view(Item(entry, position), operator=operator)


def test_a_notification_is_shown_with_its_three_times_and_its_body() -> None:
    said = video(0, notice_id="n")
    shown = view(reading(said).entry)
    assert bytes(shown.pop("body")) == body(said)
    assert shown == {
        "noticeId": "n",
        "product": "cloud_recording",
        "productId": 3,
        "eventType": 44,
        "name": "recorder_video_stream_state_changed",
        "source": "default",
        "session": SID,
        "channel": CHANNEL,
        "occurredAt": "2025-11-24T16:00:00.000Z",
        "notifiedAt": "2025-11-24T16:00:00.030Z",
        "receivedAt": "2025-11-24T17:00:00.000Z",
        "lag": 3600.0,
        "outcome": "applied",
        "copies": 1,
        "error": None,
    }


def test_the_body_is_answered_as_the_json_that_came() -> None:
    posted = b'{"productId":3, "eventType":44,"payload":{"sid":"a","clientSeq":18446744073709551615,"x":1.10}}'
    answered = msgspec.json.encode(view(reading(posted).entry))
    assert b'"body":' + posted in answered
    assert json.loads(answered)["body"]["payload"]["clientSeq"] == 2**64 - 1


def test_a_copy_is_a_duplicate_with_its_own_times_and_count() -> None:
    entry = reading(video(0)).entry
    for _ in range(3):
        entry = with_copy(entry, Copy("other", AT_MS + 60_000, RECEIVED_MS + 60_000))
    shown = view(entry, 1)
    assert (shown["noticeId"], shown["outcome"], shown["copies"]) == ("other", "duplicate", 3)
    assert (shown["receivedAt"], shown["lag"]) == ("2025-11-24T17:01:00.000Z", 3660.0)
    assert view(entry)["outcome"] == "applied"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (notification(46), ("unknown", "cloud_recording", "undocumented_46", SID)),
        (notification(44, {}), ("dead_letter", "cloud_recording", "recorder_video_stream_state_changed", SID)),
        (notification(44, product_id=99), ("unknown", "unknown", None, None)),
        (
            notification(44, channel="test_webhook"),
            ("test", "cloud_recording", "recorder_video_stream_state_changed", None),
        ),
    ],
)
def test_what_became_of_it_is_shown(said: dict[str, Any], expected: tuple[str | None, ...]) -> None:
    shown = view(reading(said).entry)
    assert (shown["outcome"], shown["product"], shown["name"], shown["session"]) == expected


def test_a_dead_letter_says_why() -> None:
    dead = reading(notification(44, {"streamUid": "1"})).entry
    assert view(dead)["error"] == "details.state is None, not an integer"


@pytest.mark.parametrize(("posted", "text"), [(b"null", "null"), (b"\xff{<b>", "\\xff{<b>")])
def test_an_unreadable_body_is_shown_to_operators_only(posted: bytes, text: str) -> None:
    entry = reading(posted).entry
    assert view(entry)["body"] is None
    shown = view(entry, operator=True)
    assert (shown["body"], shown["outcome"]) == (text, "quarantined")
    assert (shown["product"], shown["productId"], shown["eventType"], shown["name"]) == ("unknown", None, None, None)
    assert (shown["occurredAt"], shown["lag"]) == (None, None)


def test_without_an_event_time_there_is_no_lag() -> None:
    said = notification(44, product_id=99)
    del said["notifyMs"]
    shown = view(reading(said).entry)
    assert (shown["occurredAt"], shown["lag"], shown["notifiedAt"]) == (None, None, shown["receivedAt"])


def test_an_event_that_claims_the_future_has_a_negative_lag() -> None:
    assert view(reading(video(0, at_ms=RECEIVED_MS + 250)).entry)["lag"] == -0.25

"""The generic webhook: what is posted, and how it is signed."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from tests.receivers import Answer, HttpReceiver, Received
from tests.workers.sinks.failing import failure
from tests.workers.sinks.told import PUBLIC, SECRET, batch, hostile, telling
from webhook.domain.alerting.telling import Transition
from workers.sinks.webhook_sink import WebhookSink, secret_problem


@pytest.fixture
def receiver() -> Iterator[HttpReceiver]:
    with HttpReceiver() as started:
        yield started


def verified(request: Received, secret: str = SECRET) -> dict:
    """The body, once the library of Standard Webhooks found it to be ours."""
    return Webhook(secret).verify(request.body, dict(request.headers))


def test_the_signature_verifies_and_the_body_says_everything(receiver: HttpReceiver) -> None:
    sent = batch()
    WebhookSink("own", f"{receiver.url}/hook?a=1", SECRET, PUBLIC).send(sent)
    request = receiver.received[0]
    assert request.path == "/hook?a=1"
    assert verified(request) == {
        "type": "vigil.alerts",
        "timestamp": "2026-11-23T03:00:03.000Z",
        "data": {
            "id": sent.id,
            "alerts": [
                {
                    "key": "3-00ff-1:firing",
                    "id": "3-00ff-1",
                    "transition": "firing",
                    "number": 0,
                    "rule": "recording_error",
                    "severity": "critical",
                    "firstSeverity": "critical",
                    "labels": telling().labels,
                    "group": "school/lesson-12",
                    "summary": "fatal error 47 of the uploader: the disk is full",
                    "meaning": "No more can be written.",
                    "action": "Make room.",
                    "startedAt": "2026-11-23T03:00:00.000Z",
                    "firedAt": "2026-11-23T03:00:02.000Z",
                    "resolvedAt": None,
                    "resolution": None,
                    "flapping": False,
                    "acknowledged": None,
                    "decidedAt": "2026-11-23T03:00:02.000Z",
                    "sink": "here",
                    "url": f"{PUBLIC}/ops/alerts/3-00ff-1",
                }
            ],
        },
    }


def test_every_transition_is_told_in_the_order_of_the_batch(receiver: HttpReceiver) -> None:
    WebhookSink("own", receiver.url, SECRET, None).send(batch(*(telling(each) for each in Transition)))
    alerts = verified(receiver.received[0])["data"]["alerts"]
    assert [each["transition"] for each in alerts] == list(Transition)
    *_, acknowledged, resolved = alerts
    assert acknowledged["acknowledged"] == {"by": "ann", "at": "2026-11-23T03:04:05.000Z", "note": "on it"}
    assert (resolved["resolution"], resolved["resolvedAt"]) == ("recovered", "2026-11-23T03:04:05.000Z")


def test_what_is_sent_again_has_the_same_id_and_the_same_body(receiver: HttpReceiver) -> None:
    receiver.answer(Answer(500), Answer())
    sink, sent = WebhookSink("own", receiver.url, SECRET, PUBLIC), batch()
    failure(sink)
    sink.send(sent)
    first, again = receiver.received
    assert first.headers["webhook-id"] == again.headers["webhook-id"] == f"msg_{sent.id}"
    assert first.body == again.body


def test_another_secret_does_not_verify(receiver: HttpReceiver) -> None:
    WebhookSink("own", receiver.url, SECRET, None).send(batch())
    with pytest.raises(WebhookVerificationError):
        verified(receiver.received[0], "whsec_" + base64.b64encode(b"another secret of 24 byte").decode())


def test_words_from_the_wire_arrive_as_they_came(receiver: HttpReceiver) -> None:
    told = hostile()
    WebhookSink("own", receiver.url, SECRET, None).send(batch(told))
    alert = verified(receiver.received[0])["data"]["alerts"][0]
    assert (alert["summary"], alert["labels"]) == (told.summary, told.labels)


def test_half_a_character_can_be_sent(receiver: HttpReceiver) -> None:
    WebhookSink("own", receiver.url, SECRET, None).send(batch(telling(summary="half \ud83d")))
    assert json.loads(receiver.received[0].body)["data"]["alerts"][0]["summary"] == "half \ud83d"


def test_the_secret_is_never_shown(receiver: HttpReceiver) -> None:
    receiver.answer(Answer(403))
    sink = WebhookSink("own", receiver.url, SECRET, None)
    failed = failure(sink)
    for shown in (str(failed), repr(failed), repr(sink)):
        assert SECRET.removeprefix("whsec_") not in shown


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        (None, "has to begin with whsec_"),
        ("MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz", "has to begin with whsec_"),
        ("whsec_not base64!", "is no base64"),
        ("whsec_\u00e9\u00e9\u00e9\u00e9", "is no base64"),
        ("whsec_c2hvcnQ=", "has 5 bytes"),
        ("whsec_" + base64.b64encode(b"x" * 65).decode(), "has 65 bytes"),
    ],
)
def test_a_secret_that_is_none_is_told_and_not_shown(secret: str | None, said: str) -> None:
    problem = secret_problem(secret)
    assert problem
    assert said in problem
    assert not secret or secret not in problem


def test_a_secret_by_the_book_has_no_problem() -> None:
    assert secret_problem(SECRET) is None

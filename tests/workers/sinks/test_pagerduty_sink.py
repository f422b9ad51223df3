"""What PagerDuty is sent, held against its published rules."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis import Redis

from tests.receivers import Answer, HttpReceiver, unused_port
from tests.store.outboxes import FIRING, NOW, RESOLVED, put
from tests.store.outboxes import telling as outboxed
from tests.workers.sinks.events_v2 import PATH, violations
from tests.workers.sinks.failing import failure, late_failure
from tests.workers.sinks.told import ACTS, PUBLIC, ROUTING_KEY, batch, hostile, telling
from webhook.domain.alerting.alerts import Severity
from webhook.domain.alerting.telling import Transition
from webhook.domain.errors import DeliveryError
from webhook.store.outbox import Outbox
from workers.deliver import Deliverer
from workers.sinks.pagerduty_sink import PagerDutySink, key_problem

ACCEPTED = Answer(202, {"Content-Type": "application/json"}, b'{"status":"success","dedup_key":"3-00ff-1"}')
HIDDEN_KEY = ROUTING_KEY[-6:]  # what the client itself would show is the end of it


@pytest.fixture
def receiver() -> Iterator[HttpReceiver]:
    with HttpReceiver(ACCEPTED) as started:
        yield started


@pytest.fixture
def sink(receiver: HttpReceiver) -> PagerDutySink:
    return PagerDutySink("duty", ROUTING_KEY, receiver.url, PUBLIC)


def test_a_firing_alert_triggers_with_everything_there_is_to_say(sink: PagerDutySink, receiver: HttpReceiver) -> None:
    sink.send(batch())
    request = receiver.received[0]
    event = request.json
    assert request.path == PATH
    details = event["payload"].pop("custom_details")
    assert event == {
        "routing_key": ROUTING_KEY,
        "event_action": "trigger",
        "dedup_key": "3-00ff-1",
        "client": "Vigil",
        "payload": {
            "summary": "CRITICAL: recording error in lesson-12: fatal error 47 of the uploader: the disk is full",
            "source": "d12fdce9024d37862a8f3a88e387c817/lesson-12",
            "severity": "critical",
            "timestamp": "2026-11-23T03:00:00.000Z",
            "component": "cloud_recording",
            "group": "lesson-12",
            "class": "recording_error",
        },
        "links": [{"href": f"{PUBLIC}/ops/alerts/3-00ff-1", "text": "The alert in Vigil"}],
    }
    assert details["key"] == "3-00ff-1:firing"
    assert details["labels"]["uid"] == "123"
    assert (details["meaning"], details["action"]) == ("No more can be written.", "Make room.")


def test_each_transition_is_an_event_of_the_same_incident_in_order(sink: PagerDutySink, receiver: HttpReceiver) -> None:
    sink.send(batch(*(telling(each) for each in Transition)))
    events = [request.json for request in receiver.received]
    assert [event["event_action"] for event in events] == [*["trigger"] * 4, "acknowledge", "resolve"]
    assert {event["dedup_key"] for event in events} == {"3-00ff-1"}


@pytest.mark.parametrize("transition", list(Transition))
def test_every_event_is_by_the_book_and_plain_whatever_the_wire_says(
    sink: PagerDutySink, receiver: HttpReceiver, transition: Transition
) -> None:
    sink.send(batch(hostile(transition), telling(transition, summary="s" * 9000, meaning="half \ud83d " * 500)))
    for request in receiver.received:
        assert violations(request.json, len(request.body)) == []
        said = str(request.json.get("payload", {}))
        assert [mark for mark in ACTS if mark in said] == []


@pytest.mark.parametrize("severity", list(Severity))
def test_severities_are_those_of_pagerduty(sink: PagerDutySink, receiver: HttpReceiver, severity: Severity) -> None:
    sink.send(batch(telling(severity=severity)))
    assert receiver.received[0].json["payload"]["severity"] == severity.value
    assert violations(receiver.received[0].json) == []


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 401, 404, 302])
def test_a_refusal_that_may_pass_is_temporary_and_not_tried_again_by_the_client(
    sink: PagerDutySink, receiver: HttpReceiver, status: int
) -> None:
    receiver.answer(Answer(status, {"Retry-After": "9", "Location": "http://127.0.0.1:9/"}))
    failed = failure(sink)
    assert (failed.permanent, failed.retry_after, len(receiver.received)) == (False, 9.0, 1)
    assert f"HTTP {status}" in str(failed)


def test_an_event_that_is_refused_for_good_holds_up_no_other(sink: PagerDutySink, receiver: HttpReceiver) -> None:
    receiver.answer(Answer(400, {}, b'{"status":"invalid event"}'), ACCEPTED)
    with pytest.raises(DeliveryError) as failed:
        sink.send(batch(telling(alert=1), telling(alert=2)))
    assert failed.value.permanent
    assert str(failed.value) == "1 of 2 events: the receiver refuses this message: HTTP 400"
    assert [request.json["dedup_key"] for request in receiver.received] == ["3-00ff-1", "3-00ff-2"]


def test_an_attempt_that_broke_off_is_repeated_from_the_first(sink: PagerDutySink, receiver: HttpReceiver) -> None:
    receiver.answer(ACCEPTED, Answer(500), ACCEPTED)
    both = batch(telling(alert=1), telling(alert=2))
    with pytest.raises(DeliveryError):
        sink.send(both)
    sink.send(both)
    keys = [request.json["dedup_key"] for request in receiver.received]
    assert keys == ["3-00ff-1", "3-00ff-2", "3-00ff-1", "3-00ff-2"]


def test_no_incident_is_triggered_again_after_its_end_when_an_attempt_breaks_off(
    redis: Redis, sink: PagerDutySink, receiver: HttpReceiver
) -> None:
    receiver.answer(ACCEPTED, ACCEPTED, Answer(500), ACCEPTED)
    ended = [outboxed("a", each, sink="duty") for each in (FIRING, RESOLVED)]
    put(redis, *ended, outboxed("b", sink="duty", decided_ms=NOW - 500))
    outbox = Outbox(redis, "duty", 1, "token")
    assert outbox.lease.acquire()
    deliverer, now_ms = Deliverer(outbox, sink, lambda: 0.0), NOW
    while (next_ms := deliverer.step(now_ms)) is not None:
        now_ms = next_ms
    said = [(event.json["dedup_key"], event.json["event_action"]) for event in receiver.received]
    assert ("a", "trigger") not in said[said.index(("a", "resolve")) :]
    assert said[-1] == ("a", "resolve")
    assert ("b", "trigger") in said


def test_what_grows_graver_is_the_same_incident_with_its_severity_now(
    sink: PagerDutySink, receiver: HttpReceiver
) -> None:
    sink.send(batch(telling(Transition.RISE, first_severity=Severity.WARNING)))
    event = receiver.received[0].json
    assert (event["event_action"], event["dedup_key"]) == ("trigger", "3-00ff-1")
    assert event["payload"]["severity"] == "critical"
    assert event["payload"]["summary"].startswith("Now CRITICAL: recording error in lesson-12")


def test_a_routing_key_that_pagerduty_does_not_know_is_to_be_mended(
    sink: PagerDutySink, receiver: HttpReceiver
) -> None:
    receiver.answer(Answer(400, {}, b'{"status":"invalid event","errors":["Invalid routing key"]}'))
    failed = failure(sink)
    assert not failed.permanent
    assert "mend the sink's settings" in str(failed)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}"])
def test_an_answer_of_somebody_else_is_not_taken_for_pagerduty(
    sink: PagerDutySink, receiver: HttpReceiver, body: bytes
) -> None:
    receiver.answer(Answer(200, {}, body))
    assert "not one of its API" in str(failure(sink))


def test_a_receiver_that_hangs_is_given_up_in_time(sink: PagerDutySink, receiver: HttpReceiver) -> None:
    receiver.answer(Answer(hangs=True))
    assert str(late_failure(sink)) == "PagerDuty did not answer in time"


def test_a_receiver_that_drips_is_given_up_in_time(sink: PagerDutySink, receiver: HttpReceiver) -> None:
    receiver.answer(Answer(drips=True))
    assert not late_failure(sink).permanent


def test_no_event_is_begun_when_the_time_is_over(sink: PagerDutySink, receiver: HttpReceiver) -> None:
    assert not failure(sink, 0.0).permanent
    assert receiver.received == []


def test_a_refused_connection_is_temporary() -> None:
    failed = failure(PagerDutySink("duty", ROUTING_KEY, f"http://127.0.0.1:{unused_port()}", None))
    assert (str(failed), failed.permanent) == ("PagerDuty cannot be reached (ConnectError)", False)


@pytest.mark.parametrize("status", [400, 401, 500])
def test_the_routing_key_is_never_shown(
    sink: PagerDutySink, receiver: HttpReceiver, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answer(Answer(status))
    with caplog.at_level(0):
        failed = failure(sink)
    for shown in (str(failed), repr(failed), repr(sink), caplog.text):
        assert HIDDEN_KEY not in shown


@pytest.mark.parametrize("key", [None, "", "short", "x" * 33, "-" * 32, "\u00e4" * 32])
def test_what_is_no_routing_key_is_told_and_not_shown(key: str | None) -> None:
    problem = key_problem(key)
    assert problem
    assert not key or key not in problem


def test_a_routing_key_has_no_problem() -> None:
    assert key_problem(ROUTING_KEY) is None

"""One POST, and everything that can go wrong with it, for the sinks that post by themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.receivers import Answer, HttpReceiver, unused_port
from tests.workers.sinks.failing import MakeSink, failure, late_failure
from tests.workers.sinks.told import SECRET, batch
from workers.sinks.alertmanager import AlertmanagerSink
from workers.sinks.posting import address_problem
from workers.sinks.webhook_sink import WebhookSink

KINDS: dict[str, MakeSink] = {
    "alertmanager": lambda url: AlertmanagerSink("am", url, None),
    "webhook": lambda url: WebhookSink("own", url, SECRET, None),
}


@pytest.fixture(params=KINDS)
def make(request: pytest.FixtureRequest) -> Callable[[str], object]:
    return KINDS[request.param]


@pytest.fixture
def receiver() -> Iterator[HttpReceiver]:
    with HttpReceiver() as started:
        yield started


@pytest.mark.parametrize("status", [200, 202, 204])
def test_an_answer_of_success_ends_it_after_one_request(make: MakeSink, receiver: HttpReceiver, status: int) -> None:
    receiver.answer(Answer(status))
    make(receiver.url).send(batch())
    assert [request.method for request in receiver.received] == ["POST"]


def test_the_request_says_what_it_is_and_who_sends_it(make: MakeSink, receiver: HttpReceiver) -> None:
    make(receiver.url).send(batch())
    headers = receiver.received[0].headers
    assert (headers["user-agent"], headers["content-type"]) == ("Vigil", "application/json")


@pytest.mark.parametrize(("status", "permanent"), [(400, True), (422, True), (404, False), (500, False), (503, False)])
def test_a_refusal_is_tried_once_and_says_whether_it_lasts(
    make: MakeSink, receiver: HttpReceiver, status: int, permanent: bool
) -> None:
    receiver.answer(Answer(status))
    assert failure(make(receiver.url)).permanent is permanent
    assert len(receiver.received) == 1


def test_retry_after_comes_through(make: MakeSink, receiver: HttpReceiver) -> None:
    receiver.answer(Answer(429, {"Retry-After": "7"}))
    assert failure(make(receiver.url)).retry_after == 7.0


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(make: MakeSink, receiver: HttpReceiver, status: int) -> None:
    with HttpReceiver() as elsewhere:
        receiver.answer(Answer(status, {"Location": elsewhere.url}))
        assert f"HTTP {status}" in str(failure(make(receiver.url)))
        assert elsewhere.received == []


def test_a_receiver_that_hangs_is_given_up_in_time(make: MakeSink, receiver: HttpReceiver) -> None:
    receiver.answer(Answer(hangs=True))
    assert str(late_failure(make(receiver.url))) == "the receiver did not answer within 0.5 s"


def test_a_receiver_that_drips_is_given_up_in_time(make: MakeSink, receiver: HttpReceiver) -> None:
    receiver.answer(Answer(drips=True))
    assert str(late_failure(make(receiver.url))) == "the receiver did not answer within 0.5 s"


def test_a_refused_connection_is_temporary(make: MakeSink) -> None:
    failed = failure(make(f"http://127.0.0.1:{unused_port()}"))
    assert (str(failed), failed.permanent) == ("the receiver cannot be reached: connection refused", False)


def test_a_name_that_nobody_has_is_temporary(make: MakeSink) -> None:
    failed = failure(make("http://nobody.invalid"))
    assert (str(failed), failed.permanent) == ("the receiver's name is not known", False)


def test_a_receiver_without_tls_is_not_trusted(make: MakeSink, receiver: HttpReceiver) -> None:
    failed = failure(make(f"https://{receiver.address}"))
    assert str(failed).startswith("no trusted connection: ")
    assert not failed.permanent


def test_credentials_of_the_address_are_sent_and_never_shown(make: MakeSink, receiver: HttpReceiver) -> None:
    receiver.answer(Answer(401))
    sink = make(f"http://ann:s3cret%40x@{receiver.address}/hidden/path")
    failed = failure(sink)
    assert receiver.received[0].headers["authorization"] == "Basic YW5uOnMzY3JldEB4"
    for shown in (str(failed), repr(failed), repr(sink)):
        assert "s3cret" not in shown
        assert "hidden" not in shown


@pytest.mark.parametrize("url", [None, "", "ftp://a", "https://", "http:///x", "nonsense", "http://[::1"])
def test_what_is_no_address_is_told(url: str | None) -> None:
    assert (address_problem(url) or "").startswith("the url ")


@pytest.mark.parametrize("url", ["https://a.example/x?y=1", "http://127.0.0.1:9", "http://[::1]:9/"])
def test_an_address_has_no_problem(url: str) -> None:
    assert address_problem(url) is None

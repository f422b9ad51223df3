"""A signed notification becomes status, through everything that the Procfile starts; and what the wire can do to it."""

from __future__ import annotations

import json
import select
import signal
import time
from collections.abc import Iterator
from http.client import HTTPConnection

import msgspec
import pytest

from tests.system.stack import ANSWERS_WITHIN, Answer, Stack, needs_proc, read_answer, send
from tests.waiting import wait_for
from webhook import clock
from webhook.domain.signature import HEADER_V1, HEADER_V2, sign
from webhook.samples import envelope, sample
from webhook.simulation.agora import INGEST_PATH

pytestmark = needs_proc

LIMIT = 1_048_576  # VIGIL_MAX_BODY_BYTES
APPLIED_WITHIN = 10.0  # seconds
HALF_A_HEADER = b"POST /webhooks/agora HTTP/1.1\r\nHost: localhost\r\nAgora-Signat"


@pytest.fixture(scope="module")
def vigil(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("vigil")) as stack:
        yield stack.start()


def notification(name: str, **changes: object) -> bytes:
    """A notification that nothing else sends: a user's video in the recording `name`."""
    payload = sample("cloud_recording", 44, clock.now_ms())["payload"] | {"sid": name, "cname": name}
    return msgspec.json.encode(envelope(3, 44, payload, name, clock.now_ms()) | changes)


def padded(body: bytes, size: int) -> bytes:
    return body + b" " * (size - len(body))


def post_chunked(vigil: Stack, body: bytes) -> Answer:
    chunks = (body[at : at + 65_536] for at in range(0, len(body), 65_536))
    connection = vigil.connect()
    try:
        connection.request("POST", INGEST_PATH, chunks, vigil.signed(body), encode_chunked=True)
        return read_answer(connection)
    finally:
        connection.close()


def post_in_halves(vigil: Stack, body: bytes, headers: dict[str, str]) -> Answer:
    """The answer to a sender who waits for it before the second half of the body, and reads it after that."""
    connection, half = vigil.connect(), len(body) // 2
    try:
        connection.putrequest("POST", INGEST_PATH)
        for name, value in {**vigil.signed(body), **headers, "Content-Length": str(len(body))}.items():
            connection.putheader(name, value)
        connection.endheaders(body[:half])
        assert select.select([connection.sock], [], [], ANSWERS_WITHIN)[0], "it waits for the whole body"
        connection.send(body[half:])
        return read_answer(connection)
    finally:
        connection.close()


def assert_applied(vigil: Stack, name: str) -> None:
    wait_for(lambda: vigil.applied(name), APPLIED_WITHIN, f"notification {name} was not applied")


def test_a_simulation_ends_in_agreement_and_its_sessions_are_listed(vigil: Stack) -> None:
    options = ["--sessions", "20", "--duplicate", "0.3", "--reorder", "0.3", "--seed", "7", "--speed", "100"]
    simulation = vigil.run("simulate", *options, "--url", vigil.url)
    assert simulation.returncode == 0, simulation.stdout + simulation.stderr
    assert simulation.stdout.splitlines()[-1] == "all 20 sessions agree"
    listed = vigil.get("/api/v1/sessions?state=ended&limit=500")["items"]
    assert len({session["id"] for session in listed}) == 20


def test_sigint_to_the_supervisor_alone_stops_everything_in_time(tmp_path_factory: pytest.TempPathFactory) -> None:
    with Stack(tmp_path_factory.mktemp("vigil")) as stack:
        roles = stack.start(), stack.server(), stack.web_workers(), stack.fold_workers(), stack.clock()
        assert [len(pids) for pids in roles[1:]] == [1, 2, 2, 1]
        began = time.monotonic()
        assert stack.stop(signal.SIGINT) == 0
        assert time.monotonic() - began < 10
        assert "Traceback" not in stack.said()


def test_a_bodys_line_ends_spaces_and_key_order_are_part_of_what_is_signed(vigil: Stack) -> None:
    outer = json.loads(notification("crlf"))
    pretty = json.dumps(dict(reversed(outer.items())), indent=4).replace("\n", "\r\n") + "\r\n\n"
    assert vigil.post(pretty.encode()).json() == {"status": "accepted", "noticeId": "crlf"}
    assert_applied(vigil, "crlf")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (HEADER_V2, "é" * 64),
        (HEADER_V2, "0" * 64),
        (HEADER_V2, "sha256=" + "0" * 64),
        (HEADER_V1, "ÿ" * 40),
        ("X-Other", "x"),
    ],
)
def test_a_signature_that_does_not_hold_is_401_and_nothing_is_kept(vigil: Stack, name: str, value: str) -> None:
    body = notification("unsigned")
    answer = vigil.ask("POST", INGEST_PATH, body, {name: value})
    assert (answer.status, answer.headers["content-type"]) == (401, "application/problem+json")
    assert vigil.get("/api/v1/notifications?noticeId=unsigned")["items"] == []


def test_a_v1_signature_alone_is_accepted(vigil: Stack) -> None:
    body = notification("v1")
    assert vigil.ask("POST", INGEST_PATH, body, {HEADER_V1: sign(body, vigil.secret, 1)}).status == 200
    assert_applied(vigil, "v1")


def test_a_signed_body_that_is_no_notification_is_acknowledged_and_shown(vigil: Stack) -> None:
    answer = vigil.post(b"\xff\xfe not JSON")
    assert (answer.status, answer.json()["status"]) == (200, "quarantined")
    path = f"/api/v1/notifications?noticeId={answer.json()['noticeId']}"
    (item,) = wait_for(lambda: vigil.get(path)["items"], APPLIED_WITHIN, "it is not shown")
    assert (item["outcome"], item["body"]) == ("quarantined", "\\xff\\xfe not JSON")


def test_a_chunked_body_up_to_the_limit_is_verified_whole(vigil: Stack) -> None:
    assert post_chunked(vigil, padded(notification("chunked"), LIMIT)).status == 200
    assert_applied(vigil, "chunked")


def test_a_chunked_body_over_the_limit_is_413_and_not_cut(vigil: Stack) -> None:
    answer = post_chunked(vigil, padded(notification("long"), LIMIT + 1))
    assert (answer.status, answer.json()["title"]) == (413, "Body too large")
    assert vigil.get("/api/v1/notifications?noticeId=long")["items"] == []


def test_who_posts_two_mib_gets_413_and_goes_on_with_the_same_connection(vigil: Stack) -> None:
    connection = vigil.connect()
    for name in ("first", "second", "third"):
        body = padded(notification(name), 2 * LIMIT)
        connection.request("POST", INGEST_PATH, body, vigil.signed(body))
        assert read_answer(connection).status == 413
        body = notification(f"after the {name}")
        connection.request("POST", INGEST_PATH, body, vigil.signed(body))
        assert read_answer(connection).status == 200
    connection.close()


@pytest.mark.parametrize("connection", ["keep-alive", "close"])
def test_who_posts_two_mib_gets_413_and_no_reset_even_if_the_answer_comes_halfway(
    vigil: Stack, connection: str
) -> None:
    body = padded(notification("halfway"), 2 * LIMIT)
    for _ in range(5):
        assert post_in_halves(vigil, body, {"Connection": connection}).status == 413


def test_while_the_server_hangs_a_post_is_kept_within_two_seconds_and_applied_when_it_answers(vigil: Stack) -> None:
    body = notification("hung")
    send(vigil.server(), signal.SIGSTOP)
    try:
        began = time.monotonic()
        answer = vigil.post(body)
        took = time.monotonic() - began
        ready, alive = vigil.ask("GET", "/readyz").status, vigil.ask("GET", "/livez").status
    finally:
        send(vigil.server(), signal.SIGCONT)
    assert (answer.status, ready, alive) == (200, 200, 200)
    assert took < 2
    assert_applied(vigil, "hung")
    assert len(vigil.applied("hung")) == 1


def test_half_sent_headers_and_idle_connections_stop_nobody_else(vigil: Stack) -> None:
    idle = [vigil.connect() for _ in range(500)]
    assert {ask_for_life(connection) for connection in idle} == {200}
    half = [vigil.connect() for _ in range(40)]
    for connection in half:
        connection.connect()
        connection.send(HALF_A_HEADER)
    slowest = max(timed_post(vigil, f"among {number} of many") for number in range(40))
    assert slowest < 2
    assert {ask_for_life(connection) for connection in idle[::25]} == {200}
    for connection in idle + half:
        connection.close()


def ask_for_life(connection: HTTPConnection) -> int:
    connection.request("GET", "/livez")
    return read_answer(connection).status


def timed_post(vigil: Stack, name: str) -> float:
    began = time.monotonic()
    assert vigil.post(notification(name)).status == 200
    return time.monotonic() - began

"""A real HTTP server that answers as the test says, and a clock that moves only when somebody sleeps."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from msgspec import Struct

from webhook.simulation.agora import Clock
from webhook.simulation.truth import Line, SessionTruth, StreamTruth, fold

Answer = tuple[int, bytes]


class Asked(Struct, frozen=True):
    """One request as the server got it. `client` is the port it came from, so that connections can be told apart."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    client: int


class Site:
    """A server at `url` that keeps what it was asked and answers by `answer`, which gets the request and its number."""

    def __init__(self, answer: Callable[[Asked, int], Answer]) -> None:
        self.asked: list[Asked] = []
        self._lock = threading.Lock()
        self._answer = answer
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._responder())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def respond(self, asked: Asked) -> Answer:
        with self._lock:
            self.asked.append(asked)
            number = len(self.asked)
        return self._answer(asked, number)

    def _responder(self) -> type[BaseHTTPRequestHandler]:
        site = self

        class Responder(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                self._respond("GET")

            def do_POST(self) -> None:
                self._respond("POST")

            def _respond(self, method: str) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                asked = Asked(method, self.path, dict(self.headers.items()), body, self.client_address[1])
                status, answer = site.respond(asked)
                try:
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(answer)))
                    self.end_headers()
                    self.wfile.write(answer)
                except ConnectionError:
                    self.close_connection = True

            def log_message(self, *arguments: object) -> None:
                pass

        return Responder


Serve = Callable[[Callable[[Asked, int], Answer]], Site]


@pytest.fixture
def serve() -> Iterator[Serve]:
    sites: list[Site] = []

    def start(answer: Callable[[Asked, int], Answer]) -> Site:
        sites.append(Site(answer))
        return sites[-1]

    yield start
    for site in sites:
        site.close()


@pytest.fixture
def never() -> Iterator[threading.Event]:
    """An event to wait for in an answer that hangs; it comes when the test is over."""
    event = threading.Event()
    yield event
    event.set()


class StoppedClock:
    """A clock that moves only when somebody sleeps, and keeps for how long they did."""

    def __init__(self) -> None:
        self.at_ms = 1_764_000_000_000.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at_ms += seconds * 1000

    @property
    def clock(self) -> Clock:
        return Clock(lambda: int(self.at_ms), self.sleep)


@pytest.fixture
def stopped() -> StoppedClock:
    return StoppedClock()


def say(truth: SessionTruth, received: int | None = None) -> dict[str, Any]:
    """The session as the status API would say it (contract.md, section 4), by the truth."""
    posts = truth.distinct if received is None else received
    return {
        "id": truth.sid,
        "channel": truth.channel,
        "state": truth.state,
        "exit": truth.exit_status and {"status": truth.exit_status, "at": None, "reason": None},
        "failovers": truth.failovers,
        "streams": [_say_stream(uid, stream) for uid, stream in truth.streams.items()],
        "upload": {"state": truth.upload_state, "progress": 1.0, "files": []},
        "sequence": {uid: {"highest": truth.highest[uid], "missing": truth.missing[uid]} for uid in truth.highest},
        "notifications": {"received": posts, "duplicates": posts - truth.distinct, "stale": 0},
    }


def _say_stream(uid: str, stream: StreamTruth) -> dict[str, Any]:
    snapshots = {"count": stream.snapshots, "lastAt": _rfc3339(stream.last_at_ms), "lastFile": stream.last_file}
    return {"uid": uid, "video": stream.video, "audio": stream.audio, "snapshots": snapshots}


def _rfc3339(at_ms: int | None) -> str | None:
    if at_ms is None:
        return None
    moment = datetime.fromtimestamp(at_ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03d}Z"


@pytest.fixture(name="say")
def _say() -> Callable[..., dict[str, Any]]:
    return say


class StandIn:
    """Answers as Vigil would, from the notifications it was posted; `twist` may change what it says of a session."""

    def __init__(self) -> None:
        self.posts: list[dict[str, Any]] = []
        self.twist: Callable[[dict[str, Any]], object] = lambda session: None

    def __call__(self, asked: Asked, number: int) -> Answer:
        if asked.method == "POST":
            self.posts.append(json.loads(asked.body))
            return 200, b'{"status": "accepted"}'
        told = [post for post in self.posts if post["sid"] == asked.path.rpartition("/")[2]]
        return (200, json.dumps(self._session(told)).encode()) if told else (404, b"{}")

    def _session(self, told: list[dict[str, Any]]) -> dict[str, Any]:
        lines = {json.dumps(post["payload"], sort_keys=True): _line(post) for post in told}
        truth = fold(lines.values())
        assert truth is not None
        session = say(truth, len(told))
        self.twist(session)
        return session


def _line(post: dict[str, Any]) -> Line:
    return Line(post["noticeId"], post["eventType"], post["payload"]["sendts"], post["payload"])


@pytest.fixture
def stand_in() -> StandIn:
    return StandIn()

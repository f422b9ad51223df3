"""A real HTTP server that answers as the test says, and a clock that moves only when somebody sleeps."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

import pytest
from msgspec import Struct

from webhook.simulation.agora import Clock
from webhook.simulation.oracle import fold
from webhook.simulation.truth import ChannelTruth, EntityTruth, Line, RecordingTruth, StreamTruth, Truth, UserTruth

Answer = tuple[int, bytes]
END = "2099-01-01T00:00:00.000Z"


class Asked(Struct, frozen=True):
    """One request as the server got it. `client` is the port it came from, so that connections can be told apart."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    client: int


class Server(ThreadingHTTPServer):
    """Takes as many connections at once as anybody here opens: with the usual backlog of 5 some are reset."""

    request_queue_size = 128
    daemon_threads = True


class Site:
    """A server at `url` that keeps what it was asked and answers by `answer`, which gets the request and its number."""

    def __init__(self, answer: Callable[[Asked, int], Answer]) -> None:
        self.asked: list[Asked] = []
        self._lock = threading.Lock()
        self._answer = answer
        self._server = Server(("127.0.0.1", 0), self._responder())
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


def say(truth: Truth, received: int | None = None) -> dict[str, Any]:
    """The session as the status API would say it (contract.md, section 4), by the truth."""
    posts = truth.distinct if received is None else received
    return {
        "id": truth.sid,
        "product": truth.product,
        "channel": truth.channel,
        "state": truth.state,
        "exit": truth.exit_status and {"status": truth.exit_status, "at": None, "reason": _reason(truth)},
        "notifications": {"received": posts, "duplicates": posts - truth.distinct, "stale": 0},
        **_say_family(truth),
    }


def _reason(truth: Truth) -> str | None:
    return truth.reason if isinstance(truth, EntityTruth) else None


def _say_family(truth: Truth) -> dict[str, Any]:
    if isinstance(truth, RecordingTruth):
        return _say_recording(truth)
    if isinstance(truth, ChannelTruth):
        return {"detail": _say_channel(truth)}
    assert isinstance(truth, EntityTruth)
    return {"errors": [{"code": code} for code in truth.errors]}


def _say_recording(truth: RecordingTruth) -> dict[str, Any]:
    return {
        "failovers": truth.failovers,
        "streams": [_say_stream(uid, stream) for uid, stream in truth.streams.items()],
        "recorders": [
            {
                "uid": it.uid,
                "from": _rfc3339(it.from_ms),
                "until": _rfc3339(it.until_ms),
                "leaveReasons": [*it.reasons],
            }
            for it in truth.recorders
        ],
        "upload": {
            "state": truth.upload_state,
            "progress": truth.progress,
            "files": [{}] * truth.files,
            "filesCount": truth.files,
        },
        "errors": [{"code": code} for code in (*truth.errors, *truth.errors)],
        "warnings": [{"code": code} for code in truth.warnings],
        "notRecorded": [
            {"uid": uid, "track": track, "from": _rfc3339(since_ms), "until": _rfc3339(until_ms)}
            for uid, since_ms, until_ms, track in truth.losses
        ],
        "sequence": {uid: {"highest": truth.highest[uid], "missing": truth.missing[uid]} for uid in truth.highest},
    }


def _say_stream(uid: str, stream: StreamTruth) -> dict[str, Any]:
    interval = None if stream.interval_ms is None else stream.interval_ms / 1000
    last = {"lastAt": _rfc3339(stream.last_at_ms), "lastFile": stream.last_file}
    snapshots = {"count": stream.snapshots, "interval": interval, **last}
    return {"uid": uid, "video": stream.video, "audio": stream.audio, "snapshots": snapshots}


def _say_channel(truth: ChannelTruth) -> dict[str, Any]:
    roles = ("broadcaster", "audience", "communication")
    return {
        "lives": [{"from": None, "until": "earlier"}, {"from": None, "until": None if truth.is_open else "later"}],
        "users": [_say_user(uid, user, uid in truth.present) for uid, user in sorted(truth.users.items())],
        "minutes": {role: truth.seconds.get(role, 0) / 60 for role in roles},
        "reconnects": truth.reconnects,
    }


def _say_user(uid: str, user: UserTruth, present: bool) -> dict[str, Any]:
    return {
        "uid": uid,
        "account": user.account,
        "role": user.role,
        "service": user.service,
        "present": present,
        "leftAt": None if user.left_s is None else _rfc3339(user.left_s * 1000),
        "minutes": user.seconds / 60,
    }


def draw(truth: Truth) -> dict[str, Any]:
    """The session's timeline as the status API would say it, by the truth."""
    if isinstance(truth, RecordingTruth):
        return {"lanes": [*_recorder_lanes(truth), *_track_lanes(truth)]}
    users = truth.users if isinstance(truth, ChannelTruth) else []
    lanes = [{"kind": "user", "uid": uid, "intervals": []} for uid in users]
    return {"lanes": lanes or [{"kind": "state", "uid": None, "intervals": []}]}


def _recorder_lanes(truth: RecordingTruth) -> list[dict[str, Any]]:
    return [
        {"kind": "recorder", "uid": it.uid, "intervals": [{"from": _rfc3339(it.from_ms), "until": None}]}
        for it in truth.recorders
    ]


def _track_lanes(truth: RecordingTruth) -> Iterator[dict[str, Any]]:
    end = END if truth.exit_status else None
    for uid, stream in truth.streams.items():
        for kind, words in (("video", stream.video_words), ("audio", stream.audio_words)):
            ends = [*(_rfc3339(at_ms) for at_ms, _ in words[1:]), end]
            intervals = [
                {"from": _rfc3339(at_ms), "until": until, "state": state}
                for (at_ms, state), until in zip(words, ends, strict=False)
            ]
            if words:
                yield {"kind": kind, "uid": uid, "intervals": intervals}


@pytest.fixture(name="draw")
def _draw() -> Callable[[Truth], dict[str, Any]]:
    return draw


def _rfc3339(at_ms: int | None) -> str | None:
    if at_ms is None:
        return None
    moment = datetime.fromtimestamp(at_ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03d}Z"


@pytest.fixture(name="say")
def _say() -> Callable[..., dict[str, Any]]:
    return say


class StandIn:
    """Answers as Vigil would, from the notifications it was posted; `twist` may change what it says of a session, and
    `redraw` its timeline.
    """

    def __init__(self) -> None:
        self.posts: list[dict[str, Any]] = []
        self._lines: dict[str, list[Line]] = {}
        self._lock = threading.Lock()
        self.twist: Callable[[dict[str, Any]], object] = lambda session: None
        self.redraw: Callable[[dict[str, Any]], object] = lambda timeline: None
        self.project = "default"

    def __call__(self, asked: Asked, number: int) -> Answer:
        if asked.method == "POST":
            with self._lock:
                self.posts.append(json.loads(asked.body))
                self._keep(_line(self.posts[-1]))
            return 200, b'{"status": "accepted"}'
        path = asked.path.removesuffix("/timeline")
        told = self._lines.get(unquote(path.rpartition("/")[2]), [])
        answer = self._session if path == asked.path else self._timeline
        return (200, json.dumps(answer(told)).encode()) if told else (404, b"{}")

    def _truth(self, told: list[Line]) -> Truth:
        lines = {json.dumps([line.event_type, line.payload], sort_keys=True): line for line in told}
        truth = fold(lines.values(), self.project)
        assert truth is not None
        return truth

    def _session(self, told: list[Line]) -> dict[str, Any]:
        session = say(self._truth(told), len(told))
        self.twist(session)
        return session

    def _timeline(self, told: list[Line]) -> dict[str, Any]:
        timeline = draw(self._truth(told))
        self.redraw(timeline)
        return timeline

    def _keep(self, line: Line) -> None:
        alone = fold([line], self.project)
        assert alone is not None
        self._lines.setdefault(alone.sid, []).append(line)


def _line(post: dict[str, Any]) -> Line:
    return Line(post["noticeId"], post["productId"], post["eventType"], post["notifyMs"], post["payload"])


@pytest.fixture
def stand_in() -> StandIn:
    return StandIn()

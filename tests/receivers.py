"""Receivers of alerts on this machine: an HTTP and an SMTP server that keep what they get, and misbehave as told."""

from __future__ import annotations

import asyncio
import json
import select
import socket
import threading
from collections import deque
from collections.abc import Mapping
from email import message_from_bytes, policy
from email.message import EmailMessage, Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self

from aiosmtpd.smtp import SMTP, Envelope, Session

from webhook import clock

LOOPBACK = "127.0.0.1"
LOOK_S = 0.05  # from one look to the next at what goes on


class Received(NamedTuple):
    """One HTTP request; names of headers are lower case. It came at `at_ms`, and was answered with `status`: None where
    no answer was meant for it. At `ended_ms` it was answered, or whoever asked had gone; None until then.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    at_ms: int = 0
    status: int | None = None
    ended_ms: int | None = None

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Answer(NamedTuple):
    """What a request is answered with: nothing where it `hangs`, a byte now and then where it `drips`."""

    status: int = 200
    headers: Mapping[str, str] = {}
    body: bytes = b""
    hangs: bool = False
    drips: bool = False


class HttpReceiver:
    """A context manager. Answers with what `answer` said, one after the other, and goes on with the last.

    `received` has the requests in the order in which they came, however they were answered. `open` counts those that
    are not answered yet and that somebody still waits for, `most_open` the most of them at one time.
    """

    def __init__(self, *answers: Answer) -> None:
        self.received: list[Received] = []
        self.open = self.most_open = 0
        self._answers = deque(answers or (Answer(),))
        self._lock, self._closing = threading.Lock(), threading.Event()
        self._server = ThreadingHTTPServer((LOOPBACK, 0), self._request_class())
        self._server.daemon_threads = True
        self._server.block_on_close = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def address(self) -> str:
        """Host and port."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def answer(self, *answers: Answer) -> None:
        """From now on these, one after the other, and then the last for ever."""
        with self._lock:
            self._answers = deque(answers)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def _take(self, request: Received) -> tuple[int, Answer]:
        """The request's place among those received, and what it is answered with."""
        with self._lock:
            answer = self._answers.popleft() if len(self._answers) > 1 else self._answers[0]
            status = None if answer.hangs or answer.drips else answer.status
            self.received.append(request._replace(at_ms=clock.now_ms(), status=status))
            self.open += 1
            self.most_open = max(self.most_open, self.open)
            return len(self.received) - 1, answer

    def _done(self, place: int) -> None:
        with self._lock:
            self.received[place] = self.received[place]._replace(ended_ms=clock.now_ms())
            self.open -= 1

    def _request_class(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Request(BaseHTTPRequestHandler):
            def handle_request(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                place, answer = receiver._take(Received(self.command, self.path, headers, body))
                try:
                    self._misbehave(answer) if answer.hangs or answer.drips else self._send(answer)
                except OSError:  # whoever asked has gone
                    self.close_connection = True
                finally:
                    receiver._done(place)

            do_GET = do_POST = do_PUT = do_HEAD = handle_request  # noqa: N815 - so the server calls them

            def _send(self, answer: Answer) -> None:
                self.send_response(answer.status)
                for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body)

            def _misbehave(self, answer: Answer) -> None:
                self.close_connection = True
                if answer.hangs:
                    self._say_nothing()
                    return
                self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Drip: ")
                while not receiver._closing.wait(LOOK_S):
                    self.wfile.write(b".")

            def _say_nothing(self) -> None:
                while not receiver._closing.is_set():
                    if select.select([self.connection], [], [], LOOK_S)[0]:  # whoever asked has gone
                        return

            def log_message(self, *_: object) -> None:
                """Keeps quiet."""

        return Request


class SmtpReceiver:
    """A context manager. `messages` has the mails that came, `recipients` the address of each, `times_ms` when it came.

    With a `refusal`, such as `550 no such user`, it takes none. One that `hangs` says nothing at all.
    """

    def __init__(self, refusal: str | None = None, *, hangs: bool = False) -> None:
        self.messages: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.times_ms: list[int] = []
        self.refusal = refusal
        self._hangs = hangs
        self._socket = socket.create_server((LOOPBACK, 0))
        self._loop: asyncio.AbstractEventLoop | None = None
        self._begun, self._over = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=asyncio.run, args=(self._serve(),), daemon=True)

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    @property
    def address(self) -> str:
        """Host and port."""
        return f"{LOOPBACK}:{self.port}"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Called by the SMTP server with each mail."""
        if self.refusal is not None:
            return self.refusal
        content = envelope.original_content or b""
        message: Message = message_from_bytes(content, policy=policy.default)  # type: ignore[arg-type, assignment]
        assert isinstance(message, EmailMessage)
        self.times_ms.append(clock.now_ms())
        self.messages.append(message)
        self.recipients.append(list(envelope.rcpt_tos))
        return "250 OK"

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._begun.wait(10)
        return self

    def __exit__(self, *failure: object) -> None:
        assert self._loop
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)
        self._socket.close()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        if self._hangs:  # the kernel accepts, and nobody says a word
            self._begun.set()
            await self._over.wait()
            return
        server = await self._loop.create_server(lambda: SMTP(self, hostname="localhost"), sock=self._socket)
        self._begun.set()
        await self._over.wait()
        server.close()


def unused_port() -> int:
    """A port where nobody listens: connections are refused."""
    with socket.create_server((LOOPBACK, 0)) as taken:
        return int(taken.getsockname()[1])

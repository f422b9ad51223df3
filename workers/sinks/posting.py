"""One POST over a connection of its own: no retries, no redirects, TLS verified, over in time."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.client import HTTPException
from threading import Event, Timer
from urllib.parse import unquote

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, LocationParseError, NameResolutionError
from urllib3.util import Url, make_headers, parse_url

from webhook.domain.errors import DeliveryError
from workers.sinks.answers import refusal

USER_AGENT = "Vigil"


def address_problem(url: str | None) -> str | None:
    """Why nothing can be posted there, None where it can. The address itself is not shown: it may hold secrets."""
    try:
        parsed = parse_url(url or "")
    except LocationParseError:
        return "the url is no address; write https://host/path"
    if parsed.scheme not in ("http", "https") or not parsed.host:
        return "the url has to begin with https:// (or http://) and a host"
    return None


def post_json(url: str, body: bytes, headers: Mapping[str, str], seconds: float) -> None:
    """Return once the receiver answered 2xx within `seconds`. Raises DeliveryError where it did not."""
    target = parse_url(url)
    kind = HTTPSConnection if target.scheme == "https" else HTTPConnection
    connection = kind((target.host or "").strip("[]"), target.port, timeout=seconds / 2)
    status, retry_after = _answer(connection, target, (body, _headers(target, headers)), seconds)
    if not 200 <= status < 300:
        raise refusal(status, retry_after)


def _answer(
    connection: HTTPConnection, target: Url, message: tuple[bytes, Mapping[str, str]], seconds: float
) -> tuple[int, str | None]:
    """The answer's status and its Retry-After."""
    body, headers = message
    late = Event()
    try:
        with _cut_off_after(connection, seconds, late):
            connection.connect()
            connection.timeout = seconds  # only to connect, which goes from address to address, has it less
            connection.request("POST", target.request_uri, body, headers, preload_content=False)
            answer = connection.getresponse()
            answer.close()  # what else it says is not read
        if late.is_set():  # it was cut off in the midst of headers, which passes for their end
            raise TimeoutError
    except (HTTPError, HTTPException, OSError) as error:
        trouble = TimeoutError() if late.is_set() else error
        raise DeliveryError(_trouble(trouble, seconds)) from None  # what the error says may hold the address
    finally:
        connection.close()
    return answer.status, answer.headers.get("Retry-After")


def _headers(target: Url, headers: Mapping[str, str]) -> dict[str, str]:
    credentials = make_headers(basic_auth=unquote(target.auth)) if target.auth else {}
    return {"Content-Type": "application/json", "User-Agent": USER_AGENT, **credentials, **headers}


@contextmanager
def _cut_off_after(connection: HTTPConnection, seconds: float, late: Event) -> Iterator[None]:
    """End what goes on over `connection` when `seconds` have passed, and set `late`. The socket's own timeout begins
    anew with each byte, so that a receiver which drips could hold us for hours.
    """
    timer = Timer(seconds, _cut_off, (connection, late))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _cut_off(connection: HTTPConnection, late: Event) -> None:
    late.set()
    if connection.sock is not None:
        with suppress(OSError):
            socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)  # an SSLSocket's own takes its state away


def _trouble(error: Exception, seconds: float) -> str:
    if isinstance(error, NameResolutionError):
        return "the receiver's name is not known"
    if isinstance(error, ssl.SSLError):
        return f"no trusted connection: {error.reason or 'TLS failed'}"
    if isinstance(error, TimeoutError) or "Timeout" in type(error).__name__:
        return f"the receiver did not answer within {seconds:g} s"
    if isinstance(error, ConnectionRefusedError) or isinstance(error.__context__, ConnectionRefusedError):
        return "the receiver cannot be reached: connection refused"
    return f"the connection broke before an answer came ({type(error).__name__})"

"""JSON answers, ETags and problem documents, the same for every route."""

from __future__ import annotations

import hashlib
import logging
import re
from functools import partial
from typing import IO, Any

import msgspec
from flask import Flask, Response, current_app, request
from gevent import Timeout
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from webhook.domain.errors import Rejected, StoreError, Unverified
from webhook.domain.signature import HEADER_V2

log = logging.getLogger(__name__)

RETRY_AFTER = 5  # seconds
MOST_DISCARDED, PIECE = 16 * 1024 * 1024, 64 * 1024  # bytes
DISCARD_SECONDS = 2.0
_FILLED_IN = re.compile(r"<[^>]*>")


def json_answer(content: Any, status: int = 200) -> Response:
    """`content` as JSON, never cached by anybody on the way."""
    answer = Response(msgspec.json.encode(content), status, content_type="application/json")
    answer.headers["Cache-Control"] = "no-store"
    return answer


def tagged_answer(content: Any, tag: str | None = None) -> Response:
    """The same with an ETag, `tag` or a digest of the body; 304 without a body where the reader has it already."""
    answer = json_answer(content)
    answer.headers["Cache-Control"] = "no-cache"
    answer.set_etag(tag or hashlib.sha256(answer.get_data()).hexdigest()[:32])
    answer.make_conditional(request)
    return answer


def problem(status: int, title: str, detail: str, errors: list[dict[str, str]] | None = None) -> Response:
    """A problem document (RFC 9457). `errors` name the path of each mistake in a bad request."""
    content: dict[str, Any] = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    answer = json_answer(content | ({"errors": errors} if errors else {}), status)
    answer.content_type = "application/problem+json"
    return answer


def install(app: Flask) -> None:
    """Every error that leaves a route becomes a problem document; none shows a traceback."""
    app.after_request(_hear_out)
    app.register_error_handler(Rejected, _rejected)
    app.register_error_handler(StoreError, _unavailable)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _fault)


def _rejected(refusal: Rejected) -> Response:
    answer = problem(refusal.status, refusal.title, refusal.detail, refusal.errors)
    if refusal.status == 401:
        answer.headers["WWW-Authenticate"] = HEADER_V2 if isinstance(refusal, Unverified) else "Bearer"
    return answer


def _unavailable(failure: StoreError) -> Response:
    log.error("%s", failure)
    if request.method in ("GET", "HEAD"):
        detail = "Redis does not answer, or not in time; GET /readyz says what is wrong. Try again."
        answer = problem(503, "Cannot read now", detail)
    else:
        answer = problem(503, "Cannot keep this now", "The store is away or full; try again.")
    answer.headers["Retry-After"] = str(RETRY_AFTER)
    return answer


def _http(refusal: HTTPException) -> Response:
    status = refusal.code or 500
    answer = problem(status, refusal.name, _advice(refusal))
    answer.headers.extend([(name, value) for name, value in refusal.get_headers() if name == "Allow"])
    return answer


def _advice(refusal: HTTPException) -> str:
    """What to do about an error of Werkzeug's own."""
    if isinstance(refusal, MethodNotAllowed):
        methods = [name for name in sorted(refusal.valid_methods or ()) if name not in ("HEAD", "OPTIONS")]
        return f"{request.method[:16]} is not possible here; this address takes {' and '.join(methods)}"
    if isinstance(refusal, NotFound):
        return f"nothing is at {request.path[:128]}; there are {', '.join(_endpoints())}"
    return refusal.description or refusal.name


def _endpoints() -> list[str]:
    """Each method and address of the API, what is to be filled in between braces."""
    found = {
        f"{method} {_FILLED_IN.sub('{id}', rule.rule)}"
        for rule in current_app.url_map.iter_rules()
        if rule.rule.startswith("/api/")
        for method in (rule.methods or set()) & {"GET", "POST", "PUT", "DELETE"}
    }
    return sorted(found, key=lambda endpoint: endpoint.partition(" ")[::-1])


def _fault(fault: Exception) -> Response:
    log.error("unexpected %s on %s %s", type(fault).__name__, request.method, request.path, exc_info=fault)
    return problem(500, "Internal error", "A fault of Vigil's own; its log has the details.")


def _hear_out(answer: Response) -> Response:
    """Reads what a refused sender still sends: closing on unread bytes resets the connection before it has read why."""
    if answer.status_code >= 400:
        answer.call_on_close(partial(_discard, request.environ["wsgi.input"]))
    return answer


def _discard(body: IO[bytes]) -> None:
    left = MOST_DISCARDED
    with Timeout(DISCARD_SECONDS, False):
        while left > 0 and (piece := body.read(min(left, PIECE))):
            left -= len(piece)

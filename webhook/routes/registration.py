"""Registering a recording, and checking a start request before it is sent (contract.md, section 4)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec
from flask import Response, request
from msgspec import Struct

from webhook.clock import sleep
from webhook.domain.arrivals import Arrival, Kind
from webhook.domain.decoding import LONGEST_ID, routing_key_of_channel
from webhook.domain.errors import Rejected, StoreError
from webhook.domain.registration import Registration
from webhook.domain.session import Session
from webhook.domain.start_request import Expectation, Violation, check, summary_of
from webhook.domain.transitions import register
from webhook.domain.wire import milliseconds
from webhook.routes.answers import json_answer, problem
from webhook.routes.ingest import read_body
from webhook.routes.parameters import read, true
from webhook.routes.status import api, blueprint
from webhook.settings import DEFAULT_SOURCE
from webhook.views.sessions import session_view
from webhook.views.times import parse_rfc3339

LONGEST = {
    "$.resourceId": 1024,
    "$.channel": LONGEST_ID,
    "$.startRequest.clientRequest.storageConfig.fileNamePrefix": 1024,
}
MODES = ("individual", "mix", "web")
T = TypeVar("T", bound=Struct)
SHOWN_WITHIN = 40, 0.05  # looks, and seconds between them, until a worker has folded what was registered


class Request(Struct, rename="camel"):
    """The body of `POST /sessions`."""

    sid: str
    resource_id: str
    mode: str
    channel: str | None = None
    project: str = "default"
    start_request: dict[str, Any] | None = None
    expected_end: str | None = None


class Question(Struct, rename="camel"):
    """The body of `POST /start-request/check`."""

    start_request: Any
    mode: str = "individual"


@blueprint.post("/start-request/check")
def check_start_request() -> Response:
    """Which rules a start request breaks."""
    question = _body(Question)
    return json_answer(_verdict(check(question.start_request, question.mode)))


@blueprint.post("/sessions")
def register_session() -> Response:
    """Registers a recording, so that its silence from the start is noticed and its files are known by their prefix."""
    asked = _body(Request)
    force = read(request.args, {"force": true}).get("force", False)
    registration = _registration(asked)
    broken = [] if asked.start_request is None else check(asked.start_request, asked.mode)
    if any(violation.severity == "error" for violation in broken) and not force:
        errors = [{"path": violation.path, "message": violation.message} for violation in broken]
        return problem(422, "Start request breaks rules", "send ?force=true to register it all the same", errors)
    _keep(registration)
    answer = json_answer(session_view(_shown(registration)), 201)
    answer.headers["Location"] = f"{blueprint.url_prefix}/sessions/{quote(registration.sid, safe='')}"
    return answer


def _verdict(violations: list[Violation]) -> dict[str, Any]:
    return {
        "valid": all(violation.severity != "error" for violation in violations),
        "violations": [msgspec.to_builtins(violation) for violation in violations],
    }


def _body(shape: type[T]) -> T:
    if request.mimetype != "application/json":
        raise Rejected(415, "JSON needed", f"the content type is {request.mimetype[:64]!r}; send application/json")
    try:
        return msgspec.json.decode(read_body(request, api().settings.max_body_bytes), type=shape)
    except (msgspec.MsgspecError, RecursionError) as mistake:
        raise Rejected(400, "Bad body", str(mistake), [{"path": "$", "message": str(mistake)}]) from mistake


def _registration(asked: Request) -> Registration:
    """What is kept of the request: nothing that could be a credential. Raises Rejected (400) with every mistake."""
    expectation = Expectation() if asked.start_request is None else summary_of(asked.start_request, asked.mode)
    mistakes = list(_mistakes(asked, expectation))
    if mistakes:
        raise Rejected(400, "Bad registration", f"{len(mistakes)} of the fields cannot be used", mistakes)
    return Registration(
        registered_ms=api().now_ms(),
        sid=asked.sid,
        resource_id=asked.resource_id,
        mode=asked.mode,
        project=asked.project,
        channel=asked.channel or expectation.channel or "",
        expected_end_ms=None if asked.expected_end is None else parse_rfc3339(asked.expected_end),
        expectation=expectation,
    )


def _mistakes(asked: Request, expectation: Expectation) -> Iterator[dict[str, str]]:
    if not 0 < len(asked.sid) <= LONGEST_ID:
        yield _mistake("$.sid", f"has {len(asked.sid)} characters; a sid has 1 to {LONGEST_ID}")
    if asked.mode not in MODES:
        yield _mistake("$.mode", f"is {asked.mode[:32]!r}; known are {', '.join(MODES)}")
    if asked.project not in api().projects:
        yield _mistake("$.project", f"is {asked.project[:64]!r}; configured are {', '.join(api().projects)}")
    if not (asked.channel or expectation.channel):
        yield _mistake("$.channel", "is missing, here and as startRequest.cname; a recording is of one channel")
    elif asked.channel and expectation.channel and asked.channel != expectation.channel:
        yield _mistake("$.channel", "is not the channel that startRequest.cname names; both must agree")
    known = api().sessions.find(asked.sid)
    if known and known[1].channel is not None and known[1].channel != (asked.channel or expectation.channel):
        yield _mistake("$.channel", f"is not {known[1].channel!r}, in which this sid is known already")
    if asked.expected_end is not None and not _is_time(asked.expected_end):
        yield _mistake("$.expectedEnd", f"is {asked.expected_end[:40]!r}; write 2026-11-22T23:34:05Z")
    kept = {"$.resourceId": asked.resource_id, "$.channel": asked.channel or expectation.channel or ""}
    kept |= {"$.startRequest.clientRequest.storageConfig.fileNamePrefix": "/".join(expectation.file_name_prefix)}
    for path, value in kept.items():
        if len(value) > LONGEST[path]:
            yield _mistake(path, f"has {len(value)} characters; at most {LONGEST[path]} are kept")


def _is_time(text: str) -> bool:
    try:
        return milliseconds(parse_rfc3339(text)) is not None
    except ValueError:
        return False


def _mistake(path: str, message: str) -> dict[str, str]:
    return {"path": path, "message": message}


def _keep(registration: Registration) -> None:
    body = msgspec.json.encode(registration)
    arrival = Arrival(os.urandom(12).hex(), DEFAULT_SOURCE, registration.project, 0, body, Kind.REGISTRATION)
    kept = api().inbox.append(routing_key_of_channel(registration.project, registration.channel), arrival)
    if kept.wake:
        with suppress(StoreError):  # it is kept, and the sweep wakes what this did not
            api().wake(kept.shard)


def _shown(registration: Registration) -> Session:
    """The session with the registration in it: as a worker saved it, or, if none did in time, as it will be."""
    looks, pause = SHOWN_WITHIN
    for _ in range(looks):
        found = api().sessions.find(registration.sid)
        known = found[1].registration if found else None
        if found and known and known.registered_ms >= registration.registered_ms:
            return found[1]
        sleep(pause)
    return register(found[1] if found else None, registration)

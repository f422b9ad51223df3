"""Registering a recording, and checking a start request before it is sent (contract.md, section 4)."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import msgspec
from flask import Response, request

from webhook.clock import sleep
from webhook.domain.arrivals import Arrival, Kind
from webhook.domain.decoding import LONGEST_ID, routing_key_of_channel
from webhook.domain.errors import Rejected, StoreError
from webhook.domain.registration import Registration
from webhook.domain.session import Session
from webhook.domain.start_request import Violation, check, is_start_request
from webhook.domain.transitions import register
from webhook.receipts import new_receipt
from webhook.routes.answers import json_answer, problem
from webhook.routes.bodies import Member, misshapen, mistake, read_object
from webhook.routes.parameters import read, true
from webhook.routes.registering import MEMBERS, Asked, asked_of, mistakes, placed, registration_of, violations
from webhook.routes.status import api, blueprint
from webhook.settings import DEFAULT_SOURCE
from webhook.views.sessions import session_view

SHOWN_WITHIN = 40, 0.05  # looks, and seconds between them, until a worker has folded what was registered
QUESTION = {
    "mode": Member(str, "a string", "individual, mix or web"),
    "startRequest": Member(object, "a value", "the body with which the recording is to be started"),
}
WRAPPED = 'is missing; this looks like a start request itself: send {"mode": "individual", "startRequest": it}'


@blueprint.post("/start-request/check")
def check_start_request() -> Response:
    """Which rules a start request breaks, one that asks for no snapshots among them."""
    read(request.args, {})
    whole = read_object()  # that of a registration will do, so that it can be checked before it is sent
    body = {name: value for name, value in whole.items() if name in QUESTION or name not in MEMBERS}
    wrong = list(misshapen(body, QUESTION))
    if "startRequest" not in body:
        bare = is_start_request(body)
        wrong = [mistake("$.startRequest", WRAPPED if bare else f"is missing; write {QUESTION['startRequest'].advice}")]
    if wrong:
        raise Rejected(400, "Bad question", f"{len(wrong)} of the fields cannot be used", wrong)
    return json_answer(_verdict(check(body["startRequest"], body.get("mode") or "individual", no_snapshots="error")))


@blueprint.post("/sessions")
def register_session() -> Response:
    """Registers a recording, so that its silence from the start is noticed and its files are known by their prefix."""
    force = read(request.args, {"force": true}).get("force", False)
    asked = _asked(read_object())
    wrong, broken = mistakes(asked), [] if force else violations(asked)
    if wrong:
        detail = f"{len(wrong)} of the fields cannot be used"
        raise Rejected(400, "Bad registration", detail, [*wrong, *map(placed, broken)])
    if any(violation.severity == "error" for violation in broken):
        detail = "send ?force=true to register it all the same"
        return problem(422, "Start request breaks rules", detail, [*map(placed, broken)])
    registration = registration_of(asked, api().now_ms())
    _keep(registration)
    answer = json_answer(session_view(_shown(registration)), 201)
    answer.headers["Location"] = f"{blueprint.url_prefix}/sessions/{quote(registration.sid, safe='')}"
    return answer


def _verdict(found: list[Violation]) -> dict[str, Any]:
    return {
        "valid": all(violation.severity != "error" for violation in found),
        "violations": [msgspec.to_builtins(violation) for violation in found],
    }


def _asked(body: Mapping[str, Any]) -> Asked:
    sid = body.get("sid")
    known = api().sessions.find(sid) if isinstance(sid, str) and 0 < len(sid) <= LONGEST_ID else None
    return asked_of(body, known[1] if known else None, api().projects)


def _keep(registration: Registration) -> None:
    body = msgspec.json.encode(registration)
    arrival = Arrival(new_receipt(), DEFAULT_SOURCE, registration.project, 0, body, Kind.REGISTRATION)
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

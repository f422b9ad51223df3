"""JSON bodies of the status API: each is one object, and all mistakes of its members are told at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from flask import request
from msgspec import Struct

from webhook.domain.errors import Rejected
from webhook.domain.start_request import kind_of
from webhook.routes.ingest import read_body
from webhook.routes.status import api

Mistake = dict[str, str]  # path, message and, of a start request's violation, severity


class Member(Struct, frozen=True):
    """What a member of a body has to be: of the type `kind`, which `wanted` names; `advice` says what to write."""

    kind: type
    wanted: str
    advice: str
    required: bool = False


def read_object() -> dict[str, Any]:
    """The body of the request. Raises Rejected (400, 413, 415) where it is no JSON object."""
    if request.mimetype != "application/json":
        raise Rejected(415, "JSON needed", f"the content type is {request.mimetype[:64]!r}; send application/json")
    try:
        return msgspec.json.decode(read_body(request, api().settings.max_body_bytes), type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError) as wrong:
        raise Rejected(400, "Bad body", str(wrong), [mistake("$", str(wrong))]) from wrong


def read_members(wanted: Mapping[str, Member]) -> dict[str, Any]:
    """The members of the request's body, an object; it is asked for because no page of another site can send JSON.

    Raises Rejected (400) with all that is wrong.
    """
    body = read_object()
    if wrong := list(misshapen(body, wanted)):
        raise Rejected(400, "Bad body", f"{len(wrong)} of the fields cannot be used", wrong)
    return body


def mistake(path: str, message: str) -> Mistake:
    """One mistake: where it is, and what to do about it."""
    return {"path": path, "message": message}


def misshapen(body: Mapping[str, Any], members: Mapping[str, Member]) -> Iterator[Mistake]:
    """Each member that is unknown, of another kind than it has to be, or required and missing; null is missing."""
    for name in body.keys() - members.keys():
        yield mistake(f"$.{name[:64]}", f"is unknown; known are {', '.join(members)}")
    for name, member in members.items():
        value = body.get(name)
        if value is None and member.required:
            yield mistake(f"$.{name}", f"is missing; write {member.advice}")
        elif value is not None and not isinstance(value, member.kind):
            yield mistake(f"$.{name}", f"is {kind_of(value)}, not {member.wanted}; write {member.advice}")

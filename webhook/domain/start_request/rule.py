"""What a rule of a start request is, and what it says when it is broken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from msgspec import Struct

from webhook.domain.start_request.reading import StartRequest, kind_of, shown

Severity = Literal["error", "warning"]


class Violation(Struct, frozen=True):
    """One mistake of a start request: `rule` never changes its name, `message` says what to write instead.

    No credential occurs in it: a message repeats numbers and short plain strings of fields that hold no credential.
    """

    rule: str
    path: str
    message: str
    severity: Severity = "error"


class Rule(Struct, frozen=True):
    """A rule about one place: `broken` gets the request and the value there.

    `message` may name {mode}, {kind}, which gives nothing away, and {value}, for fields that hold no credential.
    """

    name: str
    place: str
    broken: Callable[[StartRequest, Any], bool]
    message: str
    severity: Severity = "error"


def judge(request: StartRequest, rule: Rule) -> Violation | None:
    """What `rule` has against `request`; None where it is kept."""
    value = request.value(rule.place)
    if not rule.broken(request, value):
        return None
    found = kind_of(value) if value is None else shown(value)
    message = rule.message.format(value=found, kind=kind_of(value), mode=shown(request.mode))
    return Violation(rule.name, request.path(rule.place), message, rule.severity)

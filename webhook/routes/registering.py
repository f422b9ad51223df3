"""What `POST /sessions` was asked to register: every mistake of it with its path, and what is kept of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from webhook.domain.decoding import LONGEST_ID
from webhook.domain.registration import Registration
from webhook.domain.session import Session
from webhook.domain.start_request import Expectation, Violation, check, summary_of
from webhook.domain.wire import milliseconds
from webhook.routes.bodies import Member, Mistake, misshapen, mistake
from webhook.views.times import parse_rfc3339

MODES = ("individual", "mix", "web")
RECORDING = "cloud_recording"
CHANNELS_BEGIN = "rtc:"  # the ids of channels
LONGEST_KEPT = 1024  # characters of a resource id and of a prefix
PREFIX_PATH = "$.startRequest.clientRequest.storageConfig.fileNamePrefix"
MEMBERS = {
    "sid": Member(str, "a string", "the sid that start answered", required=True),
    "resourceId": Member(str, "a string", "the resource id that acquire answered", required=True),
    "mode": Member(str, "a string", f"one of {', '.join(MODES)}", required=True),
    "channel": Member(str, "a string", "the channel's name, or leave it out where startRequest.cname names it"),
    "project": Member(str, "a string", "the project's name, or leave it out where there is one only"),
    "startRequest": Member(dict, "an object", "the body with which the recording is started, or leave it out"),
    "expectedEnd": Member(str, "a string", "a time such as 2026-11-22T23:34:05Z, or leave it out"),
}


class Asked(Struct, frozen=True):
    """A registration as it was asked for, and what is known already. `known` is the session of that sid.

    `expectation` is what its start request lets expect.
    """

    body: Mapping[str, Any]
    expectation: Expectation
    known: Session | None
    projects: Sequence[str]

    def get(self, name: str) -> Any:
        """The member called so, None where it is missing or of another kind."""
        return _member(self.body, name)

    @property
    def channel(self) -> str | None:
        """The channel, wherever it is named."""
        return self.get("channel") or self.expectation.channel

    @property
    def project(self) -> str | None:
        """The project that is named, else that of the known session, else the only one there is."""
        named: str | None = self.get("project")
        if named is not None:
            return named
        return self.known.project if self.known else self.projects[0] if len(self.projects) == 1 else None


def asked_of(body: Mapping[str, Any], known: Session | None, projects: Sequence[str]) -> Asked:
    """What the body of a request asks for. `projects` are those that are configured."""
    request = _member(body, "startRequest")
    expectation = Expectation() if request is None else summary_of(request, _member(body, "mode") or "")
    return Asked(body, expectation, known, projects)


def mistakes(asked: Asked) -> list[Mistake]:
    """Every mistake of the registration itself, each with its path."""
    checks = (_of_sid, _of_resource, _of_mode, _of_channel, _of_project, _of_end, _of_prefix)
    return [*misshapen(asked.body, MEMBERS), *(found for check in checks for found in check(asked))]


def violations(asked: Asked) -> list[Violation]:
    """What its start request breaks; a recording may do without snapshots, so that is no more than a warning."""
    request, mode = asked.get("startRequest"), asked.get("mode")
    if request is None:
        return []
    found = check(request, mode or "", no_snapshots="warning")
    return [violation for violation in found if violation.rule != "unknown-mode"]  # `mistakes` tells of that


def placed(violation: Violation) -> Mistake:
    """The violation with its path in the body of a registration."""
    path = f"$.startRequest{violation.path.removeprefix('$')}"
    return mistake(path, violation.message) | {"severity": violation.severity}


def registration_of(asked: Asked, now_ms: int) -> Registration:
    """What is kept, nothing of which could be a credential. Only for one without mistakes."""
    end = asked.get("expectedEnd")
    return Registration(
        registered_ms=now_ms,
        sid=asked.get("sid"),
        resource_id=asked.get("resourceId"),
        mode=asked.get("mode"),
        project=asked.project or "",
        channel=asked.channel or "",
        expected_end_ms=None if end is None else parse_rfc3339(end),
        expectation=asked.expectation,
    )


def _member(body: Mapping[str, Any], name: str) -> Any:
    value = body.get(name)
    return value if isinstance(value, MEMBERS[name].kind) else None


def _of_sid(asked: Asked) -> Iterator[Mistake]:
    sid, known = asked.get("sid"), asked.known
    if sid is None:
        return
    if not 0 < len(sid) <= LONGEST_ID:
        yield mistake("$.sid", f"has {len(sid)} characters; a sid has 1 to {LONGEST_ID}")
    elif known is not None and known.product != RECORDING:
        yield mistake("$.sid", f"is the id of a session of {known.product}; only recordings are registered")
    elif sid.startswith(CHANNELS_BEGIN):
        yield mistake("$.sid", "is the id of a channel; only recordings are registered, by the sid that start answered")


def _of_resource(asked: Asked) -> Iterator[Mistake]:
    resource_id = asked.get("resourceId")
    if resource_id == "":
        yield mistake("$.resourceId", "is empty; write the resource id that acquire answered")
    elif resource_id and len(resource_id) > LONGEST_KEPT:
        yield _too_long("$.resourceId", resource_id, LONGEST_KEPT)


def _of_mode(asked: Asked) -> Iterator[Mistake]:
    mode = asked.get("mode")
    if mode is not None and mode not in MODES:
        yield mistake("$.mode", f"is {mode[:32]!r}; known are {', '.join(MODES)}")


def _of_channel(asked: Asked) -> Iterator[Mistake]:
    if "channel" in asked.body and asked.get("channel") is None and asked.body["channel"] is not None:
        return  # of another kind, which was said
    channel, inside, known = asked.channel, asked.expectation.channel, asked.known
    if not channel:
        yield mistake("$.channel", "is missing, here and as startRequest.cname; a recording is of one channel")
    elif inside and channel != inside:
        yield mistake("$.channel", "is not the channel that startRequest.cname names; both must agree")
    elif len(channel) > LONGEST_ID:
        yield _too_long("$.channel", channel, LONGEST_ID)
    elif _is_recording(known) and known and known.channel not in (None, channel):
        yield mistake("$.channel", f"is not {known.channel!r}, in which this sid is known already")


def _of_project(asked: Asked) -> Iterator[Mistake]:
    configured, known = ", ".join(asked.projects), asked.known
    if known is not None:
        if _is_recording(known) and asked.project != known.project:
            yield mistake("$.project", f"is not {known.project!r}, in which this sid is known already; leave it out")
    elif asked.project is None:
        yield mistake("$.project", f"is missing, and there are several: write one of {configured}")
    elif asked.project not in asked.projects:
        yield mistake("$.project", f"is {asked.project[:64]!r}; configured are {configured}")


def _of_end(asked: Asked) -> Iterator[Mistake]:
    end = asked.get("expectedEnd")
    if end is not None and not _is_time(end):
        yield mistake("$.expectedEnd", f"is {end[:40]!r}; write a time such as 2026-11-22T23:34:05Z")


def _of_prefix(asked: Asked) -> Iterator[Mistake]:
    prefix = "/".join(asked.expectation.file_name_prefix)
    if len(prefix) > LONGEST_KEPT:
        yield _too_long(PREFIX_PATH, prefix, LONGEST_KEPT)


def _is_recording(known: Session | None) -> bool:
    return known is not None and known.product == RECORDING


def _too_long(path: str, value: str, most: int) -> Mistake:
    return mistake(path, f"has {len(value)} characters; at most {most} are kept")


def _is_time(text: str) -> bool:
    try:
        return milliseconds(parse_rfc3339(text)) is not None
    except (ValueError, OverflowError):
        return False

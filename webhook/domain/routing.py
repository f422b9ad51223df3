"""Where a notification goes: what its name is, and what decides its shard."""

from __future__ import annotations

from msgspec import Struct

from webhook.domain.decoding import routing_key
from webhook.domain.envelope import fingerprint, parse
from webhook.domain.errors import Unusable


class Route(Struct, frozen=True):
    """A verified body's way. `name` is its noticeId, or a digest where it is no envelope, for the reason `unusable`."""

    name: str
    key: str
    unusable: str | None = None


def route(project: str, body: bytes) -> Route:
    """The way of `body`, which was posted for `project`."""
    try:
        envelope = parse(body)
    except Unusable as mistake:
        name = fingerprint(body)
        return Route(name, name, str(mistake))
    return Route(envelope.notice_id, routing_key(project, envelope))

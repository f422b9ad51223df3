"""What whoever starts a recording tells of it, because no notification does: resource id, mode, what to expect."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from webhook.domain.start_request import Expectation


class Registration(Struct, frozen=True, array_like=True):
    """A registered recording; of several for one sid the latest counts. Times are ms. It holds no credential."""

    registered_ms: int
    sid: str
    resource_id: str
    mode: str
    project: str
    channel: str
    expected_end_ms: int | None = None
    expectation: Expectation | None = None


def latest(known: Registration | None, new: Registration) -> Registration:
    """The one registered later; of two at one instant always the same."""
    return new if known is None or _place(new) > _place(known) else known


def _place(registration: Registration) -> tuple[int, bytes]:
    return registration.registered_ms, msgspec.json.encode(registration)

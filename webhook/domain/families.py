"""What each family of products does with facts, as one table: recordings, RTC channels, and all other entities."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from webhook.domain.entity import status as entity_status
from webhook.domain.entity import transitions as entity_transitions
from webhook.domain.entity.state import Entity
from webhook.domain.events import Reception
from webhook.domain.recording import status as recording_status
from webhook.domain.recording import transitions as recording_transitions
from webhook.domain.recording.state import Recording
from webhook.domain.rtc import status as rtc_status
from webhook.domain.rtc import transitions as rtc_transitions
from webhook.domain.rtc.state import Channel
from webhook.domain.states import Exit, Status


class Family(Struct, frozen=True):
    """The functions of one family. Each takes the family's own state; times are ms.

    `apply` folds a fact into it, in any order. `status` also takes the event time of the first fact, and the silence
    deadline once it has passed. `silence_ms` says how long it may be silent. `settle` counts deadlines of its own up
    to a time, and `deadline_ms` names the next of them. `video_counts` counts its streams.
    """

    empty: Callable[[], Any]
    apply: Callable[..., Any]
    status: Callable[[Any, int, int | None], Status]
    exit: Callable[[Any], Exit | None]
    silence_ms: Callable[[Any], int]
    settle: Callable[[Any, int], Any]
    deadline_ms: Callable[[Any], int | None]
    video_counts: Callable[[Any], Counter[Reception]]


def _unsettled(state: Any, now_ms: int) -> Any:
    return state


def _no_deadline(state: Any) -> None:
    return None


def _no_streams(state: Any) -> Counter[Reception]:
    return Counter()


RECORDINGS = Family(
    empty=Recording,
    apply=recording_transitions.apply,
    status=recording_status.status_of,
    exit=recording_status.exit_of,
    silence_ms=recording_status.silence_ms,
    settle=_unsettled,
    deadline_ms=_no_deadline,
    video_counts=recording_status.video_counts,
)
CHANNELS = Family(
    empty=Channel,
    apply=rtc_transitions.apply,
    status=rtc_status.status_of,
    exit=rtc_status.exit_of,
    silence_ms=rtc_status.silence_ms,
    settle=rtc_transitions.settle,
    deadline_ms=rtc_status.deadline_ms,
    video_counts=_no_streams,
)
ENTITIES = Family(
    empty=Entity,
    apply=entity_transitions.apply,
    status=entity_status.status_of,
    exit=entity_status.exit_of,
    silence_ms=entity_status.silence_ms,
    settle=_unsettled,
    deadline_ms=_no_deadline,
    video_counts=_no_streams,
)
_BY_STATE: dict[type, Family] = {Recording: RECORDINGS, Channel: CHANNELS, Entity: ENTITIES}
_BY_PRODUCT = {"cloud_recording": RECORDINGS, "rtc": CHANNELS}


def family_of(state: object) -> Family:
    """The family whose state this is."""
    return _BY_STATE[type(state)]


def family_of_product(product: str) -> Family:
    """The family of a product, by its name."""
    return _BY_PRODUCT.get(product, ENTITIES)

"""A fact: what one notification says once its wire form is gone, ready to be folded in any order."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct

from webhook.domain.entity.events import Happened
from webhook.domain.events import Undecoded, Unrecognised
from webhook.domain.recording.events import RecordingEvent
from webhook.domain.rtc.events import RtcEvent

Event = RecordingEvent | RtcEvent | Happened | Unrecognised | Undecoded


class Order(NamedTuple):
    """The place of a fact in the total order of its session (agora-notifications.md, section 7).

    Event time in ms, the sender's sequence number (-1 where it has none), the rank of the type in its product's table.
    What still ties is told apart by `Fact.identity`. The least notifyMs of the copies, which the total order names
    before the identity, stands in `at_ms` where an event has no time of its own; for all others it is left out,
    because a place that a late copy could move is none to build on.
    """

    at_ms: int
    sequence: int
    rank: int


class Fact(Struct, frozen=True, kw_only=True):
    """One notification's meaning. All copies of a notification make the same fact but for `received_ms`."""

    identity: str
    product: str
    project: str
    source: str
    channel: str | None
    session_id: str
    event_type: int
    order: Order
    received_ms: int  # by the server's clock, milliseconds
    teller: str | None  # the recorder's uid that spoke, where the product has such
    event: Event
    effect: str | None = None  # names what must be counted once, however many facts tell of it
    timeless: bool = False  # it has no time of its own: the least notifyMs of its copies is its event time

    @property
    def place(self) -> str:
        """Sorts, as text, among facts of one event time by the rest of the total order."""
        return f"{self.order.sequence + 1:020d}:{self.order.rank:03d}|{self.identity}"

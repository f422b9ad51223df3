"""RTC channel events, product 1 (agora-notifications.md, section 6). All fields stand in the payload itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from webhook.domain.channels import channel_id
from webhook.domain.envelope import Envelope
from webhook.domain.errors import Undecodable
from webhook.domain.facts import Event
from webhook.domain.products.rtc_terms import OTHER
from webhook.domain.products.table import EventType, Product
from webhook.domain.rtc import events
from webhook.domain.rtc.events import UNNUMBERED, Role, Who
from webhook.domain.wire import LONGEST_NAME, integer, milliseconds, shown, text

UIDS = 2**32  # unsigned 32 bit
SEQUENCES = 2**64  # unsigned 64 bit

OF_ALL = frozenset({"channelName", "ts"})
OF_USERS = frozenset({"uid", "account", "clientSeq", "platform", "clientType"})
OF_LEAVES = OF_USERS | {"reason", "duration"}

Decoder = Callable[[Mapping[str, Any]], Event]


def _created(payload: Mapping[str, Any]) -> Event:
    return events.ChannelCreated()


def _destroyed(payload: Mapping[str, Any]) -> Event:
    return events.ChannelDestroyed(_uid(payload.get("lastUid")))


def _joined(role: Role) -> Decoder:
    return lambda payload: events.UserJoined(_who(payload), role)


def _left(role: Role) -> Decoder:
    def decode(payload: Mapping[str, Any]) -> Event:
        reason = integer(payload.get("reason"))
        duration_s = _unsigned(payload.get("duration"), UIDS)
        return events.UserLeft(_who(payload), role, OTHER if reason is None else reason, duration_s or 0)

    return decode


def _became(role: Role) -> Decoder:
    return lambda payload: events.RoleChanged(_who(payload), role)


def _who(payload: Mapping[str, Any]) -> Who:
    uid = _uid(payload.get("uid"))
    if uid is None or len(uid) > LONGEST_NAME:
        raise Undecodable(f"uid is {shown(payload.get('uid'))}, not a user's id")
    sequence = _unsigned(payload.get("clientSeq"), SEQUENCES)
    account = text(payload.get("account"))
    return Who(
        uid,
        UNNUMBERED if sequence is None else sequence,
        account[:LONGEST_NAME] if account else None,
        integer(payload.get("platform")),
        integer(payload.get("clientType")),
    )


def _uid(value: Any) -> str | None:
    """A uid by its digits, or a string as it is. A number that went through a signed 32-bit field is put right."""
    number = integer(value) if not isinstance(value, str) else None
    if number is not None and -UIDS // 2 <= number < 0:
        return str(number + UIDS)
    return text(value)


def _unsigned(value: Any, bound: int) -> int | None:
    number = integer(value)
    return number if number is not None and 0 <= number < bound else None


def _session_id(envelope: Envelope, project: str) -> str | None:
    channel = _channel(envelope)
    return None if channel is None else channel_id(project, channel)


def _channel(envelope: Envelope) -> str | None:
    return text(envelope.payload.get("channelName"))


def _occurred_ms(envelope: Envelope) -> int | None:
    return milliseconds(envelope.payload.get("ts"))


def _sequence(envelope: Envelope) -> int | None:
    return _unsigned(envelope.payload.get("clientSeq"), SEQUENCES)


EVENTS: dict[int, EventType] = {
    101: EventType("channel_created", 10, _created, fields=OF_ALL),
    103: EventType("broadcaster_joined", 20, _joined(Role.BROADCASTER), fields=OF_ALL | OF_USERS),
    105: EventType("audience_joined", 21, _joined(Role.AUDIENCE), fields=OF_ALL | OF_USERS),
    107: EventType("user_joined", 22, _joined(Role.COMMUNICATION), fields=OF_ALL | OF_USERS),
    111: EventType("became_broadcaster", 30, _became(Role.BROADCASTER), fields=OF_ALL | OF_USERS),
    112: EventType("became_audience", 31, _became(Role.AUDIENCE), fields=OF_ALL | OF_USERS),
    104: EventType("broadcaster_left", 40, _left(Role.BROADCASTER), fields=OF_ALL | OF_LEAVES),
    106: EventType("audience_left", 41, _left(Role.AUDIENCE), fields=OF_ALL | OF_LEAVES),
    108: EventType("user_left", 42, _left(Role.COMMUNICATION), fields=OF_ALL | OF_LEAVES),
    102: EventType("channel_destroyed", 50, _destroyed, fields=OF_ALL | {"lastUid"}),
}

RTC = Product(
    name="rtc",
    product_id=1,
    events=EVENTS,
    session_id=_session_id,
    channel=_channel,
    occurred_ms=_occurred_ms,
    sequence=_sequence,
    fields=OF_ALL,
    nameless="payload.channelName, which names the channel, is not there",
)

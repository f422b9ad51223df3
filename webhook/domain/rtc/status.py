"""The state of an RTC channel, worked out from its newest life (contract.md, section 4)."""

from __future__ import annotations

from webhook.domain.rtc.lives import newest_life
from webhook.domain.rtc.state import Channel
from webhook.domain.rtc.words import tombstone_ms
from webhook.domain.states import Exit, State, Status

SILENCE_MS = 24 * 3_600_000


def status_of(channel: Channel, first_ms: int, lost_ms: int | None) -> Status:
    """The state and since when.

    `first_ms` is the event time of its first fact, `lost_ms` its silence deadline once that has passed.
    Starting is a channel of which nothing was understood that makes a life: a type that nobody knows, a dead letter.
    """
    life = newest_life(channel)
    if life is not None and life.until_ms is not None:
        return Status(State.ENDED, life.until_ms)
    if lost_ms is not None:
        return Status(State.LOST, lost_ms)
    return Status(State.STARTING, first_ms) if life is None else Status(State.LIVE, life.from_ms)


def exit_of(channel: Channel) -> Exit | None:
    """That the channel was destroyed, once its newest life is over."""
    life = newest_life(channel)
    if life is None or life.until_ms is None:
        return None
    return Exit(True, life.until_ms, ("destroyed",))


def silence_ms(channel: Channel) -> int:
    """How long the channel may be silent before it counts as lost. Users who stay for hours say nothing: a day."""
    return SILENCE_MS


def deadline_ms(channel: Channel) -> int | None:
    """When the next user who left goes from the list, by the server's clock; None where none is to go."""
    due = (tombstone_ms(user) for user in channel.users.values())
    return min((at_ms for at_ms in due if at_ms is not None), default=None)

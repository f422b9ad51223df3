"""The lanes of an RTC channel: its lives, and when each user was there, in which role."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any

from webhook.domain.products.rtc_terms import CLIENT_TYPES, leave_reason_term
from webhook.domain.rtc import events
from webhook.domain.rtc.events import UNNUMBERED, Who
from webhook.domain.rtc.lives import Life, lives
from webhook.domain.rtc.state import Channel, Mark, MarkKind
from webhook.domain.timeline.framing import Extent
from webhook.domain.timeline.lanes import Interval, Kind, Name, Says, Sketch, merged
from webhook.domain.timeline.telling import Told

LIVE = "live"
LIFE = (Kind.LIFE, None)
WORDS = {events.UserJoined: MarkKind.JOINED, events.RoleChanged: MarkKind.ROLE, events.UserLeft: MarkKind.LEFT}


def draw(sketch: Sketch, channel: Channel, extent: Extent, all_told: Sequence[Told]) -> None:
    """Draws the lanes of `channel` into `sketch`.

    Lives are those of the session. They stay apart even where one ends as the next begins. Nobody is there outside of
    a life, and who is still there when one ends, leaves with it. The frame ends what is open where the session is lost.
    """
    known = lives(channel)
    sketch.intervals[LIFE] = [Interval(*life, LIVE) for life in known]
    said: defaultdict[str, list[Mark]] = defaultdict(list)
    for told in all_told:
        marked = MARKED.get(type(told.event))
        if marked is not None:
            name, says = marked(told.event)
            sketch.mark(name, told, says)
        if isinstance(told.event, events.UserJoined | events.UserLeft | events.RoleChanged):
            said[told.event.who.uid].append(_word(told, told.event))
    for uid, words in said.items():
        _draw_user(sketch, uid, _in_turn(words), known)


def _word(told: Told, event: events.UserJoined | events.UserLeft | events.RoleChanged) -> Mark:
    return Mark(event.who.client_seq, told.at_ms, WORDS[type(event)], event.role)


def _in_turn(words: Iterable[Mark]) -> list[Mark]:
    """The words of one user in their order: each clientSeq is one word, those without one are older than all others."""
    in_turn = sorted(set(words))
    numbered = {word.client_seq: word for word in in_turn if word.client_seq != UNNUMBERED}
    return [*(word for word in in_turn if word.client_seq == UNNUMBERED), *numbered.values()]


def _draw_user(sketch: Sketch, uid: str, words: list[Mark], known: Sequence[Life]) -> None:
    began = [life.from_ms for life in known]
    sketch.cut |= any(_is_there(word) and word.at_ms < min(began, default=word.at_ms + 1) for word in words)
    sketch.intervals[Kind.USER, uid] = merged(_stays(words, known, began))


def _stays(words: list[Mark], known: Sequence[Life], began: Sequence[int]) -> Iterator[Interval]:
    """When a user was there, as each word says until the next one, and no longer than the life it was told of.

    Seconds tie and clocks differ: a word whose time is before that of its predecessor counts from the same instant.
    """
    times = list(accumulate((word.at_ms for word in words), max))
    for word, from_ms, next_ms in zip(words, times, [*times[1:], None], strict=True):
        place = bisect_right(began, word.at_ms) - 1
        if _is_there(word) and place >= 0:
            ends = [at_ms for at_ms in (next_ms, known[place].until_ms) if at_ms is not None]
            until_ms = min(ends, default=None)
            if until_ms is None or until_ms > from_ms:
                yield Interval(from_ms, until_ms, word.role.value)


def _is_there(word: Mark) -> bool:
    return word.kind is not MarkKind.LEFT


def _created(event: events.ChannelCreated) -> tuple[Name, Says]:
    return LIFE, Says("created", "the channel was created")


def _destroyed(event: events.ChannelDestroyed) -> tuple[Name, Says]:
    last = f"; {event.last_uid} left last" if event.last_uid else ""
    return LIFE, Says("destroyed", f"the channel was destroyed{last}")


def _joined(event: events.UserJoined) -> tuple[Name, Says]:
    return (Kind.USER, event.who.uid), Says("joined", f"joined as {event.role}{_service(event.who)}")


def _left(event: events.UserLeft) -> tuple[Name, Says]:
    reason = leave_reason_term(event.reason)
    return (Kind.USER, event.who.uid), Says("left", f"left: {reason.meaning}", reason.severity)


def _role_changed(event: events.RoleChanged) -> tuple[Name, Says]:
    return (Kind.USER, event.who.uid), Says("role", f"became {event.role}")


def _service(who: Who) -> str:
    known = CLIENT_TYPES.get(who.client_type) if who.client_type is not None else None
    return f", {known.meaning}" if known else ""


MARKED: dict[type, Callable[[Any], tuple[Name, Says]]] = {
    events.ChannelCreated: _created,
    events.ChannelDestroyed: _destroyed,
    events.UserJoined: _joined,
    events.UserLeft: _left,
    events.RoleChanged: _role_changed,
}

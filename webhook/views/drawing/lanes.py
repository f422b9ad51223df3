"""The lanes of a timeline's view, read back and put in the order in which they are drawn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import Struct

from webhook.domain.timeline import MOST_MARKS
from webhook.domain.timeline.framing import TROUBLE
from webhook.views.drawing.spans import Span
from webhook.views.drawing.windows import Frame
from webhook.views.drawing.words import plain, spaced
from webhook.views.times import parse_rfc3339

MOST_SHOWN = 20  # lanes that are not folded away
NOT_DRAWN = "not_drawn"
ALWAYS = 6  # of the lanes about the whole session, and of alerts
HEAD = ("recorder", "failover", "life", "state")
OF_STREAM = ("video", "audio", "snapshots", "notRecorded")
FOOT = ("upload", "errors", "remarks", "other")
ORDER = {kind: place for place, kind in enumerate((*HEAD, *OF_STREAM, "user", *FOOT, "alert"))}
STREAMS, OTHERS = ORDER[OF_STREAM[0]], len(ORDER)


class Mark(Struct, frozen=True):
    """One mark of the view, its time in ms."""

    at_ms: int
    kind: str
    notice_id: str | None
    text: str
    severity: str


class Lane(Struct, frozen=True):
    """One lane. `name` is whom it is about, `what` which of its lanes, both fit for one line."""

    kind: str
    uid: str | None
    name: str
    what: str
    spans: Sequence[Span]
    marks: Sequence[Mark]

    @property
    def title(self) -> str:
        """What it shows, in words."""
        return f"{self.what} of {self.name}" if self.name else self.what

    @property
    def trouble_ms(self) -> int:
        """How long it was in trouble."""
        return sum(span.until_ms - span.from_ms for span in self.spans if span.state in TROUBLE)


class Groups(NamedTuple):
    """Lanes that stand together, in groups: those that are drawn at once, and those that are folded away."""

    shown: list[list[Lane]]
    folded: list[list[Lane]]


def lanes_of(view: Mapping[str, Any], frame: Frame) -> list[Lane]:
    """The lanes of `GET /sessions/{id}/timeline` in their order there, cut to the frame and to the present."""
    return [_lane(lane, frame) for lane in view["lanes"]]


def grouped(lanes: Iterable[Lane]) -> Groups:
    """The lanes in groups, those of one stream together: shown are those that matter most, at most 20 lanes."""
    groups: dict[tuple[int, str], list[Lane]] = {}
    for place, lane in enumerate(lanes):
        of_stream = lane.kind in OF_STREAM
        groups.setdefault((-1, lane.uid or "") if of_stream else (place, ""), []).append(lane)
    in_turn = sorted((sorted(group, key=_place) for group in groups.values()), key=_turn)
    kept = _most_urgent(in_turn)
    return Groups([in_turn[it] for it in sorted(kept)], [each for it, each in enumerate(in_turn) if it not in kept])


def _lane(view: Mapping[str, Any], frame: Frame) -> Lane:
    kind, rule = view["kind"], view.get("rule")
    marks = [_mark(mark) for mark in view["marks"]]
    spans = [span for span in (_span(interval, frame) for interval in view["intervals"]) if span]
    name = "" if view["uid"] is None else plain(view["uid"])
    return Lane(kind, view["uid"], name, spaced(rule or kind), [*_undrawn(marks, frame), *spans], marks)


def _undrawn(marks: Sequence[Mark], frame: Frame) -> Iterator[Span]:
    """The part of a lane before the first of as many marks as a view may hold: there may have been more."""
    if len(marks) == MOST_MARKS and marks[0].at_ms > frame.from_ms:
        yield Span(NOT_DRAWN, frame.from_ms, marks[0].at_ms)


def _span(view: Mapping[str, Any], frame: Frame) -> Span | None:
    """The interval as far as it is in the frame, and no longer than until now; None where nothing of it is."""
    begins_ms, until = parse_rfc3339(view["from"]), view["until"]
    latest_ms = min(frame.until_ms, max(frame.now_ms, begins_ms))
    ends_ms = latest_ms if until is None else min(parse_rfc3339(until), latest_ms)
    from_ms = max(begins_ms, frame.from_ms)
    return Span(view["state"], from_ms, ends_ms, until is None) if from_ms <= ends_ms else None


def _mark(view: Mapping[str, Any]) -> Mark:
    return Mark(parse_rfc3339(view["at"]), view["kind"], view["noticeId"], view["text"], view["severity"])


def _place(lane: Lane) -> int:
    return ORDER.get(lane.kind, OTHERS)


def _turn(group: list[Lane]) -> tuple[int, int, str]:
    """Sorts groups from the top of the picture to its foot: streams by how long they were in trouble, then by uid."""
    first = group[0]
    if first.kind in OF_STREAM:
        return STREAMS, -_trouble_ms(group), first.uid or ""
    return _place(first), 0, ""


def _trouble_ms(group: Iterable[Lane]) -> int:
    return sum(lane.trouble_ms for lane in group)


def _most_urgent(groups: Sequence[list[Lane]]) -> set[int]:
    """The places of the groups that are shown: the most urgent as long as there is room, at least one."""
    seen: dict[str, int] = {}
    ranked = []
    for place, group in enumerate(groups):
        kind = group[0].kind
        seen[kind] = seen.get(kind, 0) + 1
        ranked.append((_urgency(group, seen[kind]), place))
    kept: set[int] = set()
    room = MOST_SHOWN
    for _, place in sorted(ranked):
        room -= len(groups[place])
        if room < 0 and kept:
            break
        kept.add(place)
    return kept


def _urgency(group: list[Lane], number: int) -> tuple[int, int]:
    """Sorts groups by how much they matter: the session as a whole, alerts, streams in trouble, then all else."""
    kind = group[0].kind
    if kind in OF_STREAM:
        trouble_ms = _trouble_ms(group)
        return (1 if trouble_ms else 2), -trouble_ms
    if number <= ALWAYS:
        return (2 if kind == "user" else 0), number
    return 3, number

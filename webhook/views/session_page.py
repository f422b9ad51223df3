"""What the page of one session shows beside what the API answers: the picture, the list, and figures made of both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

from msgspec import Struct

from webhook.domain.deadlines import forget_ms
from webhook.domain.log import Entry
from webhook.domain.session import Session
from webhook.domain.states import State
from webhook.domain.timeline import Window, timeline
from webhook.domain.timeline.framing import extent_of
from webhook.store.known_alerts import KnownAlert
from webhook.views.alerts import alert_view
from webhook.views.drawing import Drawing, Link, Table, draw, frame_of, notices_of, table_of, window_links
from webhook.views.drawing.lanes import Lane
from webhook.views.drawing.notices import Row
from webhook.views.drawing.words import lasted, spaced
from webhook.views.sessions import session_view
from webhook.views.timeline import timeline_view
from webhook.views.times import parse_rfc3339, rfc3339, rfc3339_or_none

View = dict[str, Any]

MOST_FACTS = 60
MOST_HOLES = 12
MOST_ALERTS = 5
LISTED_APART = frozenset({"users", "lives"})  # parts of a session's detail that have a table of their own
ORDER_OF_ALERTS = ("critical", "warning", "info")


class Known(NamedTuple):
    """What the store holds of one session, as of `now_ms`, and how long it keeps a session, ms."""

    session: Session
    entries: Sequence[Entry]
    alerts: Sequence[KnownAlert]
    now_ms: int
    retention_ms: int


class Snapshots(Struct, frozen=True):
    """How many snapshots came, and how many more its gaps would have held, by their interval.

    `missing` is None where only a part of the session is drawn, and with it only some of its gaps.
    """

    received: int
    missing: int | None


class SessionPage(Struct, frozen=True):
    """All that `session.html` prints. `session` is what the API answers, times are RFC 3339, durations are words."""

    session: View
    lasted: str
    snapshots: Snapshots | None
    kept_until: str | None
    alerts: list[View]
    more_alerts: int
    facts: list[tuple[str, str]]
    drawing: Drawing
    table: Table
    truncated: bool
    links: list[Link]
    begins: str
    ends: str
    rows: list[Row]
    holes: list[str]
    listed: int
    total: int
    all_url: str


def session_page(known: Known, window: Window) -> SessionPage:
    """The page of a session, its timeline and its list as far as they are in `window`."""
    session = session_view(known.session)
    all_url = f"/ops/notifications?{urlencode({'session': known.session.id})}"
    view = timeline_view(timeline(known.session, known.entries, window), known.alerts, window)
    extent = extent_of(known.session)
    frame = frame_of(known.session.first_ms, extent.last_ms if extent else None, window, known.now_ms)
    notices = notices_of(known.entries, window)
    drawing = draw(view, frame, notices)
    alerts = _open(known.alerts)
    holes = _holes(session)
    return SessionPage(
        session=session,
        lasted=_lasted(session, known.now_ms),
        snapshots=_snapshots(session["streams"], drawing.lanes if window == Window() else None),
        kept_until=rfc3339_or_none(forget_ms(known.session, known.retention_ms)),
        alerts=alerts[:MOST_ALERTS],
        more_alerts=len(alerts[MOST_ALERTS:]),
        facts=_facts(session["detail"]),
        drawing=drawing,
        table=table_of(drawing.lanes),
        truncated=view["truncated"],
        links=window_links(frame, window),
        begins=rfc3339(frame.from_ms),
        ends=rfc3339(frame.until_ms),
        rows=list(notices.rows(holes)),
        holes=_holes_in_words(holes),
        listed=notices.listed,
        total=notices.total,
        all_url=all_url,
    )


def _lasted(session: View, now_ms: int) -> str:
    """How long it went on: until its end, until silence made it lost, or until now."""
    if session["firstEventAt"] is None:
        return ""
    over = session["stateSince"] if session["state"] == State.LOST else session["endedAt"]
    return lasted((parse_rfc3339(over) if over else now_ms) - parse_rfc3339(session["firstEventAt"]))


def _snapshots(streams: Iterable[View], lanes: Iterable[Lane] | None) -> Snapshots | None:
    """The snapshots of all streams; None where none was taken."""
    taken = {stream["uid"]: stream["snapshots"] for stream in streams if stream["snapshots"]["count"]}
    received = sum(shots["count"] for shots in taken.values())
    missing = None if lanes is None else sum(_missed(lane, taken) for lane in lanes if lane.kind == "snapshots")
    return Snapshots(received, missing) if taken else None


def _missed(lane: Lane, taken: Mapping[str, View]) -> int:
    """How many snapshots the gaps of a lane would have held."""
    interval_ms = _interval_ms(taken.get(lane.uid or "", {}))
    gaps = (span.until_ms - span.from_ms for span in lane.spans if span.state == "gap")
    return sum(max(round(gap_ms / interval_ms) - 1, 0) for gap_ms in gaps) if interval_ms else 0


def _interval_ms(shots: View) -> float:
    return (shots.get("interval") or 0) * 1000


def _open(alerts: Iterable[KnownAlert]) -> list[View]:
    """The alerts that are not resolved, the gravest first, of those the oldest."""
    views = [alert_view(known) for known in alerts if known.found.alert.is_open]
    return sorted(views, key=lambda view: (ORDER_OF_ALERTS.index(view["severity"]), view["startedAt"]))


def _holes(session: View) -> Mapping[str, list[tuple[int, int]]]:
    return {
        teller: [(low, high) for low, high in numbers["missing"]] for teller, numbers in session["sequence"].items()
    }


def _holes_in_words(holes: Mapping[str, Sequence[tuple[int, int]]]) -> list[str]:
    """Which numbers of each recorder nobody heard, the newest of them; `1001: 5-6, 9`."""
    return [
        f"{teller}: {'… ' if len(found) > MOST_HOLES else ''}{', '.join(map(_range, found[-MOST_HOLES:]))}"
        for teller, found in holes.items()
        if found
    ]


def _range(hole: tuple[int, int]) -> str:
    low, high = hole
    return f"{low}" if low == high else f"{low}-{high}"


def _facts(detail: View) -> list[tuple[str, str]]:
    """What else is known of the session, one line each; `media.codec` is what `codec` in `media` is called."""
    told = {name: value for name, value in detail.items() if name not in LISTED_APART}
    return [fact for fact, _ in zip(_flat("", told), range(MOST_FACTS), strict=False)]


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(f"{name}, {spaced(key)}" if name else spaced(key), inner)
    elif isinstance(value, list | tuple) and any(isinstance(inner, dict | list) for inner in value):
        for number, inner in enumerate(value, 1):
            yield from _flat(f"{name} {number}", inner)
    elif value is not None and value not in ([], ""):
        yield name, _said(value)


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)

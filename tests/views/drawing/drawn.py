"""Views of timelines for tests about pictures, as `GET /sessions/{id}/timeline` answers them. Times are in seconds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tests.store.build import AT_MS
from webhook.domain.log import Copy, Entry, Outcome
from webhook.domain.timeline import Window
from webhook.views.drawing import Drawing, Frame, draw, notices_of
from webhook.views.drawing.lanes import Lane, lanes_of
from webhook.views.drawing.notices import Notices
from webhook.views.drawing.picture import INSET, PLOT
from webhook.views.drawing.scale import Scale, scale_of
from webhook.views.times import rfc3339

View = dict[str, Any]
MINUTE = 60
TEN_MINUTES = 600  # what is drawn unless a test says otherwise
NOTHING = notices_of([], Window())


def at(second: float) -> int:
    """So many seconds after the beginning of tests, in ms."""
    return AT_MS + round(second * 1000)


def frame(until: float = TEN_MINUTES, now: float | None = None, begun: float = 0) -> Frame:
    """From the beginning until then; now is an hour later unless it is given."""
    return Frame(at(begun), at(until), at(3600 if now is None else now), at(begun), at(until))


def axis(until: float = TEN_MINUTES) -> Scale:
    """The axis of such a frame."""
    return scale_of(at(0), at(until), INSET, PLOT - INSET)


def lane(
    kind: str, uid: str | None = None, *, spans: Iterable[Any] = (), marks: Iterable[View] = (), **more: Any
) -> View:
    """One lane. A span is (from, until or None, state)."""
    intervals = [
        {"from": rfc3339(at(begun)), "until": None if until is None else rfc3339(at(until)), "state": state}
        for begun, until, state in spans
    ]
    return {"kind": kind, "uid": uid, "intervals": intervals, "marks": list(marks)} | more


def mark(second: float, kind: str = "snapshot", severity: str = "info", **more: Any) -> View:
    """One mark, of the notification `n<second>`."""
    told = {"at": rfc3339(at(second)), "kind": kind, "noticeId": f"n{second:g}", "text": f"{kind} told"}
    return told | {"severity": severity} | more


def view(*lanes: View) -> View:
    return {"from": rfc3339(at(0)), "until": None, "truncated": False, "lanes": list(lanes)}


def read(*lanes: View, within: Frame | None = None) -> list[Lane]:
    """The lanes as the picture reads them."""
    return lanes_of(view(*lanes), within or frame())


def drawing(*lanes: View, within: Frame | None = None, notices: Notices = NOTHING) -> Drawing:
    return draw(view(*lanes), within or frame(), notices)


def entry(second: float, notice_id: str, event_type: int = 45, lag: float = 0.3, **more: Any) -> Entry:
    """One fact of a recording's log."""
    received_ms = at(second + lag)
    told: dict[str, Any] = {
        "source": "default",
        "product": "cloud_recording",
        "product_id": 3,
        "outcome": Outcome.APPLIED,
        "session_id": "s1",
        "channel": "lobby",
        "occurred_ms": at(second),
        "copies": (Copy(notice_id, at(second + 0.1), received_ms),),
        "body": b'{"payload":{}}',
        "signature": 2,
    }
    return Entry(event_type=event_type, **told | more)

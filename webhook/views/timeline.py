"""Timelines as the API shows them (contract.md, section 4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from webhook.domain.alerting.alerts import AlertState, Key
from webhook.domain.alerting.telling import Ack
from webhook.domain.timeline import MOST_LANES, Interval, Lane, Mark, Timeline, Window
from webhook.store.known_alerts import KnownAlert
from webhook.views.times import rfc3339, rfc3339_or_none

View = dict[str, Any]

MOST_ALERT_LANES = 50  # of MOST_LANES
ALL = Window()


def timeline_view(timeline: Timeline, alerts: Iterable[KnownAlert] = (), window: Window = ALL) -> View:
    """`GET /sessions/{id}/timeline`. `until` is None where something goes on; what has no length is a last word.

    Lanes of `alerts` are the last. They go by the server's clock, as alerts do: they may outlast the session.
    """
    of_alerts = _alert_lanes(alerts, window)
    shown = of_alerts[:MOST_ALERT_LANES]
    room = MOST_LANES - len(shown)
    cut = len(of_alerts) > len(shown) or len(timeline.lanes) > room
    return {
        "from": rfc3339_or_none(timeline.from_ms),
        "until": rfc3339_or_none(timeline.until_ms),
        "truncated": timeline.truncated or cut,
        "lanes": [*(_lane(lane) for lane in timeline.lanes[:room]), *shown],
    }


def _lane(lane: Lane) -> View:
    return {
        "kind": lane.kind.value,
        "uid": lane.uid,
        "intervals": [_interval(interval) for interval in lane.intervals],
        "marks": [_mark(mark) for mark in lane.marks],
    }


def _interval(interval: Interval) -> View:
    return {
        "from": rfc3339(interval.from_ms),
        "until": rfc3339_or_none(interval.until_ms),
        "state": interval.state,
    }


def _mark(mark: Mark) -> View:
    return {
        "at": rfc3339(mark.at_ms),
        "kind": mark.kind,
        "noticeId": mark.notice_id,
        "text": mark.text,
        "severity": mark.severity,
    }


def _alert_lanes(alerts: Iterable[KnownAlert], window: Window) -> list[View]:
    """A lane for each rule, user and track, the last begun first: when it was pending, when it fired."""
    episodes: dict[Key, list[KnownAlert]] = {}
    for known in sorted(alerts, key=lambda known: known.found.alert.episode):
        episodes.setdefault(known.found.alert.key, []).append(known)
    in_turn = sorted(episodes.items(), key=lambda each: (-each[1][-1].found.alert.started_ms, each[0]))
    lanes = (_alert_lane(key, of_key, window) for key, of_key in in_turn)
    return [lane for lane in lanes if lane["intervals"] or lane["marks"]]


def _alert_lane(key: Key, episodes: Sequence[KnownAlert], window: Window) -> View:
    acks = (known.ack for known in episodes)
    return {
        "kind": "alert",
        "uid": key.uid or None,
        "rule": key.rule,
        "track": key.track or None,
        "intervals": [_interval(each) for each in _spans(episodes, window)],
        "marks": [_acknowledged(ack) for ack in acks if ack is not None and window.holds(ack.at_ms)],
    }


def _spans(episodes: Iterable[KnownAlert], window: Window) -> Iterator[Interval]:
    """When each of them was pending and when it fired, none before the one before was over."""
    over_ms = window.from_ms or 0
    for alert in (known.found.alert for known in episodes):
        for state, from_ms, until_ms in (
            (AlertState.PENDING, alert.started_ms, alert.fired_ms),
            (AlertState.FIRING, alert.fired_ms, alert.resolved_ms),
        ):
            ends_ms = min((each for each in (until_ms, window.until_ms) if each is not None), default=None)
            begins_ms = over_ms if from_ms is None else max(from_ms, over_ms)
            if from_ms is not None and (ends_ms is None or begins_ms < ends_ms):
                yield Interval(begins_ms, ends_ms, state.value)
                over_ms = begins_ms if ends_ms is None else ends_ms


def _acknowledged(ack: Ack) -> View:
    text = f"acknowledged by {ack.by}" + (f": {ack.note}" if ack.note else "")
    return {"at": rfc3339(ack.at_ms), "kind": "acknowledged", "noticeId": None, "text": text, "severity": "info"}

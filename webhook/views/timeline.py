"""Timelines as the API shows them (contract.md, section 4)."""

from __future__ import annotations

from typing import Any

from webhook.domain.timeline import Interval, Lane, Mark, Timeline
from webhook.views.times import rfc3339, rfc3339_or_none

View = dict[str, Any]


def timeline_view(timeline: Timeline) -> View:
    """`GET /sessions/{id}/timeline`. `until` is None where something goes on; what has no length is a last word."""
    return {
        "from": rfc3339_or_none(timeline.from_ms),
        "until": rfc3339_or_none(timeline.until_ms),
        "truncated": timeline.truncated,
        "lanes": [_lane(lane) for lane in timeline.lanes],
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

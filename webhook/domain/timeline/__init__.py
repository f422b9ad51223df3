"""A session's timeline: lanes of intervals and marks, drawn from its log whenever somebody asks."""

from webhook.domain.timeline.drawing import timeline
from webhook.domain.timeline.framing import MOST_INTERVALS, MOST_LANES, MOST_MARKS, Timeline, Window
from webhook.domain.timeline.lanes import Interval, Kind, Lane, Mark

__all__ = [
    "MOST_INTERVALS",
    "MOST_LANES",
    "MOST_MARKS",
    "Interval",
    "Kind",
    "Lane",
    "Mark",
    "Timeline",
    "Window",
    "timeline",
]

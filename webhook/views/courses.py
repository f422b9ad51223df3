"""What a day of figures was like: one value in five minutes, so that a chart is no larger than it is wide."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from webhook.store.history import MINUTE_MS, Sample
from webhook.views.charts import Chart, Course, chart
from webhook.views.times import parse_rfc3339, rfc3339

STEP = 5  # minutes
STEPS = 24 * 60 // STEP

View = dict[str, Any]


class Figure(Struct, frozen=True):
    """One figure of a chart: what it is called, how it is measured, and what five minutes of it come to."""

    title: str
    measure: Callable[[Sample], float | None]
    sum_up: Callable[[Sequence[float]], float]
    unit: str = ""


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


FIGURES = {
    "lag": Figure("Ingest lag p95, worst minute of 5", lambda sample: sample.lag_p95, max, "s"),
    "depth": Figure("Waiting in inboxes, most in 5 min", lambda sample: sample.depth, max),
    "accepted": Figure("Accepted a minute, mean of 5 min", lambda sample: sample.accepted, _mean),
    "live": Figure("Sessions live, most in 5 min", lambda sample: sample.live, max),
}


def day_view(samples: Mapping[int, Sample], now_ms: int) -> View:
    """The last 24 h up to the five minutes that `now_ms` is in: a value each, None where no minute of them is known."""
    end = now_ms // MINUTE_MS // STEP + 1
    steps = range(end - STEPS, end)
    found = [
        [samples[minute] for minute in range(step * STEP, step * STEP + STEP) if minute in samples] for step in steps
    ]
    return {
        "step": STEP * 60,
        "from": rfc3339(steps.start * STEP * MINUTE_MS),
        "until": rfc3339(steps.stop * STEP * MINUTE_MS),
        **{name: [_value(each, figure) if each else None for each in found] for name, figure in FIGURES.items()},
    }


def day_charts(day: View) -> list[tuple[str, Chart]]:
    """What `day_view` tells as charts, each with its title; none where no minute of the day is known."""
    from_ms, until_ms, step_ms = parse_rfc3339(day["from"]), parse_rfc3339(day["until"]), day["step"] * 1000
    if all(value is None for value in day["accepted"]):  # which each sample has
        return []
    middles = range(from_ms + step_ms // 2, until_ms, step_ms)
    return [
        (figure.title, chart([Course("", list(zip(middles, day[name], strict=True)))], from_ms, until_ms, figure.unit))
        for name, figure in FIGURES.items()
    ]


def _value(samples: Sequence[Sample], figure: Figure) -> float | None:
    known = [value for sample in samples if (value := figure.measure(sample)) is not None]
    return round(figure.sum_up(known), 3) if known else None

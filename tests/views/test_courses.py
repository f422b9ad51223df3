"""A day of figures, a value in five minutes."""

from __future__ import annotations

from collections.abc import Iterable

from webhook.store.history import Sample
from webhook.views.courses import STEPS, day_charts, day_view

NOW_MS = 1_764_000_123_456
NOW = NOW_MS // 60_000
STEP = NOW // 5  # the five minutes that now is in


def kept(samples: Iterable[Sample]) -> dict[int, Sample]:
    return {sample.minute: sample for sample in samples}


def test_it_is_the_last_24_hours_to_the_five_minutes_that_now_is_in() -> None:
    told = day_view({}, NOW_MS)
    assert (told["from"], told["until"]) == ("2025-11-23T16:05:00.000Z", "2025-11-24T16:05:00.000Z")
    assert (told["step"], len(told["lag"]), STEPS) == (300, 288, 288)


def test_where_nothing_is_known_there_is_nothing() -> None:
    told = day_view(kept([Sample(minute=STEP * 5, live=3)]), NOW_MS)
    assert told["live"][-2:] == [None, 3]
    assert set(told["live"][:-1]) == {None}
    assert set(told["lag"]) == {None}


def test_of_lags_the_worst_minute_is_told_and_of_what_is_accepted_the_mean() -> None:
    minutes = [
        Sample(minute=STEP * 5 - 5 + at, lag_p95=lag, accepted=count, depth=count)
        for at, (lag, count) in enumerate([(0.1, 10), (None, 20), (2.5, 60)])
    ]
    told = day_view(kept(minutes), NOW_MS)
    assert (told["lag"][-2], told["accepted"][-2], told["depth"][-2]) == (2.5, 30, 60)


def test_what_is_older_than_a_day_is_left_out() -> None:
    told = day_view(kept([Sample(minute=(STEP - STEPS) * 5 + 4, live=7)]), NOW_MS)
    assert set(told["live"]) == {None}
    assert day_view(kept([Sample(minute=(STEP - STEPS) * 5 + 5, live=7)]), NOW_MS)["live"][0] == 7


def test_each_figure_is_a_chart_that_says_it_in_words() -> None:
    charts = dict(day_charts(day_view(kept([Sample(minute=NOW - 1, live=4, lag_p95=0.25)]), NOW_MS)))
    assert [title.partition(",")[0] for title in charts] == [
        "Ingest lag p95",
        "Waiting in inboxes",
        "Accepted a minute",
        "Sessions live",
    ]
    lag = charts["Ingest lag p95, worst minute of 5"]
    assert "greatest 0.25 s" in lag.title
    assert lag.lines[0].path


def test_before_the_first_sample_there_is_no_chart() -> None:
    assert day_charts(day_view({}, NOW_MS)) == []

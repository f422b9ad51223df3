from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webhook.store.lags import bucket, percentile
from webhook.store.spools import Spooled
from webhook.store.summary import Counts, Figures
from webhook.views.summary import summary_view, verdict

NOTHING = Spooled(depth=0, oldest_ms=None, unconfirmed=0, damaged=0)


def figures(
    gauges: dict[str, int] | None = None,
    outcomes: dict[str, int] | None = None,
    rejected: dict[str, int] | None = None,
    lags_ms: tuple[int, ...] = (),
    spooled: Spooled = NOTHING,
    **rest: int,
) -> Figures:
    plain = {"inbox_depth": 0, "inbox_oldest_ms": 0, "dead_letters": 0, "now_ms": 0} | rest
    lags = Counter(bucket(lag_ms) for lag_ms in lags_ms)
    recent = Counts(Counter(outcomes), lags, Counter(rejected))
    return Figures(Counter(gauges), recent, spooled=spooled, **plain)


def test_the_summary_of_nothing_has_every_figure() -> None:
    assert summary_view(figures(), 2) == {
        "verdict": "No session is running",
        "sessions": dict.fromkeys(("expected", "starting", "live", "lost", "ending", "ended", "failed"), 0),
        "products": {},
        "streams": {"receiving": 0, "stopped": 0, "unknown": 0},
        "alerts": {"pending": 0, "firing": {"info": 0, "warning": 0, "critical": 0}, "unacknowledged": 0},
        "lag": {"p50": None, "p95": None, "p99": None},
        "inbox": {"depth": 0, "oldestAge": 0.0},
        "spool": {"depth": 0, "oldestAge": 0},
        "deadLetters": 0,
        "workers": 2,
        "notifications": {"accepted": 0, "duplicate": 0, "rejected": 0, "unknown": 0},
    }


def test_figures_are_shown_under_their_names() -> None:
    view = summary_view(
        figures(
            {
                "state:live": 12,
                "state:ended": 40,
                "product:rtc": 1,
                "product:cloud_recording": 51,
                "streams:receiving": 30,
            },
            {"applied": 50, "duplicate": 7, "stale": 1, "test": 2, "unknown": 3, "quarantined": 1, "dead_letter": 1},
            {"wrong": 4, "missing": 1},
            inbox_depth=5,
            inbox_oldest_ms=1500,
            dead_letters=2,
        ),
        3,
    )
    assert (view["sessions"]["live"], view["sessions"]["ended"]) == (12, 40)
    assert list(view["products"].items()) == [("cloud_recording", 51), ("rtc", 1)]
    assert view["streams"] == {"receiving": 30, "stopped": 0, "unknown": 0}
    assert view["inbox"] == {"depth": 5, "oldestAge": 1.5}
    assert (view["deadLetters"], view["workers"]) == (2, 3)
    assert view["notifications"] == {"accepted": 65, "duplicate": 7, "rejected": 5, "unknown": 3}


@pytest.mark.parametrize(
    ("found", "workers", "expected"),
    [
        (figures(), 1, "No session is running"),
        (figures({"state:ended": 5}), 1, "No session is running"),
        (figures({"state:live": 1}), 1, "The one session is fine"),
        (figures({"state:starting": 1}), 1, "The one session is fine"),
        (figures({"state:ending": 1, "state:live": 10, "state:starting": 1}), 1, "All 12 sessions are fine"),
        (figures({"state:live": 3, "state:failed": 1}), 1, "1 session failed"),
        (figures({"state:lost": 1}), 1, "1 session fell silent"),
        (figures({"state:live": 3, "streams:stopped": 1}), 1, "1 stream stopped"),
        (figures(dead_letters=1), 1, "1 dead letter"),
        (figures({"state:live": 3}), 0, "No worker is alive"),
        (figures({"state:live": 3, "alert:failover:info:firing": 1}), 1, "1 info alert fires"),
        (figures({"alert:a:critical:firing": 1, "alert:b:critical:firing": 2}), 1, "3 critical alerts fire"),
        (figures({"alert:a:critical:firing": 1, "alert:b:info:firing": 1}), 1, "2 alerts fire, 1 critical"),
        (figures({"alert:a:warning:firing": 2, "alert:b:info:firing": 4}), 1, "6 alerts fire, 2 warning"),
        (figures({"alert:a:critical:firing": 0, "alert:b:critical:pending": 2}), 1, "No session is running"),
        (
            figures({"state:failed": 1, "alert:abnormal_exit:critical:firing": 1}),
            0,
            "No worker is alive, 1 critical alert fires, 1 session failed",
        ),
        (
            figures({"state:failed": 2, "state:lost": 3, "streams:stopped": 4}, dead_letters=5),
            0,
            "No worker is alive, 2 sessions failed, 3 sessions fell silent, 4 streams stopped, 5 dead letters",
        ),
    ],
)
def test_the_verdict_says_what_is_wrong_gravest_first_or_that_nothing_is(
    found: Figures, workers: int, expected: str
) -> None:
    assert verdict(found, workers) == expected
    assert summary_view(found, workers)["verdict"] == expected


def test_alerts_are_counted_over_all_rules_by_state_and_severity() -> None:
    gauges = {
        "alert:video_stopped:warning:firing": 2,
        "alert:session_silent:warning:firing": 1,
        "alert:upload_failed:critical:firing": 4,
        "alert:video_stopped:warning:pending": 8,
        "alert:failover:info:pending": 16,
        "alerts:unacknowledged": 5,
    }
    assert summary_view(figures(gauges), 1)["alerts"] == {
        "pending": 24,
        "firing": {"info": 0, "warning": 3, "critical": 4},
        "unacknowledged": 5,
    }


@pytest.mark.parametrize("lag_ms", [-5, 0])
def test_no_lag_is_no_lag(lag_ms: int) -> None:
    assert percentile({bucket(lag_ms): 3}, 0.5) == 0.0


@given(st.integers(1, 10**10), st.floats(0.01, 1.0))
def test_a_single_lag_is_told_within_12_percent(lag_ms: int, share: float) -> None:
    told = percentile(Counter([bucket(lag_ms)]), share)
    assert told is not None
    assert abs(told * 1000 - lag_ms) <= 0.12 * lag_ms


@settings(max_examples=200)
@given(st.lists(st.integers(1, 10**7), min_size=1, max_size=60), st.sampled_from([0.5, 0.95, 0.99, 1.0]))
def test_percentiles_are_told_within_12_percent(lags_ms: list[int], share: float) -> None:
    told = percentile(Counter(map(bucket, lags_ms)), share)
    exact = next(lag for rank, lag in enumerate(sorted(lags_ms), start=1) if rank >= share * len(lags_ms))
    assert told is not None
    assert abs(told * 1000 - exact) <= 0.12 * exact


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_buckets_keep_the_order_of_lags(one_ms: int, other_ms: int) -> None:
    assert one_ms > other_ms or bucket(one_ms) <= bucket(other_ms)


@pytest.mark.parametrize("counts", [{}, {3: 0}])
def test_without_a_lag_there_is_no_percentile(counts: dict[int, int]) -> None:
    assert percentile(counts, 0.5) is None


def test_empty_buckets_are_skipped() -> None:
    assert percentile({bucket(1): 0, bucket(1000): 4}, 0.5) == percentile({bucket(1000): 1}, 0.5)


@pytest.mark.parametrize(("share", "slow"), [("p50", False), ("p95", False), ("p99", True)])
def test_the_summary_tells_slow_ones_from_the_rest(share: str, slow: bool) -> None:
    lag: dict[str, Any] = summary_view(figures(lags_ms=(*[31] * 97, *[4000] * 3)), 1)["lag"]
    expected = 4.0 if slow else 0.031
    assert lag[share] == pytest.approx(expected, rel=0.12)


def test_what_waits_in_spools_is_counted_with_its_age() -> None:
    waiting = Spooled(depth=2, oldest_ms=1000, unconfirmed=0, damaged=0)
    assert summary_view(figures(spooled=waiting, now_ms=4500), 1)["spool"] == {"depth": 2, "oldestAge": 3.5}
    assert verdict(figures(spooled=waiting), 1) == "2 notifications wait in spools"

"""The histogram of lags: small, and percentiles within 12 %."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.store.lags import bucket, percentile


@given(lag_ms=st.integers(min_value=1, max_value=10**10))
def test_a_lag_comes_back_within_twelve_percent(lag_ms: int) -> None:
    found = percentile({bucket(lag_ms): 1}, 0.5)
    assert found is not None
    assert abs(found * 1000 - lag_ms) <= 0.12 * lag_ms


def test_below_a_millisecond_there_is_no_lag() -> None:
    assert percentile({bucket(0): 1}, 0.5) == 0.0


def test_without_lags_there_is_no_percentile() -> None:
    assert percentile({}, 0.5) is None


@pytest.mark.parametrize(("share", "lag_ms"), [(0.5, 10), (0.95, 10), (0.99, 1000)])
def test_a_percentile_is_what_that_share_does_not_exceed(share: float, lag_ms: int) -> None:
    counts = Counter([bucket(10)] * 97 + [bucket(1000)] * 3)
    assert percentile(counts, share) == percentile({bucket(lag_ms): 1}, 0.5)


@given(lags_ms=st.lists(st.integers(min_value=0, max_value=10**9), min_size=1))
def test_higher_shares_have_higher_percentiles(lags_ms: list[int]) -> None:
    counts = Counter(map(bucket, lags_ms))
    found = [percentile(counts, share) or 0.0 for share in (0.1, 0.5, 0.9, 1.0)]
    assert found == sorted(found)

"""What answers of receivers mean."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from workers.sinks.answers import refusal, seconds_to_wait


@pytest.mark.parametrize("status", [400, 413, 414, 422])
def test_what_would_be_refused_again_is_permanent(status: int) -> None:
    assert refusal(status).permanent
    assert f"HTTP {status}" in str(refusal(status))


@pytest.mark.parametrize(
    "status", [301, 302, 307, 308, 401, 403, 404, 408, 409, 410, 425, 429, 500, 502, 503, 504, 599]
)
def test_everything_else_is_temporary(status: int) -> None:
    assert not refusal(status).permanent
    assert f"HTTP {status}" in str(refusal(status))


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_what_somebody_has_to_mend_says_so(status: int) -> None:
    assert "mend the sink's settings" in str(refusal(status))


def test_a_redirect_is_named_and_says_what_to_do() -> None:
    assert str(refusal(302)) == (
        "HTTP 302: a redirect, which is not followed; write the final address into the sink's settings"
    )


def test_retry_after_is_honoured_in_seconds_and_said() -> None:
    error = refusal(429, "120")
    assert error.retry_after == 120.0
    assert str(error) == "HTTP 429: the receiver has no time now; it asks to be tried again in 120 s"


def test_retry_after_is_honoured_as_a_date() -> None:
    wanted = datetime.now(UTC) + timedelta(seconds=90)
    assert seconds_to_wait(format_datetime(wanted, usegmt=True)) == pytest.approx(90, abs=2)


def test_a_date_that_has_passed_is_at_once() -> None:
    assert seconds_to_wait("Mon, 23 Nov 2020 03:00:00 GMT") == 0.0


@pytest.mark.parametrize("text", [None, "", "soon", "-5", "1e9", "9" * 40, "Mon, 99 Nov 2020 03:00:00 GMT"])
def test_a_retry_after_that_makes_no_sense_is_none(text: str | None) -> None:
    assert seconds_to_wait(text) is None

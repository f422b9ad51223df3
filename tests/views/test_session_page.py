"""What the page of one session is made of."""

from __future__ import annotations

from typing import Any

import pytest

from tests.build import AT_MS, RECORDER, Kept, exited, fold, progressed, reading, snapshot, started, video
from tests.views.test_timeline import episode
from webhook.domain.alerting.alerts import Severity
from webhook.domain.deadlines import settle
from webhook.domain.session import Session
from webhook.domain.timeline import Window
from webhook.store.known_alerts import KnownAlert
from webhook.views.session_page import MOST_ALERTS, Known, SessionPage, session_page

HOUR_MS = 3_600_000
NOW_MS = AT_MS + 2 * HOUR_MS
ALL = Window()


def at(second: float, sequence: int = 1) -> dict[str, int]:
    return {"at_ms": AT_MS + int(second * 1000), "sequence": sequence}


def page_of(*said: dict[str, Any], window: Window = ALL, alerts: list[KnownAlert] | None = None) -> SessionPage:
    kept = Kept()
    kept.take([reading(each) for each in said])
    return session_page(Known(kept.session(), list(kept.entries.values()), alerts or [], NOW_MS, HOUR_MS), window)


def of_session(session: Session) -> SessionPage:
    return session_page(Known(session, [], [], NOW_MS, HOUR_MS), ALL)


def with_gap() -> list[dict[str, Any]]:
    """Snapshots each 5 s, four of which did not come."""
    seconds = [*range(0, 60, 5), *range(80, 120, 5)]
    return [video(0, **at(0)), *(snapshot(**at(second, number)) for number, second in enumerate(seconds, 2))]


@pytest.mark.parametrize(
    ("session", "lasted"),
    [
        (fold(started(**at(0))), "2 h"),
        (fold(started(**at(0)), exited(**at(245, 2))), "4 min 5 s"),
        (settle(fold(progressed(**at(0))), NOW_MS + HOUR_MS), "1 h 3 min"),
    ],
    ids=["until now", "until its end", "until it was lost"],
)
def test_a_session_lasted_until_what_ended_it_or_until_now(session: Session, lasted: str) -> None:
    assert of_session(session).lasted == lasted


def test_snapshots_that_gaps_would_have_held_are_missing() -> None:
    snapshots = page_of(*with_gap()).snapshots
    assert snapshots is not None
    assert (snapshots.received, snapshots.missing) == (20, 4)


def test_in_a_part_of_the_session_nobody_counts_what_is_missing() -> None:
    snapshots = page_of(*with_gap(), window=Window(AT_MS + 50_000)).snapshots
    assert snapshots is not None
    assert (snapshots.received, snapshots.missing) == (20, None)


def test_where_none_was_taken_nothing_is_said_of_snapshots() -> None:
    assert page_of(started(**at(0)), video(0, **at(1, 2))).snapshots is None


def test_a_session_that_is_over_says_until_when_it_is_kept() -> None:
    over = fold(started(**at(0)), exited(**at(9, 2)))
    assert of_session(over).kept_until == "2025-11-24T18:00:00.000Z"
    assert of_session(fold(progressed(**at(0)))).kept_until is None


def test_open_alerts_are_the_gravest_first_and_no_more_than_a_few() -> None:
    alerts = [
        episode(1, AT_MS, AT_MS, AT_MS + 9),
        episode(1, AT_MS, AT_MS, uid="late"),
        episode(1, AT_MS + 5, AT_MS, uid="grave", severity=Severity.CRITICAL),
        *(episode(1, AT_MS + 10 + number, None, uid=str(number)) for number in range(7)),
    ]
    page = page_of(started(**at(0)), alerts=alerts)
    assert [alert["labels"]["uid"] for alert in page.alerts[:3]] == ["grave", "late", "0"]
    assert (len(page.alerts), page.more_alerts) == (MOST_ALERTS, 4)


def test_numbers_that_nobody_heard_are_told_in_words_and_as_rows() -> None:
    page = page_of(started(**at(0)), video(0, **at(1, 4)), video(1, **at(2, 6)))
    assert page.holes == [f"{RECORDER}: 2-3, 5"]
    assert [row.hole or row.sequence for row in page.rows] == [6, (5, 5), 4, (2, 3), 1]


def test_what_else_is_known_is_one_line_for_each_fact() -> None:
    facts = dict(page_of(*with_gap()).facts)
    assert facts["mode"] == "individual"
    assert all(isinstance(text, str) and text for text in facts.values())


@pytest.mark.parametrize("window", [ALL, Window(AT_MS - HOUR_MS, AT_MS - 9), Window(NOW_MS + HOUR_MS)])
def test_a_session_that_is_only_registered_or_out_of_the_window_has_an_empty_picture(window: Window) -> None:
    session = fold(started(**at(0)), exited(**at(9, 2)))
    page = session_page(Known(session, [], [], NOW_MS, HOUR_MS), window)
    assert (page.rows, page.begins <= page.ends) == ([], True)

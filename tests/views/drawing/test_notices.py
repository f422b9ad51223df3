"""The notifications behind a picture, and the rows of its list."""

import json

import pytest

from tests.store.build import started
from tests.views.drawing.drawn import at, entry
from webhook.domain.log import Copy, Entry
from webhook.domain.timeline import Window
from webhook.views.drawing.notices import MOST_ROWS, Row, notices_of


def numbered(second: float, sequence: int, **more: str) -> Entry:
    """A fact that its recorder numbered."""
    return entry(second, f"n{sequence}", 40, body=json.dumps(started(sequence=sequence, **more)).encode())


def shown(rows: list[Row]) -> list[str]:
    return [f"{row.hole[0]}-{row.hole[1]} missing" if row.hole else str(row.sequence) for row in rows]


def test_rows_are_the_newest_first_with_their_numbers() -> None:
    rows = list(notices_of([numbered(1, 1), numbered(3, 3), numbered(2, 2)], Window()).rows({}))
    assert shown(rows) == ["3", "2", "1"]
    assert {row.teller for row in rows} == {"1001"}


def test_holes_are_rows_below_the_number_that_ends_them() -> None:
    told = [numbered(1, 13), numbered(2, 16), numbered(3, 17)]
    rows = list(notices_of(told, Window()).rows({"1001": [(14, 15)], "2002": [(1, 16)]}))
    assert shown(rows) == ["17", "16", "14-15 missing", "13"]


def test_a_list_is_bounded_and_says_of_how_many_it_is() -> None:
    notices = notices_of([entry(number, f"n{number}") for number in range(MOST_ROWS + 50)], Window())
    assert (len(list(notices.rows({}))), notices.listed, notices.total) == (MOST_ROWS, MOST_ROWS, MOST_ROWS + 50)


def test_what_has_no_row_leads_to_the_list_of_all() -> None:
    notices = notices_of([entry(number, f"n{number}") for number in range(MOST_ROWS + 1)], Window())
    assert (notices.url("n1"), notices.url("n0")) == ("#n-n1", "/ops/notifications?noticeId=n0")


def test_only_what_occurred_in_the_window_has_a_row() -> None:
    notices = notices_of([entry(1, "n1"), entry(5, "n5")], Window(at(3)))
    assert (notices.total, notices.url("n1")) == (1, "/ops/notifications?noticeId=n1")


@pytest.mark.parametrize("name", ["a b", "<img src=x>", "x#y?&=%", '"', "é☂"])
def test_a_url_bears_any_name_and_nothing_else(name: str) -> None:
    url = notices_of([entry(1, name)], Window()).url(name)
    assert url.startswith("#n-")
    assert set(url) <= set("abcdefghijklmnopqrstuvwxyzABCDEF0123456789#-%:/")


def test_two_facts_of_one_name_have_one_row_that_links_lead_to() -> None:
    rows = list(notices_of([entry(1, "same"), entry(2, "same", 44)], Window()).rows({}))
    assert [row.anchor for row in rows] == ["n-same", ""]


def test_copies_are_one_row_with_the_times_of_the_first_to_arrive() -> None:
    copies = (Copy("b", at(1), at(9)), Copy("a", at(2), at(3), 2))
    notice = notices_of([entry(1, "", copies=copies)], Window()).called("a")
    assert notice is not None
    assert (notice.copies, notice.notified_ms, notice.received_ms) == (3, at(2), at(3))


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ([entry(1, "x")], ""),
        ([entry(1, "x", lag=11)], "late"),
        ([entry(1, "x", lag=5), entry(2, "y", lag=0.5)], "out of order"),
        ([entry(1, "x", lag=1.9), entry(2, "y", lag=0.5)], ""),
    ],
)
def test_late_and_overtaken_notifications_say_so(told: list[Entry], why: str) -> None:
    notice = notices_of(told, Window()).called("x")
    assert notice is not None
    assert (notice.late, notice.times.endswith(f"later{', ' if why else ''}{why})")) == (why, True)

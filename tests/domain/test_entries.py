import pytest
from msgspec.structs import replace

from tests.build import reading, snapshot, started
from webhook.domain.log import (
    MOST_COPIES,
    MOST_RECEIPTS,
    Copy,
    Entry,
    effect_digest,
    least_notice_id,
    session_log,
    with_arrival,
    with_copy,
)


def entry() -> Entry:
    return reading(started(notice_id="n0")).entry


def times(entry: Entry) -> list[tuple[str, int]]:
    return [(copy.notice_id, copy.count) for copy in entry.copies]


def test_a_copy_under_a_known_notice_id_is_counted_and_keeps_its_first_times() -> None:
    first = entry().copies[0]
    again = with_copy(entry(), Copy("n0", first.notified_ms + 5, first.received_ms + 5))
    assert again.copies == (Copy("n0", first.notified_ms, first.received_ms, 2),)


def test_copies_under_other_notice_ids_are_listed_in_order_of_arrival() -> None:
    listed = entry()
    for name in ("n2", "n1", "n2", "n0"):
        listed = with_copy(listed, Copy(name, 1, 2))
    assert times(listed) == [("n0", 2), ("n2", 2), ("n1", 1)]


def test_at_most_a_few_notice_ids_are_listed_but_those_are_still_counted() -> None:
    listed = entry()
    for number in range(1, MOST_COPIES + 5):
        listed = with_copy(listed, Copy(f"n{number}", 1, 2))
    assert [name for name, _ in times(listed)] == [f"n{number}" for number in range(MOST_COPIES)]
    assert with_copy(listed, Copy("unlisted", 1, 2)) == listed
    assert times(with_copy(listed, Copy("n7", 1, 2)))[-1] == ("n7", 2)


@pytest.mark.parametrize("first", ["n0", "z", "a"])
def test_the_least_notice_id_is_the_same_whatever_came_first_and_however_few_are_listed(first: str) -> None:
    names = [first, *(f"m{number:02}" for number in range(2 * MOST_COPIES))]
    for order in (names, names[::-1], names[5:] + names[:5]):
        told = reading(started(notice_id=order[0])).entry
        for name in order[1:]:
            told = with_copy(told, Copy(name, 1, 2))
        assert least_notice_id(told) == min(names)
        assert len(told.copies) == MOST_COPIES


def test_an_arrival_is_a_copy_and_leaves_its_receipt() -> None:
    first, other = (reading(started(notice_id=name), receipt=f"post-{name}").entry for name in ("n0", "n1"))
    both = with_arrival(first, other)
    assert both == replace(with_copy(first, other.copies[0]), receipts=("post-n0", "post-n1"))
    assert with_arrival(both, replace(other, receipts=())).receipts == ("post-n0", "post-n1")


def test_an_entry_remembers_the_last_receipts() -> None:
    told = reading(started(), receipt="post-0").entry
    for number in range(1, MOST_RECEIPTS + 3):
        told = with_arrival(told, reading(started(), receipt=f"post-{number}").entry)
    assert told.receipts == tuple(f"post-{number}" for number in range(3, MOST_RECEIPTS + 3))
    assert told.copies[0].count == MOST_RECEIPTS + 3


def test_a_copy_changes_nothing_else_of_the_entry() -> None:
    before = reading(snapshot()).entry
    after = with_copy(before, Copy("other", 1, 2))
    assert after.copies[0] == before.copies[0]
    assert (after.body, after.outcome, after.effect, after.occurred_ms) == (
        before.body,
        before.outcome,
        before.effect,
        before.occurred_ms,
    )


@pytest.mark.parametrize("effect", ["a.jpg", "", "é☂", "\ud800", "x" * 10_000])
def test_an_effect_is_looked_up_by_16_hex_digits(effect: str) -> None:
    digest = effect_digest(effect)
    assert len(digest) == 16
    assert int(digest, 16) >= 0
    assert digest != effect_digest(effect + "?")


def test_an_effects_digest_never_changes_between_releases() -> None:
    assert effect_digest("a.jpg") == "509b0d4641a7c3ba"


def test_each_session_has_a_log_of_its_own() -> None:
    assert session_log("a") == "session:a"

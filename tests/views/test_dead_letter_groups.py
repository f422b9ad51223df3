"""What dead letters have in common, and what a sentence says became of some."""

from __future__ import annotations

import pytest

from webhook.domain.replaying import Verdict
from webhook.views.dead_letter_groups import SAID, about_dead_letters, groups, signature, told


@pytest.mark.parametrize(
    ("errors", "common"),
    [
        (["invalid character (byte 4)", "invalid character (byte 17)"], "invalid character (byte …)"),
        (["field 'a' is missing", 'field "b" is missing'], "field … is missing"),
        (["first\nsecond", "first\nother"], "first"),
        ([None, "", "  \n "], "no error was noted"),
        (["x" * 500], "x" * 159 + "…"),
    ],
)
def test_errors_of_one_kind_have_one_signature(errors: list[str | None], common: str) -> None:
    assert {signature(error) for error in errors} == {common}


def test_errors_of_two_kinds_have_two() -> None:
    assert signature("details.uid is None") != signature("details.sid is None")


def test_the_group_with_the_latest_comes_first() -> None:
    letters = [{"error": error, "receivedAt": at} for error, at in [("a", "1"), ("b", "3"), ("a", "2")]]
    found = groups(letters)
    assert [(group.signature, len(group.letters), group.last_at) for group in found] == [("b", 1, "3"), ("a", 2, "2")]


def fate(verdict: Verdict, detail: str = "") -> dict[str, str]:
    return {"id": "x", "verdict": verdict.value, "detail": detail}


@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_verdict_has_its_sentence(verdict: Verdict) -> None:
    assert told([fate(verdict)])[1].lower() == f"{SAID[verdict]}.".lower()


@pytest.mark.parametrize(
    ("fates", "left_alone", "tone"),
    [
        ([Verdict.APPLIED, Verdict.UNCHANGED, Verdict.MOVED, Verdict.KEPT, Verdict.DISCARDED], 0, "ok"),
        ([Verdict.APPLIED, Verdict.GONE], 0, "warn"),
        ([Verdict.STALE], 0, "warn"),
        ([Verdict.PENDING], 3, "warn"),
        ([Verdict.APPLIED, Verdict.FAILED, Verdict.PENDING], 0, "bad"),
        ([], 0, "ok"),
    ],
)
def test_the_tone_is_that_of_the_worst(fates: list[Verdict], left_alone: int, tone: str) -> None:
    assert told([fate(verdict) for verdict in fates], left_alone)[0] == tone


def test_several_are_counted_the_most_frequent_first() -> None:
    fates = [fate(Verdict.FAILED, "no uid"), fate(Verdict.APPLIED), fate(Verdict.APPLIED)]
    assert told(fates)[1] == "2 applied: its session has it now; 1 failed again: no uid."


def test_more_than_four_kinds_are_summed_up() -> None:
    fates = [fate(Verdict.FAILED, f"error {number}") for number in range(7)]
    assert told(fates)[1].endswith("; 3 otherwise; those that failed are listed below.")


def test_deeds_on_other_things_are_left_out() -> None:
    deeds = [
        {"action": "replay", "subject": "dead_letter n1 (id x)"},
        {"action": "discard", "subject": "quarantine sha256:0 (id x)"},
        {"action": "replay", "subject": "37 dead letters with kind=quarantine"},
        {"action": "replay", "subject": "1 dead letter"},
        {"action": "replay", "subject": "2 dead deliveries to sink ops"},
        {"action": "silence", "subject": "dead_letter n1"},
    ]
    assert about_dead_letters(deeds) == deeds[:4]

"""How rules behave: the defaults of the contract, and what an operator makes of them."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from webhook.domain.alerting.alerts import Severity
from webhook.domain.alerting.policies import (
    DEFAULTS,
    FOUND_BY_ABSENCE,
    OF_VIGIL,
    THRESHOLDS,
    Adjustment,
    Policy,
    Unit,
    adjusted,
    threshold,
)

EXAM = {"tier": "exam"}


def test_rules_about_vigil_wait_for_half_a_minute_or_a_whole_one() -> None:
    assert {rule: (DEFAULTS[rule].severity.value, DEFAULTS[rule].for_ms) for rule in OF_VIGIL} == {
        "ingest_lag": ("warning", 30_000),
        "inbox_backlog": ("warning", 60_000),
        "spool_in_use": ("warning", 30_000),
        "dead_letters": ("warning", 30_000),
        "signature_failures": ("critical", 30_000),
        "sink_failing": ("critical", 30_000),
    }


def test_what_is_said_of_rules_is_said_of_rules_that_there_are() -> None:
    assert {*FOUND_BY_ABSENCE, *OF_VIGIL, *THRESHOLDS} <= DEFAULTS.keys()
    assert not FOUND_BY_ABSENCE & OF_VIGIL


def test_the_thresholds_are_those_of_the_contract() -> None:
    durations = {
        (rule, name): each.default // 1000
        for rule, of_rule in THRESHOLDS.items()
        for name, each in of_rule.items()
        if each.unit is Unit.DURATION
    }
    assert durations == {
        ("video_stopped", "together_within"): 60,
        ("audio_stopped", "together_within"): 60,
        ("recording_error", "recovers_after"): 300,
        ("abnormal_exit", "shown_for"): 86_400,
        ("failover", "shown_for"): 600,
        ("failover", "explains_for"): 90,
        ("failover_repeated", "shown_for"): 600,
        ("ingest_lag", "above"): 10,
        ("ingest_lag", "critical_above"): 60,
    }
    counts = {
        (rule, name): each.default
        for rule, of_rule in THRESHOLDS.items()
        for name, each in of_rule.items()
        if each.unit is Unit.COUNT
    }
    assert counts == {
        ("failover_repeated", "count"): 3,
        ("snapshot_overdue", "intervals"): 3,
        ("inbox_backlog", "above"): 10_000,
        ("spool_in_use", "above"): 0,
        ("dead_letters", "above"): 0,
        ("signature_failures", "count"): 5,
        ("sink_failing", "count"): 3,
    }


def test_no_key_of_every_rule_is_the_name_of_a_threshold() -> None:
    names = {name for of_rule in THRESHOLDS.values() for name in of_rule}
    assert not names & {"severity", "for", "repeat", "enabled", "where", "labels"}


@pytest.mark.parametrize("least", [each.least for of_rule in THRESHOLDS.values() for each in of_rule.values()])
def test_no_threshold_may_be_negative(least: int) -> None:
    assert least >= 0


def test_a_threshold_is_the_default_until_one_is_set() -> None:
    policy = replace(DEFAULTS["failover"], thresholds={"shown_for": 5})
    assert threshold(DEFAULTS, "failover", "shown_for") == threshold({}, "failover", "shown_for") == 600_000
    assert threshold({"failover": policy}, "failover", "shown_for") == 5
    assert threshold({"failover": policy}, "failover", "explains_for") == 90_000


def test_without_adjustments_the_defaults_hold() -> None:
    assert adjusted([]) == adjusted([], EXAM) == DEFAULTS
    assert adjusted([]) is not DEFAULTS


def test_an_adjustment_changes_what_it_names_and_nothing_else() -> None:
    policies = adjusted([Adjustment(rule="failover", for_ms=0, enabled=False)])
    assert policies["failover"] == Policy(severity=Severity.INFO, enabled=False)
    assert {**policies, "failover": DEFAULTS["failover"]} == DEFAULTS
    everything = Adjustment(
        rule="failover", severity=Severity.CRITICAL, for_ms=1, repeat_ms=2, enabled=True, thresholds={"shown_for": 3}
    )
    expected = Policy(severity=Severity.CRITICAL, for_ms=1, repeat_ms=2, thresholds={"shown_for": 3})
    assert adjusted([everything])["failover"] == expected


@pytest.mark.parametrize(
    ("labels", "fits"),
    [({}, False), (EXAM, True), ({"tier": "other"}, False), ({**EXAM, "team": "a"}, True), ({"team": "a"}, False)],
)
def test_an_adjustment_is_for_sources_with_all_of_its_labels(labels: dict[str, str], fits: bool) -> None:
    adjustment = Adjustment(rule="failover", labels=EXAM, for_ms=7)
    assert adjustment.fits(labels) is fits
    assert adjusted([adjustment], labels)["failover"].for_ms == (7 if fits else 0)


def test_of_two_adjustments_that_fit_the_later_wins_and_what_it_leaves_out_stays() -> None:
    first = Adjustment(rule="failover", for_ms=1, thresholds={"shown_for": 1, "explains_for": 1})
    second = Adjustment(rule="failover", labels=EXAM, repeat_ms=2, thresholds={"shown_for": 2})
    policy = adjusted([first, second], EXAM)["failover"]
    assert (policy.for_ms, policy.repeat_ms) == (1, 2)
    assert policy.thresholds == {"shown_for": 2, "explains_for": 1}
    assert adjusted([second, first], EXAM)["failover"].thresholds == {"shown_for": 1, "explains_for": 1}

"""Vigil's own health: what fires, not a second earlier, what it says, and when it is well again."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from tests.domain.alerting.life import Life
from webhook.domain.alerting.alerts import Alert, AlertState, Clear, Condition, Key, Resolution, Severity
from webhook.domain.alerting.policies import DEFAULTS, OF_VIGIL, Adjustment, Policies, adjusted
from webhook.domain.alerting.rules.vigil import Pulse, SinkPulse, find

BEGUN = 1_000_000_000
WELL = Pulse(now_ms=BEGUN, inbox_max=1_000_000, sinks=(SinkPulse("chat"), SinkPulse("mail")))
LAG, BACKLOG, SPOOL, DEAD = "ingest_lag", "inbox_backlog", "spool_in_use", "dead_letters"
SIGNATURES, SINK = "signature_failures", "sink_failing"
FAILING = (SinkPulse("chat", 3, BEGUN, "it answered 500"), SinkPulse("mail"))
WRONG: dict[str, dict[str, Any]] = {  # by rule: the least that is too much
    LAG: {"inbox_depth": 12, "inbox_oldest_ms": 10_001},
    BACKLOG: {"inbox_depth": 10_001},
    SPOOL: {"spool_depth": 1},
    DEAD: {"dead_letters": 1},
    SIGNATURES: {"signature_failures": 5},
    SINK: {"sinks": FAILING},
}


class Own:
    """Vigil's own alerts, look after look, as it fares at seconds after the beginning."""

    def __init__(self, policies: Policies = DEFAULTS) -> None:
        self.life = Life(policies)

    def look(self, second: float, **pulse: Any) -> list[Alert]:
        now_ms = BEGUN + round(second * 1000)
        seen = self.life.look(now_ms, *find(replace(WELL, now_ms=now_ms, **pulse), self.life.policies))
        return [*seen.resolved, *seen.fired]

    @property
    def open(self) -> list[Alert]:
        return [alert for alert in self.life.alerts if alert.is_open]


def conditions(policies: Policies = DEFAULTS, **pulse: Any) -> list[Condition]:
    return [each for each in find(replace(WELL, **pulse), policies) if isinstance(each, Condition)]


def test_a_vigil_that_is_well_says_so_of_every_rule_and_of_every_sink() -> None:
    keys = [Key(rule) for rule in (LAG, BACKLOG, SPOOL, DEAD, SIGNATURES)]
    keys += [Key(SINK, "chat"), Key(SINK, "mail")]
    assert list(find(WELL, DEFAULTS)) == [Clear(key, BEGUN) for key in keys]
    assert {key.rule for key in keys} == OF_VIGIL


@pytest.mark.parametrize(
    ("rule", "pulse"),
    [
        (LAG, {"inbox_depth": 1, "inbox_oldest_ms": 10_000}),
        (LAG, {"inbox_depth": 1, "inbox_oldest_ms": None}),
        (BACKLOG, {"inbox_depth": 10_000}),
        (BACKLOG, {"inbox_depth": 49, "inbox_max": 99}),
        (SPOOL, {"spool_depth": 0, "spool_oldest_ms": 99_000}),
        (SIGNATURES, {"signature_failures": 4}),
        (SINK, {"sinks": (SinkPulse("chat", 2, BEGUN, "it answered 500"),)}),
    ],
)
def test_what_is_not_too_much_yet_is_well(rule: str, pulse: dict[str, Any]) -> None:
    assert conditions(**pulse) == []


@pytest.mark.parametrize("rule", WRONG)
def test_what_is_too_much_is_told_with_figures_what_it_means_and_what_to_do(rule: str) -> None:
    (found,) = conditions(**WRONG[rule])
    assert found.key.rule == rule
    assert any(letter.isdigit() for letter in found.summary)
    assert found.meaning.endswith((".", "500"))
    assert found.action.endswith(".")


@pytest.mark.parametrize(
    ("rule", "seconds"), [(LAG, 30), (BACKLOG, 60), (SPOOL, 30), (DEAD, 30), (SIGNATURES, 30), (SINK, 30)]
)
def test_it_fires_when_it_has_lasted_and_not_a_second_earlier_and_is_over_when_it_is_well(
    rule: str, seconds: int
) -> None:
    own = Own()
    assert own.look(0, **WRONG[rule]) == []
    begun_ms = own.open[0].started_ms
    due = (begun_ms - BEGUN) / 1000 + seconds
    assert begun_ms in (BEGUN, BEGUN - 1)  # the lag began a ms ago
    for second in (due / 2, due - 1, due - 0.001):
        assert own.look(second, **WRONG[rule]) == []
    (fired,) = own.look(due, **WRONG[rule])
    assert (fired.key.rule, fired.state, fired.severity) == (rule, AlertState.FIRING, DEFAULTS[rule].severity)
    assert fired.started_ms == begun_ms
    assert own.look(due + 3600, **WRONG[rule]) == []
    (over,) = own.look(due + 3601)
    assert (over.key.rule, over.resolution) == (rule, Resolution.RECOVERED)
    assert own.open == []


@pytest.mark.parametrize("rule", WRONG)
def test_what_is_well_in_between_has_not_lasted(rule: str) -> None:
    own = Own()
    own.look(0, **WRONG[rule])
    own.look(20)
    later = {"sinks": (replace(FAILING[0], failing_since_ms=BEGUN + 21_000),)} if rule == SINK else WRONG[rule]
    own.look(21, **later)
    assert own.look(50.5, **later) == []


@pytest.mark.parametrize("rule", WRONG)
def test_a_rule_that_is_switched_off_says_nothing(rule: str) -> None:
    own = Own(adjusted([Adjustment(rule=rule, enabled=False)]))
    own.look(0, **WRONG[rule])
    assert own.look(3600, **WRONG[rule]) == []


@pytest.mark.parametrize(
    ("pulse", "since_ms"),
    [
        ({"inbox_oldest_ms": 25_000}, BEGUN - 15_000),
        ({"spool_depth": 3, "spool_oldest_ms": 25_000}, BEGUN - 25_000),
        ({"spool_depth": 3, "spool_oldest_ms": None}, BEGUN),
        ({"spool_damaged": 1, "spool_oldest_ms": 25_000}, BEGUN),
        ({"sinks": (SinkPulse("chat", 3, BEGUN - 25_000),)}, BEGUN - 25_000),
        ({"sinks": (SinkPulse("chat", 3, BEGUN + 25_000),)}, BEGUN),
        ({"sinks": (SinkPulse("chat", 3),)}, BEGUN),
    ],
)
def test_what_lasts_already_when_it_is_first_seen_began_when_it_did(pulse: dict[str, Any], since_ms: int) -> None:
    (found,) = conditions(**pulse)
    assert found.since_ms == since_ms


def test_what_has_lasted_long_enough_fires_two_seconds_after_it_was_first_seen() -> None:
    own = Own()
    spooled = {"spool_depth": 3, "spool_oldest_ms": 600_000}
    own.look(0, **spooled)
    assert own.look(1.999, **spooled) == []
    assert [alert.key.rule for alert in own.look(2, **spooled)] == [SPOOL]


def test_a_lag_goes_on_although_another_entry_is_the_oldest_now() -> None:
    own = Own()
    for second in range(0, 30, 5):
        assert own.look(second, inbox_depth=9, inbox_oldest_ms=11_000) == []
    (fired,) = own.look(30, inbox_depth=9, inbox_oldest_ms=11_000)
    assert fired.started_ms == BEGUN - 1_000


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"inbox_oldest_ms": 60_000}, {"inbox_oldest_ms": 60_001}),
        ({"spool_depth": 3}, {"spool_depth": 3, "spool_damaged": 1}),
    ],
    ids=[LAG, SPOOL],
)
def test_it_is_critical_when_it_gets_worse_and_not_again_when_it_gets_better(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    own = Own()
    own.look(0, **before)
    assert [alert.severity for alert in own.look(60, **before)] == [Severity.WARNING]
    for second, severity in ((61, Severity.WARNING), (63, Severity.CRITICAL)):
        assert own.look(second, **after) == []
        assert [alert.severity for alert in own.open] == [severity]
    assert own.look(64, **before) == []
    assert [alert.severity for alert in own.open] == [Severity.WARNING]


def test_damaged_files_alone_are_critical() -> None:
    (found,) = conditions(spool_damaged=2)
    assert found.severity is Severity.CRITICAL
    assert found.summary == "0 notifications in the spool; 2 files of it cannot be read"
    assert "damaged" in found.meaning
    assert "damaged" in found.action


def test_half_of_an_inbox_is_a_backlog_however_small_it_is() -> None:
    (found,) = conditions(inbox_depth=50, inbox_max=100)
    assert found.summary == "50 notifications in the inbox, 50% of what it may hold"


def test_each_sink_is_an_alert_of_its_own() -> None:
    own = Own()
    chat, mail = FAILING[0], SinkPulse("mail", 4, BEGUN + 10_000, "no route")
    own.look(10, sinks=(chat, mail))
    assert [alert.key.uid for alert in own.look(30, sinks=(chat, mail))] == ["chat"]
    assert [alert.key.uid for alert in own.look(40, sinks=(chat, mail))] == ["mail"]
    (over,) = own.look(50, sinks=(SinkPulse("chat"), mail))
    assert (over.key.uid, over.resolution) == ("chat", Resolution.RECOVERED)


def test_a_sink_that_is_configured_no_more_fails_no_more() -> None:
    own = Own()
    own.look(0, sinks=FAILING)
    own.look(30, sinks=FAILING)
    assert [alert.resolution for alert in own.look(40, sinks=())] == [Resolution.RECOVERED]


@pytest.mark.parametrize(
    ("error", "told"), [("", "none told"), ("a\n  b", "a b"), ("x" * 300, "x" * 200)], ids=["none", "lines", "long"]
)
def test_what_a_sink_said_is_told_in_one_short_line(error: str, told: str) -> None:
    (found,) = conditions(sinks=(SinkPulse("chat", 3, BEGUN, error),))
    assert found.meaning.endswith(f"The latest error: {told}")


@pytest.mark.parametrize(
    ("pulse", "summary"),
    [
        (
            {"inbox_depth": 1, "inbox_oldest_ms": 14_400},
            "the oldest of 1 notification in the inbox waits for 14 s",
        ),
        (
            {"inbox_depth": 9_999, "inbox_oldest_ms": 119_999},
            "the oldest of 9 999 notifications in the inbox waits for 120 s",
        ),
        (
            {"spool_depth": 1_234_567, "spool_oldest_ms": 7_199_999},
            "1 234 567 notifications in the spool, the oldest for 120 min",
        ),
        ({"spool_depth": 1, "spool_oldest_ms": 12_600_000}, "1 notification in the spool, the oldest for 3.5 h"),
        ({"inbox_depth": 12_345}, "12 345 notifications in the inbox, 1% of what it may hold"),
        ({"dead_letters": 1}, "1 dead letter set aside"),
        ({"signature_failures": 6}, "6 posts of the last 5 min refused: the signature fits no secret"),
        ({"sinks": (SinkPulse("chat", 7, BEGUN - 90_000),)}, "sink chat failed 7 times in a row, for 90 s"),
    ],
)
def test_figures_are_told_as_people_read_them(pulse: dict[str, Any], summary: str) -> None:
    assert [found.summary for found in conditions(**pulse)] == [summary]


@pytest.mark.parametrize(
    ("rule", "name", "value", "well", "wrong"),
    [
        (LAG, "above", 20_000, {"inbox_oldest_ms": 20_000}, {"inbox_oldest_ms": 20_001}),
        (BACKLOG, "above", 5, {"inbox_depth": 5}, {"inbox_depth": 6}),
        (SPOOL, "above", 5, {"spool_depth": 5}, {"spool_depth": 6}),
        (DEAD, "above", 5, {"dead_letters": 5}, {"dead_letters": 6}),
        (SIGNATURES, "count", 9, {"signature_failures": 8}, {"signature_failures": 9}),
        (SINK, "count", 9, {"sinks": (SinkPulse("chat", 8),)}, {"sinks": (SinkPulse("chat", 9),)}),
    ],
)
def test_what_is_too_much_is_for_the_operator_to_say(
    rule: str, name: str, value: int, well: dict[str, Any], wrong: dict[str, Any]
) -> None:
    policies = adjusted([Adjustment(rule=rule, thresholds={name: value})])
    assert conditions(policies, **well) == []
    assert [found.key.rule for found in conditions(policies, **wrong)] == [rule]


def test_from_when_on_a_lag_is_critical_is_for_the_operator_to_say() -> None:
    policies = adjusted([Adjustment(rule=LAG, thresholds={"critical_above": 15_000})])
    found = [conditions(policies, inbox_oldest_ms=age_ms)[0].severity for age_ms in (15_000, 15_001)]
    assert found == [None, Severity.CRITICAL]

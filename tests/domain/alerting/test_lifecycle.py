"""What becomes of one alert in time, whatever rule it is of."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from tests.domain.alerting.life import BEGUN, POLICIES, QUICK, SLOW, Life, wrong
from webhook.domain.alerting.alerts import (
    AlertState,
    Clear,
    Finding,
    Key,
    Resolution,
    Severity,
    fingerprint,
)
from webhook.domain.alerting.lifecycle import MOST_RESOLVED, Advance
from webhook.domain.alerting.policies import DEFAULTS, OF_VIGIL, Policies


def fired(now_ms: int = BEGUN + 10_000, **more: Any) -> Life:
    life = Life()
    life.look(BEGUN, wrong(**more))
    assert [alert.fired_ms for alert in life.look(now_ms, wrong(**more)).fired] == [now_ms]
    return life


def test_what_is_pending_and_goes_away_was_never_there() -> None:
    life = Life()
    seen = life.look(BEGUN, wrong())
    assert life.states == [(1, AlertState.PENDING)]
    assert seen.fired == ()
    seen = life.look(BEGUN + 9_999)
    assert seen == Advance((), (), (), None)


@pytest.mark.parametrize(
    ("rule", "found_ms", "more", "due_ms"),
    [
        (SLOW, BEGUN, {}, BEGUN + 10_000),
        (SLOW, BEGUN + 8_000, {}, BEGUN + 10_000),
        (SLOW, BEGUN + 8_001, {}, BEGUN + 10_001),
        (SLOW, BEGUN + 900_000, {}, BEGUN + 902_000),
        (SLOW, BEGUN - 5_000, {}, BEGUN + 5_000),
        (QUICK, BEGUN, {}, BEGUN + 2_000),
        (QUICK, BEGUN, {"held_until_ms": BEGUN + 90_000}, BEGUN + 90_000),
    ],
)
def test_it_fires_after_its_time_and_two_seconds_after_it_was_found(
    rule: str, found_ms: int, more: dict[str, Any], due_ms: int
) -> None:
    life = Life()
    assert life.look(found_ms, wrong(rule, **more)).next_ms == due_ms
    assert life.look(due_ms - 1, wrong(rule, **more)).fired == ()
    (alert,) = life.look(due_ms, wrong(rule, **more)).fired
    assert (alert.state, alert.fired_ms, alert.found_ms) == (AlertState.FIRING, due_ms, found_ms)
    assert alert.started_ms == min(BEGUN, found_ms)


def test_what_is_foreseen_is_looked_at_when_it_comes() -> None:
    life = Life()
    assert life.look(BEGUN - 7, wrong(QUICK, foreseen=True)) == Advance((), (), (), BEGUN)
    assert life.look(BEGUN, wrong(QUICK, foreseen=True)).next_ms == BEGUN + 2_000


def test_the_same_look_again_changes_nothing() -> None:
    life = fired()
    before = life.alerts
    seen = life.look(BEGUN + 10_000, wrong())
    assert seen == Advance(before, (), (), None)
    assert life.look(BEGUN + 99_000, wrong()) == Advance(before, (), (), None)
    life.look(BEGUN + 100_000)
    resolved = life.alerts
    assert life.look(BEGUN + 100_000) == life.look(BEGUN + 100_001) == Advance(resolved, (), (), None)


def test_what_an_alert_says_follows_what_is_found() -> None:
    life = fired()
    worse = replace(wrong(), summary="worse", meaning="M", action="A", severity=Severity.CRITICAL)
    assert life.look(BEGUN + 20_000, worse).fired == ()
    (alert,) = life.alerts
    assert (alert.summary, alert.meaning, alert.action) == ("worse", "M", "A")
    assert Life().look(BEGUN, worse).alerts[0].severity is Severity.CRITICAL


def test_what_fires_grows_graver_two_seconds_after_that_was_found_and_better_at_once() -> None:
    life, worse = fired(), wrong(severity=Severity.CRITICAL)
    for at_ms, found, severity, next_ms in (
        (20_000, worse, Severity.WARNING, 22_000),
        (21_999, worse, Severity.WARNING, 22_000),
        (22_000, worse, Severity.CRITICAL, None),
        (23_000, wrong(), Severity.WARNING, None),
        (24_000, worse, Severity.WARNING, 26_000),
        (25_000, wrong(), Severity.WARNING, None),
        (26_000, worse, Severity.WARNING, 28_000),
    ):
        seen = life.look(BEGUN + at_ms, found)
        assert [alert.severity for alert in seen.alerts] == [severity]
        assert seen.next_ms == (None if next_ms is None else BEGUN + next_ms)


def test_what_was_graver_for_a_moment_before_it_was_well_has_not_been_so_since() -> None:
    life, worse = Life(), wrong(severity=Severity.CRITICAL)
    for begun in (BEGUN, BEGUN + 30_000):
        life.look(begun, wrong(since_ms=begun))
        life.look(begun + 10_000, wrong(since_ms=begun))
        life.look(begun + 11_000, replace(worse, since_ms=begun))
        life.look(begun + 12_000)
    assert life.look(BEGUN + 50_000, worse).alerts[-1].severity is Severity.WARNING


@pytest.mark.parametrize(
    ("clear", "over", "resolution"),
    [
        ([], False, Resolution.RECOVERED),
        ([], True, Resolution.ENDED),
        ([Clear(Key(SLOW, "1"), BEGUN + 10_000)], False, Resolution.RECOVERED),
        ([Clear(Key(SLOW, "1"), BEGUN + 10_000)], True, Resolution.RECOVERED),
        ([Clear(Key(SLOW, "1"), BEGUN + 9_999)], False, Resolution.RETRACTED),
        ([wrong(expires_ms=BEGUN + 50_000)], False, Resolution.EXPIRED),
        ([wrong(expires_ms=BEGUN + 50_000)], True, Resolution.EXPIRED),
    ],
)
def test_why_an_alert_goes_away(clear: list[Finding], over: bool, resolution: Resolution) -> None:
    life = fired(expires_ms=BEGUN + 50_000) if resolution is Resolution.EXPIRED else fired()
    seen = life.look(BEGUN + 50_000, *clear, over=over)
    assert [(alert.resolution, alert.resolved_ms) for alert in seen.resolved] == [(resolution, BEGUN + 50_000)]
    assert seen.alerts == seen.resolved
    assert not seen.alerts[0].is_open


def test_what_is_well_and_was_not_wrong_is_no_alert() -> None:
    assert Life().look(BEGUN, Clear(Key(SLOW, "1"), BEGUN)) == Advance((), (), (), None)


def test_the_same_thing_wrong_again_is_another_episode() -> None:
    life = fired()
    life.look(BEGUN + 20_000)
    again = wrong(since_ms=BEGUN + 30_000)
    life.look(BEGUN + 30_000, again)
    assert life.states == [(1, AlertState.RESOLVED), (2, AlertState.PENDING)]
    life.look(BEGUN + 35_000)
    assert life.states == [(1, AlertState.RESOLVED)]
    life.look(BEGUN + 36_000, again)
    (alert,) = life.look(BEGUN + 40_000, again).fired
    assert alert.episode == 2
    assert [each.episode for each in life.look(BEGUN + 700_000).resolved] == [2]


def test_what_began_anew_between_two_looks_is_another_episode_too() -> None:
    life = fired()
    again = wrong(since_ms=BEGUN + 15_000)
    seen = life.look(BEGUN + 16_000, again)
    assert [alert.resolution for alert in seen.resolved] == [Resolution.RECOVERED]
    assert life.states == [(1, AlertState.RESOLVED), (2, AlertState.PENDING)]
    assert seen.next_ms == BEGUN + 25_000
    (alert,) = life.look(BEGUN + 25_000, again).fired
    assert len(alert.changes) == 3


def test_what_began_later_than_was_thought_but_lasts_long_enough_is_the_same() -> None:
    life = fired()
    assert life.look(BEGUN + 30_000, wrong(since_ms=BEGUN + 20_000)).resolved == ()
    assert life.states == [(1, AlertState.FIRING)]


def test_a_beginning_that_is_known_by_name_does_not_move() -> None:
    life = Life()
    life.look(BEGUN, wrong(about="hole"))
    assert life.look(BEGUN + 9_000, wrong(since_ms=BEGUN + 9_000, about="hole")).next_ms == BEGUN + 10_000
    assert life.look(BEGUN + 9_500, wrong(since_ms=BEGUN + 9_400, about="other")).next_ms == BEGUN + 19_400


NOT_WATCHED = pytest.mark.parametrize(
    "policies", [{}, {SLOW: replace(POLICIES[SLOW], enabled=False)}], ids=["of another release", "disabled"]
)


@NOT_WATCHED
def test_a_rule_that_nobody_asks_alerts_of_nothing_and_what_it_told_expires(policies: Policies) -> None:
    life = Life(policies)
    assert life.look(BEGUN, wrong(expires_ms=BEGUN + 1), wrong(since_ms=BEGUN + 9, uid="2", foreseen=True)) == Advance(
        (), (), (), None
    )
    life = fired()
    life.policies = policies
    for found in ([wrong()], [Clear(Key(SLOW, "1"), BEGUN)]):
        life.alerts = fired().alerts
        assert [alert.resolution for alert in life.look(BEGUN + 20_000, *found).resolved] == [Resolution.EXPIRED]


@NOT_WATCHED
def test_what_flaps_or_begins_to_expires_at_once_where_nobody_asks_its_rule(policies: Policies) -> None:
    for looks in (1, 2):
        life, at_ms = Life(), BEGUN
        for _ in range(looks):
            life.look(at_ms, wrong(since_ms=at_ms))
            life.look(at_ms + 10_000, wrong(since_ms=at_ms))
            life.look(at_ms + 20_000, *([] if looks == 2 else [wrong(since_ms=at_ms)]))
            at_ms += 30_000
        life.policies = policies
        assert not [alert for alert in life.look(at_ms).alerts if alert.is_open]
        assert life.alerts[-1].resolution is Resolution.EXPIRED


def test_what_is_told_in_another_alert_from_now_on_expires_and_says_where_it_goes_on() -> None:
    (over,) = fired().look(BEGUN + 20_000, Clear(Key(SLOW, "1"), BEGUN, "it goes on elsewhere")).resolved
    assert (over.resolution, over.summary) == (Resolution.EXPIRED, "it is wrong; it goes on elsewhere")


def test_the_last_resolved_are_kept_and_all_that_are_open() -> None:
    life = Life()
    for second in range(MOST_RESOLVED + 10):
        now_ms = BEGUN + second * 10_000
        uid = f"{second:03}"
        life.look(now_ms, wrong(QUICK, now_ms, uid))
        life.look(now_ms + 2_000, wrong(QUICK, now_ms, uid))
        life.look(now_ms + 4_000)
    assert [alert.key.uid for alert in life.alerts] == [f"{second:03}" for second in range(10, MOST_RESOLVED + 10)]
    many = [wrong(QUICK, BEGUN, f"{number:03}") for number in range(MOST_RESOLVED + 5)]
    life.look(2 * BEGUN, *many)
    seen = life.look(2 * BEGUN + 2_000, *many)
    assert len(seen.fired) == MOST_RESOLVED + 5
    assert len(seen.alerts) == 2 * MOST_RESOLVED + 5
    seen = life.look(3 * BEGUN)
    assert len(seen.resolved) == MOST_RESOLVED + 5
    assert len(seen.alerts) == MOST_RESOLVED
    assert life.look(3 * BEGUN).alerts == seen.alerts


def test_alerts_come_in_the_same_order_whatever_was_looked_at_before() -> None:
    life = fired()
    seen = life.look(BEGUN + 16_000, wrong(since_ms=BEGUN + 15_000), wrong(uid="0"))
    assert life.look(BEGUN + 16_000, wrong(since_ms=BEGUN + 15_000), wrong(uid="0")).alerts == seen.alerts


def test_a_fingerprint_is_the_same_in_every_episode_and_another_for_everything_else() -> None:
    named = fingerprint("default", "s1", Key("failover"))
    assert named == fingerprint("default", "s1", Key("failover", "", ""))
    assert len(named) == 16
    assert int(named, 16) >= 0
    others = [
        ("talks", "s1", Key("failover")),
        ("default", "s2", Key("failover")),
        ("default", "s1", Key("failover", "1")),
    ]
    assert len({named, *(fingerprint(*other) for other in others)}) == 4
    assert fingerprint("default", "\ud800", Key("failover"))


def test_every_rule_has_a_policy() -> None:
    assert {
        rule: policy.for_ms // 1000 for rule, policy in DEFAULTS.items() if policy.for_ms and rule not in OF_VIGIL
    } == {
        "video_stopped": 10,
        "audio_stopped": 30,
        "not_started": 90,
        "notifications_missing": 120,
        "upload_stalled": 300,
        "not_uploaded": 900,
    }
    assert {policy.repeat_ms for policy in DEFAULTS.values()} == {4 * 3_600_000}

"""Nothing begins to fire while what contradicts it may wait to be read, and silence proves nothing to the deaf."""

from __future__ import annotations

import pytest

from tests.domain.alerting.life import BEGUN, POLICIES, QUICK, SLOW, Life, wrong
from webhook.domain.alerting.alerts import AlertState, Key, Resolution
from webhook.domain.alerting.lifecycle import MOST_HELD_MS, SETTLE_MS, Hold, Look, advance
from webhook.domain.alerting.policies import DEFAULTS, FOUND_BY_ABSENCE, Policies


@pytest.mark.parametrize(
    ("rule", "until_ms", "due_ms"),
    [
        (QUICK, 0, BEGUN + SETTLE_MS),
        (QUICK, BEGUN + 1_000, BEGUN + SETTLE_MS),
        (QUICK, BEGUN + 30_000, BEGUN + 30_000),
        (QUICK, BEGUN + MOST_HELD_MS, BEGUN + MOST_HELD_MS),
        (QUICK, BEGUN + MOST_HELD_MS + 1, BEGUN + MOST_HELD_MS),
        (QUICK, BEGUN + 900_000, BEGUN + MOST_HELD_MS),
        (SLOW, BEGUN + 5_000, BEGUN + 10_000),
        (SLOW, BEGUN + 15_000, BEGUN + 15_000),
    ],
)
def test_an_alert_is_held_back_as_long_as_is_asked_but_for_120_s_at_most(rule: str, until_ms: int, due_ms: int) -> None:
    life, hold = Life(), Hold(until_ms=until_ms)
    assert life.look(BEGUN, wrong(rule), hold=hold).next_ms == due_ms
    assert life.look(due_ms - 1, wrong(rule), hold=hold).fired == ()
    assert [alert.fired_ms for alert in life.look(due_ms, wrong(rule), hold=hold).fired] == [due_ms]


def test_who_is_behind_at_each_look_holds_back_for_120_s_since_it_was_found() -> None:
    life = Life()
    for second in range(120):
        now_ms = BEGUN + second * 1000
        seen = life.look(now_ms, wrong(QUICK), hold=Hold(until_ms=now_ms + 1000))
        assert (seen.fired, seen.next_ms) == ((), max(now_ms + 1000, BEGUN + SETTLE_MS))
    now_ms = BEGUN + MOST_HELD_MS
    assert [alert.found_ms for alert in life.look(now_ms, wrong(QUICK), hold=Hold(until_ms=now_ms + 1000)).fired] == [
        BEGUN
    ]


def test_who_has_caught_up_lets_go_at_once() -> None:
    life = Life()
    life.look(BEGUN, wrong(QUICK), hold=Hold(until_ms=BEGUN + 60_000))
    assert life.look(BEGUN + 7_000, wrong(QUICK), hold=Hold(until_ms=BEGUN + 60_000)).fired == ()
    assert len(life.look(BEGUN + 8_000, wrong(QUICK)).fired) == 1


def test_what_is_contradicted_while_it_is_held_back_was_never_there() -> None:
    life, hold = Life(), Hold(until_ms=BEGUN + 60_000)
    life.look(BEGUN, wrong(), hold=hold)
    seen = life.look(BEGUN + 30_000, hold=hold)
    assert (seen.alerts, seen.fired, seen.resolved, seen.next_ms) == ((), (), (), None)


def test_what_fires_already_fires_on_and_may_be_over_although_new_things_are_held_back() -> None:
    life, hold = Life(), Hold(until_ms=BEGUN + 900_000, absent_until_ms=BEGUN + 900_000)
    life.look(BEGUN, wrong(QUICK))
    life.look(BEGUN + 2_000, wrong(QUICK))
    assert life.look(BEGUN + 3_000, wrong(QUICK), hold=hold).resolved == ()
    assert life.states == [(1, AlertState.FIRING)]
    assert [alert.resolution for alert in life.look(BEGUN + 4_000, hold=hold).resolved] == [Resolution.RECOVERED]


@pytest.mark.parametrize("rule", sorted(DEFAULTS))
def test_what_is_found_by_silence_is_held_back_as_long_as_vigil_may_have_been_deaf(rule: str) -> None:
    life, until_ms = Life(DEFAULTS), BEGUN + 2_000_000
    due_ms = max(BEGUN + DEFAULTS[rule].for_ms, BEGUN + SETTLE_MS)
    fires_ms = until_ms if rule in FOUND_BY_ABSENCE else due_ms
    hold = Hold(absent_until_ms=until_ms)
    assert life.look(BEGUN, wrong(rule), hold=hold).next_ms == fires_ms
    assert life.look(fires_ms - 1, wrong(rule), hold=hold).fired == ()
    assert len(life.look(fires_ms, wrong(rule), hold=hold).fired) == 1


def test_the_rules_that_find_by_silence_are_those_that_speak_of_what_did_not_come() -> None:
    assert {
        "not_started",
        "session_silent",
        "notifications_missing",
        "snapshot_overdue",
        "upload_stalled",
        "not_uploaded",
    } == FOUND_BY_ABSENCE


def episode(rule: str, episodes: dict[Key, int], policies: Policies = POLICIES) -> int:
    """The episode of what begins, where so many are known of."""
    look = Look(policies=policies, now_ms=BEGUN, over=False, episodes=episodes)
    (alert,) = advance((), [wrong(rule)], look).alerts
    return alert.episode


def test_episodes_go_on_after_the_last_that_is_known_although_its_alert_is_not_kept() -> None:
    assert episode(QUICK, {Key(QUICK, "1"): 7}) == 8
    assert episode(QUICK, {Key(QUICK, "2"): 7, Key(SLOW, "1"): 7}) == 1
    assert episode(QUICK, {}) == 1


def test_an_alert_that_is_kept_says_itself_which_episode_was_the_last() -> None:
    life = Life()
    for number in range(2):
        at_ms = BEGUN + number * 700_000
        life.look(at_ms, wrong(QUICK, at_ms))
        life.look(at_ms + 2_000, wrong(QUICK, at_ms))
        life.look(at_ms + 4_000)
    assert [alert.episode for alert in life.alerts] == [1, 2]
    look = Look(policies=POLICIES, now_ms=3 * BEGUN, over=False, episodes={Key(QUICK, "1"): 1})
    assert [alert.episode for alert in advance(life.alerts, [wrong(QUICK)], look).alerts] == [1, 2, 3]


def test_what_was_pending_and_went_away_does_not_use_up_a_number() -> None:
    look = Look(policies=POLICIES, now_ms=BEGUN, over=False, episodes={Key(QUICK, "1"): 7})
    (pending,) = advance((), [wrong(QUICK)], look).alerts
    assert advance([pending], [], look).alerts == ()
    (again,) = advance((), [wrong(QUICK)], look).alerts
    assert again.episode == pending.episode == 8

"""An alert that comes and goes is held, and says so once."""

from __future__ import annotations

from msgspec.structs import replace

from tests.domain.alerting.life import BEGUN, POLICIES, QUICK, Life, wrong
from webhook.domain.alerting.alerts import AlertState, Resolution
from webhook.domain.alerting.lifecycle import FLAPPING_MS, Advance


def flap(life: Life, *, every_ms: int) -> list[Advance]:
    """It fires, clears, fires and clears, `every_ms` apart."""
    looks = []
    for change in range(2):
        at_ms = BEGUN + 2 * change * every_ms
        life.look(at_ms - 2_000, wrong(QUICK, at_ms - 2_000))
        looks += [life.look(at_ms, wrong(QUICK, at_ms - 2_000)), life.look(at_ms + every_ms)]
    return looks


def test_an_alert_that_changes_four_times_in_ten_minutes_says_once_that_it_flaps_and_is_held() -> None:
    life = Life()
    *before, seen = flap(life, every_ms=60_000)
    assert [len(look.flapping) for look in before] == [0, 0, 0]
    assert seen.resolved == ()
    assert [alert.state for alert in seen.flapping] == [AlertState.FIRING]
    until_ms = BEGUN + 180_000 + FLAPPING_MS
    assert seen.next_ms == until_ms
    held = life.alerts
    for at_ms in (BEGUN + 200_000, until_ms - 1):
        assert life.look(at_ms) == Advance(held, (), (), until_ms)
        assert life.look(at_ms, wrong(QUICK, BEGUN)).flapping == ()
    assert [alert.resolution for alert in life.look(until_ms).resolved] == [Resolution.RECOVERED]


def test_what_still_flaps_when_it_is_let_go_fires_on() -> None:
    life = Life()
    until_ms = flap(life, every_ms=60_000)[-1].next_ms
    assert until_ms is not None
    seen = life.look(until_ms, wrong(QUICK, BEGUN))
    assert (seen.fired, seen.resolved, seen.next_ms) == ((), (), None)
    assert life.alerts[-1].flapping_until_ms is None
    assert len(life.look(until_ms + 1_000).resolved) == 1


def test_four_changes_in_more_than_ten_minutes_are_no_flapping() -> None:
    assert len(flap(Life(), every_ms=200_000)[-1].resolved) == 1
    assert len(flap(Life(), every_ms=199_999)[-1].flapping) == 1


def test_firing_may_be_the_fourth_change() -> None:
    life = Life()
    flap(life, every_ms=200_000)
    at_ms = BEGUN + 700_000
    life.look(at_ms - 2_000, wrong(QUICK, at_ms - 2_000))
    seen = life.look(at_ms, wrong(QUICK, at_ms - 2_000))
    assert seen.fired == seen.flapping
    assert seen.next_ms == at_ms + FLAPPING_MS
    assert life.look(at_ms + 1_000).resolved == ()


def test_what_begins_anew_while_it_is_held_stays_held() -> None:
    life = Life({QUICK: replace(POLICIES[QUICK], for_ms=1_000)})
    flap(life, every_ms=60_000)
    seen = life.look(BEGUN + 200_000, wrong(QUICK, BEGUN + 200_000))
    assert (seen.resolved, seen.flapping) == ((), ())
    assert life.states[-1] == (2, AlertState.FIRING)


def test_what_is_held_tells_what_is_wrong_now() -> None:
    life = Life({QUICK: replace(POLICIES[QUICK], for_ms=2_000)})
    *_, last = flap(life, every_ms=60_000)
    assert last.flapping
    life.look(BEGUN + 200_000, replace(wrong(QUICK, BEGUN + 200_000), summary="worse"))
    assert life.alerts[-1].summary == "worse"
    assert life.states[-1] == (2, AlertState.FIRING)


def test_the_end_of_the_session_ends_what_is_held() -> None:
    life = Life()
    flap(life, every_ms=60_000)
    assert [alert.resolution for alert in life.look(BEGUN + 200_000, over=True).resolved] == [Resolution.ENDED]
    assert life.look(BEGUN + 200_001, over=True).resolved == ()

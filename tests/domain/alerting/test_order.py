"""Whatever the order in which a session is told, and whenever it is looked at, its alerts are the same in the end."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.build import SID, started
from tests.domain.alerting.lived import Lived, shuffled
from tests.domain.alerting.watched import FIRED, FLAPPING, RTC, Line, Step, Watch, ms, told, watch
from webhook.domain.alerting.alerts import AlertState
from webhook.domain.alerting.policies import DEFAULTS, OF_VIGIL

LATER = 2 * 3600  # seconds; by then nothing is pending, held or about to expire but for a day


def standing(steps: list[Step], about: str) -> list[tuple[object, ...]]:
    """The open alerts, long after the last word."""
    end = max(second for second, _ in steps)
    watched = watch(steps, end + LATER, about=about)
    return [(each.key, each.state, each.severity, each.summary, each.meaning, each.action) for each in watched.open()]


@pytest.mark.parametrize("about", [SID, RTC])
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_any_order_with_any_copies_ends_with_the_same_open_alerts(about: str, seed: int) -> None:
    random = Random(seed)
    steps = Lived(random).steps
    expected = standing(steps, about)
    assert {state for _, state, *_ in expected} <= {AlertState.FIRING}
    for _ in range(2):
        assert standing(shuffled(steps, random), about) == expected


def every_second(steps: list[Step], until: int, about: str) -> list[Line]:
    """What became of the alerts of a session that is looked at each second."""
    watched = Watch(about)
    first = int(min(second for second, _ in steps))
    for second in range(first, until + 1):
        heard = [said for when, said in steps if when == second]
        if heard:
            watched.hear(ms(second), *heard)
        else:
            watched.look(ms(second))
    return watched.lines


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_looking_only_when_it_is_due_sees_what_looking_each_second_sees(seed: int) -> None:
    steps = Lived(Random(seed)).steps
    until = int(max(second for second, _ in steps)) + 300
    assert watch(steps, until).lines == every_second(steps, until, SID)


def test_sessions_of_these_properties_show_every_rule() -> None:
    seen: set[tuple[str, str]] = set()
    for seed in range(120):
        steps = Lived(Random(seed)).steps
        end = max(second for second, _ in steps)
        for about in (SID, RTC):
            seen |= {(what, which.split()[0]) for _, what, which in watch(steps, end + LATER, about=about).lines}
    assert {rule for what, rule in seen if what == FIRED} == {*DEFAULTS} - OF_VIGIL - {"not_started"}
    assert {what for what, _ in seen} == {FIRED, FLAPPING, "recovered", "ended", "retracted", "expired"}


def test_a_session_of_which_one_word_was_heard_has_nothing_to_look_at_but_its_silence() -> None:
    assert watch([told(0, started)], 10).lines == []

"""Deliveries by pure functions: what goes together, in which order, when again, and when never (contract.md, 5)."""

from __future__ import annotations

from itertools import pairwise

import pytest
from msgspec.structs import replace

from tests.store.outboxes import NOW, REPEAT, RESOLVED, telling
from webhook.domain.alerting.delivery import (
    GIVEN_UP_MS,
    LONGEST_ASKED_MS,
    LONGEST_PAUSE_MS,
    MOST_ATTEMPTS,
    MOST_TELLINGS,
    STORM_GROUPS,
    UNFIRED,
    Batch,
    Outcome,
    Result,
    SinkState,
    after_failure,
    after_success,
    batch_id,
    dead,
    make_batches,
    notes,
    pause_ms,
    plainly,
    undelivered,
)
from webhook.domain.alerting.dossier import SELF
from webhook.domain.alerting.telling import Telling, Transition
from webhook.domain.errors import DeliveryError

WEAK = DeliveryError("HTTP 500")
ORDER = [Transition.FIRING, Transition.REPEAT, Transition.ACKNOWLEDGED, Transition.RESOLVED]


def sealed(*tellings: Telling, unfired: tuple[str, ...] = ()) -> list[list[str]]:
    return [[each.key for each in batch.tellings] for batch in make_batches(tellings, unfired, NOW)]


def batch(attempts: int = 1, sealed_ms: int = NOW) -> Batch:
    return Batch(id="b", tellings=(telling(),), sealed_ms=sealed_ms, attempts=attempts)


def test_a_batch_is_called_by_its_keys_whatever_their_order() -> None:
    assert batch_id(["a", "b"]) == batch_id(["b", "a"]) != batch_id(["ab"])
    (one,) = make_batches([telling("a"), telling("b")], (), NOW)
    (same,) = make_batches([telling("b"), telling("a")], (), NOW + 9)
    assert one.id == same.id


def test_alerts_of_one_channel_go_out_together_and_channels_apart() -> None:
    assert sealed(telling("a"), telling("b", group="other"), telling("c")) == [
        ["a:firing", "c:firing"],
        ["b:firing"],
    ]


def test_what_waits_goes_with_what_is_due_of_its_channel_and_alone_only_when_it_is_due_itself() -> None:
    fresh = telling("b", decided_ms=NOW - 1)
    assert sealed(telling("a"), fresh) == [["a:firing", "b:firing"]]
    assert sealed(telling("a", group="other"), fresh) == [["a:firing"]]


def test_in_a_storm_channels_share_batches() -> None:
    calm = [telling(f"a{number}", group=f"g{number}") for number in range(STORM_GROUPS)]
    assert len(sealed(*calm)) == STORM_GROUPS
    assert len(sealed(*calm, telling("b", group="one more"))) == 1


@pytest.mark.parametrize("groups", [1, 40])
def test_no_batch_holds_more_than_it_may(groups: int) -> None:
    many = [telling(f"a{number}", group=f"g{number % groups}") for number in range(250)]
    made = sealed(*many)
    assert [len(keys) for keys in made] == [MOST_TELLINGS, MOST_TELLINGS, 50]
    assert len({key for keys in made for key in keys}) == 250


def test_what_was_decided_first_stands_first_and_at_one_moment_the_firing() -> None:
    mixed = [telling(transition.value, transition) for transition in reversed(ORDER)]
    first = telling("c", RESOLVED, decided_ms=NOW - 5000)
    assert sealed(*mixed, first) == [["c:resolved", *(f"{each.value}:{each.value}" for each in ORDER)]]


@pytest.mark.parametrize("group", ["default/lobby", "default/s-a"], ids=["one group", "its channel is known later"])
def test_of_one_alert_only_what_comes_first_is_told_and_the_rest_waits_for_that(group: str) -> None:
    fired = telling("a", decided_ms=NOW - 999, group=group)
    others = [telling("a", each) for each in (RESOLVED, Transition.ACKNOWLEDGED)]
    later = [replace(each, decided_ms=NOW - 998) for each in others]
    assert sealed(*later, fired, telling("b")) == [
        ["b:firing", "a:firing"] if group == "default/lobby" else ["b:firing"]
    ]
    assert sealed(*later, telling("b")) == [["b:firing", "a:acknowledged"]]


def test_an_alert_whose_next_word_waits_makes_no_second_batch() -> None:
    many = [telling(f"a{number}") for number in range(MOST_TELLINGS)]
    first, second = sealed(*many, telling("a0", RESOLVED, decided_ms=NOW), telling("z", decided_ms=NOW))
    assert (len(first), second) == (MOST_TELLINGS, ["z:firing"])


def test_what_follows_a_firing_that_was_given_up_is_given_up_as_well() -> None:
    made = make_batches([telling("a", RESOLVED), telling("b", REPEAT), telling("c")], ("a", "b"), NOW)
    assert [(each.given_up_ms, each.error, [of.alert_id for of in each.tellings]) for each in made] == [
        (None, None, ["c"]),
        (NOW, UNFIRED, ["b", "a"]),
    ]


def test_pauses_double_from_five_seconds_to_five_minutes() -> None:
    pauses = [pause_ms(failures, 0.0) for failures in range(1, 30)]
    assert pauses[:4] == [5_000, 10_000, 20_000, 40_000]
    assert pauses[-1] == LONGEST_PAUSE_MS
    assert all(later >= earlier for earlier, later in pairwise(pauses))


def test_chance_takes_up_to_half_of_a_pause() -> None:
    assert [pause_ms(1, chance) for chance in (0.0, 0.5, 1.0)] == [5_000, 3_750, 2_500]


@pytest.mark.parametrize(
    ("retry_after", "pause"), [(None, 5_000), (1.0, 5_000), (60.0, 60_000), (1e9, LONGEST_ASKED_MS), (-5.0, 5_000)]
)
def test_a_sink_may_ask_for_a_longer_pause_but_not_for_ever(retry_after: float | None, pause: int) -> None:
    failure = DeliveryError("HTTP 429", retry_after=retry_after)
    assert undelivered(batch(), failure, NOW, 0.0) == Outcome(
        replace(batch(), error="HTTP 429"), Result.FAILED, NOW + pause
    )


@pytest.mark.parametrize(
    ("of", "failure", "result"),
    [
        (batch(), WEAK, Result.FAILED),
        (batch(), DeliveryError("HTTP 400", permanent=True), Result.DEAD),
        (batch(attempts=MOST_ATTEMPTS - 1), WEAK, Result.FAILED),
        (batch(attempts=MOST_ATTEMPTS), WEAK, Result.DEAD),
        (batch(sealed_ms=NOW - GIVEN_UP_MS + 1), WEAK, Result.FAILED),
        (batch(sealed_ms=NOW - GIVEN_UP_MS), WEAK, Result.DEAD),
    ],
)
def test_what_cannot_help_any_more_is_given_up(of: Batch, failure: DeliveryError, result: Result) -> None:
    assert undelivered(of, failure, NOW, 0.0).result is result


def test_the_third_failure_in_a_row_makes_a_sink_rest() -> None:
    state, rests = SinkState(last_success_ms=NOW - 9), []
    for _ in range(12):
        state = after_failure(state, WEAK, NOW, 0.0)
        rests.append(state.probe_ms - NOW if state.probe_ms else 0)
    assert rests[:5] == [0, 0, 5_000, 10_000, 20_000]
    assert rests[-1] == LONGEST_PAUSE_MS
    assert (state.failures, state.failing_since_ms, state.last_error) == (12, NOW, "HTTP 500")
    assert state.last_success_ms == NOW - 9


def test_a_sink_that_asks_for_a_pause_rests_at_its_first_failure() -> None:
    state = after_failure(SinkState(), DeliveryError("HTTP 503", retry_after=120), NOW, 0.0)
    assert (state.failures, state.probe_ms) == (1, NOW + 120_000)
    assert after_failure(state, WEAK, NOW + 1, 0.0).probe_ms == NOW + 120_000


def test_one_success_ends_all_rest() -> None:
    assert after_success(NOW) == SinkState(last_success_ms=NOW)


def test_readers_are_told_of_each_transition_by_session() -> None:
    own = telling("v", labels={"session": ""})
    made = Batch(id="b", tellings=(telling("a"), telling("a", RESOLVED), own), sealed_ms=NOW, attempts=3)
    told = notes(dead(made, "HTTP 400", NOW + 5), NOW + 5)
    assert {session: list(by_field) for session, by_field in told.items()} == {
        "s-a": ["a|ops|firing", "a|ops|resolved"],
        SELF: ["v|ops|firing"],
    }
    note = told["s-a"]["a|ops|firing"]
    assert (note.at_ms, note.reason, note.result, note.attempt, note.error) == (
        NOW + 5,
        "first",
        "dead",
        3,
        "HTTP 400",
    )
    assert told["s-a"]["a|ops|resolved"].reason == "resolved"


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (ValueError("no such field"), "ValueError: no such field"),
        (ValueError(), "ValueError"),
        (OSError("with url: https://x.example/services/T0/B0/s3cret"), "OSError: with url: …"),
        (OSError("key 0123456789abcdef0123456789abcdef!"), "OSError: key …"),
    ],
)
def test_an_unexpected_error_is_told_without_addresses_and_secrets(failure: Exception, told: str) -> None:
    assert plainly(failure) == told


def test_a_sink_that_takes_few_gets_batches_of_few() -> None:
    given = [telling(f"a{number}") for number in range(7)]
    made = make_batches(given, (), NOW, most=3)
    assert [len(batch.tellings) for batch in made] == [3, 3, 1]

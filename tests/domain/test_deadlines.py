import pytest

from tests.build import (
    AT_MS,
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    RECEIVED_MS,
    RECORDER,
    SUCCESSOR,
    Kept,
    Notification,
    audio,
    exited,
    failed_over,
    fold,
    left,
    notification,
    progressed,
    reading,
    snapshot,
    started,
    uploaded,
    video,
)
from webhook.domain.deadlines import forget_ms, next_deadline_ms, settle, silence_deadline_ms
from webhook.domain.recording.status import silence_ms
from webhook.domain.session import Session
from webhook.domain.states import Status
from webhook.domain.status import status_of

RETENTION_MS = 7 * DAY_MS


def shots(interval_ms: int, uid: str = "123", count: int = 3) -> list[Notification]:
    return [snapshot(uid, at_ms=AT_MS + number * interval_ms, sequence=number) for number in range(count)]


def moved(said: Notification, recorder: str) -> Notification:
    return said | {"payload": said["payload"] | {"uid": recorder}}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([started()], DAY_MS),
        ([notification(46)], DAY_MS),
        ([video(0)], DAY_MS),
        ([progressed()], 180_000),
        ([progressed(), video(1)], 180_000),
        ([progressed(), video(0), *shots(5000)], 180_000),
        ([progressed(), video(0), *shots(HOUR_MS)], 180_000),
        ([notification(33, {})], DAY_MS),
        ([notification(4), notification(42)], DAY_MS),
        ([video(0), *shots(5000)], 60_000),
        ([video(0), *shots(20_000)], 60_000),
        ([video(0), *shots(20_001)], 60_003),
        ([video(0), *shots(HOUR_MS)], 3 * HOUR_MS),
        ([video(0), *shots(20 * HOUR_MS)], DAY_MS),
        ([video(0), *shots(HOUR_MS, count=2)], DAY_MS),
        ([video(1), *shots(5000)], DAY_MS),
        (shots(5000), DAY_MS),
        ([audio(0), *shots(5000)], DAY_MS),
        ([video(0, "456"), *shots(5000)], DAY_MS),
        ([video(0), *shots(60_000), video(0, "456"), *shots(30_000, "456")], 90_000),
        ([video(0), *shots(60_000), video(1, "456"), *shots(30_000, "456")], 180_000),
        ([video(0), *shots(40_000), failed_over(), moved(video(1), SUCCESSOR)], DAY_MS),
    ],
)
def test_how_long_a_session_may_be_silent(said: list[Notification], expected: int) -> None:
    assert silence_ms(fold(*said).state) == expected


@pytest.mark.parametrize(
    "said",
    [[left()], [exited()], [exited(1)], [left(), uploaded(at_ms=AT_MS + 1)], [progressed(), left()]],
    ids=["ending", "ended", "failed", "left and stored", "ending with a heartbeat"],
)
def test_a_session_that_is_ending_or_over_owes_no_sign_of_life(said: list[Notification]) -> None:
    session = fold(*said)
    assert silence_deadline_ms(session) is None
    assert settle(session, RECEIVED_MS + 365 * DAY_MS) is session


def test_an_old_recorders_exit_does_not_lift_the_deadline() -> None:
    session = fold(progressed(), exited(), failed_over(at_ms=AT_MS + 1))
    assert silence_deadline_ms(session) == RECEIVED_MS + 180_000
    assert set(session.state.recorders) == {RECORDER, SUCCESSOR}


def test_silence_is_measured_from_the_last_receiving_not_from_event_times() -> None:
    kept = Kept()
    kept.take([reading(progressed(at_ms=AT_MS + HOUR_MS), RECEIVED_MS)])
    kept.take([reading(started(at_ms=AT_MS), RECEIVED_MS + 5000)])
    assert silence_deadline_ms(kept.session()) == RECEIVED_MS + 185_000


def test_an_earlier_receiving_that_is_folded_later_does_not_shorten_the_wait() -> None:
    kept = Kept()
    kept.take([reading(progressed(), RECEIVED_MS + 5000), reading(started(), RECEIVED_MS)])
    assert silence_deadline_ms(kept.session()) == RECEIVED_MS + 185_000


@pytest.mark.parametrize(("after_ms", "lost"), [(0, False), (179_999, False), (180_000, True), (DAY_MS, True)])
def test_silence_up_to_the_deadline_makes_a_session_lost_since_the_deadline(after_ms: int, lost: bool) -> None:
    session = settle(fold(video(0), progressed()), RECEIVED_MS + after_ms)
    expected = Status("lost", RECEIVED_MS + 180_000) if lost else Status("live", AT_MS)
    assert status_of(session) == expected


def test_settling_twice_or_in_steps_is_settling_once() -> None:
    session = fold(progressed())
    once = settle(session, RECEIVED_MS + DAY_MS)
    stepwise = session
    for after_ms in (0, 1000, 180_000, HOUR_MS, DAY_MS):
        stepwise = settle(stepwise, RECEIVED_MS + after_ms)
    assert once == stepwise == settle(once, RECEIVED_MS + DAY_MS)


def test_a_later_notification_clears_lost() -> None:
    kept = Kept()
    kept.take([reading(video(0)), reading(progressed())], now_ms=RECEIVED_MS + HOUR_MS)
    assert status_of(kept.session()).state == "lost"
    heard_ms = RECEIVED_MS + HOUR_MS
    kept.take([reading(snapshot(sequence=9), heard_ms)], now_ms=heard_ms)
    assert status_of(kept.session()) == Status("live", AT_MS)


def test_an_end_clears_lost() -> None:
    kept = Kept()
    kept.take([reading(progressed())], now_ms=RECEIVED_MS + HOUR_MS)
    kept.take([reading(exited(), RECEIVED_MS + HOUR_MS)], now_ms=RECEIVED_MS + HOUR_MS)
    assert kept.session().lost_ms is None
    assert status_of(kept.session()) == Status("ended", AT_MS)


def test_an_end_stands_over_lost_before_silence_is_counted_again() -> None:
    kept = Kept()
    kept.take([reading(progressed())], now_ms=RECEIVED_MS + HOUR_MS)
    kept.fold(left())
    assert kept.session().lost_ms is not None
    assert status_of(kept.session()) == Status("ending", AT_MS)


def test_a_session_that_falls_silent_again_is_lost_since_the_later_deadline() -> None:
    kept = Kept()
    kept.take([reading(progressed())], now_ms=RECEIVED_MS + HOUR_MS)
    kept.take([reading(snapshot(sequence=9), RECEIVED_MS + HOUR_MS)], now_ms=RECEIVED_MS + 2 * HOUR_MS)
    assert status_of(kept.session()) == Status("lost", RECEIVED_MS + HOUR_MS + 180_000)


def test_a_first_heartbeat_shortens_what_was_lost_by_a_longer_silence_to_nothing_new() -> None:
    kept = Kept()
    kept.take([reading(video(0))], now_ms=RECEIVED_MS + 2 * DAY_MS)
    assert kept.session().lost_ms == RECEIVED_MS + DAY_MS
    heard_ms = RECEIVED_MS + 2 * DAY_MS
    kept.take([reading(progressed(), heard_ms)], now_ms=heard_ms + MINUTE_MS)
    assert kept.session().lost_ms is None


def test_while_deaf_silence_makes_nothing_lost() -> None:
    session = fold(progressed())
    assert settle(session, RECEIVED_MS + DAY_MS, deaf=True) is session


def test_what_was_lost_before_stays_so_while_deaf() -> None:
    session = settle(fold(progressed()), RECEIVED_MS + HOUR_MS)
    assert settle(session, RECEIVED_MS + 2 * HOUR_MS, deaf=True) is session


def test_while_deaf_a_sign_of_life_still_clears_lost() -> None:
    kept = Kept()
    kept.take([reading(progressed())], now_ms=RECEIVED_MS + HOUR_MS)
    kept.take([reading(snapshot(sequence=9), RECEIVED_MS + HOUR_MS)], now_ms=RECEIVED_MS + HOUR_MS + 1000, deaf=True)
    assert kept.session().lost_ms is None


def test_while_deaf_what_was_lost_and_heard_since_does_not_become_lost_anew() -> None:
    kept = Kept()
    kept.take([reading(progressed())], now_ms=RECEIVED_MS + HOUR_MS)
    kept.take([reading(snapshot(sequence=9), RECEIVED_MS + HOUR_MS)], now_ms=RECEIVED_MS + 2 * HOUR_MS, deaf=True)
    assert kept.session().lost_ms is None


def forgotten_at(session: Session) -> int | None:
    at_ms = forget_ms(session, RETENTION_MS)
    return None if at_ms is None else at_ms - RECEIVED_MS


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([started()], None),
        ([video(0)], None),
        ([progressed()], None),
        ([left()], RETENTION_MS),
        ([exited()], RETENTION_MS),
        ([exited(1)], RETENTION_MS),
        ([left(), uploaded(at_ms=AT_MS + 1)], RETENTION_MS),
    ],
)
def test_a_session_is_forgotten_only_once_it_owes_nothing(said: list[Notification], expected: int | None) -> None:
    assert forgotten_at(fold(*said)) == expected


def test_a_lost_session_is_forgotten_after_its_last_word() -> None:
    assert forgotten_at(settle(fold(progressed()), RECEIVED_MS + HOUR_MS)) == RETENTION_MS


@pytest.mark.parametrize(
    ("said", "expected"),
    [([started()], DAY_MS), ([progressed()], 180_000), ([left()], RETENTION_MS), ([exited(1)], RETENTION_MS)],
)
def test_every_session_has_a_next_deadline(said: list[Notification], expected: int) -> None:
    assert next_deadline_ms(fold(*said), RETENTION_MS) == RECEIVED_MS + expected


def test_the_next_deadline_of_a_lost_session_is_its_forgetting() -> None:
    session = settle(fold(progressed()), RECEIVED_MS + HOUR_MS)
    assert next_deadline_ms(session, RETENTION_MS) == RECEIVED_MS + RETENTION_MS


@pytest.mark.parametrize("said", [[started()], [progressed()], [left()], [exited()], [video(0), *shots(HOUR_MS)]])
def test_looking_at_each_next_deadline_ends_in_forgetting(said: list[Notification]) -> None:
    kept = Kept()
    kept.fold(*said)
    looks = 0
    while kept.sessions:
        session = kept.session()
        kept.take([], now_ms=next_deadline_ms(session, RETENTION_MS), due=[session.id])
        looks += 1
    assert looks == (1 if said in ([left()], [exited()]) else 2)

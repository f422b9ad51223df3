from collections import Counter
from random import Random

import pytest

from webhook.simulation.plan import Adversity, Pace, Plan, pace, plan
from webhook.simulation.scenario import cast
from webhook.simulation.script import write

NOW_MS = 1_764_000_000_000
ACTORS = cast("screenshots", 20, Random(3))
LASTS_MS = max(actor.ends_ms for actor in ACTORS)
TIMING = pace(NOW_MS, LASTS_MS, 30.0)
SCRIPTS = [write(actor, TIMING.starts_ms) for actor in ACTORS]
TOLD = sum(len(script.lines) for script in SCRIPTS)


def planned(adversity: Adversity, seed: int = 1) -> Plan:
    return plan(SCRIPTS, TIMING, adversity, Random(seed))


def inversions(made: Plan) -> int:
    """How many notifications come after a later one of their session."""
    late, latest = 0, dict[str, int]()
    for posting in made.postings:
        late += posting.line.sent_ms < latest.get(posting.sid, 0)
        latest[posting.sid] = max(latest.get(posting.sid, 0), posting.line.sent_ms)
    return late


def test_without_adversity_every_notification_is_posted_once_and_almost_in_order() -> None:
    made = planned(Adversity())
    assert (len(made.postings), made.lost, made.copies) == (TOLD, 0, 0)
    assert {(posting.sid, posting.notice_id) for posting in made.postings} == {
        (script.sid, line.notice_id) for script in SCRIPTS for line in script.lines
    }


def test_a_plan_follows_from_its_seed() -> None:
    adversity = Adversity(0.1, 0.3, 0.3)
    assert planned(adversity) == planned(adversity)
    assert planned(adversity) != planned(adversity, seed=2)


def test_postings_come_by_due_time() -> None:
    due = [posting.due_ms for posting in planned(Adversity(0.1, 0.5, 0.5)).postings]
    assert due == sorted(due)


@pytest.mark.parametrize("probability", [0.0, 0.3, 1.0])
def test_loss_takes_that_share_of_the_notifications(probability: float) -> None:
    made = planned(Adversity(loss=probability))
    assert made.lost == TOLD - len(made.postings)
    assert made.lost / TOLD == pytest.approx(probability, abs=0.05)


@pytest.mark.parametrize("probability", [0.0, 0.3, 1.0])
def test_that_share_of_the_notifications_is_duplicated(probability: float) -> None:
    made = planned(Adversity(duplicate=probability))
    posts = Counter((posting.sid, posting.line.notice_id) for posting in made.postings)
    assert made.copies == len(made.postings) - TOLD
    assert sum(count > 1 for count in posts.values()) / TOLD == pytest.approx(probability, abs=0.05)


def test_half_of_the_copies_have_a_notice_id_of_their_own() -> None:
    made = planned(Adversity(duplicate=1.0))
    renamed = sum(posting.notice_id != posting.line.notice_id for posting in made.postings)
    assert renamed / made.copies == pytest.approx(0.5, abs=0.05)


def test_reordering_puts_about_that_share_after_later_ones() -> None:
    shares = [inversions(planned(Adversity(reorder=share))) / TOLD for share in (0.0, 0.3)]
    assert shares[0] < 0.12  # what 15 ms of transit mix up at this speed
    assert shares[1] - shares[0] > 0.15


def test_at_full_reordering_nothing_is_lost_or_doubled() -> None:
    made = planned(Adversity(reorder=1.0))
    assert len({(posting.sid, posting.notice_id) for posting in made.postings}) == len(made.postings) == TOLD


@pytest.mark.parametrize("speed", [1.0, 2.5, 30.0, 1000.0])
def test_events_are_told_when_they_have_happened_and_the_last_one_at_once(speed: float) -> None:
    timing = pace(NOW_MS, LASTS_MS, speed)
    for event_ms in range(timing.starts_ms, timing.starts_ms + LASTS_MS + 1, LASTS_MS // 7):
        assert event_ms <= NOW_MS + timing.due_ms(event_ms) + 1
    last_ms = timing.starts_ms + LASTS_MS
    assert NOW_MS + timing.due_ms(last_ms) == pytest.approx(last_ms, abs=1)


def test_sending_takes_the_simulated_time_divided_by_the_speed() -> None:
    assert Pace(1_000, 4.0).due_ms(9_000) == 2_000
    assert 5_000 < LASTS_MS / 30 < 15_000


def test_a_speed_below_1_is_refused_as_it_would_tell_of_the_future() -> None:
    with pytest.raises(ValueError, match=r"speed is 0\.5; it must be at least 1"):
        pace(NOW_MS, LASTS_MS, 0.5)

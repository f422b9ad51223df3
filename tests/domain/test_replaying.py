"""Dead letters replayed: the session is then what it would be had nothing gone wrong, and nothing of them is lost."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.build import (
    AT_MS,
    RECEIVED_MS,
    SID,
    Notification,
    arrival,
    body,
    fold,
    notification,
    reading,
    recording,
    shown,
    shuffled_batches,
    snapshot,
    started,
    video,
    with_copies,
    with_snapshots_told_again,
)
from tests.domain.setting_aside import LOG, PLANTED, Shop, broken, copied, faulty, timeless
from webhook.domain.arrivals import dead_letter, quarantined
from webhook.domain.folding import Limits
from webhook.domain.log import LOOSE, Outcome
from webhook.domain.replaying import Answer, Verdict, discard, fail, read_again, replay
from webhook.views.sessions import session_view


def test_what_was_mended_is_applied() -> None:
    shop = broken(video(1))
    assert shop.session().state.streams == {}
    assert shop.decide(shop.only_dead()[0]) == [Answer(Verdict.APPLIED)]
    assert shop.dead() == {}
    assert replace(shop.session(), revision=0) == fold(video(1))


def test_what_still_fails_stays_a_dead_letter_with_the_new_error() -> None:
    shop = Shop()
    shop.tell([reading(notification(44, {}))])
    field, before = shop.only_dead()
    (answer,) = shop.decide(field)
    assert (answer.verdict, "details." in answer.detail) == (Verdict.FAILED, True)
    assert shop.only_dead() == (field, replace(before, error=answer.detail))


def test_what_raises_when_it_is_replayed_is_left_as_it_was() -> None:
    shop = broken(video(1))
    field, _ = shop.only_dead()
    folding = shop.begin()
    with faulty({field}), pytest.raises(RuntimeError):
        replay(folding, field, read_again(shop.only_dead()[1], "default"))
    assert (folding.touched, folding.withdrawn, folding.entries) == ([], {}, {})


@pytest.mark.parametrize("said", [started(channel="test_webhook"), notification(1, product_id=99)])
def test_what_has_no_session_is_kept(said: Notification) -> None:
    shop = Shop()
    shop.tell([dead_letter(reading(said), PLANTED)])
    assert shop.decide(shop.only_dead()[0]) == [Answer(Verdict.KEPT)]
    assert (shop.dead(), len(shop.log(LOOSE))) == ({}, 1)


def test_what_was_applied_meanwhile_changes_nothing_but_its_copies() -> None:
    shop = broken(video(1, notice_id="a"))
    shop.tell([reading(copied(video(1), "b"))])
    before = shown(shop.session())
    assert shop.decide(shop.only_dead()[0]) == [Answer(Verdict.UNCHANGED)]
    assert shown(shop.session()) == before
    (entry,) = shop.log(LOG).values()
    assert {copy.notice_id for copy in entry.copies} == {"a", "b"}
    assert (shop.session().received, shop.session().duplicates) == (2, 1)


def test_what_is_older_than_the_trimmed_log_is_stale() -> None:
    shop = broken(snapshot(at_ms=AT_MS), Shop(Limits(log_per_session=2, retention_ms=10**12)))
    shop.tell([reading(video(1, at_ms=AT_MS + later)) for later in (10, 20, 30)])
    assert shop.session().log_floor is not None
    received = shop.session().received
    assert shop.decide(shop.only_dead()[0]) == [Answer(Verdict.STALE)]
    assert (shop.dead(), len(shop.log(LOOSE)), len(shop.log(LOG))) == ({}, 1, 2)
    assert (shop.session().received, shop.session().stale) == (received, 1)


def test_what_is_older_than_the_retention_opens_no_session() -> None:
    shop = Shop(Limits(log_per_session=100, retention_ms=1000))
    shop.tell([quarantined(arrival(body(started())), RECEIVED_MS, PLANTED)])
    assert shop.decide(shop.only_dead()[0]) == [Answer(Verdict.STALE)]
    assert (shop.sessions, len(shop.log(LOOSE))) == ({}, 1)


def test_an_event_that_no_table_knows_is_applied_where_it_has_a_session() -> None:
    shop = Shop()
    shop.tell([quarantined(arrival(body(notification(34))), RECEIVED_MS, "its workers died")])
    assert shop.decide(shop.only_dead()[0]) == [Answer(Verdict.APPLIED)]
    assert len(shop.log(LOG)) == 1


def test_a_body_that_was_unreadable_is_read_now() -> None:
    shop = Shop()
    shop.tell([quarantined(arrival(body(video(1))), RECEIVED_MS, "its workers died")])
    assert shop.decide(shop.only_dead()[0]) == [Answer(Verdict.APPLIED)]
    assert replace(shop.session(), revision=0) == fold(video(1))


ACTS = {
    "replay": lambda folding, name: replay(folding, name, reading(video(1))),
    "fail": lambda folding, name: fail(folding, name, "why"),
    "discard": discard,
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_what_is_gone_is_gone(act: Any) -> None:
    assert act(Shop().begin(), "nobody") == Answer(Verdict.GONE)


def test_asked_for_twice_in_one_batch_it_is_replayed_once() -> None:
    shop = broken(video(1))
    field, _ = shop.only_dead()
    assert [each.verdict for each in shop.decide(field, field)] == [Verdict.APPLIED, Verdict.GONE]
    assert replace(shop.session(), revision=0) == fold(video(1))


def test_a_discarded_one_stays_heard() -> None:
    shop = broken(video(1, sequence=2))
    shop.tell([reading(started(sequence=1)), reading(video(0, sequence=3, at_ms=AT_MS + 5))])
    before = shop.session()
    folding = shop.begin()
    assert discard(folding, shop.only_dead()[0]) == Answer(Verdict.DISCARDED)
    shop.end(folding)
    assert (shop.dead(), shop.session()) == ({}, before)
    assert session_view(before)["sequence"] == {"1001": {"highest": 3, "missing": []}}


def test_one_that_comes_again_in_the_batch_that_discards_it_is_a_dead_letter_of_its_own() -> None:
    shop, said = Shop(), notification(44, {})
    shop.tell([reading(said)])
    field, _ = shop.only_dead()
    folding = shop.begin()
    discard(folding, field)
    folding.take(reading(copied(said, "again")))
    shop.end(folding)
    assert [copy.notice_id for copy in shop.only_dead()[1].copies] == ["again"]


def test_one_that_came_in_the_batch_that_discards_it_leaves_nothing() -> None:
    shop, said = Shop(), reading(notification(44, {}))
    folding = shop.begin()
    folding.take(said)
    assert discard(folding, said.field) == Answer(Verdict.DISCARDED)
    shop.end(folding)
    assert (folding.withdrawn, shop.dead()) == ({}, {})


def test_copies_and_receipts_go_with_it_also_those_that_came_since_it_was_read() -> None:
    shop, said = broken(video(1, notice_id="a")), video(1)
    field, entry = shop.only_dead()
    again, folding = read_again(entry, "default"), shop.begin()
    with faulty({field}):
        late = reading(copied(said, "b"))
        shop.take_or_set_aside(folding, late)
    assert replay(folding, field, again).verdict is Verdict.APPLIED
    shop.end(folding)
    (kept,) = shop.log(LOG).values()
    assert [copy.notice_id for copy in kept.copies] == ["a", "b"]
    assert kept.receipts == (*entry.receipts, *late.entry.receipts)
    assert (shop.session().received, shop.session().duplicates) == (2, 1)


def test_one_without_a_time_of_its_own_happened_at_the_least_time_of_sending_of_its_copies() -> None:
    first, second = copied(timeless(video(1)), "a", AT_MS + 900), copied(timeless(video(1)), "a", AT_MS + 100)
    shop = broken(first)
    broken(second, shop)
    assert shop.sessions == {}
    assert shop.decide(shop.only_dead()[0]) == [Answer(Verdict.APPLIED)]
    assert shop.session().last_ms == AT_MS + 100
    assert replace(shop.session(), revision=0) == fold(first, second)


def test_a_session_that_was_forgotten_meanwhile_counts_the_replayed_anew() -> None:
    shop = broken(video(1))
    broken(copied(video(1), "b"), shop)
    del shop.sessions[SID]
    assert shop.decide(shop.only_dead()[0]) == [Answer(Verdict.APPLIED)]
    assert (shop.session().received, shop.session().duplicates) == (2, 1)


def test_a_refold_does_not_apply_what_is_still_a_dead_letter() -> None:
    shop = broken(snapshot())
    stays = timeless(video(1, notice_id="a"))
    shop.tell([reading(copied(stays, "a", AT_MS + 900))])
    shop.tell([reading(copied(stays, "b", AT_MS + 100))])
    assert session_view(shop.session())["streams"][0]["snapshots"]["count"] == 0
    assert shop.decide(shop.only_dead()[0]) == [Answer(Verdict.APPLIED)]
    assert session_view(shop.session())["streams"][0]["snapshots"]["count"] == 1


def test_a_refold_hears_nothing_of_what_was_never_heard() -> None:
    shop, moves = Shop(), timeless(video(1, sequence=1))
    shop.tell([replace(dead_letter(reading(video(1, sequence=7)), "its session could not be read"), fact=None)])
    shop.tell([reading(copied(moves, "a", AT_MS + 900))])
    shop.tell([reading(copied(moves, "b", AT_MS + 100))])
    assert (shop.session().last_ms, shop.session().received) == (AT_MS + 100, 2)
    assert session_view(shop.session())["sequence"] == {"1001": {"highest": 1, "missing": []}}


def test_replaying_counts_no_lag_of_long_ago() -> None:
    shop = broken(video(1))
    field, entry = shop.only_dead()
    folding = shop.begin()
    replay(folding, field, read_again(entry, "default"))
    assert (folding.lags_ms, folding.outcomes[Outcome.APPLIED]) == ([], 0)


@settings(max_examples=150)
@given(st.integers(0, 2**32))
def test_whatever_was_set_aside_and_replayed_in_any_order_leaves_no_trace(seed: int) -> None:
    random = Random(seed)
    said = with_snapshots_told_again(recording(random), random)
    said = [timeless(each) if random.random() < 0.15 else each for each in said]
    batches = shuffled_batches(with_copies(said, random), random)
    told = [[reading(each, RECEIVED_MS + number) for each in batch] for number, batch in enumerate(batches)]
    undisturbed, disturbed = Shop(), Shop()
    doomed = {each.field for batch in told for each in batch if random.random() < 0.4}
    for batch in told:
        undisturbed.tell(batch)
        with faulty(doomed):
            disturbed.tell(batch)
        mended = {field for field in disturbed.dead() if random.random() < 0.2}
        doomed -= mended
        replay_all(disturbed, mended, random)
    replay_all(disturbed, set(disturbed.dead()), random)
    assert replace(disturbed.session(), revision=0) == replace(undisturbed.session(), revision=0)
    assert shown(disturbed.session()) == shown(undisturbed.session())
    assert names(disturbed) == names(undisturbed)


def replay_all(shop: Shop, fields: set[str], random: Random) -> None:
    order = sorted(fields)
    random.shuffle(order)
    while order:
        count = random.randint(1, 4)
        shop.decide(*order[:count])
        order = order[count:]


def names(shop: Shop) -> dict[str, set[str]]:
    return {field: {copy.notice_id for copy in entry.copies} for field, entry in shop.log(LOG).items()}

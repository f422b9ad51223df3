from typing import Any

import pytest
from msgspec.structs import replace

from tests.build import (
    AT_MS,
    DAY_MS,
    HOUR_MS,
    RECEIVED_MS,
    SID,
    Kept,
    Notification,
    audio,
    exited,
    notification,
    progressed,
    reading,
    shown,
    snapshot,
    started,
    video,
)
from webhook.domain.arrivals import Reading, dead_letter
from webhook.domain.folding import Folding, Known, Limits, Spot
from webhook.domain.log import DEAD, LOOSE, MOST_RECEIPTS, Outcome, session_log
from webhook.domain.session import Session
from webhook.views.sessions import session_view

SMALL = Limits(log_per_session=3, retention_ms=7 * DAY_MS, loose=2)
LOG = session_log(SID)


def line(number: int) -> Notification:
    """One of many that differ in time and number."""
    return video(number % 2, at_ms=AT_MS + number * 1000, sequence=number)


def counters(session: Session) -> tuple[int, int, int]:
    return session.received, session.duplicates, session.stale


def loose(number: int) -> tuple[Reading, str]:
    read = reading(notification(44, product_id=99, notice_id=f"n{number}"), RECEIVED_MS + number)
    return read, read.field


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        (started(), Outcome.APPLIED),
        (notification(46), Outcome.UNKNOWN),
        (notification(44, {}), Outcome.DEAD_LETTER),
        (notification(44, product_id=99), Outcome.UNKNOWN),
        (notification(44, channel="test_webhook"), Outcome.TEST),
        (video(0, at_ms=RECEIVED_MS - 8 * DAY_MS), Outcome.STALE),
        (b"null", Outcome.QUARANTINED),
    ],
)
def test_each_reading_has_one_outcome_and_its_second_coming_is_a_duplicate(said: Any, outcome: Outcome) -> None:
    kept = Kept()
    assert dict(kept.fold(said).outcomes) == {outcome: 1}
    if outcome is not Outcome.STALE:  # what is stale is never remembered as said
        assert dict(kept.fold(said).outcomes) == {Outcome.DUPLICATE: 1}
        assert dict(Kept().fold(said, said).outcomes) == {outcome: 1, Outcome.DUPLICATE: 1}


@pytest.mark.parametrize(
    "said", [notification(44, product_id=99), notification(44, channel="test_webhook"), b"null", b"\xff"]
)
def test_tests_unknown_products_and_unreadable_bodies_make_no_session(said: Any) -> None:
    kept = Kept()
    folding = kept.fold(said)
    assert (folding.sessions, folding.touched, folding.lags_ms) == ({}, [], [])
    assert len(folding.entries) == 1


def test_copies_are_counted_under_their_notice_ids_and_change_nothing_else() -> None:
    said = started(notice_id="a")
    kept = Kept()
    kept.fold(said)
    before = kept.session()
    kept.fold(said, said | {"noticeId": "b", "notifyMs": AT_MS + 9})
    after = kept.session()
    assert replace(after, received=before.received, duplicates=before.duplicates) == before
    assert counters(after) == (3, 2, 0)
    (entry,) = kept.log(LOG).values()
    assert [(copy.notice_id, copy.count) for copy in entry.copies] == [("a", 2), ("b", 1)]
    assert [copy.notified_ms for copy in entry.copies] == [AT_MS + 30, AT_MS + 9]


def test_a_duplicate_of_what_has_no_session_touches_none() -> None:
    kept = Kept()
    folding = kept.fold(b"null", b"null")
    assert folding.touched == []
    (entry,) = kept.log(DEAD).values()
    assert entry.copies[0].count == 2


def test_a_folded_notification_is_kept_at_its_place_by_event_time() -> None:
    folding = Kept().fold(video(0, at_ms=AT_MS + 5, sequence=7))
    ((log, field),) = folding.entries
    assert log == LOG
    assert folding.spots == {(log, field): Spot(AT_MS + 5, f"00000000000000000008:021|{field}")}
    assert folding.spots[log, field].field == field


def test_a_dead_letter_is_kept_by_when_it_was_received_and_is_not_in_the_sessions_log() -> None:
    kept = Kept()
    folding = kept.fold(notification(44, {}))
    ((log, field),) = folding.entries
    assert (log, folding.spots[log, field]) == (DEAD, Spot(RECEIVED_MS, f"|{field}"))
    assert kept.session().logged == 0


def test_the_lag_is_from_the_event_to_its_receiving_and_never_negative() -> None:
    said = [started(at_ms=RECEIVED_MS - 40), video(0, at_ms=RECEIVED_MS + 1000)]
    assert Kept().fold(*said, said[0]).lags_ms == [40, 0]


def test_what_was_before_the_batch_can_still_be_told() -> None:
    kept = Kept()
    kept.fold(started())
    before = kept.session()
    folding = kept.fold(video(0), started(sid="other"))
    assert folding.before == {SID: before}
    assert folding.touched == [SID, "other"]
    assert folding.sessions[SID] != before


@pytest.mark.parametrize(("age_ms", "expected"), [(7 * DAY_MS, Outcome.APPLIED), (7 * DAY_MS + 1, Outcome.STALE)])
def test_what_is_older_than_the_retention_opens_no_session(age_ms: int, expected: Outcome) -> None:
    kept = Kept()
    folding = kept.fold(video(0, at_ms=RECEIVED_MS - age_ms))
    assert list(folding.outcomes) == [expected]
    assert (SID in kept.sessions) is (expected is Outcome.APPLIED)


def test_what_is_stale_is_kept_loose_without_effect() -> None:
    said = snapshot(at_ms=RECEIVED_MS - 8 * DAY_MS)
    kept = Kept()
    folding = kept.fold(said)
    field = f"stale:{reading(said).field}"
    entry = kept.log(LOOSE)[field]
    assert (entry.outcome, entry.effect, entry.session_id) == (Outcome.STALE, None, SID)
    assert folding.spots[LOOSE, field] == Spot(RECEIVED_MS, f"|{field}")
    assert (folding.loose, folding.effects, folding.lags_ms) == (1, {}, [])


def test_what_is_older_than_the_retention_still_reaches_a_session_that_is_known() -> None:
    kept = Kept()
    kept.fold(video(0))
    assert list(kept.fold(started(at_ms=RECEIVED_MS - 8 * DAY_MS)).outcomes) == [Outcome.APPLIED]
    assert kept.session().first_ms == RECEIVED_MS - 8 * DAY_MS


def test_a_log_is_trimmed_to_its_bound_and_its_floor_is_what_was_trimmed_last() -> None:
    kept = Kept(SMALL)
    folding = kept.fold(*(line(number) for number in range(5)))
    assert folding.overflow() == {}
    assert set(kept.log(LOG)) == {reading(line(number)).field for number in (2, 3, 4)}
    session = kept.session()
    assert session.logged == 3
    assert session.log_floor == f"{AT_MS + 1000:015}:00000000000000000002:021|{reading(line(1)).field}"


def test_before_it_is_trimmed_the_overflow_says_by_how_much() -> None:
    folding = Folding(Known(), SMALL)
    for read in [*(reading(line(number)) for number in range(5)), *(loose(number)[0] for number in range(3))]:
        folding.take(read)
    folding.take(reading(line(1) | {"sid": "x", "payload": line(1)["payload"] | {"sid": "x"}}))
    assert folding.overflow() == {LOG: 2, LOOSE: 1}


@pytest.mark.parametrize("number", [0, 1])
def test_what_sorts_before_the_floor_is_stale_counted_and_not_folded(number: int) -> None:
    kept = Kept(SMALL)
    kept.fold(*(line(each) for each in range(2, 6)))
    before = kept.session()
    late = video(1, "late", at_ms=AT_MS + number * 1000, sequence=99)
    folding = kept.fold(late)
    assert list(folding.outcomes) == [Outcome.STALE]
    assert counters(kept.session()) == (5, 0, 1)
    assert shown(kept.session()) == shown(before)
    assert kept.session().logged == 3
    assert kept.log(LOOSE)[f"stale:{reading(late).field}"].outcome == Outcome.STALE


def test_a_copy_of_what_was_trimmed_is_stale_and_changes_nothing() -> None:
    kept = Kept(SMALL)
    kept.fold(*(line(each) for each in range(5)))
    before = kept.session()
    for again in (line(0), line(1), line(1) | {"noticeId": "new"}):
        assert list(kept.fold(again).outcomes) == [Outcome.STALE]
    assert shown(kept.session()) == shown(before)
    assert counters(kept.session()) == (8, 0, 3)


def test_a_copy_of_what_is_still_in_the_log_is_a_duplicate() -> None:
    kept = Kept(SMALL)
    kept.fold(*(line(each) for each in range(5)))
    assert [list(kept.fold(line(each)).outcomes) for each in (2, 3, 4)] == [[Outcome.DUPLICATE]] * 3


def test_what_sorts_just_after_the_floor_is_folded_though_it_is_trimmed_at_once() -> None:
    kept = Kept(SMALL)
    kept.fold(*(line(each) for each in range(5)))
    between = video(1, "late", at_ms=AT_MS + 1500, sequence=99)
    assert list(kept.fold(between).outcomes) == [Outcome.APPLIED]
    assert "late" in kept.session().state.streams
    assert reading(between).field not in kept.log(LOG)
    assert (kept.session().logged, len(kept.log(LOG))) == (3, 3)


@pytest.mark.parametrize("place", [{"sequence": 0}, {"sequence": 1, "event_type": 43}, {"sequence": 2}])
def test_at_one_instant_sequence_and_rank_decide_what_is_before_the_floor(place: dict[str, Any]) -> None:
    kept = Kept(SMALL)
    kept.fold(*(video(0, at_ms=AT_MS + (number > 0) * 1000, sequence=1 + number) for number in range(4)))
    event_type = place.pop("event_type", 44)
    told = notification(event_type, {"streamUid": "9", "state": 1}, at_ms=AT_MS, **place)
    expected = Outcome.APPLIED if place["sequence"] > 1 else Outcome.STALE
    assert list(kept.fold(told).outcomes) == [expected]


def test_the_floor_never_sinks() -> None:
    kept = Kept(SMALL)
    kept.fold(*(line(each) for each in range(10)))
    floor = kept.session().log_floor
    folding = Folding(Known({SID: kept.session()}), SMALL)
    folding.trim(LOG, 1, [Spot(AT_MS, "00000000000000000001:021|old")])
    assert folding.sessions[SID].log_floor == floor


def test_trimming_nothing_changes_nothing() -> None:
    folding = Folding(Known(), SMALL)
    assert folding.trim(LOG, 2, []) == []
    assert folding.touched == []


def test_what_was_stored_and_what_is_new_are_trimmed_as_one() -> None:
    kept = Kept(SMALL)
    kept.fold(line(1), line(3), line(5))
    folding = Folding(Known({SID: kept.session()}, dict(kept.entries)), SMALL)
    for number in (2, 4, 3):
        folding.take(reading(line(number)))
    stored = sorted(kept.spots.values())[:2]
    trimmed = folding.trim(LOG, 2, stored)
    assert [spot.at_ms - AT_MS for spot in trimmed] == [1000, 2000]
    assert set(folding.entries) == {(LOG, reading(line(number)).field) for number in (3, 4)}
    assert set(folding.spots) == {(LOG, reading(line(4)).field)}


def test_the_log_of_what_has_no_session_keeps_the_last_received() -> None:
    kept = Kept(SMALL)
    readings = [loose(number) for number in range(5)]
    folding = kept.take([read for read, _ in readings])
    assert set(kept.log(LOOSE)) == {field for _, field in readings[-2:]}
    assert folding.touched == []
    kept.take([loose(9)[0]])
    assert set(kept.log(LOOSE)) == {readings[4][1], loose(9)[1]}


def test_the_loose_log_counts_its_entries_not_their_copies() -> None:
    said = snapshot(at_ms=RECEIVED_MS - 8 * DAY_MS)
    folding = Folding(Known(), SMALL)
    for _ in range(3):
        folding.take(reading(said))
    assert folding.loose == len(folding.entries) == 1
    assert [copy.count for entry in folding.entries.values() for copy in entry.copies] == [3]


def test_what_could_not_be_applied_and_is_resent_is_applied_exactly_once() -> None:
    said = snapshot(sequence=3)
    kept = Kept()
    kept.fold(started(sequence=1))
    kept.take([dead_letter(reading(said), "RuntimeError: out of luck")])
    assert kept.session().state.streams == {}
    assert session_view(kept.session())["sequence"]["1001"] == {"highest": 3, "missing": [[2, 2]]}
    assert list(kept.fold(said).outcomes) == [Outcome.APPLIED]
    assert list(kept.fold(said).outcomes) == [Outcome.DUPLICATE]
    assert kept.session().state.streams["123"].snapshots.count == 1
    undisturbed = Kept()
    undisturbed.fold(started(sequence=1), said)
    assert shown(kept.session()) == shown(undisturbed.session())


def test_a_dead_letter_that_fails_again_is_a_duplicate_of_itself() -> None:
    kept = Kept()
    failed, again = (dead_letter(reading(snapshot()), "broken") for _ in range(2))
    assert list(kept.take([failed]).outcomes) == [Outcome.DEAD_LETTER]
    assert list(kept.take([again]).outcomes) == [Outcome.DUPLICATE]
    assert counters(kept.session()) == (2, 1, 0)


# what the very same POST brings: applied, unknown, dead letters with and without a session, test, stale, quarantined
POSTED: tuple[Notification | bytes, ...] = (
    *(started(), snapshot(), notification(46), notification(44, {}), notification(44, product_id=99)),
    *(notification(44, channel="test_webhook"), video(0, at_ms=RECEIVED_MS - 8 * DAY_MS), b"null"),
    *(notification(40, sid=""), notification(44, {}, notify_ms=AT_MS) | {"payload": {"sid": SID, "cname": "c"}}),
)


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("said", POSTED)
def test_a_post_that_comes_again_by_another_way_changes_nothing_and_has_no_outcome(said: Any, together: bool) -> None:
    post = reading(said, receipt="post-1")
    once, twice = Kept(), Kept()
    first = once.take([post])
    if together:
        again = twice.take([post, post])
        assert again.outcomes == first.outcomes
    else:
        twice.take([post])
        again = twice.take([post])
        assert (again.outcomes, again.touched, again.entries, again.drift, again.lags_ms) == ({}, [], {}, {}, [])
    assert (twice.sessions, twice.entries, twice.spots) == (once.sessions, once.entries, once.spots)


@pytest.mark.parametrize("said", POSTED)
def test_the_same_words_by_another_post_are_one_more_copy(said: Any) -> None:
    kept = Kept()
    kept.take([reading(said, receipt="post-1")])
    again = kept.take([reading(said, receipt="post-2")])
    assert again.outcomes.total() == 1
    (entry,) = kept.entries.values()
    assert (entry.receipts, entry.copies[0].count) == (("post-1", "post-2"), 2)


def test_a_post_that_failed_and_comes_again_by_another_way_is_no_copy() -> None:
    kept = Kept()
    post = reading(snapshot(), receipt="post-1")
    kept.take([dead_letter(post, "broken")])
    assert kept.take([post]).outcomes == {}
    assert counters(kept.session()) == (1, 0, 0)
    assert kept.log(session_log(SID)) == {}


def test_a_post_is_known_while_it_is_among_the_last_that_told_its_fact() -> None:
    kept = Kept()
    posts = [reading(started(), receipt=f"post-{number}") for number in range(MOST_RECEIPTS + 1)]
    kept.take(posts)
    assert kept.take(posts[1:]).outcomes == {}
    assert kept.take(posts[:1]).outcomes == {Outcome.DUPLICATE: 1}


def test_posts_without_a_receipt_are_all_copies() -> None:
    kept = Kept()
    kept.take([replace(reading(started()), entry=replace(reading(started()).entry, receipts=())) for _ in range(3)])
    assert counters(kept.session()) == (3, 2, 0)


@pytest.mark.parametrize("together", [True, False])
def test_folding_anew_does_not_revive_what_could_not_be_applied(together: bool) -> None:
    kept = Kept()
    kept.take([dead_letter(reading(exited(1, sequence=3)), "RuntimeError: out of luck")])
    timeless = changed(started(sequence=1), sendts=...)
    earlier = timeless | {"notifyMs": timeless["notifyMs"] - 5000}
    if together:
        folding = kept.fold(timeless, earlier)
    else:
        kept.fold(timeless)
        folding = kept.fold(earlier)
    assert folding.moved == {SID}
    view = session_view(kept.session())
    assert (view["state"], view["exit"]) == ("starting", None)
    assert view["sequence"]["1001"] == {"highest": 3, "missing": [[2, 2]]}


def changed(said: Notification, **fields: Any) -> Notification:
    """`said` with fields of its payload replaced; `...` leaves one out."""
    payload = said["payload"] | fields
    return said | {"payload": {name: value for name, value in payload.items() if value is not ...}}


def test_a_dead_letter_without_a_fact_is_kept_without_a_session() -> None:
    kept = Kept()
    folding = kept.take([replace(dead_letter(reading(snapshot()), "broken"), fact=None)])
    assert list(folding.outcomes) == [Outcome.DEAD_LETTER]
    assert folding.touched == []
    assert len(kept.log(DEAD)) == 1


@pytest.mark.parametrize("together", [True, False])
def test_a_file_is_counted_once_however_many_facts_tell_of_it(together: bool) -> None:
    one, other = snapshot(sequence=1), snapshot(sequence=2, at_ms=AT_MS + 1, taken_ms=AT_MS)
    kept = Kept()
    if together:
        kept.fold(one, other)
    else:
        kept.fold(one)
        kept.fold(other)
    session = kept.session()
    assert (session.state.streams["123"].snapshots.count, session.logged, session.received) == (1, 2, 2)
    assert session_view(session)["sequence"]["1001"]["highest"] == 2


def test_one_file_name_in_two_sessions_is_two_files() -> None:
    first = snapshot(sid="a")
    second = notification(45, first["payload"]["details"], sid="b")
    kept = Kept()
    kept.fold(first, second)
    assert [kept.session(sid).state.streams["123"].snapshots.count for sid in ("a", "b")] == [1, 1]


def test_an_entry_that_is_trimmed_in_its_own_batch_leaves_no_effect_behind() -> None:
    folding = Folding(Known(), SMALL)
    for number in range(5):
        folding.take(reading(snapshot(at_ms=AT_MS + number, sequence=number)))
    folding.trim(LOG, 2, [])
    assert len(folding.effects) == 3
    assert set(folding.effects) == {(log, entry.effect) for (log, _), entry in folding.entries.items()}


def test_a_file_is_remembered_as_long_as_an_entry_of_the_log_tells_of_it() -> None:
    kept = Kept(SMALL)
    told = [snapshot(sequence=number, at_ms=AT_MS + number * 1000, taken_ms=AT_MS) for number in (1, 3, 5)]
    kept.fold(told[0], line(2), told[1])
    for number in (4, 6):  # told[0] is trimmed, told[1] is not
        kept.fold(line(number))
    assert reading(told[0]).field not in kept.log(LOG)
    kept.fold(told[2])
    assert kept.session().state.streams["123"].snapshots.count == 1


def test_of_two_entries_of_one_batch_that_tell_of_a_file_the_later_one_keeps_it_remembered() -> None:
    told = [snapshot(sequence=number, at_ms=AT_MS + number * 1000, taken_ms=AT_MS) for number in (1, 5)]
    kept = Kept(SMALL)
    kept.fold(*told, *(line(number) for number in (2, 3, 4)))
    assert kept.effects == {(LOG, reading(told[0]).entry.effect): kept.spots[LOG, reading(told[1]).field].floor}


def test_a_file_is_forgotten_with_the_last_entry_that_told_of_it() -> None:
    kept = Kept(SMALL)
    kept.fold(snapshot(sequence=1), snapshot(sequence=2, at_ms=AT_MS + 1, taken_ms=AT_MS))
    assert len(kept.effects) == 1
    kept.fold(*(line(number) for number in (3, 4, 5)))
    assert kept.effects == {}


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_an_effect_names_the_latest_spot_that_told_of_it(order: tuple[int, int]) -> None:
    told = [snapshot(sequence=1), snapshot(sequence=2, at_ms=AT_MS + 1, taken_ms=AT_MS)]
    kept = Kept()
    for position in order:
        kept.fold(told[position])
    ((log, digest),) = kept.effects
    assert (log, digest) == (LOG, reading(told[0]).entry.effect)
    assert kept.effects[log, digest] == kept.spots[LOG, reading(told[1]).field].floor


def test_a_session_that_was_touched_is_settled() -> None:
    kept = Kept()
    kept.take([reading(progressed())], now_ms=RECEIVED_MS + 180_000)
    assert kept.session().lost_ms == RECEIVED_MS + 180_000


def test_a_session_that_is_due_is_settled_and_saved() -> None:
    kept = Kept()
    kept.fold(progressed(), started(sid="other"))
    folding = kept.take([], now_ms=RECEIVED_MS + 200_000, due=[SID])
    assert folding.touched == [SID]
    assert kept.session().lost_ms == RECEIVED_MS + 180_000
    assert kept.session("other").lost_ms is None


def test_while_deaf_nothing_becomes_lost() -> None:
    kept = Kept()
    folding = kept.take([reading(progressed())], now_ms=RECEIVED_MS + HOUR_MS, due=[SID], deaf=True)
    assert folding.sessions[SID].lost_ms is None


@pytest.mark.parametrize(("after_ms", "forgotten"), [(7 * DAY_MS - 1, False), (7 * DAY_MS, True)])
def test_a_session_that_is_over_is_forgotten_after_the_retention(after_ms: int, forgotten: bool) -> None:
    kept = Kept()
    kept.fold(started(), exited())
    session = kept.session()
    folding = kept.take([], now_ms=RECEIVED_MS + after_ms, due=[SID])
    assert folding.forgotten == ([session] if forgotten else [])
    assert folding.touched == ([] if forgotten else [SID])


def test_one_batch_forgets_only_so_many_entries_and_the_rest_stays_due() -> None:
    kept = Kept(Limits(log_per_session=4096, retention_ms=7 * DAY_MS, forgotten=3))
    sids = ["a", "b", "c", "d"]
    for sid in sids:
        kept.fold(started(sid=sid), exited(sid=sid))
    forgotten = []
    for _ in sids[::2]:
        folding = kept.take([], now_ms=RECEIVED_MS + 8 * DAY_MS, due=list(kept.sessions))
        forgotten.append([session.id for session in folding.forgotten])
        assert folding.touched == []
    assert forgotten == [["a", "b"], ["c", "d"]]


def test_a_session_that_is_heard_again_in_the_batch_is_not_forgotten() -> None:
    kept = Kept()
    kept.fold(started(), exited())
    now_ms = RECEIVED_MS + 8 * DAY_MS
    folding = kept.take([reading(audio(1), now_ms)], now_ms=now_ms, due=[SID])
    assert folding.forgotten == []
    assert folding.touched == [SID]


def test_a_session_that_only_a_copy_touches_is_saved_and_not_forgotten_at_once() -> None:
    kept = Kept()
    kept.fold(exited())
    now_ms = RECEIVED_MS + 8 * DAY_MS
    folding = kept.take([reading(exited(), now_ms)], now_ms=now_ms, due=[SID])
    assert (folding.forgotten, folding.touched) == ([], [SID])


def test_a_deadline_of_a_session_that_is_gone_does_nothing() -> None:
    folding = Kept().take([], now_ms=RECEIVED_MS, due=["gone"])
    assert (folding.touched, folding.forgotten) == ([], [])


def test_a_spots_text_sorts_like_the_spot() -> None:
    spots = [Spot(at_ms, place) for at_ms in (0, 9, 10, AT_MS, 253_402_300_799_999) for place in ("|a", "|b", "0|a")]
    assert sorted(spots) == sorted(spots, key=lambda spot: spot.floor)

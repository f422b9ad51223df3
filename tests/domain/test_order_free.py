"""Promise 3 of design.md: neither the order of arrival nor duplicates change what is known."""

from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.build import (
    AT_MS,
    DAY_MS,
    LIMITS,
    RECEIVED_MS,
    SID,
    Kept,
    Notification,
    audio,
    body,
    fold,
    fold_batches,
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
from webhook.domain.facts import Fact
from webhook.domain.folding import Limits
from webhook.domain.log import DEAD, session_log
from webhook.domain.merging import greatest, least
from webhook.domain.session import Session
from webhook.views.sessions import session_view

seeds = st.integers(0, 2**32)
SMALL_LOG = 12
EVER = Limits(log_per_session=4096, retention_ms=10**15)


def test_recordings_of_these_tests_reach_every_state_and_every_type() -> None:
    sessions = [recording(Random(seed)) for seed in range(300)]
    views = [session_view(fold(*said)) for said in sessions]
    assert {view["state"] for view in views} == {"starting", "live", "ending", "ended", "failed"}
    assert {said["eventType"] for session in sessions for said in session} >= {
        4,
        11,
        12,
        31,
        32,
        33,
        40,
        41,
        42,
        43,
        44,
        45,
        46,
    }
    assert {view["failovers"] for view in views} == {0, 1}
    assert {view["upload"]["state"] for view in views} == {"none", "uploading", "uploaded", "backed_up", "failed"}
    assert any(len(holes["missing"]) > 2 for view in views for holes in view["sequence"].values())
    assert any(stream["snapshots"]["interval"] for view in views for stream in view["streams"])


@settings(max_examples=200)
@given(seeds)
def test_any_order_any_duplicates_and_any_batches_give_the_same_session(seed: int) -> None:
    random = Random(seed)
    said = recording(random)
    batches = shuffled_batches(with_copies(said, random), random)
    assert shown(fold_batches(batches)) == shown(fold(*said))


@settings(max_examples=100)
@given(st.randoms(use_true_random=False))
def test_the_same_with_sessions_that_can_be_made_small(random: Random) -> None:
    said = recording(random)
    assert shown(fold_batches(shuffled_batches(said, random))) == shown(fold(*said))


@settings(max_examples=100)
@given(seeds)
def test_a_snapshot_told_again_with_another_time_and_number_is_not_counted_again(seed: int) -> None:
    random = Random(seed)
    said = recording(random)
    told = with_copies(with_snapshots_told_again(said, random), random)
    one, other = (fold_batches(shuffled_batches(told, random)) for _ in range(2))
    assert shown(one) == shown(other)
    assert counts(one) == counts(fold(*said))


def counts(session: Session) -> dict[str, tuple[int, Any]]:
    return {uid: (stream.snapshots.count, stream.snapshots.last) for uid, stream in session.state.streams.items()}


@settings(max_examples=60)
@given(seeds)
def test_every_arrival_is_counted_once_as_news_or_as_a_duplicate(seed: int) -> None:
    random = Random(seed)
    told = with_copies(recording(random), random)
    session = fold_batches(shuffled_batches(told, random))
    distinct = len({reading(said).field for said in told})
    assert (session.received, session.duplicates, session.stale) == (len(told), len(told) - distinct, 0)


@settings(max_examples=60)
@given(seeds, st.sampled_from([0, 200_000, 3 * DAY_MS]))
def test_silence_between_batches_leaves_no_trace_once_more_was_heard(seed: int, later_ms: int) -> None:
    random = Random(seed)
    said = recording(random)
    kept = Kept()
    for batch in shuffled_batches(said, random):
        kept.take([reading(each) for each in batch], now_ms=RECEIVED_MS + random.choice((0, 100_000, 2 * DAY_MS)))
    kept.take([], now_ms=RECEIVED_MS + later_ms, due=[SID])
    at_once = Kept()
    at_once.take([reading(each) for each in said], now_ms=RECEIVED_MS + later_ms)
    assert shown(kept.session()) == shown(at_once.session())


@settings(max_examples=100)
@given(seeds)
def test_any_part_of_a_session_folds_in_any_order_to_the_same(seed: int) -> None:
    random = Random(seed)
    part = [said for said in recording(random) if random.random() < 0.5] or [started()]
    assert shown(fold_batches(shuffled_batches(part, random))) == shown(fold(*part))


@settings(max_examples=100)
@given(seeds, st.integers(0, SMALL_LOG))
def test_what_is_displaced_less_than_the_log_is_long_converges_though_the_log_is_trimmed(seed: int, most: int) -> None:
    random = Random(seed)
    said = in_total_order(told_once([*recording(random), *recording(Random(seed + 1))]))
    displaced = sorted(said, key=lambda each: said.index(each) + random.uniform(0, most))
    kept = Kept(Limits(log_per_session=SMALL_LOG, retention_ms=LIMITS.retention_ms))
    for batch in cut(displaced, random):
        kept.fold(*batch)
    assert shown(kept.session()) == shown(fold(*said))
    assert kept.session().stale == 0
    assert kept.session().logged == len(kept.log(session_log(SID))) <= SMALL_LOG


@settings(max_examples=60)
@given(seeds)
def test_a_log_keeps_the_greatest_by_the_total_order_whatever_the_order_of_arrival(seed: int) -> None:
    random = Random(seed)
    said = in_total_order(recording(random))
    kept = Kept(Limits(log_per_session=SMALL_LOG, retention_ms=LIMITS.retention_ms))
    for batch in shuffled_batches(said, random):
        kept.fold(*batch)
    logged = [each for each in said if reading(each).log == session_log(SID)]
    assert set(kept.log(session_log(SID))) == {reading(each).field for each in logged[-SMALL_LOG:]}


def in_total_order(said: list[Notification]) -> list[Notification]:
    """Distinct notifications by the total order."""
    distinct = {reading(each).field: each for each in said}
    return sorted(distinct.values(), key=lambda each: place(reading(each).fact))


def place(fact: Fact | None) -> tuple[Any, str]:
    assert fact is not None
    return fact.order, fact.identity


def cut(said: list[Notification], random: Random) -> list[list[Notification]]:
    """`said` in its order, in batches of one to four."""
    batches, rest = [], said
    while rest:
        size = random.randint(1, 4)
        batches.append(rest[:size])
        rest = rest[size:]
    return batches


fields = st.sampled_from(
    [
        "streamUid",
        "state",
        "UtcMs",
        "utcMs",
        "fileName",
        "fileList",
        "progress",
        "leaveCode",
        "exitStatus",
        "newUid",
        "status",
    ]
)
oddities = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**65), 2**65)
    | st.floats()
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
    | st.sampled_from([AT_MS, AT_MS // 1000, "0", "1", 0, 1, 24, "1001", "2002"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["fileName", "uid"]), inner, max_size=2)
    ),
    max_leaves=3,
)
strange = st.builds(
    lambda event_type, details, payload: (
        notification(event_type, details) | {"payload": payload | {"details": details}}
    ),
    st.sampled_from([11, 12, 30, 31, 32, 33, 40, 41, 43, 44, 45, 46]),
    st.dictionaries(fields, oddities, max_size=4),
    st.fixed_dictionaries(
        {"sid": st.just(SID)}, optional={"uid": oddities, "cname": oddities, "sequence": oddities, "sendts": oddities}
    ),
)


@settings(max_examples=120)
@given(st.lists(strange, min_size=1, max_size=6))
def test_nothing_that_agora_might_sign_raises_or_depends_on_order(said: list[Notification]) -> None:
    wire = [body(each).replace(b"NaN", b"1e400").replace(b"Infinity", b"1e400") for each in said]
    one, other = folded(wire), folded(wire[::-1])
    assert {sid: shown(session) for sid, session in one.items()} == {sid: shown(known) for sid, known in other.items()}
    assert msgspec.json.decode(msgspec.json.encode(one), type=dict[str, Session]) == one
    # only what lacks both what its type needs and a time of its own opens nothing
    assert one or not any(reading(each).fact for each in wire)


def folded(wire: list[bytes]) -> dict[str, Session]:
    kept = Kept(EVER)
    kept.fold(*wire)
    return kept.sessions


@pytest.mark.parametrize(
    ("known", "new", "greater", "lesser"), [(None, 3, 3, 3), (1, 3, 3, 1), (3, 1, 3, 1), (2, 2, 2, 2)]
)
def test_the_greater_and_the_lesser_of_two_do_not_depend_on_who_came_first(
    known: int | None, new: int, greater: int, lesser: int
) -> None:
    assert (greatest(known, new), least(known, new)) == (greater, lesser)


def test_a_snapshot_told_by_old_and_new_recorder_is_one_file() -> None:
    one, other = snapshot(at_ms=AT_MS + 5), snapshot(at_ms=AT_MS + 9, taken_ms=AT_MS + 5, recorder="2002", sequence=3)
    for order in ((one, other), (other, one)):
        assert fold(*order).state.streams["123"].snapshots.count == 1
        assert fold_batches([[each] for each in order]).state.streams["123"].snapshots.count == 1


def test_an_event_without_a_time_of_its_own_happened_at_the_least_time_of_sending_of_its_copies() -> None:
    first = started(notify_ms=AT_MS + 1000)
    del first["payload"]["sendts"]
    resent = first | {"notifyMs": AT_MS + 5000}
    assert shown(fold(resent, first)) == shown(fold(first, resent)) == shown(fold(first))
    assert shown(fold_batches([[resent], [first]])) == shown(fold(first))


@settings(max_examples=100)
@given(seeds)
def test_events_without_a_time_of_their_own_do_not_depend_on_which_copy_came_first(seed: int) -> None:
    random = Random(seed)
    readable = [each for each in recording(random) if reading(each).log != DEAD] or [started()]
    said = [timeless(each) if random.random() < 0.4 else each for each in readable]
    told = with_copies(said, random, share=0.8)
    one, other = (fold_batches(shuffled_batches(told, random)) for _ in range(2))
    assert shown(one) == shown(other)


def test_what_a_dead_letter_showed_stays_when_a_copy_moves_another_event() -> None:
    sign_of_recording = notification(44, {}, at_ms=AT_MS + 2000, sequence=2)
    moving = timeless(started(notify_ms=AT_MS + 1000))
    resent = moving | {"notifyMs": AT_MS + 5000}
    assert shown(fold_batches([[sign_of_recording], [resent], [moving]])) == shown(fold(moving, sign_of_recording))


def test_the_number_of_a_dead_letter_stays_heard_when_a_copy_moves_another_event() -> None:
    dead = notification(44, {}, at_ms=AT_MS + 2000, sequence=2)
    moving = timeless(started(notify_ms=AT_MS + 1000, sequence=1))
    resent = moving | {"notifyMs": AT_MS + 5000}
    session = fold_batches([[dead, resent], [moving], [video(0, at_ms=AT_MS + 3000, sequence=3)]])
    assert session.state.recorders["1001"].sequences.heard == ((1, 3),)


def test_a_copy_that_moves_an_event_of_a_trimmed_log_takes_nothing_away() -> None:
    kept = Kept(Limits(log_per_session=SMALL_LOG, retention_ms=LIMITS.retention_ms))
    kept.fold(*(snapshot(at_ms=AT_MS + number * 1000, sequence=number) for number in range(2 * SMALL_LOG)))
    resent = timeless(audio(1, sequence=99, notify_ms=AT_MS + 60_000))
    kept.fold(resent)
    before = kept.session().state.streams["123"].snapshots.count
    kept.fold(resent | {"notifyMs": AT_MS + 50_000})
    assert kept.session().state.streams["123"].snapshots.count == before == 2 * SMALL_LOG


def told_once(said: list[Notification]) -> list[Notification]:
    """`said` without snapshots that another told of: a log remembers those no longer than its entries."""
    by_file = {each["payload"]["details"].get("fileName"): each for each in said if each["eventType"] == 45}
    return [each for each in said if each["eventType"] != 45 or each in by_file.values()]


def timeless(said: Notification) -> Notification:
    """`said` without any time but that of sending; nothing of it is told apart by a time any more."""
    payload = {key: value for key, value in said["payload"].items() if key != "sendts"}
    details = {key: value for key, value in payload["details"].items() if key not in ("UtcMs", "utcMs")}
    return said | {"payload": payload | {"details": details}}


def test_one_sid_in_two_projects_is_two_facts() -> None:
    said = video(0)
    assert reading(said, project="a").field != reading(said, project="b").field

"""What folding a few notifications says of a session (contract.md, section 4). Times in tables are seconds."""

from itertools import permutations
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.build import (
    AT_MS,
    RECORDER,
    SUCCESSOR,
    Kept,
    Notification,
    audio,
    backed_up,
    exited,
    failed_over,
    fold,
    left,
    notification,
    progressed,
    reading,
    recording,
    shown,
    snapshot,
    started,
    uploaded,
    video,
)
from webhook.domain.recording.state import MOST_FILES, MOST_RECORDERS, MOST_STREAMS
from webhook.domain.recording.status import latest_uid, leave_reasons, reception
from webhook.domain.session import Session
from webhook.domain.states import Exit, Status
from webhook.domain.status import exit_of, status_of
from webhook.views.sessions import session_view

OLD, NEW = {"recorder": RECORDER}, {"recorder": SUCCESSOR}
THIRD = {"recorder": "3003"}


def at(seconds: float, **rest: Any) -> dict[str, Any]:
    """The envelope of something sent `seconds` after the start; its sequence grows with it."""
    return {"at_ms": AT_MS + int(seconds * 1000), "sequence": int(seconds) + 1} | rest


def state(session: Session) -> tuple[str, float]:
    found = status_of(session)
    return found.state.value, (found.since_ms - AT_MS) / 1000


STATES: list[tuple[str, list[Notification], str, float]] = [
    ("a recorder that started", [started(**at(3))], "starting", 3),
    ("an uploader that started", [notification(30, {"status": 0}, **at(3))], "starting", 3),
    ("a failover alone", [failed_over(**at(3))], "starting", 3),
    ("an unknown type alone", [notification(46, **at(3))], "starting", 3),
    ("a minor error alone", [notification(1, {"errorLevel": 2}, **at(3))], "starting", 3),
    ("a fatal error alone", [notification(1, {"errorLevel": 5}, **at(3))], "failed", 3),
    ("a fatal error before a start", [notification(1, {"errorLevel": 5}, **at(3)), started(**at(4))], "starting", 3),
    ("an upload that finished alone", [uploaded(**at(3))], "starting", 3),
    ("starting since the first fact", [started(**at(3)), notification(46, **at(1))], "starting", 1),
    ("a playlist", [started(**at(0)), notification(4, **at(3))], "live", 3),
    ("a heartbeat", [started(**at(0)), progressed(**at(3))], "live", 3),
    ("a slice", [started(**at(0)), notification(42, **at(3))], "live", 3),
    ("an audio stream", [started(**at(0)), audio(1, **at(3))], "live", 3),
    ("a video stream", [started(**at(0)), video(1, **at(3))], "live", 3),
    ("a snapshot", [started(**at(0)), snapshot(**at(3))], "live", 3),
    ("a web recorder", [started(**at(0)), notification(70, **at(3))], "live", 3),
    ("a video change that lacks its state", [started(**at(0)), notification(44, **at(3))], "live", 3),
    ("live since the first sign", [video(0, **at(5)), snapshot(**at(9)), audio(0, **at(3))], "live", 3),
    ("a recorder that left", [video(0, **at(1)), left(**at(5))], "ending", 5),
    ("a recorder that left before anything lived", [started(**at(1)), left(**at(5))], "ending", 5),
    ("ending since it first left", [left(**at(5)), left(**at(7))], "ending", 5),
    ("streams after the leave", [left(**at(5)), video(1, **at(6)), audio(1, **at(7))], "ending", 5),
    ("upload before the leave", [uploaded(**at(4)), left(**at(5))], "ending", 5),
    ("upload after the leave", [left(**at(5)), uploaded(**at(8))], "ended", 8),
    ("backup after the leave", [left(**at(5)), backed_up(**at(8))], "ended", 8),
    ("upload at the instant of the leave", [left(**at(5)), uploaded(**at(5, sequence=9))], "ended", 5),
    ("upload that failed after the leave", [left(**at(5)), uploaded(status=1, **at(8))], "ended", 8),
    ("progress after the leave", [left(**at(5)), progressed(10_000, **at(8))], "ending", 5),
    ("a normal exit", [video(0, **at(1)), exited(**at(5))], "ended", 5),
    ("an exit of a session that never lived", [started(**at(1)), exited(**at(5))], "ended", 5),
    ("an exit alone", [exited(**at(5))], "ended", 5),
    ("an abnormal exit", [video(0, **at(1)), exited(1, **at(5))], "failed", 5),
    ("leave, then exit", [left(**at(4)), exited(**at(5))], "ended", 5),
    ("exit, then upload", [left(**at(4)), exited(**at(5)), uploaded(**at(9))], "ended", 5),
    ("abnormal exit, then upload", [left(**at(4)), exited(1, **at(5)), uploaded(**at(9))], "failed", 5),
    (
        "streams after leave and exit",
        [left(**at(4)), exited(**at(5)), video(1, **at(6)), audio(0, **at(7))],
        "ended",
        5,
    ),
    ("the later of two exits", [exited(1, **at(5)), exited(0, **at(6))], "ended", 6),
    ("the later exit, told first", [exited(1, **at(6)), exited(0, **at(5))], "failed", 6),
    ("old recorder's exit after a failover", [video(0, **at(1)), failed_over(**at(5)), exited(**at(7))], "live", 1),
    ("old recorder's exit before it", [video(0, **at(1)), exited(1, **at(4)), failed_over(**at(5))], "live", 1),
    ("old recorder's leave", [video(0, **at(1)), failed_over(**at(5)), left(**at(7))], "live", 1),
    (
        "old recorder's leave, then upload",
        [video(0, **at(1)), failed_over(**at(5)), left(**at(6)), uploaded(**at(7))],
        "live",
        1,
    ),
    ("new recorder's exit", [video(0, **at(1)), failed_over(**at(5)), exited(**at(9), **NEW)], "ended", 9),
    ("new recorder's abnormal exit", [exited(**at(3)), failed_over(**at(5)), exited(1, **at(9), **NEW)], "failed", 9),
    ("new recorder's leave", [video(0, **at(1)), failed_over(**at(5)), left(**at(9), **NEW)], "ending", 9),
    (
        "new recorder's leave and any upload",
        [failed_over(**at(5)), left(**at(8), **NEW), uploaded(**at(9))],
        "ended",
        9,
    ),
    ("a failover that the new one tells", [video(0, **at(1)), failed_over(**at(5), **NEW), exited(**at(7))], "live", 1),
    (
        "two failovers, the later told first",
        [failed_over("3003", **at(9)), failed_over(**at(5)), exited(**at(12), **NEW), video(0, **at(3))],
        "live",
        3,
    ),
    (
        "the exit after two failovers",
        [failed_over("3003", **at(9)), failed_over(**at(5)), exited(**at(12), **THIRD)],
        "ended",
        12,
    ),
    (
        "a failover back to one that took over before",
        [failed_over(**at(5)), failed_over("3003", **at(6)), failed_over(**at(9)), exited(**at(12), **NEW)],
        "ended",
        12,
    ),
    ("without a failover the recorder heard last", [exited(**at(5)), video(0, **at(6), **NEW)], "live", 6),
    (
        "an end without a recorder's uid",
        [notification(11, {"exitStatus": 0}, recorder="", **at(5))],
        "ended",
        5,
    ),
]


@pytest.mark.parametrize(("said", "expected", "since"), [case[1:] for case in STATES], ids=[case[0] for case in STATES])
def test_the_state_follows_from_what_was_said_in_any_order(
    said: list[Notification], expected: str, since: float
) -> None:
    orders = {state(fold(*order)) for order in permutations(said)}
    assert orders == {(expected, since)}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([started(**at(1))], None),
        ([left(**at(4))], None),
        ([left(**at(4)), uploaded(**at(5))], Exit(True, AT_MS + 5000, ("left_channel",))),
        ([exited(**at(5))], Exit(True, AT_MS + 5000, ())),
        ([exited(1, **at(5))], Exit(False, AT_MS + 5000, ())),
        ([left(24, **at(4)), exited(**at(5))], Exit(True, AT_MS + 5000, ("ignore", "left_channel"))),
        ([left(0, **at(4)), exited(1, **at(5))], Exit(False, AT_MS + 5000, ("init_failed",))),
        ([left(4, **at(4)), left(16, **at(6)), exited(**at(5))], Exit(True, AT_MS + 5000, ("left_channel",))),
        ([left(2, **at(4)), exited(**at(5)), failed_over(**at(6))], None),
        ([exited(1, **at(5)), failed_over(**at(6)), exited(0, **at(9), **NEW)], Exit(True, AT_MS + 9000, ())),
        ([left(2, **at(4)), failed_over(**at(6)), exited(0, **at(9), **NEW)], Exit(True, AT_MS + 9000, ())),
    ],
)
def test_the_exit_is_that_of_the_latest_recorder_with_its_reasons(
    said: list[Notification], expected: Exit | None
) -> None:
    assert {exit_of(fold(*order)) for order in permutations(said)} == {expected}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (0, ("init_failed",)),
        (2, ("sigint",)),
        (4, ("no_users",)),
        (8, ("ignore",)),
        (16, ("left_channel",)),
        (24, ("ignore", "left_channel")),
        (30, ("sigint", "no_users", "ignore", "left_channel")),
        (80, ("left_channel",)),
        (1, ("code_1",)),
        (64, ("code_64",)),
    ],
)
def test_every_documented_bit_of_a_leave_code_is_a_reason_and_others_are_never_a_failed_start(
    code: int, expected: tuple[str, ...]
) -> None:
    assert leave_reasons(fold(left(code)).state.recorders[RECORDER]) == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([started(**at(1))], None),
        ([notification(30, {"status": 0}, **at(1))], ("uploading", 0.0)),
        ([notification(30, {"status": 1}, **at(1))], ("failed", 0.0)),
        ([progressed(4200, **at(1))], ("uploading", 0.42)),
        ([progressed(4200, **at(1)), progressed(9000, **at(2))], ("uploading", 0.9)),
        ([progressed(4200, **at(2)), progressed(9000, **at(1))], ("uploading", 0.42)),
        ([progressed(4200, **at(1)), uploaded(**at(2))], ("uploaded", 1.0)),
        ([progressed(4200, **at(3)), uploaded(**at(2))], ("uploading", 0.42)),
        ([progressed(4200, **at(2, sequence=1)), uploaded(**at(2, sequence=1))], ("uploaded", 1.0)),
        ([progressed(4200, **at(2, sequence=2)), uploaded(**at(2, sequence=1))], ("uploading", 0.42)),
        ([backed_up(**at(1))], ("backed_up", 1.0)),
        ([backed_up(**at(1)), uploaded(**at(2))], ("uploaded", 1.0)),
        ([backed_up(**at(2)), uploaded(**at(1))], ("backed_up", 1.0)),
        ([uploaded(status=1, **at(1))], ("failed", 0.0)),
        ([backed_up(status=1, **at(1))], ("failed", 0.0)),
        ([exited(**at(1)), uploaded(**at(5))], ("uploaded", 1.0)),
        ([uploaded(**at(5)), exited(**at(6))], ("uploaded", 1.0)),
    ],
)
def test_the_upload_goes_on_by_itself_to_its_latest_word(said: list[Notification], expected: Any) -> None:
    found = {(upload and upload[3:]) for order in permutations(said) for upload in [fold(*order).state.upload]}
    assert found == {expected}


VIDEO_WORDS: list[tuple[str, list[Notification], tuple[str, float | None]]] = [
    ("nothing said of video", [audio(0, **at(1))], ("unknown", None)),
    ("receiving", [video(0, **at(1))], ("receiving", 1)),
    ("stopped", [video(1, **at(1))], ("stopped", 1)),
    ("the later word", [video(0, **at(1)), video(1, **at(2))], ("stopped", 2)),
    ("the later word, told first", [video(1, **at(2)), video(0, **at(1))], ("stopped", 2)),
    (
        "the greater sequence at one instant",
        [video(1, **at(1, sequence=3)), video(0, **at(1, sequence=4))],
        ("receiving", 1),
    ),
    ("stopped and resumed", [video(0, **at(1)), video(1, **at(2)), video(0, **at(3))], ("receiving", 3)),
    ("another user's video", [video(0, **at(1)), video(1, "456", **at(2))], ("receiving", 1)),
    ("another user's audio", [video(0, **at(1)), audio(1, **at(2))], ("receiving", 1)),
    ("a change after the exit", [video(0, **at(1)), exited(**at(2)), video(1, **at(3))], ("stopped", 3)),
    (
        "the new recorder's older word stands over the old one's newer",
        [video(0, **at(7), **NEW), video(1, **at(9), **OLD), failed_over(**at(5))],
        ("receiving", 7),
    ),
    (
        "a new recorder that has not spoken of it",
        [video(1, **at(1)), failed_over(**at(5)), started(**at(6), **NEW)],
        ("stopped", 1),
    ),
    (
        "a new recorder that spoke of its audio only",
        [video(1, **at(1)), failed_over(**at(5)), audio(0, **at(6), **NEW)],
        ("stopped", 1),
    ),
    (
        "the newest of three that spoke of it",
        [failed_over(**at(5)), failed_over("3003", **at(9)), video(1, **at(6), **NEW), video(0, **at(12), **OLD)],
        ("stopped", 6),
    ),
    (
        "recorders that interleave",
        [
            video(0, **at(1)),
            failed_over(**at(3)),
            video(0, **at(4), **NEW),
            video(1, **at(5), **OLD),
            video(1, **at(6), **NEW),
        ],
        ("stopped", 6),
    ),
    ("a recorder without a uid", [video(0, **at(1), recorder=""), video(1, **at(2), recorder="")], ("stopped", 2)),
    ("a named recorder over one without a uid", [video(0, **at(1)), video(1, **at(2), recorder="")], ("receiving", 1)),
]


@pytest.mark.parametrize(
    ("said", "expected"), [case[1:] for case in VIDEO_WORDS], ids=[case[0] for case in VIDEO_WORDS]
)
def test_a_video_is_what_the_newest_recorder_that_spoke_of_it_said_last(
    said: list[Notification], expected: tuple[str, float | None]
) -> None:
    found = set()
    for order in permutations(said):
        known = fold(*order).state
        reception_now, since_ms = reception(known, known.streams["123"].video)
        found.add((reception_now.value, None if since_ms is None else (since_ms - AT_MS) / 1000))
    assert found == {expected}


def test_the_latest_recorder_is_the_one_that_the_latest_failover_named() -> None:
    said = [started(**at(1)), failed_over(**at(5)), failed_over("3003", **at(9)), started(**at(60), recorder="9999")]
    assert {latest_uid(fold(*order).state) for order in permutations(said)} == {"3003"}


def test_no_recorder_is_latest_before_any_was_heard() -> None:
    assert latest_uid(fold(notification(46, recorder="")).state) is None


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([started(**at(1))], [(RECORDER, 1, None, [])]),
        ([video(0, **at(3)), started(**at(5))], [(RECORDER, 5, None, [])]),
        ([video(0, **at(3)), left(20, **at(9))], [(RECORDER, 3, 9, ["no_users", "left_channel"])]),
        ([started(**at(1)), left(**at(8)), exited(**at(9))], [(RECORDER, 1, 8, ["left_channel"])]),
        ([started(**at(1)), exited(**at(9))], [(RECORDER, 1, 9, [])]),
        ([started(**at(1)), failed_over(**at(5))], [(RECORDER, 1, 5, []), (SUCCESSOR, 5, None, [])]),
        (
            [
                started(**at(1)),
                failed_over(**at(5)),
                started(**at(7), **NEW),
                exited(1, **at(6)),
                left(4, **at(20), **NEW),
            ],
            [(RECORDER, 1, 6, []), (SUCCESSOR, 7, 20, ["no_users"])],
        ),
        (
            [started(**at(1)), failed_over("0042", **at(5)), failed_over("0007", **at(9))],
            [(RECORDER, 1, 5, []), ("0042", 5, 9, []), ("0007", 9, None, [])],
        ),
        (
            [started(**at(1)), failed_over(**at(5)), failed_over("3003", **at(9), **NEW)],
            [(RECORDER, 1, 5, []), (SUCCESSOR, 5, 9, []), ("3003", 9, None, [])],
        ),
    ],
)
def test_recorders_follow_one_another(said: list[Notification], expected: list[tuple[Any, ...]]) -> None:
    shape = [
        {"uid": uid, "from": stamp(began), "until": None if until is None else stamp(until), "leaveReasons": reasons}
        for uid, began, until, reasons in expected
    ]
    views = [session_view(fold(*order)) for order in permutations(said)]
    assert [view["recorders"] for view in views] == [shape] * len(views)
    assert {view["failovers"] for view in views} == {len(expected) - 1}


def stamp(seconds: int) -> str:
    return f"2025-11-24T16:00:{seconds:02}.000Z"


def test_one_failover_told_by_both_recorders_is_one() -> None:
    session = fold(failed_over(**at(5)), failed_over(**at(6), **NEW))
    assert session_view(session)["failovers"] == 1


def test_each_recorder_counts_its_own_sequence() -> None:
    said = [
        started(sequence=1),
        video(0, sequence=4),
        failed_over(sequence=5),
        started(sequence=0, **NEW),
        video(1, sequence=2, **NEW),
    ]
    view = session_view(fold(*said))
    assert view["sequence"] == {
        RECORDER: {"highest": 5, "missing": [[2, 3]]},
        SUCCESSOR: {"highest": 2, "missing": [[1, 1]]},
    }


@pytest.mark.parametrize(
    "late",
    [
        notification(46, sequence=2),
        notification(44, {"state": 9}, sequence=2),
        notification(45, sequence="2"),
        started(sequence=2.0),
    ],
    ids=["unknown type", "undecodable", "sequence as text", "sequence as decimal"],
)
def test_whatever_bears_the_number_closes_the_hole(late: Notification) -> None:
    session = fold(started(sequence=1), video(0, sequence=3))
    assert session_view(session)["sequence"][RECORDER]["missing"] == [[2, 2]]
    assert session_view(fold(started(sequence=1), video(0, sequence=3), late))["sequence"][RECORDER]["missing"] == []


def test_snapshots_are_counted_by_file_and_shown_by_the_latest_capture() -> None:
    said = [snapshot(**at(seconds)) for seconds in (10, 5, 15, 20)]
    shot = session_view(fold(*said, snapshot(**at(15, sequence=99))))["streams"][0]["snapshots"]
    name = said[-1]["payload"]["details"]["fileName"]
    assert shot == {"count": 4, "lastAt": stamp(20), "lastFile": name, "interval": 5.0, "gaps": []}


def test_the_interval_is_learned_from_the_latest_captures_in_any_order() -> None:
    before = [snapshot(**at(seconds)) for seconds in range(9)]
    later = [snapshot(**at(seconds)) for seconds in range(100, 190, 10)]
    for order in ([*before, *later], [*later, *before], [*later[::-1], *before[::-1]]):
        view = session_view(fold(*order))["streams"][0]["snapshots"]
        assert (view["count"], view["interval"]) == (18, 10.0)


def test_one_long_pause_does_not_move_the_interval() -> None:
    view = session_view(fold(*(snapshot(**at(seconds)) for seconds in (0, 10, 20, 900, 910))))
    assert view["streams"][0]["snapshots"]["interval"] == 10.0


@pytest.mark.parametrize(
    ("captures", "expected"), [((), None), ((0,), None), ((0, 10), None), ((0, 10, 20), 10.0), ((0, 4, 20), 4.0)]
)
def test_an_interval_needs_two_gaps(captures: tuple[int, ...], expected: float | None) -> None:
    view = session_view(fold(video(0), *(snapshot(**at(seconds)) for seconds in captures)))
    assert view["streams"][0]["snapshots"]["interval"] == expected


def test_a_snapshot_whose_name_says_nothing_changes_no_stream_but_is_a_sign_of_life() -> None:
    session = fold(started(**at(0)), notification(45, {"fileName": "odd.jpg"}, **at(3)))
    assert session.state.streams == {}
    assert state(session) == ("live", 3)


def test_files_of_several_uploads_are_one_list_by_name() -> None:
    first, second = uploaded("b", "a", **at(1)), backed_up("c", "a", **at(2))
    for order in permutations([first, second]):
        upload = session_view(fold(*order))["upload"]
        assert [file["fileName"] for file in upload["files"]] == ["a", "b", "c"]
        assert upload["filesCount"] == 3


def test_a_long_list_of_files_is_cut_but_counted() -> None:
    names = [f"{number:03}" for number in range(MOST_FILES + 20)]
    upload = session_view(fold(uploaded(*reversed(names))))["upload"]
    assert [file["fileName"] for file in upload["files"]] == names[:MOST_FILES]
    assert upload["filesCount"] == MOST_FILES + 20


def test_of_too_many_recorders_those_with_the_greatest_uids_are_kept_in_any_order() -> None:
    uids = [f"{number:03}" for number in range(MOST_RECORDERS + 5)]
    said = [make(at_ms=AT_MS + int(uid), recorder=uid) for uid in uids for make in (started, left)]
    expected = fold(*said)
    assert list(expected.state.recorders) == uids[5:]
    for seed in range(5):
        Random(seed).shuffle(said)
        assert shown(fold(*said)) == shown(expected)


def test_of_too_many_recorders_that_failovers_name_those_with_the_greatest_uids_are_kept() -> None:
    said = [failed_over(f"{number:03}", at_ms=AT_MS + number) for number in range(MOST_RECORDERS + 5)]
    expected = {*(f"{number:03}" for number in range(6, MOST_RECORDERS + 5)), RECORDER}
    assert {frozenset(fold(*order).state.recorders) for order in (said, said[::-1])} == {frozenset(expected)}


def test_of_too_many_streams_those_last_spoken_of_are_kept() -> None:
    said = [video(0, str(uid), at_ms=AT_MS + uid) for uid in range(MOST_STREAMS + 3)]
    expected = {str(uid) for uid in range(3, MOST_STREAMS + 3)}
    assert set(fold(*said).state.streams) == expected
    assert set(fold(*said[::-1]).state.streams) == expected


def test_the_words_kept_of_one_stream_are_bounded_by_the_recorders() -> None:
    said = [video(0, recorder=str(uid), at_ms=AT_MS + uid) for uid in range(3 * MOST_RECORDERS)]
    assert len(fold(*said).state.streams["123"].video) == MOST_RECORDERS


@pytest.mark.parametrize("uid", ["0", "1001"], ids=["dropped", "kept"])
def test_a_recorder_that_speaks_again_after_many_others_is_the_same_in_any_order(uid: str) -> None:
    others = [started(recorder=str(number), at_ms=AT_MS + 10) for number in range(100, 100 + MOST_RECORDERS)]
    early = started(recorder=uid, at_ms=AT_MS, sequence=1)
    late = video(0, recorder=uid, at_ms=AT_MS + 20, sequence=2)
    assert shown(fold(early, *others, late)) == shown(fold(*others, late, early))


def test_the_channel_and_the_source_do_not_depend_on_who_came_first() -> None:
    one, other = started(channel="b", **at(1)), video(0, channel="a", **at(2))
    assert {fold(*order).channel for order in permutations([one, other])} == {"a"}


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_session_told_through_two_sources_has_one_of_them(order: tuple[int, int]) -> None:
    readings = [reading(started(**at(1)), source="us"), reading(video(0, **at(2)), source="eu")]
    kept = Kept()
    kept.take([readings[position] for position in order])
    assert kept.session().source == "eu"


def test_a_late_end_of_an_old_session_leaves_the_next_one_of_the_channel_alone() -> None:
    kept = Kept()
    kept.fold(
        started(sid="old", **at(0)),
        exited(sid="old", **at(5)),
        started(sid="new", **at(6)),
        video(0, sid="new", **at(7)),
    )
    alone = kept.session("new")
    kept.fold(left(sid="old", **at(8)), uploaded(sid="old", **at(9)), exited(1, sid="old", **at(10)))
    assert kept.session("new") == alone
    assert status_of(kept.session("new")) == Status("live", AT_MS + 7000)


@settings(max_examples=60)
@given(st.integers(0, 2**32))
def test_two_interleaved_sessions_of_one_channel_share_nothing(seed: int) -> None:
    random = Random(seed)
    one, other = recording(random, sid="a" * 32), recording(random, sid="b" * 32)
    interleaved = [*one, *other]
    random.shuffle(interleaved)
    kept = Kept()
    kept.fold(*interleaved)
    for sid, alone in (("a" * 32, one), ("b" * 32, other)):
        expected = fold(*(said for said in interleaved if said["sid"] == sid), sid=sid)
        assert kept.session(sid) == expected
        assert shown(expected) == shown(fold(*alone, sid=sid))


def test_first_and_last_events_bound_the_session_by_event_time() -> None:
    session = fold(video(0, **at(60)), started(**at(1)), notification(46, **at(90)))
    assert (session.first_ms, session.last_ms) == (AT_MS + 1000, AT_MS + 90_000)

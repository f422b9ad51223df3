import pytest
from msgspec.structs import replace

from tests.build import (
    AT_MS,
    HOUR_MS,
    RECEIVED_MS,
    Kept,
    Notification,
    audio,
    exited,
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
from webhook.domain.deadlines import settle
from webhook.domain.events import Reception
from webhook.domain.facets import Facets, facets, gauges, indexes
from webhook.domain.recording.status import video_counts
from webhook.domain.registration import Registration
from webhook.domain.session import Session
from webhook.domain.transitions import register

CHANNEL_INDEX = "channel:default:Testing2"
RUNNING_INDEXES = ("running", "running:default:Testing2")


def lost() -> Session:
    return settle(fold(video(1), progressed()), RECEIVED_MS + HOUR_MS)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([started()], {"all", "state:starting", CHANNEL_INDEX, *RUNNING_INDEXES}),
        ([video(0)], {"all", "state:live", CHANNEL_INDEX, *RUNNING_INDEXES}),
        ([video(1)], {"all", "state:live", CHANNEL_INDEX, "stopped", *RUNNING_INDEXES}),
        ([audio(1)], {"all", "state:live", CHANNEL_INDEX, *RUNNING_INDEXES}),
        ([video(0), video(1, "456")], {"all", "state:live", CHANNEL_INDEX, "stopped", *RUNNING_INDEXES}),
        ([video(1), left()], {"all", "state:ending", CHANNEL_INDEX, "stopped", *RUNNING_INDEXES}),
        ([video(1), exited()], {"all", "state:ended", CHANNEL_INDEX}),
        ([video(1), exited(1)], {"all", "state:failed", CHANNEL_INDEX}),
        ([video(1), left(), uploaded(at_ms=AT_MS + 1)], {"all", "state:ended", CHANNEL_INDEX}),
    ],
)
def test_a_session_is_listed_by_state_channel_and_stopped_video(said: list[Notification], expected: set[str]) -> None:
    assert indexes(fold(*said)) == expected


def test_a_lost_session_does_not_count_among_those_whose_video_stopped() -> None:
    assert indexes(lost()) == {"all", "state:lost", CHANNEL_INDEX}
    assert gauges(lost()) == {"state:lost": 1, "product:cloud_recording": 1}


def test_a_session_without_a_channel_is_listed_under_none() -> None:
    nowhere = replace(fold(notification(40)), channel=None)
    assert indexes(nowhere) == {"all", "state:starting", "running"}


def test_one_channel_name_in_two_projects_is_two_channels() -> None:
    kept = Kept()
    kept.take([reading(started(), project="talks")])
    assert {"channel:talks:Testing2", "running:talks:Testing2"} <= indexes(kept.session())
    assert not {CHANNEL_INDEX, *RUNNING_INDEXES[1:]} & indexes(kept.session())


def test_a_session_that_is_only_registered_is_listed_by_its_channel_and_runs_not_yet() -> None:
    registered = register(None, Registration(AT_MS, "s1", "r1", "individual", "default", "Testing2"))
    assert indexes(registered) == {"all", "state:expected", CHANNEL_INDEX}
    assert gauges(registered) == {"state:expected": 1, "product:cloud_recording": 1}


def test_what_a_session_is_found_by_and_counted_as_are_told_together() -> None:
    session = fold(video(1))
    assert facets(session) == Facets(indexes(session), gauges(session))


@pytest.mark.parametrize(
    ("said", "streams"),
    [
        ([started()], {}),
        ([video(0), video(1, "456"), video(1, "789")], {"streams:receiving": 1, "streams:stopped": 2}),
        ([audio(0)], {"streams:unknown": 1}),
        ([snapshot()], {"streams:unknown": 1}),
        ([video(1), audio(0)], {"streams:stopped": 1}),
    ],
)
def test_streams_are_counted_by_their_video(said: list[Notification], streams: dict[str, int]) -> None:
    session = fold(*said)
    assert {f"streams:{key.value}": count for key, count in video_counts(session.state).items()} == streams
    state = "state:starting" if said[0]["eventType"] == 40 else "state:live"
    assert gauges(session) == {state: 1, "product:cloud_recording": 1, **streams}


@pytest.mark.parametrize("end", [exited(), exited(1)])
def test_streams_of_a_session_that_is_over_are_counted_no_more(end: Notification) -> None:
    session = fold(video(0), video(1, "456"), end)
    assert video_counts(session.state) == {Reception.RECEIVING: 1, Reception.STOPPED: 1}
    assert not any(name.startswith("streams:") for name in gauges(session))


def test_streams_of_a_session_that_is_ending_still_count() -> None:
    assert gauges(fold(video(0), left()))["streams:receiving"] == 1

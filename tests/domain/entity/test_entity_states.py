"""What a sequence of events makes of an entity."""

import pytest

from tests.domain.entity.lives import (
    AT_MS,
    DAY_MS,
    GATEWAY,
    PULL,
    PUSH,
    TASK,
    TRANSCODER,
    Notification,
    converter,
    ingest,
    notification,
    player,
    session,
    task,
    transcoder,
)
from webhook.domain.deadlines import settle, silence_deadline_ms
from webhook.domain.entity import status as entity_status
from webhook.domain.entity.state import Entity, Phase
from webhook.domain.states import State
from webhook.domain.status import exit_of, status_of
from webhook.samples import media_gateway, media_pull, media_push, speech_to_text_v5, transcoding

SECOND_MS = 1_000


def states(*words: str) -> list[Notification]:
    """State changes of a converter, one a second, from AT_MS on."""
    return [
        notification(PUSH, 3, media_push.state_changed(converter, AT_MS + SECOND_MS * second, word))
        for second, word in enumerate(words)
    ]


@pytest.mark.parametrize(
    ("words", "state", "since_s"),
    [
        (["running"], State.LIVE, 0),
        (["connecting", "running"], State.LIVE, 0),
        (["running", "failed"], State.FAILED, 1),
        (["running", "failed", "failed"], State.FAILED, 1),
        (["running", "failed", "running"], State.LIVE, 2),
        (["running", "failed", "connecting", "running"], State.LIVE, 2),
        (["failed", "running", "failed", "connecting"], State.LIVE, 3),
        (["running", "odd"], State.LIVE, 0),
        (["failed", "odd"], State.FAILED, 0),
        (["running"] * 9, State.LIVE, 0),
        (["running"] * 9 + ["failed"], State.FAILED, 9),
        (["running"] * 9 + ["failed"] + ["running"] * 3, State.LIVE, 10),
        # more was said since than is kept: it holds at least since it last did not
        (["running"] * 9 + ["failed"] + ["running"] * 5, State.LIVE, 9),
        (["failed"] + ["running"] * 3, State.LIVE, 1),
        (["failed"] + ["running"] * 4, State.LIVE, 1),
        (["failed"] + ["running"] * 5, State.LIVE, 1),
    ],
)
def test_a_converter_is_what_it_said_last_since_it_began_to_say_so(
    words: list[str], state: State, since_s: int
) -> None:
    status = status_of(session(*states(*words)))
    assert (status.state, (status.since_ms - AT_MS) / SECOND_MS) == (state, since_s)


def test_of_two_words_in_one_second_the_worse_one_counts() -> None:
    at_once = [
        notification(PUSH, 3, media_push.state_changed(converter, AT_MS, word))
        for word in ("failed", "connecting", "running")
    ]
    assert status_of(session(*at_once)).state is State.FAILED


@pytest.mark.parametrize("turned", [False, True])
def test_words_that_nothing_tells_apart_have_one_outcome(turned: bool) -> None:
    mark = (AT_MS, 0, 10, 0)
    tied = [(state, Phase(mark, (mark,))) for state in (State.FAILED, State.LIVE, State.ENDED)]
    entity = Entity(phases=dict(tied[::-1] if turned else tied))
    status = entity_status.status_of(entity, AT_MS, None)
    assert (status.state, status.since_ms) == (State.LIVE, AT_MS)


def test_a_task_whose_uploader_started_badly_at_the_same_second_has_failed() -> None:
    said = [notification(TASK, 30, speech_to_text_v5.uploader_started(task, AT_MS, status)) for status in (1, 0)]
    assert status_of(session(*said)).state is status_of(session(*said[::-1])).state is State.FAILED


def test_nothing_that_comes_after_the_end_brings_an_entity_back() -> None:
    destroyed = notification(PUSH, 4, media_push.destroyed(converter, AT_MS, "Idle Timeout"))
    late = notification(PUSH, 3, media_push.state_changed(converter, AT_MS + DAY_MS, "running"))
    assert status_of(session(destroyed, late)).state is State.ENDED
    assert status_of(session(destroyed, late)).since_ms == AT_MS


def test_of_two_ends_the_later_one_counts() -> None:
    ended = notification(GATEWAY, 2, media_gateway.disconnected(ingest, AT_MS))
    aborted = notification(GATEWAY, 3, media_gateway.aborted(ingest, 9), AT_MS + SECOND_MS)
    assert status_of(session(ended, aborted)).state is State.FAILED
    earlier = notification(GATEWAY, 3, media_gateway.aborted(ingest, 9), AT_MS - SECOND_MS)
    assert status_of(session(ended, earlier)).state is State.ENDED


def test_a_player_that_stopped_may_run_again() -> None:
    stopped = notification(PULL, 4, media_pull.status_changed(player, AT_MS, "stopped"))
    running = notification(PULL, 4, media_pull.status_changed(player, AT_MS + SECOND_MS, "running"))
    assert exit_of(session(stopped)) is not None
    assert exit_of(session(running, stopped)) is None
    assert status_of(session(running, stopped)).state is State.LIVE


def test_a_transcoder_ends_by_event_time_before_sequence() -> None:
    said = [transcoding.state_changed(transcoder, 9, AT_MS, "failed"), transcoding.updated(transcoder, 1, AT_MS + 1)]
    assert (
        status_of(session(notification(TRANSCODER, 112, said[0]), notification(TRANSCODER, 113, said[1]))).state
        is State.LIVE
    )


@pytest.mark.parametrize(
    ("said", "state"),
    [
        (states("running"), State.LOST),
        (states("odd"), State.LOST),
        (states("failed"), State.FAILED),
        ([notification(PUSH, 4, media_push.destroyed(converter, AT_MS))], State.ENDED),
    ],
)
def test_a_day_of_silence_loses_what_is_not_over(said: list[Notification], state: State) -> None:
    of = session(*said)
    deadline = silence_deadline_ms(of)
    assert deadline == (of.last_received_ms + DAY_MS if state is State.LOST else None)
    lost = settle(of, of.last_received_ms + DAY_MS)
    assert status_of(lost).state is state
    assert status_of(settle(of, of.last_received_ms + DAY_MS - 1)).state is not State.LOST
    assert (status_of(lost).since_ms == deadline) is (state is State.LOST)


@pytest.mark.parametrize(("word", "state"), [("failed", State.FAILED), ("running", State.LOST), ("odd", State.LOST)])
def test_what_is_over_for_now_is_not_lost_whatever_deadline_passed(word: str, state: State) -> None:
    entity = session(*states(word)).state
    assert isinstance(entity, Entity)
    assert entity_status.status_of(entity, AT_MS, AT_MS + DAY_MS).state is state


def test_a_session_keeps_the_least_channel_that_any_event_names() -> None:
    named = [
        notification(PUSH, 1, media_push.created(media_push.Converter(converter.id, channel, AT_MS), AT_MS + number))
        for number, channel in enumerate(("b", "a", "c"))
    ]
    assert session(*named).channel == session(*named[::-1], *states("running")).channel == "a"

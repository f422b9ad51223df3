"""Small lives of entities, and the lane they have."""

from __future__ import annotations

import pytest

from tests.domain.entity.lives import (
    AI,
    GATEWAY,
    PULL,
    PUSH,
    TASK,
    agent,
    converter,
    ingest,
    notification,
    player,
    task,
)
from tests.domain.timeline.drawn import AT_MS, Notification, Spans, lane, names, spans, timeline_of, told_in
from webhook.samples import conversational_ai, media_gateway, media_pull, media_push, speech_to_text_v5


def push(state: str, second: int) -> Notification:
    return notification(PUSH, 3, media_push.state_changed(converter, AT_MS + 1000 * second, state))


def pull(status: str, second: int) -> Notification:
    return notification(PULL, 4, media_pull.status_changed(player, AT_MS + 1000 * second, status))


CREATED = notification(PUSH, 1, media_push.created(converter, AT_MS, "connecting"))
DESTROYED = notification(PUSH, 4, media_push.destroyed(converter, AT_MS + 60_000, "Internal Error"))

CASES: dict[str, tuple[list[Notification], Spans]] = {
    "an entity is live from its creation": ([CREATED, push("running", 3)], [(0, None, "live")]),
    "fails and recovers": (
        [CREATED, push("failed", 3), push("running", 9)],
        [(0, 3, "live"), (3, 9, "failed"), (9, None, "live")],
    ),
    "ends once and for all": (
        [CREATED, DESTROYED, push("running", 70)],
        [(0, 60, "live"), (60, 60, "ended")],
    ),
    "starts before it says what it does": (
        [push("odd", 1), push("running", 3)],
        [(1, 3, "starting"), (3, None, "live")],
    ),
    "may stop": ([pull("running", 0), pull("stopped", 5)], [(0, 5, "live"), (5, 5, "ended")]),
    "of words at one instant the strongest counts": (
        [pull("connecting", 0), pull("failed", 0), pull("running", 0)],
        [(0, 0, "failed")],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_lane_of_an_entity(case: str) -> None:
    said, expected = CASES[case]
    assert spans(lane(timeline_of(*said), "state")) == expected


FAULTS = [conversational_ai.Fault("llm", 503, "no answer"), conversational_ai.Fault("odd", 7, "what")]
MARKS: list[tuple[Notification, str, str, str]] = [
    (CREATED, "created", "info", "created (connecting): it is connecting to the CDN; nothing is being pushed yet"),
    (push("running", 3), "state_changed", "info", "state changed (running): it is pushing the stream to the CDN"),
    (push("failed", 3), "state_changed", "critical", "state changed (failed): it cannot push the stream to the CDN"),
    (push("odd", 3), "state_changed", "info", "state changed (odd): Agora does not document this word"),
    (DESTROYED, "destroyed", "critical", "destroyed: the converter broke down inside Agora"),
    (
        *(notification(GATEWAY, 3, media_gateway.aborted(ingest, 7)), "aborted", "critical"),
        "aborted: the encoder sent nothing for 10 s; no data 10 s",
    ),
    (
        *(notification(AI, 110, conversational_ai.failed(agent, FAULTS)), "module_failed", "critical"),
        "module failed: the language model did not answer as it should; no answer; the part called odd complained with",
    ),
    (
        *(notification(AI, 110, conversational_ai.failed(agent, FAULTS[1:])), "module_failed", "warning"),
        "module failed: the part called odd complained with code 7; what",
    ),
    (
        *(notification(AI, 102, conversational_ai.left(agent, AT_MS, "FAILED")), "left", "critical"),
        "left: it was stopped as asked",
    ),
    (
        *(notification(AI, 104, conversational_ai.token_expiring(agent)), "token_expiring", "warning"),
        "token expiring: the agent's token is about to expire, or its time is up",
    ),
    (
        *(notification(AI, 201, conversational_ai.call_changed(agent, "RINGING", AT_MS)), "call_changed", "info"),
        "call changed (RINGING): it rings; nobody has answered yet",
    ),
    (
        *(notification(TASK, 30, speech_to_text_v5.uploader_started(task, AT_MS, 1)), "uploader_started", "critical"),
        "uploader started: the upload of the texts did not work as it should",
    ),
    (
        *(notification(TASK, 33, speech_to_text_v5.uploading(task, AT_MS, 5000)), "upload_progressed", "info"),
        "upload progressed",
    ),
]


@pytest.mark.parametrize("row", MARKS, ids=lambda row: f"{row[1]}-{row[3][-12:]}")
def test_marks_of_entities_say_it_in_words(row: tuple[Notification, str, str, str]) -> None:
    said, word, severity, text = row
    (mark,) = lane(timeline_of(said), "state").marks
    assert (mark.kind, mark.severity, mark.notice_id) == (word, severity, said["noticeId"])
    assert mark.text.startswith(text)


def test_an_event_without_time_is_marked_when_its_first_copy_was_sent() -> None:
    payload = media_gateway.aborted(ingest, 7)
    copies = [notification(GATEWAY, 3, payload, AT_MS + late) for late in (65_000, 5_000)]
    assert told_in(lane(timeline_of(*copies), "state"))[0][0] == 5


def test_an_entity_of_which_nothing_is_known_is_starting() -> None:
    drawn = timeline_of(notification(PUSH, 99, media_push.created(converter, AT_MS, "running")))
    assert (names(drawn), spans(lane(drawn, "state"))) == (["state", "other"], [(0, None, "starting")])

"""What each documented event of the products with entities does (agora-notifications.md, section 8)."""

from typing import Any

import pytest

from tests.domain.entity.lives import (
    AI,
    AT_MS,
    GATEWAY,
    PULL,
    PUSH,
    STT,
    TASK,
    TRANSCODER,
    Payload,
    agent,
    converter,
    ingest,
    listener,
    notification,
    player,
    session,
    task,
    transcoder,
)
from webhook.domain.decoding import TABLES
from webhook.samples import (
    conversational_ai,
    media_gateway,
    media_pull,
    media_push,
    speech_to_text,
    speech_to_text_v5,
    transcoding,
)
from webhook.views.sessions import session_view

END_MS = AT_MS + 60_000
NORMAL, ABNORMAL = "normal", "abnormal"

Row = tuple[int, int, Payload, str, tuple[str, str | None] | None, dict[str, Any]]


def call(state: str) -> Payload:
    return conversational_ai.call_changed(agent, state, END_MS)


def left(status: str, message: str) -> Payload:
    return conversational_ai.left(agent, END_MS, status, message)


def stt_left(status: str, message: str) -> Payload:
    return speech_to_text.left(listener, END_MS, status, message)


FAULT = conversational_ai.Fault("llm", 503, "no answer", 2)
RAW = media_push.Converter(converter.id, converter.channel, AT_MS, raw=True)
URL = "rtmp://cdn.example.com/live/***876d"
TRAFFIC = {"inputAudioBytes": 480_000, "inputVideoBytes": 9_600_000}

# product, type, payload, then: state, exit (status and reason), some of the detail
ROWS: list[Row] = [
    (PUSH, 1, media_push.created(converter, END_MS), "live", None, {"state": "connecting", "url": URL}),
    (PUSH, 1, media_push.created(converter, END_MS, "running"), "live", None, {"name": converter.name}),
    (PUSH, 1, media_push.created(converter, END_MS, "odd"), "live", None, {"state": "odd"}),
    (PUSH, 1, media_push.created(converter, END_MS, "failed"), "failed", (ABNORMAL, None), {"state": "failed"}),
    (PUSH, 1, media_push.created(RAW, END_MS), "live", None, {"createdAt": "2025-11-24T16:00:00.000Z"}),
    (PUSH, 2, media_push.configuration_changed(converter, END_MS), "live", None, {"state": "running", "url": URL}),
    (PUSH, 2, {"converter": {"id": converter.id}, "lts": END_MS}, "starting", None, {"state": None}),
    (PUSH, 3, media_push.state_changed(converter, END_MS, "connecting"), "live", None, {"state": "connecting"}),
    (PUSH, 3, media_push.state_changed(converter, END_MS, "Running"), "live", None, {"state": "Running"}),
    (PUSH, 3, media_push.state_changed(converter, END_MS, "failed"), "failed", (ABNORMAL, None), {"state": "failed"}),
    (PUSH, 3, media_push.state_changed(converter, END_MS, "odd"), "starting", None, {"state": "odd"}),
    (PUSH, 4, media_push.destroyed(converter, END_MS), "ended", (NORMAL, "Delete Request"), {"state": "destroyed"}),
    (PUSH, 4, media_push.destroyed(converter, END_MS, "Idle Timeout"), "ended", (NORMAL, "Idle Timeout"), {}),
    (PUSH, 4, media_push.destroyed(converter, END_MS, "Internal Error"), "ended", (ABNORMAL, "Internal Error"), {}),
    (PUSH, 4, media_push.destroyed(converter, END_MS, "Odd Failure"), "ended", (ABNORMAL, "Odd Failure"), {}),
    (PUSH, 4, {"converter": {"id": "x"}, "lts": END_MS}, "ended", (NORMAL, None), {"reason": None}),
    (PULL, 1, media_pull.created(player, END_MS), "live", None, {"state": "connecting", "uid": "700001"}),
    (PULL, 1, media_pull.created(player, END_MS, "odd"), "live", None, {"name": player.name}),
    (PULL, 3, media_pull.destroyed(player, END_MS), "ended", (NORMAL, "Delete Request"), {"state": "destroyed"}),
    (PULL, 3, media_pull.destroyed(player, END_MS, "Stream Stopped"), "ended", (NORMAL, "Stream Stopped"), {}),
    (PULL, 3, media_pull.destroyed(player, END_MS, "Idle Timeout"), "ended", (NORMAL, "Idle Timeout"), {}),
    (PULL, 3, media_pull.destroyed(player, END_MS, "Internal Error"), "ended", (ABNORMAL, "Internal Error"), {}),
    (PULL, 4, media_pull.status_changed(player, END_MS, "connecting"), "live", None, {"state": "connecting"}),
    (PULL, 4, media_pull.status_changed(player, END_MS, "success"), "live", None, {"state": "success"}),
    (PULL, 4, media_pull.status_changed(player, END_MS, "running"), "live", None, {"state": "running"}),
    (PULL, 4, media_pull.status_changed(player, END_MS, "stopped"), "ended", (NORMAL, None), {"state": "stopped"}),
    (PULL, 4, media_pull.status_changed(player, END_MS, "failed"), "failed", (ABNORMAL, None), {"state": "failed"}),
    (GATEWAY, 1, media_gateway.connected(ingest), "live", None, {"state": "connected", "audio": {"profile": 3}}),
    (GATEWAY, 2, media_gateway.disconnected(ingest, END_MS), "ended", (NORMAL, None), {"state": "disconnected"}),
    *(
        (GATEWAY, 3, media_gateway.aborted(ingest, code), "failed", (ABNORMAL, name), {"state": "aborted"})
        for code, name in enumerate(
            (
                *("illegal key", "invalid key", "no permission", "too many streams", "conflict", "bitrate"),
                *("no data for 10 s", "join failed", "network", "unknown"),
            ),
            1,
        )
    ),
    (
        GATEWAY,
        3,
        media_gateway.aborted(ingest, 1) | {"errorCode": 100, "reason": "odd"},
        "failed",
        (ABNORMAL, "odd"),
        {},
    ),
    (GATEWAY, 3, {"sid": "x", "rtcInfo": {"channel": "c"}}, "failed", (ABNORMAL, None), {"reason": None}),
    (GATEWAY, 4, media_gateway.profile_updated(ingest, 640), "starting", None, {"state": None, "uid": "700002"}),
    (AI, 101, conversational_ai.joined(agent), "live", None, {"state": "joined", "labels": {"campaign": "spring"}}),
    (AI, 102, left("STOPPED", "OK"), "ended", (NORMAL, "OK"), {"state": "left"}),
    (AI, 102, left("STOPPED", "Idle for too long"), "ended", (NORMAL, "Idle for too long"), {}),
    (AI, 102, left("FAILED", "Connecting for too long"), "failed", (ABNORMAL, "Connecting for too long"), {}),
    (AI, 102, left("FAILED", "RTC connection error"), "failed", (ABNORMAL, "RTC connection error"), {}),
    (
        *(AI, 102, left("STOPPED", "Task lifetime limit exceeded"), "ended"),
        *((NORMAL, "Task lifetime limit exceeded"), {}),
    ),
    (AI, 102, left("failed", "odd"), "failed", (ABNORMAL, "odd"), {}),
    (AI, 102, left("", "RTC connection error"), "failed", (ABNORMAL, "RTC connection error"), {}),
    (AI, 102, left("", ""), "ended", (NORMAL, None), {}),
    (
        AI,
        103,
        conversational_ai.history(agent, END_MS, [("user", "hi")]),
        "starting",
        None,
        {"history": {"messages": 1}},
    ),
    (AI, 104, conversational_ai.token_expiring(agent), "starting", None, {"name": agent.name}),
    (AI, 110, conversational_ai.failed(agent, [FAULT]), "starting", None, {"name": agent.name}),
    (
        *(AI, 111, conversational_ai.measured(agent, END_MS, [{"turn_id": 1, "tts_ttfb": 70}, {"tts_ttfb": 81}])),
        *("starting", None, {"metrics": {"turns": 2, "tts_ttfb": 76}}),
    ),
    (AI, 112, conversational_ai.turns_finished(agent, END_MS, 12), "starting", None, {"turns": {"total": 12}}),
    *(
        (AI, 201, call(state), "starting", None, {"call": {"direction": "inbound", "state": state}})
        for state in ("START", "CALLING", "RINGING", "ANSWERED", "TRANSFERED", "HANGUP")
    ),
    (AI, 202, call("HANGUP"), "starting", None, {"call": {"direction": "outbound", "state": "HANGUP"}}),
    (STT, 101, speech_to_text.joined(listener), "live", None, {"state": "joined"}),
    (STT, 102, stt_left("STOPPED", "OK"), "ended", (NORMAL, "OK"), {"state": "left"}),
    (STT, 102, stt_left("STOPPED", "Idle for too long"), "ended", (NORMAL, "Idle for too long"), {}),
    (STT, 102, stt_left("FAILED", "RTC connection error"), "failed", (ABNORMAL, "RTC connection error"), {}),
    (STT, 102, stt_left("FAILED", "Fatal ASR error"), "failed", (ABNORMAL, "Fatal ASR error"), {}),
    (STT, 102, stt_left("FAILED", "Fatal Translation error"), "failed", (ABNORMAL, "Fatal Translation error"), {}),
    (
        *(TASK, 4, speech_to_text_v5.file_infos(task, END_MS, "a.m3u8"), "live", None),
        {"upload": {"file": "a.m3u8", "status": "uploading"}},
    ),
    (
        TASK,
        30,
        speech_to_text_v5.uploader_started(task, END_MS),
        "live",
        None,
        {"createdAt": "2025-11-24T16:01:00.000Z"},
    ),
    (TASK, 30, speech_to_text_v5.uploader_started(task, END_MS, 1), "failed", (ABNORMAL, None), {}),
    (
        *(TASK, 31, speech_to_text_v5.uploaded(task, END_MS, [{}, {}]), "ended", (NORMAL, "uploaded")),
        {"upload": {"files": 2, "status": "uploaded"}, "state": "stored"},
    ),
    (TASK, 31, speech_to_text_v5.uploaded(task, END_MS, [], 1), "ended", (ABNORMAL, "uploaded"), {}),
    (TASK, 32, speech_to_text_v5.backed_up(task, END_MS, []), "ended", (NORMAL, "backed up"), {}),
    (
        *(TASK, 33, speech_to_text_v5.uploading(task, END_MS, 4_200), "live", None),
        {"upload": {"progress": 0.42, "status": "uploading"}},
    ),
    (
        *(TASK, 33, speech_to_text_v5.uploading(task, END_MS, 99_999), "live", None),
        {"upload": {"progress": 1.0, "status": "uploading"}},
    ),
    (
        *(TRANSCODER, 110, transcoding.started(transcoder, 0, END_MS), "live", None),
        {"state": "Transcoder success", "output": {"channels": transcoder.channel, "uids": "700003"}},
    ),
    (
        TRANSCODER,
        111,
        transcoding.stopped(transcoder, 3, END_MS),
        "ended",
        (NORMAL, "Stop request"),
        {"state": "stopped"},
    ),
    (TRANSCODER, 111, transcoding.stopped(transcoder, 3, END_MS, "Crashed"), "ended", (ABNORMAL, "Crashed"), {}),
    (TRANSCODER, 112, transcoding.state_changed(transcoder, 1, END_MS, "running"), "live", None, {"state": "running"}),
    (TRANSCODER, 112, transcoding.state_changed(transcoder, 1, END_MS, "failed"), "failed", (ABNORMAL, None), {}),
    (TRANSCODER, 112, transcoding.state_changed(transcoder, 1, END_MS, "odd"), "starting", None, {"state": "odd"}),
    (TRANSCODER, 113, transcoding.updated(transcoder, 2, END_MS), "live", None, {"state": "running"}),
]


@pytest.mark.parametrize(("product_id", "event_type", "payload", "state", "ended", "detail"), ROWS)
def test_an_event_shows_in_state_exit_and_detail(
    product_id: int,
    event_type: int,
    payload: Payload,
    state: str,
    ended: tuple[str, str | None] | None,
    detail: dict[str, Any],
) -> None:
    view = session_view(session(notification(product_id, event_type, payload)))
    assert view["state"] == state
    assert (view["exit"] and (view["exit"]["status"], view["exit"]["reason"])) == ended
    assert {name: _word(view["detail"].get(name)) for name in detail} == detail


def _word(value: Any) -> Any:
    """States by their word alone."""
    if not isinstance(value, dict):
        return value
    return value["word"] if "word" in value else {name: _word(inner) for name, inner in value.items()}


def test_every_documented_event_of_these_products_has_a_row() -> None:
    undocumented = {"cloud_transcoding": TRANSCODER, "speech_to_text": TASK}
    documented = {
        (table.product_id or undocumented[table.name], event_type)
        for table in TABLES
        if table.name not in {"rtc", "cloud_recording"}
        for event_type in table.events
    }
    assert {(product_id, event_type) for product_id, event_type, *_ in ROWS} == documented
    assert len(documented) == 4 + 3 + 4 + 9 + 2 + 5 + 4


TOLD = "2025-11-24T16:01:00.000Z"
SENT = "2025-11-24T16:00:00.900Z"
WITH_TIMES: list[tuple[int, int, Payload, str]] = [
    (PUSH, 3, {"converter": {"id": "x", "state": "running"}, "lts": END_MS}, TOLD),
    (PUSH, 3, {"converter": {"id": "x", "state": "running"}, "lts": END_MS // 1000}, TOLD),
    (PUSH, 3, {"converter": {"id": "x", "state": "running", "updateTs": END_MS // 1000}}, TOLD),
    (PUSH, 3, {"converter": {"id": "x", "state": "running"}}, SENT),
    (PULL, 4, media_pull.status_changed(player, END_MS, "running"), TOLD),
    (PULL, 4, {"player": {"id": "x", "status": "running"}}, SENT),
    (GATEWAY, 1, media_gateway.connected(ingest) | {"beginAt": "2025-11-24T16:01:00Z"}, TOLD),
    (GATEWAY, 1, media_gateway.connected(ingest) | {"beginAt": "2025-11-24T16:01:00.00Z"}, TOLD),
    (GATEWAY, 1, media_gateway.connected(ingest) | {"beginAt": "2025-11-24T16:01:00.000Z"}, TOLD),
    (GATEWAY, 1, media_gateway.connected(ingest) | {"beginAt": "2025-11-24T18:01:00.000+02:00"}, TOLD),
    (GATEWAY, 1, media_gateway.connected(ingest) | {"beginAt": "2025-11-24T16:01:00"}, SENT),
    (GATEWAY, 1, media_gateway.connected(ingest) | {"beginAt": "soon"}, SENT),
    (GATEWAY, 1, media_gateway.connected(ingest) | {"beginAt": END_MS}, SENT),
    (GATEWAY, 1, media_gateway.connected(ingest) | {"beginAt": "1969-12-31T23:59:59Z"}, SENT),
    (GATEWAY, 2, media_gateway.disconnected(ingest, END_MS), TOLD),
    (GATEWAY, 3, media_gateway.aborted(ingest, 1), SENT),
    (GATEWAY, 4, media_gateway.profile_updated(ingest), SENT),
    (GATEWAY, 99, media_gateway.profile_updated(ingest), SENT),
    (AI, 101, conversational_ai.joined(conversational_ai.Agent("x", "c", END_MS)), TOLD),
    (AI, 101, conversational_ai.joined(conversational_ai.Agent("x", "c", END_MS, in_ms=True)), TOLD),
    (AI, 102, left("STOPPED", "OK"), TOLD),
    (AI, 103, conversational_ai.history(agent, END_MS, []), TOLD),
    (AI, 104, conversational_ai.token_expiring(agent), SENT),
    (AI, 110, conversational_ai.failed(agent, [FAULT]), SENT),
    (AI, 111, conversational_ai.measured(agent, END_MS, []), TOLD),
    (AI, 112, conversational_ai.turns_finished(agent, END_MS, 1), TOLD),
    (AI, 201, call("START"), TOLD),
    (AI, 202, call("START"), TOLD),
    (AI, 999, conversational_ai.joined(agent), SENT),
    (STT, 101, speech_to_text.joined(speech_to_text.Agent("x", "c", END_MS)), TOLD),
    (STT, 102, stt_left("STOPPED", "OK"), TOLD),
    (STT, 999, stt_left("STOPPED", "OK"), SENT),
    (TASK, 30, speech_to_text_v5.uploader_started(task, END_MS), TOLD),
    (TRANSCODER, 112, transcoding.state_changed(transcoder, 1, END_MS, "running"), TOLD),
    (
        *(
            TRANSCODER,
            112,
            {"taskId": "x", "serviceScene": "rtsc/cloud-transcoder"} | {"details": {"state": "running"}},
        ),
        SENT,
    ),
    (
        *(TRANSCODER, 112),
        {"taskId": "x", "serviceScene": "rtsc/cloud-transcoder", "details": {"state": "running", "updateTs": END_MS}},
        TOLD,
    ),
]


@pytest.mark.parametrize(("product_id", "event_type", "payload", "at"), WITH_TIMES)
def test_an_event_happened_when_it_says_or_else_when_it_was_sent(
    product_id: int, event_type: int, payload: Payload, at: str
) -> None:
    assert session_view(session(notification(product_id, event_type, payload)))["lastEventAt"] == at

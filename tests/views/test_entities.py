"""What the API shows of entities."""

import json

import msgspec

from tests.domain.entity.lives import (
    AI,
    AT_MS,
    GATEWAY,
    PULL,
    PUSH,
    TASK,
    agent,
    converter,
    ingest,
    notification,
    player,
    session,
    task,
)
from webhook.domain.entity.state import Entity
from webhook.samples import conversational_ai, media_gateway, media_pull, media_push, speech_to_text_v5
from webhook.views.entities import entity_view
from webhook.views.sessions import session_view

END_MS = AT_MS + 60_000


def test_nothing_is_shown_of_an_entity_that_told_nothing() -> None:
    detail = {"createdAt": None, "state": None, "reason": None}
    assert entity_view(Entity()) == {"detail": detail, "errors": [], "warnings": []}


def test_a_converter_shows_what_it_is_doing_and_what_to_do_about_it() -> None:
    created = notification(PUSH, 1, media_push.created(converter, AT_MS))
    failed = notification(PUSH, 3, media_push.state_changed(converter, END_MS, "failed"))
    assert session_view(session(created, failed))["detail"] == {
        "createdAt": "2025-11-24T16:00:00.000Z",
        "state": {
            "word": "failed",
            "at": "2025-11-24T16:01:00.000Z",
            "meaning": "it cannot push the stream to the CDN",
            "action": "Check that the RTMP address is right, its key still valid, "
            "and the CDN reachable and ready for the stream.",
        },
        "reason": None,
        "name": "converter-of-a-sample",
        "url": "rtmp://cdn.example.com/live/***876d",
    }


def test_a_player_that_is_gone_shows_why() -> None:
    created = notification(PULL, 1, media_pull.created(player, AT_MS))
    gone = notification(PULL, 3, media_pull.destroyed(player, END_MS, "Internal Error"))
    detail = session_view(session(created, gone))["detail"]
    assert detail["state"]["word"] == "destroyed"
    assert detail["reason"] == {
        "text": "Internal Error",
        "severity": "critical",
        "meaning": "the player broke down inside Agora",
        "cause": "A server of Agora's failed, or the source could not be decoded.",
        "action": "Create the player again; if that fails too, play the source elsewhere "
        "and ask Agora's support with its id.",
    }
    assert (detail["name"], detail["uid"]) == ("player-of-a-sample", "700001")


def test_a_reason_that_nobody_documents_is_shown_as_it_was_told() -> None:
    gone = notification(PULL, 3, media_pull.destroyed(player, END_MS, "Odd"))
    assert session_view(session(gone))["detail"]["reason"] == {
        "text": "Odd",
        "severity": "info",
        "meaning": "Agora does not document this word",
        "cause": None,
        "action": None,
    }


def test_an_ingest_stream_shows_its_profile_what_it_carried_and_its_error() -> None:
    said = [
        notification(GATEWAY, 1, media_gateway.connected(ingest)),
        notification(GATEWAY, 4, media_gateway.profile_updated(ingest)),
        notification(GATEWAY, 2, media_gateway.disconnected(ingest, END_MS)),
        notification(GATEWAY, 3, media_gateway.aborted(ingest, 7), END_MS + 1_000),
    ]
    view = session_view(session(*said))
    detail = view["detail"]
    assert detail["stats"] == {
        "inputAudioBytes": 480_000,
        "inputVideoBytes": 9_600_000,
        "outputAudioBytes": 320_000,
        "outputVideoBytes": 7_200_000,
    }
    picture = {"bitrate": 1_200, "codec": "H.264", "fps": 30, "gop": 1_000, "height": 720, "width": 1280}
    assert (detail["video"], detail["audio"]) == (picture, {"channels": 2, "profile": 3, "sampleRate": 44_100})
    assert (detail["uid"], detail["region"], detail["domain"]) == ("700002", "eu", "ingress.example.com")
    assert view["errors"] == [
        {
            "at": "2025-11-24T16:01:01.000Z",
            "module": "gateway",
            "level": None,
            "code": 7,
            "message": "no data 10 s",
            "meaning": "the encoder sent nothing for 10 s",
            "action": "Check that the encoder runs and that its uplink carries the bitrate.",
        }
    ]


def test_an_agents_call_shows_its_way_and_its_last_state() -> None:
    said = [
        notification(AI, 202, conversational_ai.call_changed(agent, state, AT_MS + late))
        for late, state in enumerate(("CALLING", "RINGING", "ANSWERED", "HANGUP"))
    ]
    call = session_view(session(*said[::-1]))["detail"]["call"]
    at = "2025-11-24T16:00:00.003Z"
    state = {"word": "HANGUP", "at": at, "meaning": "the call is over", "action": None}
    assert call == {"direction": "outbound", "state": state}


def test_of_two_call_states_at_one_instant_the_further_one_counts() -> None:
    said = [
        notification(AI, 202, conversational_ai.call_changed(agent, state, AT_MS)) for state in ("START", "CALLING")
    ]
    assert session_view(session(*said))["detail"]["call"]["state"]["word"] == "CALLING"


def test_an_expiring_token_is_a_warning_and_a_failed_module_an_error() -> None:
    faults = [conversational_ai.Fault("llm", 503, "no answer", 2)]
    said = [
        notification(AI, 104, conversational_ai.token_expiring(agent)),
        notification(AI, 110, conversational_ai.failed(agent, faults)),
    ]
    view = session_view(session(*said))
    assert [(error["module"], error["code"]) for error in view["errors"]] == [("llm", 503)]
    assert view["warnings"] == [
        {
            "at": "2025-11-24T16:00:00.900Z",
            "module": "token",
            "level": None,
            "code": None,
            "message": "Token is about to expire",
            "meaning": "the agent's token is about to expire, or its time is up",
            "action": "Update the agent with a new token.",
        }
    ]


def test_a_tasks_upload_shows_how_far_it_is() -> None:
    said = [
        notification(TASK, 33, speech_to_text_v5.uploading(task, AT_MS + 1_000 * late, progress))
        for late, progress in enumerate((0, 5_000))
    ]
    assert session_view(session(*said))["detail"]["upload"] == {"progress": 0.5, "status": "uploading"}


def test_a_label_may_be_called_like_anything() -> None:
    labels = dict.fromkeys(("state", "reason", "name", "createdAt", "a.b"), "x")
    odd = conversational_ai.Agent("x", "c", AT_MS, labels=labels)
    detail = session_view(session(notification(AI, 101, conversational_ai.joined(odd))))["detail"]
    assert detail["labels"] == labels


def test_a_view_is_plain_json() -> None:
    view = session_view(session(notification(AI, 101, conversational_ai.joined(agent))))
    assert json.loads(msgspec.json.encode(view)) == view

"""Credentials in notifications: raw in the inbox until they are drained, masked in everything after it."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.routes.posting import Post
from tests.store.build import AT_MS, raw, told, video
from tests.store.contents import everything
from tests.store.rig import Rig
from webhook.samples import SAMPLES, sample
from webhook.store.notifications import ItemFilter, Notifications
from webhook.views.sessions import session_view

PLANTED = "pLaNtEd0123456789abcdefghijklmnop"
API = "/api/v1"


def converter(**more: Any) -> dict[str, Any]:
    fields = {
        "id": "c1",
        "state": "running",
        "createTs": AT_MS // 1000,
        "rtmpUrl": f"rtmp://cdn.example.com/live/{PLANTED}",
    }
    return {"converter": fields | {"transcodeOptions": {"rtcChannel": "lobby"}} | more, "lts": AT_MS}


def player(**more: Any) -> dict[str, Any]:
    fields = {"id": "p1", "channelName": "lobby", "status": "running", "token": PLANTED}
    return {
        "player": fields | {"streamUrl": f"rtmp://u:{PLANTED}@origin.example.com/live/{PLANTED}"} | more,
        "lts": AT_MS,
    }


def ingest(**more: Any) -> dict[str, Any]:
    whole = {"sid": "g1", "streamKey": PLANTED, "rtcInfo": {"channel": "lobby", "uid": "7"}}
    return whole | {"beginAt": "2025-11-24T16:00:00Z"} | more


LEAKING: dict[str, dict[str, Any]] = {
    "a push that is created": told(5, 1, converter()),
    "a push that changes": told(5, 2, converter(rtmpUrl=f"rtmps://cdn.example.com:443/app/{PLANTED}?auth={PLANTED}")),
    "a push that fails": told(
        5, 3, converter(state="failed") | {"reason": f"rtmp://cdn.example.com/live/{PLANTED} refused"}
    ),
    "a push that ends": told(5, 4, converter() | {"destroyReason": "Internal Error"}),
    "a pull that is created": told(4, 1, player()),
    "a pull by HTTP": told(4, 1, player(streamUrl=f"https://origin.example.com/live.m3u8?token={PLANTED}#{PLANTED}")),
    "a pull that fails": told(4, 4, player(status="failed")),
    "a pull that ends": told(4, 3, player() | {"destroyReason": f"token={PLANTED}"}),
    "a stream that comes in": told(10, 1, ingest()),
    "a stream that is refused": told(10, 3, ingest(errorCode=2, reason=f"stream key {PLANTED} is not valid")),
    "a stream that changes": told(10, 4, ingest(videoProfile={"codec": "H.264"})),
    "a stream known by its shape": told(77, 1, ingest()),
    "a recording that is pushed": video(1)
    | {"eventType": 100}
    | {
        "payload": video(1)["payload"]
        | {"details": {"rtmpUrl": f"rtmp://c.example.com/l/{PLANTED}", "status": "onhold"}}
    },
    "an agent's labels": told(
        17, 101, {"agent_id": "a1", "channel": "lobby", "start_ts": AT_MS, "labels": {"apiKey": PLANTED}}
    ),
    "an unknown product": told(
        99, 1, {"streamKey": PLANTED, "deep": [{"token": PLANTED}], "url": f"rtmp://h/a/{PLANTED}"}
    ),
    "an unknown type": told(5, 77, converter()),
    "a test of the console": told(5, 1, converter(transcodeOptions={"rtcChannel": "test_webhook"})),
    "what lacks what its type needs": told(4, 4, player(status=None)),
    "what names no session": told(5, 1, converter(id=None)),
    "beside the payload": told(5, 1, converter())
    | {"token": PLANTED, "callback": f"https://u:{PLANTED}@h.example.com/"},
}


def leaks(found: bytes | str) -> bool:
    text = found if isinstance(found, str) else found.decode("utf-8", "backslashreplace")
    return PLANTED.lower() in text.lower()


@pytest.mark.parametrize("name", LEAKING)
def test_before_the_drain_only_the_inbox_holds_it_and_after_it_nothing_does(
    post: Post, rig: Rig, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    caplog.set_level(logging.DEBUG)
    answer = post(LEAKING[name])
    assert answer.status_code == 200
    assert leaks(everything(rig.redis))
    assert not leaks(everything(rig.redis, but=":inbox"))
    rig.drain()
    assert sum(rig.outcomes().values()) == 1
    assert not leaks(everything(rig.redis))
    assert not leaks(answer.get_data(as_text=True) + str(answer.headers) + caplog.text)


def test_no_answer_shows_any_of_them(post: Post, client: FlaskClient, rig: Rig) -> None:
    for body in LEAKING.values():
        post(body)
    rig.drain()
    paths = ["/sessions", "/notifications", "/channels", "/channels/rtc:default:lobby", "/streams", "/summary"]
    paths += [f"/sessions/{item['id']}" for item in client.get(f"{API}/sessions").json["items"]]
    paths += [f"{path}/notifications" for path in paths if path.startswith("/sessions/")]
    answers = [client.get(f"{API}{path}") for path in paths]
    assert len(paths) > 12
    assert {answer.status_code for answer in answers} <= {200, 404}
    assert not any(leaks(answer.get_data(as_text=True)) for answer in answers)


def test_what_is_masked_can_still_be_told_apart(post: Post, client: FlaskClient, rig: Rig) -> None:
    for number in range(2):
        post(told(5, 1, converter(id=f"c{number}", rtmpUrl=f"rtmp://cdn.example.com/live/key-number-{number}")))
    rig.drain()
    shown = {client.get(f"{API}/sessions/c{number}").json["detail"]["url"] for number in range(2)}
    assert len(shown) == 2
    assert all(url.startswith("rtmp://cdn.example.com/live/***") for url in shown)


@pytest.mark.parametrize("spelt", ["\\u0074oken", "to\\u006ben"])
def test_a_name_that_is_escaped_hides_nothing(post: Post, rig: Rig, spelt: str) -> None:
    body = raw(told(4, 1, player())).replace(b'"token"', f'"{spelt}"'.encode())
    assert post(body).status_code == 200
    rig.drain()
    assert not leaks(everything(rig.redis))


def test_of_a_payload_that_stands_twice_neither_is_kept_raw(post: Post, rig: Rig) -> None:
    body = raw(told(4, 1, player()))
    twice = body[:-1] + b', "payload": ' + json.dumps(player(id="p2")).encode() + b"}"
    assert post(twice).status_code == 200
    rig.drain()
    assert rig.has("p2")
    assert not leaks(everything(rig.redis))


@pytest.mark.parametrize(("product_id", "event_type"), sorted(SAMPLES))
def test_a_masked_body_says_what_the_raw_one_said(rig: Rig, product_id: int, event_type: int) -> None:
    rig.append(sample(product_id, event_type))
    rig.drain()
    shown = [session_view(rig.session(sid)) for sid in rig.ids()]
    kept = [json.loads(body) for body in bodies(rig)]
    rig.redis.flushall()
    rig.append(*kept)
    rig.drain()
    assert [session_view(rig.session(sid)) for sid in rig.ids()] == shown
    assert [json.loads(body) for body in bodies(rig)] == kept
    assert len(kept) == len(shown) == 1


def bodies(rig: Rig) -> list[bytes]:
    """The bodies that are kept."""
    page = Notifications(rig.redis, rig.shards).all(ItemFilter(), 50, None)
    return [item.entry.body for item in page.items]

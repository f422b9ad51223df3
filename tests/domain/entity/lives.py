"""Entities of every product as they live: what each tells, in the order of sending, and what folding makes of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import Any
from zlib import crc32

import msgspec

from webhook.domain.arrivals import Arrival, Reading, read
from webhook.domain.folding import Folding, Known, Limits
from webhook.domain.session import Session
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

Notification = dict[str, Any]
Payload = dict[str, Any]

AT_MS = 1_764_000_000_000  # 2025-11-24T16:00:00.000Z
RECEIVED_MS = AT_MS + 3_600_000
DAY_MS = 86_400_000
CHANNEL = "Town_hall"
ID = "b7e0a94c2f5d4d18835a61c0e7f29d34"
LIMITS = Limits(log_per_session=4096, retention_ms=7 * DAY_MS)

PUSH, PULL, GATEWAY, AI, STT = 5, 4, 10, 17, 20
TASK, TRANSCODER = speech_to_text_v5.PRODUCT_ID, transcoding.PRODUCT_ID  # their numbers are not documented
PRODUCTS = (PUSH, PULL, GATEWAY, AI, STT, TASK, TRANSCODER)

converter = media_push.Converter(ID, CHANNEL, AT_MS)
player = media_pull.Player(ID, CHANNEL, 700_001, AT_MS)
ingest = media_gateway.Ingest(ID, CHANNEL, "700002", AT_MS)
agent = conversational_ai.Agent(ID, CHANNEL, AT_MS, labels={"campaign": "spring"})
listener = speech_to_text.Agent(ID, CHANNEL, AT_MS)
task = speech_to_text_v5.Task(ID, CHANNEL)
transcoder = transcoding.Transcoder(ID, CHANNEL, AT_MS)


def notification(product_id: int, event_type: int, payload: Payload, notify_ms: int = AT_MS + 900) -> Notification:
    """A notification; equal payloads have equal names."""
    name = f"{product_id}:{event_type}:{crc32(json.dumps(payload, sort_keys=True).encode()):x}"
    outer = {"noticeId": name, "productId": product_id, "eventType": event_type, "notifyMs": notify_ms}
    return outer | {"payload": payload}


def reading(said: Notification, received_ms: int = RECEIVED_MS) -> Reading:
    """`said` as it is read once it was received."""
    return read(Arrival("", "default", "default", 2, json.dumps(said).encode()), received_ms)


def fold(batches: Iterable[Iterable[Notification]], limits: Limits = LIMITS) -> dict[str, Session]:
    """The sessions that batches of notifications make, one batch after the other."""
    kept = Known()
    for batch in batches:
        folding = Folding(Known(dict(kept.sessions), dict(kept.entries), set(kept.effects)), limits)
        for said in batch:
            folding.take(reading(said))
        for session_id in folding.moved:
            folding.refold(session_id, kept.entries)
        kept.sessions.update({key: folding.sessions[key] for key in folding.touched})
        kept.entries.update(folding.entries)
        kept.effects |= folding.effects
    return kept.sessions


def session(*said: Notification) -> Session:
    """The one session that a batch of notifications makes."""
    (only,) = fold([said]).values()
    return only


def shown(of: Session) -> bytes:
    """The session as the API answers it, without what by nature depends on arrival."""
    view = session_view(of)
    del view["notifications"], view["revision"]
    return msgspec.json.encode(view)


def life(product_id: int, random: Random) -> list[Notification]:
    """The life of one entity in the order of sending. Steps of time are few and often 0, so that events tie."""
    lines: list[Notification] = []
    at_ms = AT_MS
    for _ in range(random.randint(1, 14)):
        at_ms += random.choice((0, 0, 1, 400, 1_000, 10_000))
        event_type, payload = random.choice(LIVES[product_id])(random, at_ms)
        lines.append(notification(product_id, event_type, payload, at_ms + random.randint(20, 1_500)))
    return lines


def with_copies(said: Iterable[Notification], random: Random) -> list[Notification]:
    """`said` and for some of them copies: sent again, or told under another name, later or earlier."""
    copied = [each for each in said for _ in range(random.randint(0, 2))]
    return [*said, *(_copy(each, random) for each in copied)]


def shuffled_batches(said: list[Notification], random: Random) -> list[list[Notification]]:
    """`said` in any order, cut into batches anywhere."""
    batches: list[list[Notification]] = [[]]
    for each in random.sample(said, len(said)):
        if random.random() < 0.2:
            batches.append([])
        batches[-1].append(each)
    return batches


def _copy(said: Notification, random: Random) -> Notification:
    name = random.choice((said["noticeId"], f"{said['noticeId']}:again"))
    return said | {"noticeId": name, "notifyMs": said["notifyMs"] + random.randint(-800, 60_000)}


Line = Callable[[Random, int], tuple[int, Payload]]

PUSH_STATES, PULL_STATES = ("connecting", "running", "failed", "odd"), ("connecting", "success", "running", "failed")
CALLS = ("START", "CALLING", "RINGING", "ANSWERED", "TRANSFERED", "HANGUP", "ODD")
FAULTS = [
    conversational_ai.Fault(module, 500 + turn, "no answer", turn) for turn in range(9) for module in ("llm", "x")
]

LIVES: Mapping[int, list[Line]] = {
    PUSH: [
        lambda random, at_ms: (1, media_push.created(converter, at_ms, random.choice(PUSH_STATES))),
        lambda random, at_ms: (2, media_push.configuration_changed(converter, at_ms, random.choice(PUSH_STATES))),
        lambda random, at_ms: (3, media_push.state_changed(converter, at_ms, random.choice(PUSH_STATES))),
        lambda random, at_ms: (3, media_push.state_changed(converter, at_ms, random.choice(PUSH_STATES))),
        lambda random, at_ms: (4, media_push.destroyed(converter, at_ms, random.choice(("Internal Error", "odd")))),
    ],
    PULL: [
        lambda random, at_ms: (1, media_pull.created(player, at_ms, random.choice(PULL_STATES))),
        lambda random, at_ms: (4, media_pull.status_changed(player, at_ms, random.choice((*PULL_STATES, "stopped")))),
        lambda random, at_ms: (4, media_pull.status_changed(player, at_ms, random.choice((*PULL_STATES, "odd")))),
        lambda random, at_ms: (
            3,
            media_pull.destroyed(player, at_ms, random.choice(("Internal Error", "Idle Timeout"))),
        ),
    ],
    GATEWAY: [
        lambda random, at_ms: (1, media_gateway.connected(ingest)),
        lambda random, at_ms: (2, media_gateway.disconnected(ingest, at_ms)),
        lambda random, at_ms: (3, media_gateway.aborted(ingest, random.randint(1, 10))),
        lambda random, at_ms: (4, media_gateway.profile_updated(ingest, random.choice((640, 1280)))),
    ],
    AI: [
        lambda random, at_ms: (101, conversational_ai.joined(agent)),
        lambda random, at_ms: (102, conversational_ai.left(agent, at_ms, random.choice(("STOPPED", "FAILED")))),
        lambda random, at_ms: (103, conversational_ai.history(agent, at_ms, [("user", "hello")])),
        lambda random, at_ms: (104, conversational_ai.token_expiring(agent)),
        lambda random, at_ms: (110, conversational_ai.failed(agent, random.sample(FAULTS, 3))),
        lambda random, at_ms: (111, conversational_ai.measured(agent, at_ms, [{"turn_id": 1, "tts_ttfb": 70}])),
        lambda random, at_ms: (112, conversational_ai.turns_finished(agent, at_ms, random.randint(1, 9))),
        lambda random, at_ms: (random.choice((201, 202)), _call(random, at_ms)),
    ],
    STT: [
        lambda random, at_ms: (101, speech_to_text.joined(listener)),
        lambda random, at_ms: (102, speech_to_text.left(listener, at_ms, random.choice(("STOPPED", "FAILED")))),
    ],
    TASK: [
        lambda random, at_ms: (4, speech_to_text_v5.file_infos(task, at_ms, "a.m3u8")),
        lambda random, at_ms: (30, speech_to_text_v5.uploader_started(task, at_ms, random.choice((0, 1)))),
        lambda random, at_ms: (31, speech_to_text_v5.uploaded(task, at_ms, [], random.choice((0, 1)))),
        lambda random, at_ms: (32, speech_to_text_v5.backed_up(task, at_ms, [])),
        lambda random, at_ms: (33, speech_to_text_v5.uploading(task, at_ms, random.choice((0, 5_000, 10_000)))),
    ],
    TRANSCODER: [
        lambda random, at_ms: (110, transcoding.started(transcoder, random.randint(0, 3), at_ms)),
        lambda random, at_ms: (112, _transcoding(random, at_ms)),
        lambda random, at_ms: (113, transcoding.updated(transcoder, random.randint(0, 3), at_ms)),
        lambda random, at_ms: (111, transcoding.stopped(transcoder, random.randint(0, 3), at_ms, "Internal error")),
    ],
}


def _call(random: Random, at_ms: int) -> Payload:
    return conversational_ai.call_changed(agent, random.choice(CALLS), at_ms)


def _transcoding(random: Random, at_ms: int) -> Payload:
    state = random.choice(("running", "failed", "odd"))
    return transcoding.state_changed(transcoder, random.randint(0, 3), at_ms, state)

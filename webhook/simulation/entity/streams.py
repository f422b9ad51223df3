"""Entities that carry streams: converters, players, ingest streams, transcoders (agora-notifications.md, section 8)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random

from webhook.samples import media_gateway, media_pull, media_push, transcoding
from webhook.samples.media_gateway import REASONS, Ingest, Traffic
from webhook.samples.media_pull import Player
from webhook.samples.media_push import Converter
from webhook.samples.transcoding import Transcoder
from webhook.samples.wire import Payload
from webhook.simulation.entity.model import End, Entity, Place, Step, entity, moments

PUSH_REASONS = {"Delete Request": "normal", "Idle Timeout": "normal", "Internal Error": "abnormal"}
PULL_REASONS = PUSH_REASONS | {"Stream Stopped": "normal"}


def push(rng: Random) -> Entity:
    """A converter that connects and runs, may fail and recover, may be told to push elsewhere, and mostly ends."""
    end, reason = _destroyed(rng, PUSH_REASONS)
    raw = rng.random() < 0.3
    states = ["connecting", "running", *(["failed", "connecting", "running"] if rng.random() < 0.4 else [])]
    states += ["failed"] if reason is None and end.state == "failed" else []
    at_ms = moments(rng, len(states) + 3)
    steps = [Step(0, 1, partial(_push_created, raw=raw))]
    steps += [Step(at, 3, partial(_push_state, state=state)) for at, state in zip(at_ms[1:], states, strict=False)]
    if states[-1] == "running":
        steps.append(Step(at_ms[len(states) + 1], 2, _push_configured))
    if reason is not None:
        steps.append(Step(at_ms[-1], 4, partial(_push_destroyed, reason=reason)))
    return entity(rng, "media_push", media_push.PRODUCT_ID, steps, end)


def _destroyed(rng: Random, reasons: dict[str, str]) -> tuple[End, str | None]:
    """How it ends, and the reason where it is destroyed: of five one goes on and one is left failed."""
    kind = rng.random()
    if kind < 0.4:
        return (End() if kind < 0.2 else End("failed", "abnormal")), None
    reason = rng.choice(sorted(reasons))
    return End("ended", reasons[reason], reason), reason


def _converter(place: Place, *, raw: bool = False, url: str = "rtmp://cdn.example.com/live/push-key-1") -> Converter:
    return Converter(place.id, place.channel, place.begun_ms, rtmp_url=url, raw=raw)


def _push_created(place: Place, at_ms: int, raw: bool) -> Payload:
    return media_push.created(_converter(place, raw=raw), at_ms)


def _push_state(place: Place, at_ms: int, state: str) -> Payload:
    return media_push.state_changed(_converter(place), at_ms, state)


def _push_configured(place: Place, at_ms: int) -> Payload:
    elsewhere = "rtmp://cdn2.example.com/live/push-key-2"
    return media_push.configuration_changed(_converter(place, url=elsewhere), at_ms)


def _push_destroyed(place: Place, at_ms: int, reason: str) -> Payload:
    return media_push.destroyed(_converter(place), at_ms, reason)


def pull(rng: Random) -> Entity:
    """A player that connects and plays, may fail and recover, may come to the end of its source, and mostly ends."""
    end, reason = _destroyed(rng, PULL_REASONS)
    states = ["connecting", "success", "running", *(["failed", "running"] if rng.random() < 0.4 else [])]
    if reason is None and end.state == "failed":
        states.append(rng.choice(("failed", "stopped")))
        end = end if states[-1] == "failed" else End("ended", "normal")
    at_ms = moments(rng, len(states) + 2)
    steps = [Step(0, 1, _pull_created)]
    steps += [Step(at, 4, partial(_pull_status, status=status)) for at, status in zip(at_ms[1:], states, strict=False)]
    if reason is not None:
        steps.append(Step(at_ms[-1], 3, partial(_pull_destroyed, reason=reason)))
    return entity(rng, "media_pull", media_pull.PRODUCT_ID, steps, end)


def _player(place: Place) -> Player:
    return Player(place.id, place.channel, 700_001, place.begun_ms)


def _pull_created(place: Place, at_ms: int) -> Payload:
    return media_pull.created(_player(place), at_ms)


def _pull_status(place: Place, at_ms: int, status: str) -> Payload:
    return media_pull.status_changed(_player(place), at_ms, status)


def _pull_destroyed(place: Place, at_ms: int, reason: str) -> Payload:
    return media_pull.destroyed(_player(place), at_ms, reason)


def gateway(rng: Random) -> Entity:
    """An ingest stream that changes its picture and goes on, is disconnected, or is aborted with any of ten codes."""
    end, step = _gateway_end(rng, *moments(rng, 4)[2:])
    digits = rng.choice((0, 2, 3))
    steps = [Step(0, 1, _of_ingest(digits, media_gateway.connected))]
    if rng.random() < 0.6:
        steps.append(Step(5_000, 4, _of_ingest(digits, partial(media_gateway.profile_updated, width=640, height=360))))
    steps += [Step(at_ms, event_type, _of_ingest(digits, told)) for at_ms, event_type, told in step]
    return entity(rng, "media_gateway", media_gateway.PRODUCT_ID, steps, end)


Told = Callable[[Ingest], Payload]


def _gateway_end(rng: Random, middle_ms: int, last_ms: int) -> tuple[End, list[tuple[int, int, Told | None]]]:
    if rng.random() < 0.25:
        return End(), []
    if rng.random() < 0.5:
        return End("ended", "normal"), [(last_ms, 2, None)]
    code = rng.randint(1, len(REASONS))
    return End("failed", "abnormal", None, (code,)), [(middle_ms, 3, partial(media_gateway.aborted, code=code))]


def _of_ingest(digits: int, told: Told | None) -> Callable[[Place, int], Payload]:
    """What `told` makes of the ingest stream; None is its end, which names the moment."""

    def build(place: Place, at_ms: int) -> Payload:
        ingest = Ingest(place.id, place.channel, "700002", place.begun_ms, digits=digits)
        return told(ingest) if told else media_gateway.disconnected(ingest, at_ms, Traffic(audio_in=at_ms % 100_000))

    return build


def transcoder(rng: Random) -> Entity:
    """A transcoder that runs, is told to mix others, and mostly stops as asked."""
    end = End("ended", "normal", "Stop request") if rng.random() < 0.7 else End()
    kinds: list[tuple[int, Callable[..., Payload]]] = [
        (110, transcoding.started),
        (112, partial(transcoding.state_changed, state="running")),
        *([(113, transcoding.updated)] * rng.randint(0, 2)),
    ]
    if end.exit_status:
        kinds.append((111, transcoding.stopped))
    steps = [
        Step(at_ms, event_type, partial(_of_transcoder, told, number))
        for number, (at_ms, (event_type, told)) in enumerate(zip(moments(rng, len(kinds)), kinds, strict=True))
    ]
    return entity(rng, "cloud_transcoding", transcoding.PRODUCT_ID, steps, end)


def _of_transcoder(told: Callable[..., Payload], number: int, place: Place, at_ms: int) -> Payload:
    return told(Transcoder(place.id, place.channel, place.begun_ms, (1, 2 + number)), number, at_ms)

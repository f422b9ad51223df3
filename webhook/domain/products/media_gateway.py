"""Media Gateway, product 10: streams that come in (agora-notifications.md, section 8). Times are RFC 3339.

The number is known from the field only, so its payloads are recognised by their shape as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from webhook.domain.entity.events import Happened, Problem, Properties
from webhook.domain.entity.fields import numbers, told, word
from webhook.domain.envelope import Envelope
from webhook.domain.products.stream_terms import GATEWAY, GATEWAY_ERRORS
from webhook.domain.products.table import EventType, Product
from webhook.domain.states import State
from webhook.domain.wire import integer, mapping, milliseconds, text

NAME = "media_gateway"
STATS = ("inputAudioBytes", "inputVideoBytes", "outputAudioBytes", "outputVideoBytes")
VIDEO = ("width", "height", "fps", "bitrate", "gop")
AUDIO = ("profile", "sampleRate", "channels")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _connected(payload: Mapping[str, Any]) -> Happened:
    wanted = mapping(payload.get("transcoding"))
    profile = _profile(mapping(wanted.get("video")), mapping(wanted.get("audio")))
    connected = _of_stream("connected", payload, profile + told(state="connected"))
    return replace(connected, phase=State.LIVE, begins=True)


def _disconnected(payload: Mapping[str, Any]) -> Happened:
    carried = numbers("stats", mapping(payload.get("streamStats")), STATS)
    return replace(_of_stream("disconnected", payload, carried), phase=State.ENDED, final=True)


def _aborted(payload: Mapping[str, Any]) -> Happened:
    code, message = integer(payload.get("errorCode")), word(payload.get("reason"))
    known = GATEWAY_ERRORS.get(-1 if code is None else code)
    reason = known.name if known else message
    return replace(
        _of_stream("aborted", payload, ()),
        phase=State.FAILED,
        final=True,
        abnormal=True,
        reason=reason,
        problems=(Problem(GATEWAY, code, message or reason or ""),),
    )


def _profile_updated(payload: Mapping[str, Any]) -> Happened:
    profile = _profile(mapping(payload.get("videoProfile")), mapping(payload.get("audioProfile")))
    return _of_stream("profile_updated", payload, profile)


def _of_stream(kind: str, payload: Mapping[str, Any], properties: Properties) -> Happened:
    uid = word(mapping(payload.get("rtcInfo")).get("uid"))
    place = told(uid=uid, region=word(payload.get("region")), domain=word(payload.get("domain")))
    return Happened(kind=kind, began_ms=instant_ms(payload.get("beginAt")), properties=place + properties)


def _profile(video: Mapping[str, Any], audio: Mapping[str, Any]) -> Properties:
    codec = told(video_codec=word(video.get("codec")))
    return codec + numbers("video", video, VIDEO) + numbers("audio", audio, AUDIO)


def instant_ms(value: Any) -> int | None:
    """An RFC 3339 time with any number of fraction digits, in ms; None where it is none, or names no zone."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return None if moment.tzinfo is None else milliseconds((moment - _EPOCH) // timedelta(milliseconds=1))


def _session_id(envelope: Envelope, project: str) -> str | None:
    # Without its channel it would be routed by its id, and its session split over two shards: those of an ingest stream
    # that do name it go to the shard of the channel. So it stays a dead letter, to be seen, until somebody looks.
    return (text(envelope.payload.get("sid")) or envelope.sid) if _channel(envelope) else None


def _channel(envelope: Envelope) -> str | None:
    return text(mapping(envelope.payload.get("rtcInfo")).get("channel"))


def _occurred_ms(envelope: Envelope) -> int | None:
    row = EVENTS.get(envelope.event_type)
    return next((instant_ms(envelope.payload.get(key)) for key in (row.clock if row else ())), None)


def _recognises(payload: Mapping[str, Any]) -> bool:
    return "streamKey" in payload and isinstance(payload.get("rtcInfo"), dict)


FIELDS = frozenset(
    {
        *("sid", "region", "domain", "streamKey", "rtcInfo", "beginAt", "endAt", "streamStats", "errorCode", "reason"),
        *("transcoding", "videoProfile", "audioProfile"),
    }
)

EVENTS: dict[int, EventType] = {
    1: EventType("live_stream_connected", 10, _connected, ("beginAt",)),
    4: EventType("live_stream_updated", 20, _profile_updated),
    2: EventType("live_stream_disconnected", 50, _disconnected, ("endAt",)),
    3: EventType("live_stream_aborted", 60, _aborted),
}

MEDIA_GATEWAY = Product(
    name=NAME,
    product_id=10,
    events=EVENTS,
    session_id=_session_id,
    channel=_channel,
    occurred_ms=_occurred_ms,
    recognises=_recognises,
    fields=FIELDS,
    nameless="payload.sid and payload.rtcInfo.channel, which name a stream and where it belongs, are not both there",
)

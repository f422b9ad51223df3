"""Payloads of Media Gateway, productId 10 (agora-notifications.md, section 8). Times are RFC 3339."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from webhook.samples.cast import BEGUN_BEFORE_MS, CHANNEL
from webhook.samples.wire import Payload, Sample, rfc3339

PRODUCT_ID = 10
NO_DATA = 7  # errorCode: nothing came for 10 s
REASONS = (
    "illegal key",
    "invalid key",
    "no permission",
    "too many streams",
    "conflict",
    "bitrate",
    "no data 10 s",
    "join failed",
    "network",
    "unknown",
)  # of the errorCodes from 1


class Ingest(Struct, frozen=True):
    """A stream that comes in for a channel since `begun_ms`; `digits` of the second's fraction are told, 0 to 3."""

    sid: str
    channel: str
    uid: str
    begun_ms: int
    stream_key: str = "live-key-of-a-sample"
    digits: int = 3


class Traffic(Struct, frozen=True):
    """What a stream carried in all, in bytes."""

    audio_in: int = 480_000
    video_in: int = 9_600_000
    audio_out: int = 320_000
    video_out: int = 7_200_000


def connected(ingest: Ingest) -> Payload:
    """Type 1: the stream comes in. Its only time is beginAt."""
    sound, picture = {"enabled": True, "profile": 3}, {"enabled": True, "bitrate": 1_200, "fps": 30}
    return _stream(ingest) | {"transcoding": {"audio": sound, "video": picture | {"width": 1280, "height": 720}}}


def disconnected(ingest: Ingest, ended_ms: int, traffic: Traffic | None = None) -> Payload:
    """Type 2: the stream ended at `ended_ms`."""
    carried = traffic or Traffic()
    inward = {"inputAudioBytes": carried.audio_in, "inputVideoBytes": carried.video_in}
    outward = {"outputAudioBytes": carried.audio_out, "outputVideoBytes": carried.video_out}
    return _stream(ingest) | {"streamStats": inward | outward, "endAt": rfc3339(ended_ms, ingest.digits)}


def aborted(ingest: Ingest, code: int, reason: str | None = None) -> Payload:
    """Type 3: the stream was refused or lost; `code` 1 to 10, `reason` else the one of REASONS. No time of its own."""
    return _stream(ingest) | {"errorCode": code, "reason": REASONS[code - 1] if reason is None else reason}


def profile_updated(ingest: Ingest, width: int = 1280, height: int = 720) -> Payload:
    """Type 4: the stream's picture is `width` by `height` pixels from now on. No time of its own."""
    picture = {"codec": "H.264", "width": width, "height": height, "gop": 1_000}
    return _stream(ingest) | {"videoProfile": picture, "audioProfile": {"sampleRate": 44_100, "channels": 2}}


def _stream(ingest: Ingest) -> Payload:
    return {
        "sid": ingest.sid,
        "region": "eu",
        "domain": "ingress.example.com",
        "streamKey": ingest.stream_key,
        "rtcInfo": {"channel": ingest.channel, "uid": ingest.uid},
        "beginAt": rfc3339(ingest.begun_ms, ingest.digits),
    }


def _ingest(begun_ms: int) -> Ingest:
    return Ingest("9f3b6c12-47d0-4e8a-b5c9-2a7f01e6d384", CHANNEL, "700002", begun_ms)


def _begun(at_ms: int) -> Ingest:
    return _ingest(at_ms - BEGUN_BEFORE_MS)


SAMPLES: Mapping[int, Sample] = {
    1: lambda at_ms: connected(_ingest(at_ms)),
    2: lambda at_ms: disconnected(_begun(at_ms), at_ms),
    3: lambda at_ms: aborted(_begun(at_ms), NO_DATA),
    4: lambda at_ms: profile_updated(_begun(at_ms)),
}

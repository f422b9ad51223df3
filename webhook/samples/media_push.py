"""Payloads of Media Push, productId 5 (agora-notifications.md, section 8). All times are in seconds, `lts` too."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from webhook.samples.cast import BEGUN_BEFORE_MS, CHANNEL, PUBLISHER
from webhook.samples.wire import Payload, Sample, seconds

PRODUCT_ID = 5
DELETED = "Delete Request"  # destroyReason


class Converter(Struct, frozen=True):
    """An RTMP converter: which channel it pushes where. The end of `rtmp_url` is a stream key.

    It mixes the streams of `uids`; a `raw` one pushes the first of them as it is, and its channel stands in
    `rawOptions` instead of `transcodeOptions`.
    """

    id: str
    channel: str
    created_ms: int
    name: str = "converter-of-a-sample"
    rtmp_url: str = "rtmp://cdn.example.com/live/push-key-of-a-sample"
    uids: tuple[int, ...] = (PUBLISHER,)
    raw: bool = False


def created(converter: Converter, at_ms: int, state: str = "connecting") -> Payload:
    """Type 1: the converter exists. The only type that names the channel."""
    options = {"rawOptions" if converter.raw else "transcodeOptions": _options(converter)}
    target = {"name": converter.name, "rtmpUrl": converter.rtmp_url, "idleTimeout": 120}
    body = _converter(converter, at_ms) | target | options | {"state": state}
    return {"converter": body, "lts": seconds(at_ms), "xRequestId": f"request-{at_ms}"}


def configuration_changed(converter: Converter, at_ms: int, state: str = "running") -> Payload:
    """Type 2: the converter pushes to its `rtmp_url` from now on."""
    body = _converter(converter, at_ms) | {"state": state, "rtmpUrl": converter.rtmp_url}
    return _changed(body, at_ms) | {"xRequestId": f"request-{at_ms}"}


def state_changed(converter: Converter, at_ms: int, state: str) -> Payload:
    """Type 3: the converter is connecting, running or failed."""
    return _changed(_converter(converter, at_ms) | {"state": state}, at_ms)


def destroyed(converter: Converter, at_ms: int, reason: str = DELETED) -> Payload:
    """Type 4: the converter is gone; Delete Request, Idle Timeout or Internal Error."""
    body = _converter(converter, at_ms) | {"name": converter.name}
    return _changed(body, at_ms) | {"destroyReason": reason}


def _converter(converter: Converter, at_ms: int) -> Payload:
    return {"id": converter.id, "createTs": seconds(converter.created_ms), "updateTs": seconds(at_ms)}


def _changed(body: Payload, at_ms: int) -> Payload:
    return {"converter": body, "lts": seconds(at_ms), "fields": ",".join(body)}


def _options(converter: Converter) -> Payload:
    if converter.raw:
        return {"rtcChannel": converter.channel, "rtcStreamUid": converter.uids[0]}
    sound = {"codecProfile": "LC-AAC", "sampleRate": 44_100, "bitrate": 96, "rtcStreamUids": list(converter.uids)}
    picture = {"canvas": {"width": 640, "height": 360, "color": 2_105_376}, "frameRate": 30, "bitrate": 1_200}
    return {"rtcChannel": converter.channel, "audioOptions": sound, "videoOptions": picture}


def _sample(at_ms: int) -> Converter:
    return Converter("b7e0a94c2f5d4d18835a61c0e7f29d34", CHANNEL, at_ms - BEGUN_BEFORE_MS)


SAMPLES: Mapping[int, Sample] = {
    1: lambda at_ms: created(_sample(at_ms), at_ms),
    2: lambda at_ms: configuration_changed(_sample(at_ms), at_ms),
    3: lambda at_ms: state_changed(_sample(at_ms), at_ms, "running"),
    4: lambda at_ms: destroyed(_sample(at_ms), at_ms),
}

"""Realistic bodies of every documented event, made from the tables of agora-notifications.md.

A product joins by a module of builders and one line in `_BY_PRODUCT`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from webhook.domain.errors import VigilError
from webhook.samples import (
    conversational_ai,
    media_gateway,
    media_pull,
    media_push,
    recording,
    recording_session,
    rtc,
    speech_to_text,
    speech_to_text_v5,
    transcoding,
)
from webhook.samples.wire import Payload as Payload
from webhook.samples.wire import Sample as Sample

SAMPLE_MS = 1_764_000_000_000  # an arbitrary moment, for samples whose time does not matter

# A name may stand for several numbers: the generations of STT differ in number and in all their types.
PRODUCT_NAMES: Mapping[str, tuple[int, ...]] = {
    "rtc": (rtc.PRODUCT_ID,),
    "cloud_recording": (recording.PRODUCT_ID,),
    "recording": (recording.PRODUCT_ID,),
    "media_pull": (media_pull.PRODUCT_ID,),
    "pull": (media_pull.PRODUCT_ID,),
    "media_push": (media_push.PRODUCT_ID,),
    "push": (media_push.PRODUCT_ID,),
    "media_gateway": (media_gateway.PRODUCT_ID,),
    "gateway": (media_gateway.PRODUCT_ID,),
    "conversational_ai": (conversational_ai.PRODUCT_ID,),
    "agent": (conversational_ai.PRODUCT_ID,),
    "speech_to_text": (speech_to_text.PRODUCT_ID, speech_to_text_v5.PRODUCT_ID),
    "stt": (speech_to_text.PRODUCT_ID, speech_to_text_v5.PRODUCT_ID),
    "cloud_transcoding": (transcoding.PRODUCT_ID,),
    "transcoding": (transcoding.PRODUCT_ID,),
}
_BY_PRODUCT: Mapping[int, Mapping[int, Sample]] = {
    rtc.PRODUCT_ID: rtc.SAMPLES,
    recording.PRODUCT_ID: recording_session.SAMPLES,
    media_pull.PRODUCT_ID: media_pull.SAMPLES,
    media_push.PRODUCT_ID: media_push.SAMPLES,
    media_gateway.PRODUCT_ID: media_gateway.SAMPLES,
    conversational_ai.PRODUCT_ID: conversational_ai.SAMPLES,
    speech_to_text.PRODUCT_ID: speech_to_text.SAMPLES,
    speech_to_text_v5.PRODUCT_ID: speech_to_text_v5.SAMPLES,
    transcoding.PRODUCT_ID: transcoding.SAMPLES,
}

SAMPLES: Mapping[tuple[int, int], Sample] = {
    (product_id, event_type): build
    for product_id, builders in _BY_PRODUCT.items()
    for event_type, build in builders.items()
}


class UnknownSample(VigilError):
    """The caller erred: there is no sample of this product and type. The message lists those that exist."""


def envelope(product_id: int, event_type: int, payload: Payload, notice_id: str, notified_ms: int) -> dict[str, Any]:
    """The outer object that Agora posts (section 3). A `sid` in the payload stands at the top level too, as seen."""
    outer = {"noticeId": notice_id, "productId": product_id, "eventType": event_type, "notifyMs": notified_ms}
    return outer | ({"sid": payload["sid"]} if "sid" in payload else {}) | {"payload": payload}


def sample(product: str | int, event_type: int, at_ms: int = SAMPLE_MS) -> dict[str, Any]:
    """A whole notification of that product (name or number) and type that happened at `at_ms`.

    The same arguments give the same body. Raises UnknownSample.
    """
    numbers = _numbers(str(product))
    if not numbers:
        raise UnknownSample(f"There is no product {str(product)[:64]}; known are\n{known()}")
    product_id = next((number for number in numbers if (number, event_type) in SAMPLES), None)
    if product_id is None:
        raise UnknownSample(f"There is no sample of product {product}, type {event_type}; known are\n{known()}")
    payload = SAMPLES[product_id, event_type](at_ms)
    return envelope(product_id, event_type, payload, _notice_id(product_id, event_type, at_ms), at_ms)


def known() -> str:
    """One line for each product number: its names, the number and the types there are samples of."""
    return "\n".join(map(_known_line, _BY_PRODUCT))


def _known_line(product_id: int) -> str:
    names = [name for name, numbers in PRODUCT_NAMES.items() if product_id in numbers]
    types = ", ".join(str(event_type) for event_type in sorted(_BY_PRODUCT[product_id]))
    return f"  --product {' or '.join([*names, str(product_id)])}: --type {types}"


def _numbers(product: str) -> tuple[int, ...]:
    """The numbers that `product` stands for, a name in any case and with any dashes, or a number; none if unknown."""
    if product.isascii() and product.isdigit() and len(product) < 10:
        return (int(product),) if int(product) in _BY_PRODUCT else ()
    return PRODUCT_NAMES.get(product.casefold().replace("-", "_").replace(" ", "_"), ())


def _notice_id(product_id: int, event_type: int, at_ms: int) -> str:
    return hashlib.sha256(f"sample {product_id} {event_type} {at_ms}".encode()).hexdigest()[:32]

"""Where a notification goes: by its channel where every event of its product names one, else by what it is called."""

from __future__ import annotations

import pytest

from tests.build import CHANNEL, SID, body, notification, started
from webhook.domain.decoding import routing_key_of_channel
from webhook.domain.envelope import fingerprint
from webhook.domain.routing import Route, route


def test_what_names_its_channel_goes_where_the_channel_is() -> None:
    assert route("europe", body(started(notice_id="n1"))) == Route("n1", routing_key_of_channel("europe", CHANNEL))


def test_what_has_no_channel_goes_by_its_entity() -> None:
    said = notification(1, product_id=5) | {"noticeId": "n1"}
    said["payload"] = {"converter": {"id": "c1"}}
    assert route("europe", body(said)) == Route("n1", "c1")


def test_what_has_neither_goes_by_its_notice_id() -> None:
    assert route("europe", body(notification(1, product_id=99, channel="", notice_id="n1"))).key == "n1"


@pytest.mark.parametrize("raw", [b"", b"[]", b"\xff", b'{"productId": 3}', b"{" * 10_000])
def test_what_is_no_envelope_is_called_by_its_digest_and_goes_by_it(raw: bytes) -> None:
    way = route("europe", raw)
    assert (way.name, way.key) == (fingerprint(raw), fingerprint(raw))
    assert way.unusable


def test_what_is_masked_goes_the_same_way() -> None:
    said = started() | {"noticeId": ""}
    told = said | {"payload": said["payload"] | {"token": "0123456789abcdef"}}
    assert route("europe", body(told)).key == routing_key_of_channel("europe", CHANNEL)
    assert route("europe", body(told)).name.startswith("sha256:")
    assert SID not in route("europe", body(told)).name

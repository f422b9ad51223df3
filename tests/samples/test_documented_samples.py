import json
from typing import Any

import pytest

from webhook.cli.send import Choice, _bodies
from webhook.domain.envelope import Envelope, parse
from webhook.domain.masking import mask_payload, may_hold_secrets
from webhook.samples import SAMPLES, UnknownSample, known, sample

DOCUMENTED: dict[int, tuple[int, ...]] = {
    1: (101, 102, 103, 104, 105, 106, 107, 108, 111, 112),
    3: (
        *(1, 2, 3, 4, 11, 12, 13, 30, 31, 32, 33, 40, 41, 42, 43, 44, 45),
        *(60, 61, 70, 71, 72, 73, 80, 81, 90, 100, 1001),
    ),
    4: (1, 3, 4),
    5: (1, 2, 3, 4),
    10: (1, 2, 3, 4),
    17: (101, 102, 103, 104, 110, 111, 112, 201, 202),
    20: (101, 102),
    98: (4, 30, 31, 32, 33),  # STT v5/v6, whose number is not documented
    99: (110, 111, 112, 113),  # Cloud Transcoding, likewise
}
NAMES = [
    ("rtc", 103, 1),
    ("cloud_recording", 44, 3),
    ("recording", 44, 3),
    ("media_pull", 4, 4),
    ("media_push", 3, 5),
    ("media_gateway", 3, 10),
    ("conversational_ai", 110, 17),
    ("speech_to_text", 102, 20),
    ("speech_to_text", 33, 98),
    ("cloud_transcoding", 112, 99),
]
# what an event of the product must say for its session to be found (section 3)
IDENTIFIED_BY = {
    1: ("channelName",),
    3: ("sid",),
    4: ("player", "id"),
    5: ("converter", "id"),
    10: ("sid",),
    17: ("agent_id",),
    20: ("agent_id",),
    98: ("taskId",),
    99: ("taskId",),
}
CHANNEL_AT = {1: "channelName", 3: "cname", 17: "channel", 20: "channel", 98: "cname"}
CREDENTIALS = {
    (3, 100, "details", "rtmpUrl"): "live-key-of-a-sample",
    (4, 1, "player", "token"): "player-token-of-a-sample",
    (4, 1, "player", "streamUrl"): "pull-key-of-a-sample",
    (5, 1, "converter", "rtmpUrl"): "push-key-of-a-sample",
    (5, 2, "converter", "rtmpUrl"): "push-key-of-a-sample",
    **{(10, event_type, "streamKey"): "live-key-of-a-sample" for event_type in (1, 2, 3, 4)},
}
AT_MS = 1_764_000_123_456
ALL = [(product_id, event_type) for product_id, types in DOCUMENTED.items() for event_type in types]

every_sample = pytest.mark.parametrize(("product_id", "event_type"), ALL)


def at(payload: dict[str, Any], *path: str) -> Any:
    value: Any = payload
    for key in path:
        value = value[key]
    return value


def test_there_is_a_sample_of_every_documented_event_and_of_no_other() -> None:
    assert set(SAMPLES) == set(ALL)


@every_sample
def test_a_sample_is_an_envelope_in_json(product_id: int, event_type: int) -> None:
    body = sample(product_id, event_type, AT_MS)
    payload = body["payload"]
    sid = {"sid": payload["sid"]} if product_id in {3, 10} else {}
    assert body == {
        "noticeId": body["noticeId"],
        "productId": product_id,
        "eventType": event_type,
        "notifyMs": AT_MS,
        "payload": payload,
        **sid,
    }
    read = parse(json.dumps(body).encode())
    masked, secretive = mask_payload(payload), may_hold_secrets(json.dumps(body).encode())
    assert read == Envelope(body["noticeId"], product_id, event_type, AT_MS, masked, sid.get("sid"), secretive)
    assert (masked != payload) is ((product_id, event_type) in {(product, kind) for product, kind, *_ in CREDENTIALS})


@every_sample
def test_a_sample_names_its_session(product_id: int, event_type: int) -> None:
    payload, later = (sample(product_id, event_type, at_ms)["payload"] for at_ms in (AT_MS, AT_MS + 86_400_000))
    session = at(payload, *IDENTIFIED_BY[product_id])
    assert isinstance(session, str)
    assert session == at(later, *IDENTIFIED_BY[product_id])


@pytest.mark.parametrize("product_id", DOCUMENTED)
def test_samples_of_one_product_are_of_one_session(product_id: int) -> None:
    path = IDENTIFIED_BY[product_id]
    payloads = [sample(product_id, event_type)["payload"] for event_type in DOCUMENTED[product_id]]
    assert len({at(payload, *path) for payload in payloads}) == 1


@pytest.mark.parametrize("product_id", CHANNEL_AT)
def test_samples_of_all_products_meet_in_one_channel(product_id: int) -> None:
    payloads = [sample(product_id, event_type)["payload"] for event_type in DOCUMENTED[product_id]]
    assert {payload[CHANNEL_AT[product_id]] for payload in payloads} == {"Town_hall"}


@every_sample
def test_a_sample_is_the_same_for_the_same_moment_and_another_for_another(product_id: int, event_type: int) -> None:
    first, second = sample(product_id, event_type, AT_MS), sample(product_id, event_type, AT_MS + 1_000)
    assert first == sample(product_id, event_type, AT_MS)
    assert first["noticeId"] != second["noticeId"]
    assert first["payload"] != second["payload"]


def test_notice_ids_of_samples_differ() -> None:
    assert len({sample(product_id, event_type)["noticeId"] for product_id, event_type in ALL}) == len(ALL)


@pytest.mark.parametrize(("name", "event_type", "product_id"), NAMES)
def test_a_product_goes_by_the_name_of_the_contract(name: str, event_type: int, product_id: int) -> None:
    assert sample(name, event_type, AT_MS) == sample(product_id, event_type, AT_MS)


@pytest.mark.parametrize(("name", "event_type", "product_id"), NAMES)
def test_the_command_sends_the_sample_exactly(name: str, event_type: int, product_id: int) -> None:
    [body] = _bodies(Choice((), name, event_type))
    sent = json.loads(body)
    assert sent == sample(product_id, event_type, sent["notifyMs"])


@pytest.mark.parametrize(("name", "event_type"), [("speech_to_text", 110), ("98", 101), ("20", 33), ("push", 44)])
def test_a_type_of_another_product_is_no_sample(name: str, event_type: int) -> None:
    with pytest.raises(UnknownSample, match=f"no sample of product {name}, type {event_type}"):
        sample(name, event_type)


@pytest.mark.parametrize("name", ["7", "unknown", "", "9" * 5000])
def test_an_unknown_product_is_named_as_such(name: str) -> None:
    with pytest.raises(UnknownSample, match=f"There is no product {name[:64]}; known are"):
        sample(name, 1)


@pytest.mark.parametrize("name", ["media_push", "Media Push", "media-push", "push", "5"])
def test_a_product_is_known_by_every_name_that_is_written_of_it(name: str) -> None:
    assert sample(name, 1)["productId"] == 5


def test_the_known_samples_are_listed_by_product() -> None:
    lines = known().splitlines()
    assert len(lines) == len(DOCUMENTED)
    assert "  --product rtc or 1: --type 101, 102, 103, 104, 105, 106, 107, 108, 111, 112" in lines
    assert "  --product speech_to_text or stt or 98: --type 4, 30, 31, 32, 33" in lines
    assert "  --product cloud_transcoding or transcoding or 99: --type 110, 111, 112, 113" in lines


@pytest.mark.parametrize(("place", "value"), CREDENTIALS.items())
def test_a_credential_in_a_sample_is_obviously_made_up(place: tuple[Any, ...], value: str) -> None:
    product_id, event_type, *path = place
    assert at(sample(product_id, event_type)["payload"], *path).endswith(value)


@every_sample
def test_a_sample_holds_no_credential_but_those(product_id: int, event_type: int) -> None:
    places = {tuple(place[2:]) for place in CREDENTIALS if place[:2] == (product_id, event_type)}
    assert set(secrets(sample(product_id, event_type)["payload"])) == places


def secrets(value: Any, *path: str) -> list[tuple[str, ...]]:
    if isinstance(value, dict):
        return [place for key, inner in value.items() for place in secrets(inner, *path, key)]
    if isinstance(value, list):
        return [place for inner in value for place in secrets(inner, *path)]
    return [path] if isinstance(value, str) and ("-key-" in value or "-token-" in value) else []

"""Which product a payload speaks of, where it is folded, and what is made of payloads that lack or twist things."""

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.domain.entity.lives import (
    AI,
    AT_MS,
    CHANNEL,
    GATEWAY,
    ID,
    PRODUCTS,
    PULL,
    PUSH,
    RECEIVED_MS,
    STT,
    TASK,
    TRANSCODER,
    Payload,
    agent,
    converter,
    ingest,
    notification,
    player,
    reading,
    session,
)
from webhook.domain.arrivals import Arrival, read
from webhook.domain.decoding import PRODUCTS as NUMBERS
from webhook.domain.decoding import TABLES, Origin, decode, event_name, product_of, routing_key
from webhook.domain.entity.events import Happened
from webhook.domain.envelope import Envelope, parse
from webhook.domain.errors import Undecodable
from webhook.domain.log import Outcome
from webhook.domain.transitions import apply, open_session
from webhook.samples import SAMPLES, conversational_ai, media_gateway, media_pull, media_push
from webhook.store.codec import decode_session, encode_session
from webhook.views.sessions import session_view

NAMES = {
    PUSH: "media_push",
    PULL: "media_pull",
    GATEWAY: "media_gateway",
    AI: "conversational_ai",
    STT: "speech_to_text",
    TASK: "speech_to_text",
    TRANSCODER: "cloud_transcoding",
}
OURS = [(product_id, event_type) for product_id, event_type in SAMPLES if product_id in NAMES]
NUMBERED = {table.product_id for table in TABLES if table.product_id is not None}
ORIGIN = Origin("default", "default", RECEIVED_MS)

every_sample = pytest.mark.parametrize(("product_id", "event_type"), OURS)


def envelope(product_id: int, event_type: int, payload: Payload, sid: str | None = None) -> Envelope:
    return Envelope("n", product_id, event_type, AT_MS, payload, sid)


@every_sample
def test_every_documented_event_is_kept_as_applied_under_its_product(product_id: int, event_type: int) -> None:
    read_ = reading(notification(product_id, event_type, SAMPLES[product_id, event_type](AT_MS)))
    assert (read_.entry.outcome, read_.entry.product) == (Outcome.APPLIED, NAMES[product_id])
    assert read_.fact is not None
    assert isinstance(read_.fact.event, Happened)


@every_sample
def test_every_documented_event_has_a_name(product_id: int, event_type: int) -> None:
    assert event_name(NAMES[product_id], event_type)


def test_the_generations_of_stt_do_not_hide_each_others_names() -> None:
    named = {event_type: event_name("speech_to_text", event_type) for event_type in (101, 102, 4, 30, 31, 32, 33, 5)}
    assert named == {
        101: "agent_joined",
        102: "agent_left",
        4: "file_infos",
        30: "uploader_started",
        31: "uploaded",
        32: "backuped",
        33: "uploading_progress",
        5: None,
    }
    assert event_name("speech_to_text", None) is None
    assert event_name("nobody", 101) is None


@pytest.mark.parametrize("event_type", [101, 102, 103, 104, 110, 111, 112, 1, 2, 3, 4, 30, 31, 32, 33])
def test_one_type_means_to_each_product_what_it_means_there_alone(event_type: int) -> None:
    meant = {}
    for table in TABLES:
        number = table.product_id or {"cloud_transcoding": TRANSCODER, "speech_to_text": TASK}[table.name]
        row = table.events.get(event_type)
        if row is not None and (number, event_type) in SAMPLES:
            said = reading(notification(number, event_type, SAMPLES[number, event_type](AT_MS)))
            assert (said.entry.product, event_name(table.name, event_type)) == (table.name, row.name)
            meant[number] = said.entry.session_id
    assert len(set(meant.values())) == len(meant)


def test_an_rtc_102_stops_no_agent() -> None:
    of = session(notification(AI, 101, conversational_ai.joined(agent)))
    destroyed = reading(notification(1, 102, {"channelName": CHANNEL, "ts": AT_MS // 1000, "agent_id": ID}))
    assert destroyed.entry.session_id != of.id


@pytest.mark.parametrize("number", [6, 8, 98, 99, 12_345])
@pytest.mark.parametrize(
    ("product_id", "event_type"),
    [(GATEWAY, 1), (GATEWAY, 2), (GATEWAY, 3), (GATEWAY, 4), *((TASK, t) for t in (4, 30))],
)
def test_a_shape_tells_the_product_where_the_number_is_not_documented(
    number: int, product_id: int, event_type: int
) -> None:
    said = reading(notification(number, event_type, SAMPLES[product_id, event_type](AT_MS)))
    assert (said.entry.product, said.entry.product_id) == (NAMES[product_id], number)


@every_sample
@pytest.mark.parametrize("number", sorted(NUMBERED))
def test_a_documented_number_wins_over_any_shape_where_its_table_knows_the_event(
    number: int, product_id: int, event_type: int
) -> None:
    said = envelope(number, event_type, SAMPLES[product_id, event_type](AT_MS))
    product = product_of(said)
    assert product is not None
    known = NUMBERS[number]
    understood = event_type in known.events and known.session_id(said, "default") is not None
    unnumbered = product_id in (TASK, TRANSCODER)
    assert product.product_id == (None if unnumbered and not understood else number)


@pytest.mark.parametrize("number", sorted(NUMBERED))
def test_a_wrong_guess_of_a_number_loses_no_event(number: int) -> None:
    for product_id, event_type in SAMPLES:
        if product_id in (TASK, TRANSCODER):
            said = reading(notification(number, event_type, SAMPLES[product_id, event_type](AT_MS)))
            assert (said.entry.product, said.entry.outcome) == (NAMES[product_id], Outcome.APPLIED)


def test_a_recording_that_has_the_shape_of_another_product_stays_a_recording() -> None:
    shape = {"serviceScene": "rtsc/cloud-transcoder", "subBotUid": "1", "taskId": "t"}
    payload = {"sid": "s", "cname": "c", "uid": "1", "sendts": AT_MS, "details": {"status": 0}} | shape
    assert reading(notification(3, 31, payload)).entry.product == "cloud_recording"
    outside = envelope(3, 31, {name: value for name, value in payload.items() if name != "sid"})
    assert (product_of(replace(outside, sid="s")) or outside).name == "cloud_recording"
    assert (product_of(outside) or outside).name == "cloud_transcoding"


@every_sample
@pytest.mark.parametrize("number", [2, 7])
def test_older_products_are_kept_as_unknown_whatever_their_shape(number: int, product_id: int, event_type: int) -> None:
    said = reading(notification(number, event_type, SAMPLES[product_id, event_type](AT_MS)))
    assert (said.entry.outcome, said.fact) == (Outcome.UNKNOWN, None)


@every_sample
def test_a_payload_without_what_tells_it_apart_is_of_no_product(product_id: int, event_type: int) -> None:
    payload = SAMPLES[product_id, event_type](AT_MS)
    for key in ("serviceScene", "streamKey", "subBotUid"):
        payload.pop(key, None)
    assert product_of(envelope(12_345, event_type, payload)) is None


@pytest.mark.parametrize("product_id", PRODUCTS)
def test_all_notifications_of_one_entity_reach_one_shard(product_id: int) -> None:
    types = [event_type for number, event_type in OURS if number == product_id]
    told = [envelope(product_id, event_type, SAMPLES[product_id, event_type](AT_MS)) for event_type in types]
    facts = [decode(each, ORIGIN) for each in told]
    assert len({fact.session_id for fact in facts if fact}) == 1
    assert len({routing_key("default", each) for each in told}) == 1


@pytest.mark.parametrize(
    ("product_id", "event_type", "payload"),
    [
        (PUSH, 1, media_push.created(converter, AT_MS)),
        (PUSH, 3, media_push.state_changed(converter, AT_MS, "running")),
        (PULL, 1, media_pull.created(player, AT_MS)),
        (PULL, 4, {"player": {"id": ID, "status": "running"}}),
        (TRANSCODER, 110, SAMPLES[TRANSCODER, 110](AT_MS) | {"taskId": ID}),
        (TRANSCODER, 112, SAMPLES[TRANSCODER, 112](AT_MS) | {"taskId": ID}),
        (TRANSCODER, 999, {"serviceScene": "rtsc/cloud-transcoder", "taskId": ID}),
    ],
)
def test_entities_that_need_not_name_their_channel_are_routed_by_their_id(
    product_id: int, event_type: int, payload: Payload
) -> None:
    assert routing_key("default", envelope(product_id, event_type, payload)) == ID


@pytest.mark.parametrize("product_id", [GATEWAY, AI, STT, TASK])
def test_entities_that_always_name_their_channel_are_routed_by_it(product_id: int) -> None:
    for number, event_type in OURS:
        if number == product_id:
            key = routing_key("p", envelope(number, event_type, SAMPLES[number, event_type](AT_MS)))
            assert key == f"p\x1f{CHANNEL}"


@pytest.mark.parametrize(("product_id", "event_type"), [it for it in OURS if it[0] in {GATEWAY, AI, STT, TASK}])
def test_without_the_channel_that_routes_it_a_notification_opens_no_second_session_elsewhere(
    product_id: int, event_type: int
) -> None:
    payload = SAMPLES[product_id, event_type](AT_MS)
    for key in ("channel", "cname", "rtcInfo"):
        payload.pop(key, None)
    said = reading(notification(product_id, event_type, payload | ({"rtcInfo": {}} if product_id == GATEWAY else {})))
    assert (said.entry.outcome, said.fact) == (Outcome.DEAD_LETTER, None)
    assert "where it belongs" in (said.entry.error or "")


@pytest.mark.parametrize(
    ("product_id", "event_type", "payload", "error"),
    [
        (PUSH, 3, {}, "payload.converter.id names no converter"),
        (PUSH, 3, {"converter": []}, "payload.converter.id names no converter"),
        (PULL, 4, {"player": {"id": ""}}, "payload.player.id names no player"),
        (TRANSCODER, 112, {"serviceScene": "rtsc/cloud-transcoder"}, "payload.taskId names no transcoder"),
    ],
)
def test_a_payload_that_names_no_entity_says_so(product_id: int, event_type: int, payload: Payload, error: str) -> None:
    with pytest.raises(Undecodable, match=error):
        decode(envelope(product_id, event_type, payload), ORIGIN)


@pytest.mark.parametrize(
    ("product_id", "event_type", "payload", "error"),
    [
        (PUSH, 3, {"converter": {"id": "x"}}, "converter.state is None, not a word"),
        (PULL, 4, {"player": {"id": "x", "status": []}}, "player.status is list, not a word"),
        (
            *(TRANSCODER, 112, {"serviceScene": "rtsc/cloud-transcoder", "taskId": "x"}),
            "details.state is None, not a word",
        ),
        (AI, 201, {"agent_id": "x", "channel": "c", "state": ""}, "state is '', not a word"),
    ],
)
def test_a_change_without_a_word_for_it_is_a_dead_letter(
    product_id: int, event_type: int, payload: Payload, error: str
) -> None:
    said = reading(notification(product_id, event_type, payload))
    assert (said.entry.outcome, said.entry.error) == (Outcome.DEAD_LETTER, error)
    assert said.fact is None, "without a time of its own there is nothing to count as heard"


@pytest.mark.parametrize(
    ("product_id", "event_type", "payload"),
    [
        (GATEWAY, 2, {key: value for key, value in SAMPLES[GATEWAY, 2](AT_MS).items() if key != "sid"}),
        (AI, 101, {"channel": "c", "start_ts": 1}),
        (STT, 101, {"channel": "c", "start_ts": 1}),
    ],
)
def test_the_envelopes_sid_names_the_entity_where_the_payload_does_not(
    product_id: int, event_type: int, payload: Payload
) -> None:
    fact = decode(envelope(product_id, event_type, payload, "outer"), ORIGIN)
    assert fact is not None
    assert fact.session_id == "outer"


@pytest.mark.parametrize(
    ("transcoder", "channel"),
    [
        ({"inputs": [{"rtcChannel": "in"}], "outputs": [{"rtcChannel": "out"}]}, "in"),
        ({"inputs": [{}, "odd", {"rtcChannel": "in"}], "outputs": []}, "in"),
        ({"inputs": "odd", "outputs": [{"rtcChannel": "out"}]}, "out"),
        ({}, None),
    ],
)
def test_a_transcoder_is_in_the_first_channel_it_names(transcoder: Payload, channel: str | None) -> None:
    payload = {"serviceScene": "rtsc/cloud-transcoder", "taskId": "x", "details": {"transcoder": transcoder}}
    fact = decode(envelope(TRANSCODER, 113, payload), ORIGIN)
    assert fact is not None
    assert fact.channel == channel


@pytest.mark.parametrize(
    ("sequence", "expected"), [(7, 7), ("7", 7), (Decimal("7.0"), 7), (-1, -1), ("x", -1), (None, -1)]
)
def test_a_transcoder_numbers_its_notifications(sequence: Any, expected: int) -> None:
    payload = SAMPLES[TRANSCODER, 112](AT_MS) | {"sequence": sequence}
    fact = decode(envelope(TRANSCODER, 112, payload), ORIGIN)
    assert fact is not None
    assert fact.order.sequence == expected


def test_an_agents_errors_are_read_whatever_their_form() -> None:
    of_agent = {"agent_id": "x", "channel": "c"}
    faults = [{"module": "llm", "code": "503", "message": "m"}, "odd", {"turn_id": ""}]
    read_ = session(notification(AI, 110, of_agent | {"errors": faults}))
    shown = [(error["module"], error["code"], error["message"]) for error in session_view(read_)["errors"]]
    assert shown == [("agent", None, ""), ("llm", 503, "m")]
    bare = session(notification(AI, 110, of_agent | {"module": "sip", "message": "Insufficient balance."}))
    assert [error["message"] for error in session_view(bare)["errors"]] == ["Insufficient balance."]


def test_words_and_names_of_any_length_are_bounded() -> None:
    huge = "x" * 10_000
    labelled = conversational_ai.Agent(
        "x", "c", AT_MS, name=huge, labels={f"{number:03}{huge}": huge for number in range(99)}
    )
    detail = session_view(session(notification(AI, 101, conversational_ai.joined(labelled))))["detail"]
    assert len(detail["name"]) == 256
    assert len(detail["labels"]) == 16
    assert {(len(name), len(value)) for name, value in detail["labels"].items()} == {(64, 256)}


def test_odd_metrics_contents_and_lists_are_passed_over() -> None:
    of_agent = {"agent_id": "x", "channel": "c"}
    odd: list[tuple[int, Payload]] = [
        (103, {"contents": "odd"}),
        (111, {"metrics": {"tts_ttfb": 1}}),
        (111, {"metrics": ["odd", {"tts_ttfb": "odd"}, {"tts_ttfb": 3}]}),
        (112, {"total_turn_count": "many"}),
        (101, {"labels": ["odd"], "name": {}}),
        (101, {"labels": {"empty": "", "list": [], "number": 7}}),
    ]
    details = [session_view(session(notification(AI, kind, of_agent | more)))["detail"] for kind, more in odd]
    assert [detail.get("metrics") for detail in details] == [
        None,
        {"turns": 0},
        {"tts_ttfb": 3, "turns": 3},
        None,
        None,
        None,
    ]
    assert [detail.get("labels") for detail in details] == [None, None, None, None, None, {"number": "7"}]


def test_uploads_of_a_task_with_odd_fields_are_read_all_the_same() -> None:
    base = {"cname": "c", "taskId": "t", "subBotUid": "1"}
    stored = session_view(session(notification(TASK, 31, base | {"details": {"fileList": "odd", "status": "odd"}})))
    assert (stored["state"], stored["exit"]["status"]) == ("ended", "abnormal")
    assert [error["module"] for error in stored["errors"]] == ["uploader"]
    assert session_view(session(notification(TASK, 33, base)))["detail"]["upload"] == {"status": "uploading"}


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = sorted(
    {
        *(
            "converter",
            "player",
            "id",
            "state",
            "status",
            "lts",
            "createTs",
            "updateTs",
            "sid",
            "rtcInfo",
            "beginAt",
            "endAt",
        ),
        *(
            "streamStats",
            "errorCode",
            "reason",
            "transcoding",
            "videoProfile",
            "agent_id",
            "channel",
            "start_ts",
            "stop_ts",
        ),
        *("errors", "metrics", "contents", "labels", "message", "report_ms", "taskId", "cname", "sendts", "sequence"),
        *(
            "details",
            "transcoder",
            "inputs",
            "outputs",
            "fileList",
            "progress",
            "name",
            "uid",
            "streamUrl",
            "destroyReason",
        ),
    }
)
payloads = st.dictionaries(
    st.sampled_from(KEYS), values | st.dictionaries(st.sampled_from(KEYS), values, max_size=6), max_size=10
)
numbers = st.sampled_from([(number, event_type) for number, event_type in OURS])


def decodes(number: tuple[int, int], payload: Payload) -> None:
    """Whether it can be decoded or not, nothing else is raised, and what it says can be folded, kept and shown."""
    try:
        fact = decode(parse(json.dumps(notification(*number, payload)).encode()), ORIGIN)
    except Undecodable:
        return
    if fact is not None:
        folded = apply(open_session(fact), fact)
        assert decode_session(encode_session(folded)) == folded
        msgspec.json.encode(session_view(folded))


@settings(max_examples=300, deadline=None)
@given(numbers, payloads)
def test_no_payload_raises_anything_but_undecodable(number: tuple[int, int], payload: Payload) -> None:
    shape = {TRANSCODER: {"serviceScene": "rtsc/cloud-transcoder"}, TASK: {"subBotUid": "1", "cname": "c"}}
    ids = {"sid": "x", "agent_id": "x", "taskId": "x", "channel": "c"}
    place: Payload = {"rtcInfo": {"channel": "c"}} if number[0] == GATEWAY else {}
    decodes(number, {**ids, **payload, **shape.get(number[0], {}), **place})


@settings(max_examples=300, deadline=None)
@given(numbers, st.data())
def test_no_sample_with_one_field_twisted_raises_anything_but_undecodable(
    number: tuple[int, int], data: st.DataObject
) -> None:
    payload = SAMPLES[number](AT_MS)
    within = data.draw(st.sampled_from([payload, *(value for value in payload.values() if isinstance(value, dict))]))
    within[data.draw(st.sampled_from(sorted(within)))] = data.draw(values)
    decodes(number, payload)


@every_sample
def test_key_order_and_unknown_fields_change_nothing(product_id: int, event_type: int) -> None:
    payload = SAMPLES[product_id, event_type](AT_MS)
    turned = dict(reversed(payload.items())) | {"newField": {"x": 1}}
    told = [session_view(session(notification(product_id, event_type, each))) for each in (payload, turned)]
    assert told[0] == told[1]


def test_a_test_of_the_console_makes_no_entity() -> None:
    said = [
        (AI, 101, {"agent_id": "x", "channel": "test_webhook"}),
        (PULL, 1, {"player": {"id": "x", "channelName": "test_webhook"}}),
        (GATEWAY, 1, media_gateway.connected(media_gateway.Ingest("x", "test_webhook", "1", AT_MS))),
        (TASK, 30, {"cname": "test_webhook", "taskId": "t", "subBotUid": "1"}),
    ]
    for product_id, event_type, payload in said:
        body = notification(product_id, event_type, payload)
        assert reading(body).entry.outcome is Outcome.TEST
    assert ingest.channel != "test_webhook"


def test_a_body_that_is_no_envelope_is_quarantined() -> None:
    assert read(Arrival("", "default", "default", 2, b"[]"), RECEIVED_MS).entry.outcome is Outcome.QUARANTINED

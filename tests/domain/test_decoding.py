from typing import Any

import pytest
from msgspec.structs import replace

from tests.build import AT_MS, CHANNEL, RECEIVED_MS, RECORDER, SID, Notification, envelope, notification, snapshot_name
from webhook.domain.decoding import (
    LONGEST_ID,
    PRODUCTS,
    UNKNOWN_RANK,
    Origin,
    channel_of,
    decode,
    event_name,
    is_test,
    routing_key,
)
from webhook.domain.envelope import Envelope, identity
from webhook.domain.errors import Undecodable
from webhook.domain.events import Reception, Track, Undecoded, Unrecognised
from webhook.domain.facts import Event, Fact
from webhook.domain.recording.events import (
    FailedOver,
    LeaveReason,
    RecordedFile,
    RecorderLeft,
    RecorderStarted,
    SessionExited,
    SnapshotTaken,
    StreamChanged,
    UploadFinished,
    UploadProgressed,
    UploadStarted,
)

ORIGIN = Origin("default", "default", RECEIVED_MS)
NAME = snapshot_name("123", AT_MS)
FILE = {
    "fileName": "a.m3u8",
    "trackType": "audio",
    "uid": "7",
    "mixedAllUser": False,
    "isPlayable": True,
    "sliceStartTime": AT_MS,
}
READ = RecordedFile("a.m3u8", "audio", "7", True, AT_MS)
BARE = RecordedFile("b.mp4", "", "", False, None)
LEFT_AND_IGNORE = LeaveReason.LEFT_CHANNEL | LeaveReason.IGNORE


def decoded(said: Notification) -> Fact:
    fact = decode(envelope(said), ORIGIN)
    assert fact is not None
    return fact


def event(event_type: int, details: dict[str, Any] | None) -> Event:
    return decoded(notification(event_type, details)).event


def stored(*files: RecordedFile) -> UploadFinished:
    return UploadFinished(True, False, files)


def changed_payload(said: Notification, **fields: Any) -> Notification:
    kept = {key: value for key, value in (said["payload"] | fields).items() if value is not ...}
    return said | {"payload": kept}


@pytest.mark.parametrize(
    ("event_type", "details", "expected"),
    [
        (11, {"exitStatus": 0}, SessionExited(True)),
        (11, {"exitStatus": 1}, SessionExited(False)),
        (11, {"exitStatus": "0"}, SessionExited(True)),
        (11, {"exitStatus": 1.0}, SessionExited(False)),
        (11, {"exitStatus": 2}, SessionExited(False)),
        (12, {"newUid": "2002"}, FailedOver("2002")),
        (12, {"newUid": 2**31 + 5}, FailedOver("2147483653")),
        (30, {"status": 0}, UploadStarted(True)),
        (30, {"status": 1}, UploadStarted(False)),
        (30, {}, UploadStarted(True)),
        (31, {"status": 0, "fileList": [FILE]}, stored(READ)),
        (31, {"fileList": [FILE | {"unknown": [1]}]}, stored(READ)),
        (31, {"fileList": [{"filename": "b.mp4"}]}, stored(BARE)),
        (31, {"fileList": [{"fileName": "b.mp4", "uid": 7}]}, stored(replace(BARE, uid="7"))),
        (31, {"fileList": [{"fileName": "b.mp4", "isPlayable": 1}]}, stored(BARE)),
        (31, {"fileList": [{"fileName": "b.mp4", "sliceStartTime": "9"}]}, stored(replace(BARE, started_ms=9000))),
        (31, {"fileList": [FILE, {}, None, 1, {"fileName": ""}, FILE]}, stored(READ, READ)),
        (31, {"fileList": [FILE, "x", FILE]}, stored(READ, replace(BARE, name="x"), READ)),
        (31, {"fileList": []}, stored()),
        (31, {"fileList": "a.m3u8"}, stored(replace(BARE, name="a.m3u8"))),
        (31, {"fileList": None}, stored()),
        (31, {"fileList": {"fileName": "a"}}, stored(replace(BARE, name="a"))),
        (31, {}, stored()),
        (31, None, stored()),
        (31, {"status": 3}, UploadFinished(False, False, ())),
        (31, {"status": "0"}, stored()),
        (32, {"status": 0, "fileList": [FILE]}, UploadFinished(True, True, (READ,))),
        (32, {"status": 1}, UploadFinished(False, True, ())),
        (33, {"progress": 0}, UploadProgressed(0.0)),
        (33, {"progress": 4200}, UploadProgressed(0.42)),
        (33, {"progress": "10000"}, UploadProgressed(1.0)),
        (33, {"progress": 10_001}, UploadProgressed(1.0)),
        (33, {"progress": -1}, UploadProgressed(0.0)),
        (40, {"status": 0}, RecorderStarted(True)),
        (40, {"status": 1}, RecorderStarted(False)),
        (40, {}, RecorderStarted(True)),
        (40, None, RecorderStarted(True)),
        (41, {"leaveCode": 2}, RecorderLeft(LeaveReason.SIGINT)),
        (41, {"leaveCode": 4}, RecorderLeft(LeaveReason.NO_USERS)),
        (41, {"leaveCode": 16}, RecorderLeft(LeaveReason.LEFT_CHANNEL)),
        (41, {"leaveCode": 24}, RecorderLeft(LEFT_AND_IGNORE)),
        (41, {"leaveCode": "24"}, RecorderLeft(LEFT_AND_IGNORE)),
        (41, {"leaveCode": 30}, RecorderLeft(LEFT_AND_IGNORE | LeaveReason.NO_USERS | LeaveReason.SIGINT)),
        (41, {"leaveCode": 16 + 64}, RecorderLeft(LeaveReason.LEFT_CHANNEL)),
        (41, {"leaveCode": 64}, RecorderLeft(LeaveReason(64))),
        (41, {"leaveCode": 0}, RecorderLeft(LeaveReason.INIT_FAILED)),
        (43, {"streamUid": "123", "state": 0, "UtcMs": AT_MS}, StreamChanged("123", Track.AUDIO, Reception.RECEIVING)),
        (43, {"streamUid": 123, "state": 1, "utcMs": AT_MS}, StreamChanged("123", Track.AUDIO, Reception.STOPPED)),
        (44, {"streamUid": "123", "state": 0}, StreamChanged("123", Track.VIDEO, Reception.RECEIVING)),
        (44, {"streamUid": "123", "state": "1"}, StreamChanged("123", Track.VIDEO, Reception.STOPPED)),
        (44, {"streamUid": 0, "state": 1.0}, StreamChanged("0", Track.VIDEO, Reception.STOPPED)),
        (45, {"fileName": NAME}, SnapshotTaken("123", NAME, AT_MS)),
        (45, {"fileName": f"a/b/{NAME}"}, SnapshotTaken("123", f"a/b/{NAME}", AT_MS)),
        (45, {"fileName": "odd.jpg"}, SnapshotTaken(None, "odd.jpg", None)),
    ],
)  # fmt: skip
def test_a_notification_of_a_known_type_becomes_its_event(event_type: int, details: Any, expected: Event) -> None:
    assert event(event_type, details) == expected


@pytest.mark.parametrize(
    ("event_type", "details", "names"),
    [
        (11, {}, "exitStatus"),
        (11, {"exitStatus": "normal"}, "exitStatus"),
        (11, {"exitStatus": True}, "exitStatus"),
        (11, None, "exitStatus"),
        (12, {}, "newUid"),
        (12, {"newUid": ""}, "newUid"),
        (12, {"newUid": 1.5}, "newUid"),
        (33, {}, "progress"),
        (33, {"progress": 0.5}, "progress"),
        (41, {}, "leaveCode"),
        (41, {"leaveCode": None}, "leaveCode"),
        (43, {"streamUid": "1"}, "state"),
        (43, {"state": 0}, "streamUid"),
        (43, {"streamUid": "1", "state": 2}, "state is 2"),
        (44, {"streamUid": "1", "state": -1}, "state is -1"),
        (44, {"streamUid": "1", "state": "on"}, "state"),
        (44, {"streamUid": ["1"], "state": 0}, "streamUid"),
        (45, {}, "fileName"),
        (45, {"fileName": ["a.jpg"]}, "fileName"),
    ],
)
def test_a_known_type_without_what_it_needs_is_undecoded_and_says_what(
    event_type: int, details: Any, names: str
) -> None:
    found = event(event_type, details)
    assert isinstance(found, Undecoded)
    assert found.error.startswith(f"details.{names}")


def test_an_error_quotes_at_most_a_little_of_what_it_found() -> None:
    found = event(41, {"leaveCode": "x" * 10_000})
    assert isinstance(found, Undecoded)
    assert len(found.error) < 100


@pytest.mark.parametrize("details", [[], "x", 1, None, True])
def test_details_that_are_no_object_read_as_empty(details: Any) -> None:
    said = changed_payload(notification(40), details=details)
    assert decoded(said).event == RecorderStarted(True)


@pytest.mark.parametrize("event_type", [0, 5, 34, 46, 47, 101, 1002, -1, 10**12])
def test_an_unknown_type_of_recording_is_unrecognised_but_heard(event_type: int) -> None:
    fact = decoded(notification(event_type, sequence=9))
    assert fact.event == Unrecognised()
    assert (fact.session_id, fact.teller, fact.order) == (SID, RECORDER, (AT_MS, 9, 0))


@pytest.mark.parametrize("product_id", [0, 1, 2, 4, 5, 7, 10, 17, 20, 33, 999, -3])
@pytest.mark.parametrize(
    "event_type", [1, 2, 3, 4, 11, 12, 30, 31, 32, 33, 40, 41, 43, 44, 45, 101, 102, 103, 104, 110, 111, 112]
)
def test_types_of_other_products_are_never_recording_events(product_id: int, event_type: int) -> None:
    said = envelope(
        notification(event_type, {"exitStatus": 0, "leaveCode": 0, "state": 0, "streamUid": "1"}, product_id=product_id)
    )
    fact = _fact_or_none(said)
    assert fact is None or fact.product != "cloud_recording"


def test_the_fact_carries_where_it_came_from_and_what_it_speaks_of() -> None:
    said = notification(44, {"streamUid": "1", "state": 0}, sequence=7)
    fact = decode(envelope(said), Origin("eu", "talks", RECEIVED_MS))
    assert fact is not None
    assert (fact.source, fact.project, fact.product, fact.received_ms) == (
        "eu",
        "talks",
        "cloud_recording",
        RECEIVED_MS,
    )
    assert (fact.session_id, fact.channel, fact.teller, fact.event_type) == (SID, CHANNEL, RECORDER, 44)
    assert fact.identity == identity("talks", envelope(said))
    assert fact.effect is None


def test_only_a_snapshot_has_an_effect_and_its_file_names_it() -> None:
    assert decoded(notification(45, {"fileName": f"a/{NAME}"})).effect == f"a/{NAME}"
    assert [decoded(notification(each, {"fileName": NAME, "progress": 1})).effect for each in (33, 40, 46, 45 + 1)] == [
        None
    ] * 4


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *[(0, 0), (7, 7), ("12", 12), (3.0, 3), (2**64 - 1, 2**64 - 1)],
        *[(-1, -1), ("x", -1), (None, -1), (..., -1), (1.5, -1), (True, -1)],
    ],
)
def test_a_sequence_is_a_natural_number_or_unknown(value: Any, expected: int) -> None:
    assert decoded(changed_payload(notification(40), sequence=value)).order.sequence == expected


@pytest.mark.parametrize(
    ("value", "expected"), [("1001", "1001"), (1001, "1001"), (2**32 - 1, "4294967295"), ("", None), (..., None)]
)
def test_the_recorder_that_speaks_is_named_by_text(value: Any, expected: str | None) -> None:
    assert decoded(changed_payload(notification(40), uid=value)).teller == expected


@pytest.mark.parametrize(
    ("event_type", "details", "sendts", "notify_ms", "expected"),
    [
        (40, {}, AT_MS, AT_MS + 30, AT_MS),
        (40, {}, AT_MS // 1000, AT_MS + 30, AT_MS),
        (40, {}, str(AT_MS), AT_MS + 30, AT_MS),
        (40, {}, ..., AT_MS + 30, AT_MS + 30),
        (40, {}, 0, AT_MS + 30, AT_MS + 30),
        (40, {}, "garbage", "garbage", RECEIVED_MS),
        (40, {"UtcMs": 5}, AT_MS, AT_MS + 30, AT_MS),
        (46, {"UtcMs": 5}, AT_MS, AT_MS + 30, AT_MS),
        (44, {"UtcMs": AT_MS - 4}, AT_MS, AT_MS + 30, AT_MS - 4),
        (44, {"utcMs": AT_MS - 4}, AT_MS, AT_MS + 30, AT_MS - 4),
        (43, {"utcMs": str(AT_MS - 4)}, AT_MS, AT_MS + 30, AT_MS - 4),
        (43, {"UtcMs": AT_MS - 4, "utcMs": AT_MS - 9}, AT_MS, AT_MS + 30, AT_MS - 4),
        (43, {"UtcMs": None, "utcMs": AT_MS - 9}, AT_MS, AT_MS + 30, AT_MS - 9),
        (44, {"UtcMs": 0}, AT_MS, AT_MS + 30, AT_MS),
        (44, {"UtcMs": "soon"}, ..., AT_MS + 30, AT_MS + 30),
        (44, {"UtcMs": AT_MS // 1000}, AT_MS + 999, AT_MS + 30, AT_MS),
    ],
)
def test_the_event_time_is_its_own_then_of_sending_then_of_notifying_then_of_receiving(
    event_type: int, details: dict[str, Any], sendts: Any, notify_ms: Any, expected: int
) -> None:
    full = {"streamUid": "1", "state": 0} | details
    said = changed_payload(notification(event_type, full, notify_ms=notify_ms), sendts=sendts)
    assert decoded(said).order.at_ms == expected


def test_terminal_types_rank_last_at_one_instant() -> None:
    ranks = {event_type: row.rank for event_type, row in PRODUCTS[3].events.items()}
    assert sorted(ranks, key=ranks.__getitem__)[-4:] == [41, 32, 31, 11]
    undocumented = {event_type for event_type, rank in ranks.items() if rank == UNKNOWN_RANK}
    assert undocumented == {34, 46, 47}
    documented = [rank for event_type, rank in ranks.items() if event_type not in undocumented]
    assert len(set(documented)) == len(documented)
    assert min(documented) > UNKNOWN_RANK


def test_a_place_sorts_as_text_like_the_order_it_stands_for() -> None:
    sequences = [-1, 0, 1, 9, 10, 99, 100, 2**53, 2**64 - 1]
    facts = [
        decoded(changed_payload(notification(event_type, {"leaveCode": 0, "exitStatus": 0}), sequence=number))
        for number in sequences
        for event_type in (46, 40, 41, 11)
    ]
    assert sorted(facts, key=lambda fact: fact.place) == facts == sorted(facts, key=lambda fact: fact.order)


@pytest.mark.parametrize(
    ("in_payload", "outside", "expected"),
    [
        ("abc", "abc", "abc"),
        ("abc", ..., "abc"),
        (..., "abc", "abc"),
        ("", "abc", "abc"),
        (None, "abc", "abc"),
        ("a", "b", "a"),
        (17, ..., "17"),
    ],
)
def test_the_session_is_named_in_the_payload_or_else_beside_it(in_payload: Any, outside: Any, expected: str) -> None:
    said = changed_payload(notification(40), sid=in_payload) | {"sid": outside}
    assert decoded({key: value for key, value in said.items() if value is not ...}).session_id == expected


@pytest.mark.parametrize("outside", [..., None, 5, []])
def test_a_recording_that_names_no_session_is_undecodable(outside: Any) -> None:
    said = changed_payload(notification(40), sid=...) | {"sid": outside}
    with pytest.raises(Undecodable, match="names a session"):
        decode(envelope({key: value for key, value in said.items() if value is not ...}), ORIGIN)


def test_an_empty_name_beside_the_payload_names_no_session() -> None:
    with pytest.raises(Undecodable):
        decode(envelope(changed_payload(notification(40), sid=...) | {"sid": ""}), ORIGIN)


def test_an_id_longer_than_any_id_is_undecodable() -> None:
    assert decoded(notification(40, sid="s" * LONGEST_ID)).session_id == "s" * LONGEST_ID
    with pytest.raises(Undecodable, match="257 characters; at most 256"):
        decode(envelope(notification(40, sid="s" * (LONGEST_ID + 1))), ORIGIN)


@pytest.mark.parametrize(
    ("payload", "product_id", "expected"),
    [
        ({"cname": "test_webhook", "uid": "12121212"}, 3, True),
        ({"cname": "test_webhook"}, 99, True),
        ({"channelName": "test_webhook", "uid": 12121212}, 1, True),
        ({"channel": "test_webhook"}, 17, True),
        ({"cname": "test_webhook2"}, 3, False),
        ({"cname": "Test_Webhook"}, 3, False),
        ({"uid": "12121212"}, 3, False),
        ({}, 1, False),
    ],
)
def test_the_health_check_of_the_console_is_known_by_its_channel(payload: Any, product_id: int, expected: bool) -> None:
    assert is_test(envelope(notification(40, product_id=product_id) | {"payload": payload})) is expected


@pytest.mark.parametrize(
    ("product_id", "payload", "expected"),
    [
        (3, {"cname": "a", "channelName": "b"}, "a"),
        (3, {"channelName": "b"}, None),
        (3, {"cname": 5}, "5"),
        (1, {"channelName": "b"}, "b"),
        (17, {"channel": "c"}, "c"),
        (1, {"channelName": "", "channel": "c"}, None),
        (99, {"channelName": "", "channel": "c"}, "c"),
        (1, {"channelName": {"a": 1}}, None),
        (99, {}, None),
    ],
)
def test_the_channel_is_where_the_product_names_it(product_id: int, payload: Any, expected: str | None) -> None:
    assert channel_of(envelope(notification(40, product_id=product_id) | {"payload": payload})) == expected


def test_all_that_concerns_one_channel_of_a_project_goes_one_way() -> None:
    of_recording = envelope(notification(40, channel="a", sid="1"))
    of_rtc = envelope(notification(103, product_id=1) | {"payload": {"channelName": "a"}})
    assert routing_key("p", of_recording) == routing_key("p", of_rtc)
    assert routing_key("p", of_recording) != routing_key("q", of_recording)
    assert routing_key("p", of_recording) != routing_key("p", envelope(notification(40, channel="b", sid="1")))


def test_without_a_channel_the_session_decides_the_way_and_else_the_notification() -> None:
    nameless = changed_payload(notification(40, notice_id="n"), cname=...)
    assert routing_key("p", envelope(nameless)) == SID
    assert routing_key("p", envelope(nameless | {"productId": 99})) == "n"
    assert routing_key("p", envelope({key: nameless[key] for key in nameless if key != "sid"} | {"payload": {}})) == "n"


@pytest.mark.parametrize(
    ("product", "event_type", "expected"),
    [
        ("cloud_recording", 11, "session_exit"),
        ("cloud_recording", 44, "recorder_video_stream_state_changed"),
        ("cloud_recording", 46, "undocumented_46"),
        ("cloud_recording", 5, None),
        ("rtc", 11, None),
        ("unknown", 11, None),
        ("cloud_recording", None, None),
    ],
)
def test_an_event_is_named_by_its_product_and_type(product: str, event_type: int | None, expected: str | None) -> None:
    assert event_name(product, event_type) == expected


def _fact_or_none(said: Envelope) -> Fact | None:
    try:
        return decode(said, ORIGIN)
    except Undecodable:
        return None


@pytest.mark.parametrize("channel", ["x" * LONGEST_ID, "é" * 64, "会议室" * 21, "😀" * LONGEST_ID])
def test_a_channel_may_be_as_long_as_an_id_however_its_letters_are_written_in_one(channel: str) -> None:
    joined = notification(103, product_id=1) | {"payload": {"channelName": channel, "uid": 7, "clientSeq": 1}}
    assert decoded(joined).channel == channel
    with pytest.raises(Undecodable, match="at most 256"):
        decode(envelope(joined | {"payload": {"channelName": channel * 260, "uid": 7, "clientSeq": 1}}), ORIGIN)

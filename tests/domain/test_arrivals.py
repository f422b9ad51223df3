from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from tests.build import (
    AT_MS,
    CHANNEL,
    RECEIVED_MS,
    RECORDER,
    SID,
    Kept,
    Notification,
    body,
    notification,
    reading,
    snapshot,
    started,
    video,
)
from webhook.domain.arrivals import dead_letter
from webhook.domain.events import Undecoded, Unrecognised
from webhook.domain.log import DEAD, LOOSE, Copy, Entry, Outcome, effect_digest, session_log
from webhook.domain.recording.events import RecorderStarted


def test_a_notification_of_a_session_is_kept_in_its_log_under_its_identity() -> None:
    said = started(notice_id="n", notify_ms=AT_MS + 30)
    read = reading(said, source="eu", project="talks", receipt="post-1")
    assert read.fact is not None
    assert read.fact.event == RecorderStarted(True)
    assert (read.log, read.field, read.received_ms) == (session_log(SID), read.fact.identity, RECEIVED_MS)
    assert read.entry == Entry(
        source="eu",
        product="cloud_recording",
        product_id=3,
        event_type=40,
        outcome=Outcome.APPLIED,
        session_id=SID,
        channel=CHANNEL,
        occurred_ms=AT_MS,
        copies=(Copy("n", AT_MS + 30, RECEIVED_MS),),
        body=body(said),
        signature=2,
        uids=(RECORDER,),
        receipts=("post-1",),
    )


def test_an_unknown_type_of_a_session_is_kept_in_its_log_as_unknown() -> None:
    read = reading(notification(46))
    assert (read.log, read.entry.outcome, read.entry.session_id) == (session_log(SID), Outcome.UNKNOWN, SID)
    assert read.fact is not None
    assert read.fact.event == Unrecognised()


def test_a_snapshot_is_kept_with_the_digest_of_its_file() -> None:
    said = snapshot()
    assert reading(said).entry.effect == effect_digest(said["payload"]["details"]["fileName"])


TEST = "test_webhook"
# how each product's payloads name their channel
NAMED: dict[int, dict[str, Any]] = {
    1: {"channelName": TEST, "uid": 12121212},
    3: {"cname": TEST, "uid": "12121212", "sid": SID, "details": {}},
    4: {"player": {"id": "p", "channelName": TEST}},
    5: {"converter": {"id": "c", "transcodeOptions": {"rtcChannel": TEST}}},
    10: {"sid": "g", "rtcInfo": {"channel": TEST, "uid": "12121212"}},
    17: {"agent_id": "a", "channel": TEST},
    20: {"agent_id": "a", "channel": TEST},
    99: {"cname": TEST},
}


@pytest.mark.parametrize("event_type", [1, 11, 40, 44, 45, 101])
@pytest.mark.parametrize("product_id", NAMED)
def test_a_test_of_the_console_makes_no_fact(product_id: int, event_type: int) -> None:
    assert_test(product_id, event_type, NAMED[product_id])


def assert_test(product_id: int, event_type: int, payload: dict[str, Any]) -> None:
    said = notification(event_type, product_id=product_id, notice_id="n", notify_ms=AT_MS) | {"payload": payload}
    read = reading(said)
    assert read.fact is None
    assert (read.log, read.field) == (LOOSE, f"default:{product_id}:{event_type}:n")
    assert (read.entry.outcome, read.entry.session_id) == (Outcome.TEST, None)
    assert read.entry.occurred_ms == AT_MS


@pytest.mark.parametrize("event_type", [1, 4, 101])
@pytest.mark.parametrize(
    ("product_id", "name"),
    [
        (1, "channelName"),
        (3, "cname"),
        (99, "channelName"),
        (99, "cname"),
        *((product_id, "channelName") for product_id in (3, 4, 5, 10, 17, 20)),
        *((product_id, "cname") for product_id in (1, 4, 5, 10, 17, 20)),
    ],
)
def test_the_consoles_own_name_of_the_channel_tells_a_test_whatever_the_product(
    product_id: int, name: str, event_type: int
) -> None:
    assert_test(product_id, event_type, {name: TEST, "uid": 12121212})


def test_an_unknown_product_makes_no_fact() -> None:
    read = reading(notification(44, product_id=99, notice_id="n"), source="eu")
    assert read.fact is None
    assert (read.log, read.field, read.entry.outcome) == (LOOSE, "eu:99:44:n", Outcome.UNKNOWN)


def test_without_a_time_of_sending_the_received_time_stands_for_it() -> None:
    said = notification(44, product_id=99)
    del said["notifyMs"]
    read = reading(said)
    assert read.copy.notified_ms == RECEIVED_MS
    assert read.entry.occurred_ms is None


@pytest.mark.parametrize("posted", [b"", b"null", b"[]", b"\xff", b"{}", b"[" * 10_000])
def test_a_body_that_is_no_envelope_is_quarantined_under_its_digest(posted: bytes) -> None:
    read = reading(posted, source="eu")
    assert read.fact is None
    assert (read.log, read.entry.outcome, read.entry.body) == (DEAD, Outcome.QUARANTINED, posted)
    assert read.field == read.copy.notice_id
    assert read.field.startswith("sha256:")
    assert (read.entry.product_id, read.entry.event_type, read.entry.session_id) == (None, None, None)
    assert (read.copy.notified_ms, read.copy.received_ms) == (RECEIVED_MS, RECEIVED_MS)
    assert read.entry.error


def test_two_different_unreadable_bodies_are_two_entries() -> None:
    assert reading(b"null").field != reading(b"[]").field


def test_a_known_type_without_what_it_needs_is_a_dead_letter_that_counts_as_heard() -> None:
    read = reading(notification(44, {"streamUid": "1"}, sequence=5))
    assert read.fact is not None
    assert (read.log, read.field, read.entry.outcome) == (DEAD, read.fact.identity, Outcome.DEAD_LETTER)
    assert (read.fact.event, read.fact.order.sequence) == (Undecoded(read.entry.error or ""), 5)
    assert read.entry.error == "details.state is None, not an integer"
    assert read.entry.session_id == SID


def test_a_recording_that_names_no_session_is_a_dead_letter_without_a_fact() -> None:
    said = notification(44, notice_id="n")
    del said["sid"], said["payload"]["sid"]
    read = reading(said)
    assert read.fact is None
    assert (read.log, read.field, read.entry.outcome) == (DEAD, "default:3:44:n", Outcome.DEAD_LETTER)
    assert read.entry.error == "neither payload.sid nor the envelope's sid names a session"


def test_setting_a_snapshot_aside_takes_its_effect_from_it() -> None:
    read = dead_letter(reading(snapshot(sequence=4)), "RuntimeError: out of luck")
    assert read.fact is not None
    assert (read.fact.event, read.fact.effect) == (Undecoded("RuntimeError: out of luck"), None)
    assert (read.log, read.entry.outcome, read.entry.effect) == (DEAD, Outcome.DEAD_LETTER, None)
    assert read.entry.error == "RuntimeError: out of luck"
    assert (read.field, read.fact.order.sequence) == (reading(snapshot(sequence=4)).field, 4)


def test_setting_aside_what_has_no_fact_keeps_only_its_entry() -> None:
    read = dead_letter(reading(notification(44, product_id=99)), "broken")
    assert (read.fact, read.log, read.entry.error) == (None, DEAD, "broken")


@pytest.mark.parametrize("field", ["productId", "eventType"])
@pytest.mark.parametrize("number", [2**64, 10**20 - 1, -(2**63) - 1])
def test_numbers_that_no_64_bits_hold_go_to_quarantine(field: str, number: int) -> None:
    assert reading(video(0) | {field: number}).entry.outcome == Outcome.QUARANTINED


@pytest.mark.parametrize("field", ["productId", "eventType"])
@pytest.mark.parametrize("number", [2**64 - 1, -(2**63)])
def test_the_widest_numbers_of_product_and_type_are_kept_exactly(field: str, number: int) -> None:
    entry = reading(video(0) | {field: number}).entry
    assert number in {entry.product_id, entry.event_type}
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(entry), type=Entry) == entry


@pytest.mark.parametrize(
    "said",
    [started(), notification(46), notification(44, {}), notification(44, product_id=99), snapshot(), b"null"],
    ids=["applied", "unknown type", "dead letter", "unknown product", "snapshot", "quarantined"],
)
def test_what_is_read_twice_is_the_same_but_for_its_receipt(said: Notification | bytes) -> None:
    assert reading(said, receipt="post-1") == reading(said, receipt="post-1")
    one, other = reading(said), reading(said)
    assert one != other
    assert replace(one, entry=replace(one.entry, receipts=other.entry.receipts)) == other
    kept = Kept()
    kept.fold(said)
    assert list(kept.fold(said).outcomes) == [Outcome.DUPLICATE]

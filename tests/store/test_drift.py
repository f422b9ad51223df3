"""Fields that no table knows are counted, and their counts stay few (issue: tolerance of the wire)."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis

from tests.store.build import AT_MS, joined, notification, poison, snapshot, started, told, video
from tests.store.rig import Rig
from webhook.store.keys import ShardKeys

DRIFT = ShardKeys(0).drift


@pytest.fixture
def one(redis: Redis) -> Rig:
    return Rig(redis, 1, drifted=5)


def drift(rig: Rig) -> dict[str, int]:
    stored: dict[bytes, bytes] = rig.redis.hgetall(DRIFT)
    return {name.decode(): int(count) for name, count in stored.items()}


def with_field(name: str, number: int = 0) -> dict[str, Any]:
    """A 44 whose details have a field that no table knows."""
    said = video(1, at_ms=AT_MS + number, notice_id=f"{name}:{number}")
    said["payload"]["details"][name] = 1
    return said


def test_unknown_fields_are_counted_by_product_type_and_name(one: Rig) -> None:
    beside = video(1, at_ms=AT_MS + 9)
    beside["payload"]["beside"] = {"deep": 1}
    one.append(with_field("novel", 1), with_field("novel", 2), with_field("other", 3), beside)
    one.append(told(1, 103, joined(7)["payload"] | {"mood": "good"}))
    one.drain()
    assert drift(one) == {
        "cloud_recording:44:novel": 2,
        "cloud_recording:44:other": 1,
        "cloud_recording:44:beside": 1,
        "rtc:103:mood": 1,
    }


def test_what_the_tables_know_is_no_drift(one: Rig) -> None:
    one.append(started(), video(1), snapshot(1), joined(7))
    one.drain()
    assert not one.redis.exists(DRIFT)


def test_a_copy_is_not_counted_again(one: Rig) -> None:
    one.append(with_field("novel"), with_field("novel") | {"noticeId": "a copy"})
    one.drain()
    one.append(with_field("novel"))
    one.drain()
    assert drift(one) == {"cloud_recording:44:novel": 1}


def test_fields_of_products_and_types_that_no_table_knows_are_not_counted(one: Rig) -> None:
    one.append(notification(77, {"odd": 1}), notification(1, {"odd": 1}) | {"productId": 99}, b"null")
    one.append(started(cname="test_webhook", odd=1))
    one.drain()
    assert not one.redis.exists(DRIFT)


def test_a_dead_letter_drifts_too(one: Rig) -> None:
    one.append(poison(odd=1))
    one.drain()
    assert drift(one) == {"cloud_recording:44:odd": 1}


def test_a_long_name_is_cut(one: Rig) -> None:
    one.append(with_field("n" * 1000))
    one.drain()
    assert drift(one) == {"cloud_recording:44:" + "n" * 64: 1}


def test_once_there_are_enough_no_more_are_counted(one: Rig) -> None:
    for number in range(9):
        one.append(with_field(f"field {number}", number))
        one.drain()
    assert len(drift(one)) == 5
    assert set(drift(one).values()) == {1}


def test_however_many_come_in_one_batch_no_more_are_counted(one: Rig) -> None:
    one.append(*(with_field(f"field {number}", number) for number in range(9)))
    one.drain()
    assert len(drift(one)) == 5


def test_however_many_come_in_one_notification_no_more_are_counted(one: Rig) -> None:
    said = video(1)
    said["payload"]["details"].update({f"field {number}": number for number in range(1000)})
    one.append(said)
    one.drain()
    assert len(drift(one)) == 5


def test_what_is_counted_already_is_counted_on(one: Rig) -> None:
    for number in range(5):
        one.append(with_field(f"field {number}", number))
    one.drain()
    one.append(with_field("field 0", 10), with_field("field 9", 11))
    one.drain()
    assert drift(one)["cloud_recording:44:field 0"] == 2
    assert len(drift(one)) == 5

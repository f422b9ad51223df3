"""What an open row says of a notification, in the words of this release."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.store.build import AT_MS, created, joined, left, notification, poison, raw, started, told, uploaded, video
from tests.store.rig import Rig
from webhook.store.notifications import ItemFilter, Notifications
from webhook.views import notification_page as module
from webhook.views.notification_page import NotificationRow, notification_rows, pretty


def row(rig: Rig, body: Any, *, operator: bool = True) -> NotificationRow:
    """The row of a notification that was received, open."""
    rig.append(body)
    rig.drain()
    items = Notifications(rig.redis, rig.shards).all(ItemFilter(), 50, None).items
    (found,) = notification_rows(items, items[0].copy.notice_id, operator=operator)
    return found


def says(rig: Rig, body: Any) -> dict[str, str]:
    found = row(rig, body).opened
    assert found
    return dict(found.says)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (video(1), {"told by": "1001", "uid": "7", "track": "video", "reception": "stopped"}),
        (started(), {"normal": "yes"}),
        (left(code=12), {"reasons": "no users, ignore"}),
        (left(code=0), {"reasons": "init failed"}),
        (joined(7), {"uid": "7"}),
        (notification(12, {"newUid": 1002}), {"new uid": "1002"}),
        (created("c1"), {"kind": "created"}),
    ],
)
def test_the_parts_of_an_event_are_told(rig: Rig, body: Any, said: dict[str, str]) -> None:
    found = says(rig, body)
    assert {name: found.get(name) for name in said} == said


@pytest.mark.parametrize("body", [poison(), b"[]", told(99, 1, {"a": 1})])
def test_what_cannot_be_decoded_says_nothing(rig: Rig, body: Any) -> None:
    assert says(rig, body) == {}


def test_files_are_told_by_their_names(rig: Rig) -> None:
    file = {"fileName": "a.m3u8", "trackType": "video", "uid": "7", "mixedAllUser": False, "isPlayable": True}
    body = uploaded()
    body["payload"]["details"] |= {"fileList": [file, file | {"fileName": "b.m3u8"}]}
    assert says(rig, body)["files"] == "a.m3u8, b.m3u8"


def test_a_closed_row_has_nothing_to_print_below_it(rig: Rig) -> None:
    rig.append(started())
    rig.drain()
    items = Notifications(rig.redis, rig.shards).all(ItemFilter(), 50, None).items
    assert [each.opened for each in notification_rows(items, "another", operator=True)] == [None]


def test_two_of_one_name_have_each_a_place_in_the_page(rig: Rig) -> None:
    rig.append(started("s1", notice_id="n"), started("s2", notice_id="n", cname="hall"))
    rig.drain()
    items = Notifications(rig.redis, rig.shards).all(ItemFilter(), 50, None).items
    assert [each.anchor for each in notification_rows(items, None, operator=True)] == ["n-n", "n-n-2"]


def test_it_leads_to_its_place_in_the_session_under_the_name_that_stands_for_all_copies(rig: Rig) -> None:
    rig.append(started(notice_id="b"), started(notice_id="a c"))
    rig.drain()
    items = Notifications(rig.redis, rig.shards).called("b", ItemFilter(), 50, None).items
    (found,) = notification_rows(items, "b", operator=True)
    assert found.opened
    assert found.opened.timeline == "/ops/sessions/s1#n-a%20c"
    around = "from=2025-11-24T15:55:00.000Z&to=2025-11-24T16:05:00.000Z"
    assert (found.opened.around, AT_MS) == (f"/ops/sessions/s1?{around}#n-a%20c", 1_764_000_000_000)


def test_what_has_no_session_has_no_place(rig: Rig) -> None:
    found = row(rig, b"[]").opened
    assert found
    assert (found.timeline, found.around) == (None, None)


def test_a_long_body_is_cut(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST_BODY", 20)
    found = row(rig, started()).opened
    assert found
    assert (len(found.body or ""), found.cut) == (20, True)


@pytest.mark.parametrize(
    ("body", "shown"),
    [(msgspec.Raw(raw({"a": [1]})), '{\n  "a": [\n    1\n  ]\n}'), ("as it came", "as it came"), (None, None)],
)
def test_json_is_indented_and_other_bodies_are_left_as_they_came(body: Any, shown: str | None) -> None:
    assert pretty(body) == shown

"""Dead letters as readers see them: pages over all shards, filters, ids, requests and answers."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from redis import Redis

from tests.store.build import notification, poison, started
from tests.store.rig import Rig
from webhook.domain.arrivals import Arrival, Kind
from webhook.domain.errors import StoreError
from webhook.domain.folding import DEAD_KEPT_MS
from webhook.domain.log import DEAD
from webhook.domain.replaying import Answer, Verdict
from webhook.store import dead_letters as module
from webhook.store.audit import MOST_DEEDS, deeds, note
from webhook.store.codec import encode_entry
from webhook.store.connection import server_now_ms
from webhook.store.dead_letters import DeadLetter, DeadLetterFilter, DeadLetters
from webhook.store.inbox import Appended

ALL = DeadLetterFilter()


@pytest.fixture
def letters(rig: Rig) -> DeadLetters:
    return DeadLetters(rig.redis, rig.inbox, rig.shards)


def fill(rig: Rig, count: int = 12) -> list[str]:
    """Dead letters over both shards, some received in one millisecond; their noticeIds, last received first."""
    now_ms = server_now_ms(rig.redis) - 60_000
    bodies = [poison(f"s{number}", cname=f"room {number}", notice_id=f"n{number}") for number in range(count)]
    for number, body in enumerate(bodies):
        rig.put(body, now_ms + number // 3)
    rig.drain()
    assert count < 12 or len({rig.keys_of(body).shard for body in bodies}) == 2
    return [body["noticeId"] for body in reversed(bodies)]


def walk(letters: DeadLetters, wanted: DeadLetterFilter, limit: int) -> list[DeadLetter]:
    found, cursor = [], None
    while True:
        page = letters.page(wanted, limit, cursor)
        assert len(page.items) <= limit
        found, cursor = found + page.items, page.next
        if cursor is None:
            return found


def names(found: list[DeadLetter]) -> list[str]:
    return [letter.entry.copies[0].notice_id for letter in found]


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 12, 50])
def test_pages_show_each_once_last_received_first(rig: Rig, letters: DeadLetters, limit: int) -> None:
    expected = fill(rig)
    found = walk(letters, ALL, limit)
    assert sorted(names(found)) == sorted(expected)
    times = [letter.entry.copies[0].received_ms for letter in found]
    assert times == sorted(times, reverse=True)


@pytest.mark.parametrize("limit", [1, 4])
def test_pages_with_a_filter_look_at_so_many_rows_and_go_on(
    rig: Rig, letters: DeadLetters, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setattr(module, "MOST_LOOKED_AT", 2)
    fill(rig)
    assert names(walk(letters, DeadLetterFilter(session="s4"), limit)) == ["n4"]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"kind": "quarantine"}, 1),
        ({"kind": "dead_letter"}, 3),
        ({"product": "cloud_recording"}, 3),
        ({"product": "rtc"}, 0),
        ({"event_type": 44}, 3),
        ({"event_type": 45}, 0),
        ({"session": "s2"}, 1),
        ({"source": "eu"}, 1),
        ({"source": "eu", "session": "s1"}, 0),
        ({"since_ms": 0}, 4),
        ({"until_ms": 0}, 0),
        ({"since_ms": 2**52}, 0),
    ],
)
def test_filters_choose(rig: Rig, letters: DeadLetters, wanted: dict[str, Any], expected: int) -> None:
    rig.append(poison("s1"), poison("s2"), b"no envelope")
    rig.append(poison("s3"), source="eu")
    rig.drain()
    assert len(walk(letters, DeadLetterFilter(**wanted), 10)) == expected


def test_since_is_included_and_until_is_not(rig: Rig, letters: DeadLetters) -> None:
    fill(rig, 3)
    at_ms = walk(letters, ALL, 10)[0].entry.copies[0].received_ms
    assert len(walk(letters, DeadLetterFilter(since_ms=at_ms, until_ms=at_ms + 1), 10)) == 3
    assert walk(letters, DeadLetterFilter(until_ms=at_ms), 10) == []


@pytest.mark.parametrize("notice_id", ["n1", "a|b", "a/b?c#d", "\U0001f600", "x" * 256, " "])
def test_each_is_found_by_its_id(rig: Rig, letters: DeadLetters, notice_id: str) -> None:
    rig.append(notification(44, {}, sid="", notice_id=notice_id), poison())
    rig.drain()
    for letter in walk(letters, ALL, 10):
        assert letters.find(letter.id) == letter
        assert letter.id.replace("-", "").replace("_", "").replace(".", "").isalnum()


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "0",
        "0.",
        "9.eA",
        "2.eA",
        "-1.eA",
        "00.eA",
        "\xb2.eA",
        f"{'9' * 5000}.eA",
        "0.\xff",
        "0.e",
        "x.eA",
        "0.____",
    ],
    ids=lambda name: ascii(name)[:20],
)
def test_what_is_no_id_finds_nothing(rig: Rig, letters: DeadLetters, name: str) -> None:
    rig.append(poison())
    rig.drain()
    assert letters.find(name) is None


def test_one_that_a_later_release_wrote_is_passed_over(rig: Rig, letters: DeadLetters) -> None:
    expected = fill(rig, 4)
    found = walk(letters, ALL, 10)
    spoilt = found[1]
    key = f"vigil:{{s{spoilt.shard}}}:log:{DEAD}"
    rig.redis.hset(key, spoilt.field, b"\x93later")
    assert names(walk(letters, ALL, 1)) == [name for name in names(found) if name != names([spoilt])[0]]
    assert len(expected) == 4
    assert letters.find(spoilt.id) is None


def test_a_dead_letter_says_its_kind_and_when_it_is_forgotten(rig: Rig, letters: DeadLetters) -> None:
    rig.append(b"no envelope")
    rig.drain()
    (letter,) = walk(letters, ALL, 10)
    assert letter.kind == "quarantine"
    assert letter.expires_ms == letter.entry.copies[0].received_ms + DEAD_KEPT_MS


def test_what_is_asked_for_is_done_by_the_shards_writer_and_answered(rig: Rig, letters: DeadLetters) -> None:
    rig.append(poison())
    rig.drain()
    (letter,) = walk(letters, ALL, 10)
    ticket, kept = letters.ask(Kind.DISCARD, letter, "default")
    assert letters.answers([(letter.shard, ticket)]) == {}
    assert kept.shard == letter.shard
    rig.drain()
    assert letters.answers([(letter.shard, ticket), (letter.shard, "nobody's")]) == {ticket: Answer(Verdict.DISCARDED)}
    assert walk(letters, ALL, 10) == []


def test_an_answer_is_kept_for_ten_minutes(rig: Rig, letters: DeadLetters) -> None:
    rig.append(poison())
    rig.drain()
    (letter,) = walk(letters, ALL, 10)
    ticket, _ = letters.ask(Kind.DISCARD, letter, "default")
    rig.drain()
    assert 0 < rig.redis.ttl(rig.keys_of(poison()).answer(ticket)) <= 600


def several(rig: Rig, letters: DeadLetters) -> DeadLetter:
    """A dead letter that was told thrice, under two names."""
    rig.append(poison(notice_id="a"), poison(notice_id="b"), poison(notice_id="b"))
    rig.drain()
    (letter,) = walk(letters, ALL, 10)
    return letter


def copies(letter: DeadLetter) -> dict[str, int]:
    return {copy.notice_id: copy.count for copy in letter.entry.copies}


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("between", [True, False], ids=["in turn", "in one batch"])
def test_what_is_carried_to_another_shard_takes_all_its_copies_along_and_goes_here(
    rig: Rig, letters: DeadLetters, times: int, between: bool
) -> None:
    letter = several(rig, letters)
    for _ in range(times):
        letters.carry(letter, "default", 1 - letter.shard)
        if between:
            rig.drain()
    rig.drain()
    (there,) = walk(letters, ALL, 10)
    assert (there.shard, there.entry.copies) == (1 - letter.shard, letter.entry.copies)
    assert (there.entry.receipts, there.entry.error) == (letter.entry.receipts, letter.entry.error)
    counts = [session.received for _, session in filter(None, [rig.sessions.find("s1")])]
    assert counts == [3]


@pytest.mark.parametrize("name", ["a", "c"])
def test_a_copy_that_came_while_it_was_carried_stays(rig: Rig, letters: DeadLetters, name: str) -> None:
    letter = several(rig, letters)
    rig.append(poison(notice_id=name))
    for _ in range(2):
        letters.carry(letter, "default", 1 - letter.shard)
    rig.drain()
    found = {each.shard: copies(each) for each in walk(letters, ALL, 10)}
    assert found == {letter.shard: {name: 1}, 1 - letter.shard: {"a": 1, "b": 2}}


def test_what_was_not_given_up_here_is_carried_again_with_what_came_since(
    rig: Rig, letters: DeadLetters, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter, append = several(rig, letters), rig.inbox.append_to
    there = 1 - letter.shard

    def away(shard: int, arrival: Arrival) -> Appended:
        if arrival.kind is Kind.DISCARD:
            raise StoreError("away")
        return append(shard, arrival)

    with monkeypatch.context() as patch:
        patch.setattr(rig.inbox, "append_to", away)
        with pytest.raises(StoreError):
            letters.carry(letter, "default", there)
    rig.drain()
    rig.append(poison(notice_id="c"))
    rig.drain()
    (left,) = [each for each in walk(letters, ALL, 10) if each.shard == letter.shard]
    letters.carry(left, "default", there)
    rig.drain()
    (moved,) = walk(letters, ALL, 10)
    assert (moved.shard, set(copies(moved))) == (there, {"a", "b", "c"})
    assert moved.entry.receipts == left.entry.receipts


def test_one_of_an_earlier_release_has_no_receipt_and_is_carried_once(rig: Rig, letters: DeadLetters) -> None:
    letter = several(rig, letters)
    bare = replace(letter, entry=replace(letter.entry, receipts=()))
    rig.redis.hset(rig.keys_of(poison()).log(DEAD), letter.field, encode_entry(bare.entry))
    for _ in range(2):
        letters.carry(bare, "default", 1 - letter.shard)
    rig.drain()
    (there,) = walk(letters, ALL, 10)
    assert (there.shard, copies(there)) == (1 - letter.shard, {"a": 1, "b": 2})


def test_what_raises_where_it_is_carried_to_is_a_dead_letter_there(
    rig: Rig, letters: DeadLetters, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter = several(rig, letters)
    monkeypatch.setattr("workers.deciding.read_again", lambda *_: 1 / 0)
    letters.carry(letter, "default", 1 - letter.shard)
    rig.drain()
    (there,) = walk(letters, ALL, 10)
    assert (there.shard, copies(there)) == (1 - letter.shard, {"a": 1, "b": 2})
    assert (there.entry.error or "").startswith("ZeroDivisionError")


def test_of_dead_letters_none_is_dropped_for_their_number(redis: Redis) -> None:
    rig = Rig(redis, 1, loose=3, log_per_session=3)
    rig.append(*(poison(notice_id=f"n{number}", sequence=number) for number in range(30)), started())
    rig.drain()
    assert redis.zcard(f"vigil:{{s0}}:places:{DEAD}") == 30


def test_the_audit_list_keeps_the_newest_thousand(redis: Redis) -> None:
    for number in range(3):
        note(redis, "ann", "discard", f"dead_letter n{number}", f"reason {number}")
    assert [(deed.by, deed.subject, deed.reason) for deed in deeds(redis, 2)] == [
        ("ann", "dead_letter n2", "reason 2"),
        ("ann", "dead_letter n1", "reason 1"),
    ]
    redis.rpush("vigil:audit", *([b"{}"] * MOST_DEEDS))
    note(redis, "ann", "replay", "all")
    assert redis.llen("vigil:audit") == MOST_DEEDS

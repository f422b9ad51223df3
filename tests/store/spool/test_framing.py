"""Records as bytes: whatever is in them survives, and damage costs the record it hits, which is told."""

from __future__ import annotations

import zlib

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.store.spool.spooling import spooled
from webhook.store.spool.framing import HEAD, MARK, Gap, Spooled, encode, head_at, heads, records

BODIES = st.binary(max_size=60) | st.lists(st.sampled_from([MARK, b"\x00" * 20, b"x"]), max_size=8).map(b"".join)
RECORDS = st.builds(
    Spooled,
    routing_key=st.text(max_size=8),
    receipt=st.text(max_size=8),
    source=st.text(max_size=8),
    project=st.text(max_size=8),
    signature=st.integers(0, 2),
    claim=st.text(max_size=8),
    received_ms=st.integers(0, 2**63 - 1),
    body=BODIES,
)
LENGTH = range(4, 8)  # bytes of a head that hold the length


@given(st.lists(RECORDS, max_size=6))
def test_any_records_are_read_as_they_were_written(held: list[Spooled]) -> None:
    segment = b"".join(map(encode, held))
    assert list(records(segment)) == held
    assert [head.received_ms for head in heads(segment)] == [each.received_ms for each in held]


@given(RECORDS, RECORDS)
def test_a_tail_that_is_cut_at_any_byte_is_one_torn_gap_and_nothing_before_it_is_lost(
    first: Spooled, last: Spooled
) -> None:
    whole, tail = encode(first), encode(last)
    for cut in range(1, len(tail)):
        assert list(records(whole + tail[:cut])) == [first, Gap(len(whole), cut, torn=True)]


@given(st.lists(RECORDS, min_size=1, max_size=4), st.data())
def test_a_changed_byte_costs_at_most_the_record_it_hits_and_is_told(held: list[Spooled], data: st.DataObject) -> None:
    parts = list(map(encode, held))
    hit = data.draw(st.integers(0, len(parts) - 1), label="record")
    at = data.draw(st.integers(0, len(parts[hit]) - 1), label="byte")
    flip = data.draw(st.integers(1, 255), label="change")
    changed = bytearray(parts[hit])
    changed[at] ^= flip
    told = list(records(b"".join([*parts[:hit], bytes(changed), *parts[hit + 1 :]])))
    assert [each for each in told if isinstance(each, Spooled)] == held[:hit] + held[hit + 1 :]
    (gap,) = (each for each in told if isinstance(each, Gap))
    assert gap.length == len(parts[hit])
    if hit + 1 < len(parts) or at not in LENGTH:  # a last record that claims to be longer cannot be told from a cut
        assert not gap.torn


def test_a_whole_last_record_that_fails_its_checksum_is_not_taken_for_a_write_that_was_cut_short() -> None:
    whole = encode(spooled(b"first"))
    damaged = whole[:-1] + bytes([whole[-1] ^ 1])
    assert list(records(whole + damaged)) == [spooled_like(whole), Gap(len(whole), len(whole), torn=False)]


def spooled_like(record: bytes) -> Spooled:
    (only,) = records(record)
    assert isinstance(only, Spooled)
    return only


def test_a_sound_record_of_another_shape_is_a_gap_and_the_next_is_read() -> None:
    other = msgspec.msgpack.encode(["of", "a later", "release"])
    checksum = zlib.crc32(other, zlib.crc32((5).to_bytes(8)))
    strange = HEAD.pack(MARK, len(other), checksum, 5) + other
    known = spooled(b"known")
    assert list(records(strange + encode(known))) == [Gap(0, len(strange), torn=False), known]


def test_what_is_no_segment_at_all_is_one_gap() -> None:
    assert list(records(b"\x00" * 100)) == [Gap(0, 100, torn=False)]
    assert list(records(b"")) == []


def test_a_head_is_only_found_where_its_record_is_whole() -> None:
    record = encode(spooled(b"body", received_ms=17))
    head = head_at(record, 0)
    assert head
    assert (head.received_ms, head.end) == (17, len(record))
    assert head_at(record[:-1], 0) is None
    assert head_at(record, 1) is None


def test_heads_go_on_past_damage_and_stop_at_a_write_in_progress() -> None:
    parts = [encode(spooled(b"body", received_ms=number)) for number in range(4)]
    broken = b"\x00" * HEAD.size + parts[1][HEAD.size :]
    found = list(heads(parts[0] + broken + parts[2] + parts[3][:-1]))
    assert [head.received_ms for head in found] == [0, 2]
    assert found[-1].end == len(parts[0] + broken + parts[2])


def test_the_time_of_an_arrival_is_by_the_servers_clock() -> None:
    late = replace(spooled(b"{}"), received_ms=10_000)
    assert late.arrival(ahead_ms=2_000).received_ms == 8_000
    assert late.arrival(ahead_ms=-2_000).received_ms == 12_000

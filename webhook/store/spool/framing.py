"""Records of a segment as bytes: each is found, measured and checked by itself, whatever its neighbours suffered.

A record is a mark, the length of its content, a checksum and the time of receiving, then the content. A process that
dies while it writes leaves a torn record at the end, which nobody has acknowledged. Damage elsewhere is the disk's.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import msgspec
from msgspec import Struct

from webhook.domain.arrivals import Arrival

MARK = b"\xf5Vgl"
HEAD = struct.Struct(">4sIIQ")  # mark, bytes of content, CRC-32 of time and content, ms of receiving
_time = struct.Struct(">Q")


class Spooled(Struct, frozen=True, array_like=True):
    """One verified notification on its way to the inbox that `routing_key` decides.

    `claim` is the signature that it came with, so that whoever has the secret can verify the body again.
    """

    routing_key: str
    receipt: str
    source: str
    project: str
    signature: int
    claim: str
    received_ms: int
    body: bytes

    def arrival(self, ahead_ms: int) -> Arrival:
        """What is appended, its time by the server's clock, of which this host's is `ahead_ms` ahead."""
        received_ms = self.received_ms - ahead_ms
        return Arrival(self.receipt, self.source, self.project, self.signature, self.body, received_ms=received_ms)


_decoder = msgspec.msgpack.Decoder(Spooled)


class Gap(Struct, frozen=True):
    """Bytes of a segment in which no record can be read; `torn` where a write was cut short at the end.

    A whole record that fails its checksum is not torn, though it be the last: it may have been acknowledged.
    """

    offset: int
    length: int
    torn: bool


class Head(Struct, frozen=True):
    """What is known of a record before its content is read: its time of receiving, ms, and where it ends."""

    received_ms: int
    end: int


def encode(spooled: Spooled) -> bytes:
    """The record of one notification."""
    content = msgspec.msgpack.encode(spooled)
    return HEAD.pack(MARK, len(content), _checksum(spooled.received_ms, content), spooled.received_ms) + content


def head_at(segment: bytes | memoryview, offset: int) -> Head | None:
    """The head of the record at `offset`; None where none begins there, or where it is not whole."""
    if len(segment) - offset < HEAD.size:
        return None
    mark, length, _, received_ms = HEAD.unpack_from(segment, offset)
    end = offset + HEAD.size + length
    return Head(received_ms, end) if mark == MARK and end <= len(segment) else None


def records(segment: bytes) -> Iterator[Spooled | Gap]:
    """Every record of `segment` in order, and the gaps between them: also where another release wrote what is not
    known here.
    """
    offset = 0
    while offset < len(segment):
        head = head_at(segment, offset)
        if head is not None and _is_sound(segment, offset, head):
            yield _decode(segment, offset, head)
            offset = head.end
        else:
            after = _next_sound(segment, offset + 1)
            yield Gap(offset, after - offset, torn=after == len(segment) and _is_cut(segment, offset))
            offset = after


def heads(segment: bytes) -> Iterator[Head]:
    """The heads of the whole records of `segment`, past what is damaged. Contents are not looked at."""
    offset = 0
    while offset < len(segment):
        head = head_at(segment, offset)
        if head is not None:
            yield head
        offset = head.end if head is not None else _next_sound(segment, offset + 1)


def _decode(segment: bytes, offset: int, head: Head) -> Spooled | Gap:
    try:
        return _decoder.decode(segment[offset + HEAD.size : head.end])
    except msgspec.MsgspecError:
        return Gap(offset, head.end - offset, torn=False)


def _next_sound(segment: bytes, offset: int) -> int:
    """Where the next sound record begins at or after `offset`; the end where there is none."""
    while (offset := segment.find(MARK, offset)) >= 0:
        head = head_at(segment, offset)
        if head is not None and _is_sound(segment, offset, head):
            return offset
        offset += 1
    return len(segment)


def _is_cut(segment: bytes, offset: int) -> bool:
    """Whether a record begins at `offset` whose end was never written."""
    rest = segment[offset : offset + len(MARK)]
    return MARK.startswith(rest) and head_at(segment, offset) is None


def _is_sound(segment: bytes, offset: int, head: Head) -> bool:
    _, _, checksum, received_ms = HEAD.unpack_from(segment, offset)
    return bool(_checksum(received_ms, segment[offset + HEAD.size : head.end]) == checksum)


def _checksum(received_ms: int, content: bytes) -> int:
    return zlib.crc32(content, zlib.crc32(_time.pack(received_ms)))

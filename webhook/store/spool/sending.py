"""A segment on its way to one primary: what that one has got is not sent to it again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

from webhook.domain.arrivals import Arrival
from webhook.store.spool.framing import Spooled, records

MOST_RECORDS, MOST_BYTES = 200, 1_000_000  # of one append to Redis

log = logging.getLogger(__name__)

Chunk = list[tuple[str, Arrival]]
AppendAll = Callable[[Chunk, set[int]], tuple[set[int], dict[int, int]]]


class Sending:
    """The records of the segment at `path` for the primary with that replication id. Begins again for another.

    Holds which records are left, not the records: however many segments wait for room, they take no memory.
    """

    def __init__(self, path: Path, primary: str, ahead_ms: int) -> None:
        self.primary = primary
        self.damaged = False  # whether some of what was sent so far could not be read
        self.taken = 0  # records that Redis took
        self._path = path
        self._ahead_ms = ahead_ms
        self._gaps: set[int] = set()  # where they begin; each is told once
        self._next = 0  # the first record, counted from the beginning, that was not tried
        self._left: dict[int, int] = {}  # records before it that had no room, and their shards
        self._was_read = False  # to its end

    @property
    def is_over(self) -> bool:
        """Whether the primary has got all of it."""
        return self._was_read and not self._left

    def waits_for(self, full: set[int]) -> bool:
        """Whether only shards that are known to be full keep it from being over."""
        return self._was_read and full.issuperset(self._left.values())

    def send(self, content: bytes, append_all: AppendAll, full: set[int], woken: set[int]) -> None:
        """Sends what is left of its `content`, but to shards that are `full`.

        Adds to `full` what has no room, and to `woken` the shards to wake. Raises StoreError, after which the next
        call goes on from there.
        """
        for numbers, chunk in _chunks(self._wanted(content)):
            shards, refused = append_all([(each.routing_key, each.arrival(self._ahead_ms)) for each in chunk], full)
            woken |= shards
            for position, number in enumerate(numbers):
                self._left.pop(number, None)
                if position in refused:
                    self._left[number] = refused[position]
            self._next = max(self._next, numbers[-1] + 1)
            self.taken += len(numbers) - len(refused)
        self._was_read = True

    def _wanted(self, content: bytes) -> Iterator[tuple[int, Spooled]]:
        """The records that are left, with their numbers."""
        for number, each in enumerate(self._sound(content)):
            if number >= self._next or number in self._left:
                yield number, each

    def _sound(self, content: bytes) -> Iterator[Spooled]:
        for each in records(content):
            if isinstance(each, Spooled):
                yield each
            elif each.offset not in self._gaps:
                self._gaps.add(each.offset)
                self._tell_gap(each.offset, each.length, torn=each.torn)

    def _tell_gap(self, offset: int, length: int, *, torn: bool) -> None:
        if torn:
            log.warning("%s: its last %d bytes are a write that was cut short", self._path, length)
        else:
            self.damaged = True
            log.error("%s: %d bytes at %d cannot be read", self._path, length, offset)


def _chunks(found: Iterator[tuple[int, Spooled]]) -> Iterator[tuple[list[int], list[Spooled]]]:
    numbers: list[int] = []
    chunk: list[Spooled] = []
    size = 0
    for number, each in found:
        numbers.append(number)
        chunk.append(each)
        size += len(each.body)
        if len(chunk) >= MOST_RECORDS or size >= MOST_BYTES:
            yield numbers, chunk
            numbers, chunk, size = [], [], 0
    if chunk:
        yield numbers, chunk

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
AppendAll = Callable[[Chunk], tuple[set[int], Chunk]]


class Sending:
    """The records of `content`, read at `path`, for the primary with that replication id. Begins again for another."""

    def __init__(self, path: Path, content: bytes, primary: str, ahead_ms: int) -> None:
        self.primary = primary
        self.damaged = False  # whether some of what was sent so far could not be read
        self._path = path
        self._chunks = _chunks(self._sound(content), ahead_ms)
        self._left: Chunk = []

    def send(self, append_all: AppendAll, woken: set[int]) -> bool:
        """Sends what is left of it; False where an inbox is full, and then the next call goes on from there.

        Adds to `woken` the shards to wake. Raises StoreError, after which it goes on from there, too.
        """
        while left := self._left or next(self._chunks, []):
            self._left = left
            shards, self._left = append_all(left)
            woken |= shards
            if self._left:
                return False
        return True

    def _sound(self, content: bytes) -> Iterator[Spooled]:
        for each in records(content):
            if isinstance(each, Spooled):
                yield each
            elif each.torn:
                log.warning("%s: its last %d bytes are a write that was cut short", self._path, each.length)
            else:
                self.damaged = True
                log.error("%s: %d bytes at %d cannot be read", self._path, each.length, each.offset)


def _chunks(found: Iterator[Spooled], ahead_ms: int) -> Iterator[Chunk]:
    chunk: Chunk = []
    size = 0
    for each in found:
        chunk.append((each.routing_key, each.arrival(ahead_ms)))
        size += len(each.body)
        if len(chunk) >= MOST_RECORDS or size >= MOST_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk

"""What a spool directory holds, whoever's the segments are: counted from their heads, each byte once."""

from __future__ import annotations

import os
from pathlib import Path

from msgspec import Struct

from webhook.store.spool.framing import heads
from webhook.store.spool.segment import DAMAGED, SENT, WAITING


class Content(Struct, frozen=True):
    """What waits in a spool directory. `oldest_ms` is when the oldest of those that wait for Redis was received.

    `unconfirmed` are in Redis, whose replica or disk has not confirmed them; `damaged` are files that were set aside,
    or that cannot be read. `segments` are files to be drained, also those in which no record is whole.
    """

    depth: int
    oldest_ms: int | None
    unconfirmed: int
    damaged: int
    segments: int


class _Counted(Struct):
    end: int = 0
    records: int = 0
    oldest_ms: int | None = None
    unreadable: bool = False


class Survey:
    """Counts the records of one directory; remembers what it has counted."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._counted: dict[str, _Counted] = {}  # by the part of the name that marking it sent does not change

    def count(self) -> Content:
        """What is there now. Raises OSError."""
        entries = list(os.scandir(self._directory))
        waiting = {entry.name: self._count(entry) for entry in entries if entry.name.endswith(WAITING)}
        sent = {entry.name: self._count(entry) for entry in entries if entry.name.endswith(SENT)}
        self._counted = {_stem(name): counted for name, counted in (waiting | sent).items()}
        unreadable = sum(counted.unreadable for counted in self._counted.values())
        return Content(
            depth=sum(each.records for each in waiting.values()),
            oldest_ms=min((each.oldest_ms for each in waiting.values() if each.oldest_ms is not None), default=None),
            unconfirmed=sum(each.records for each in sent.values()),
            damaged=sum(entry.name.endswith(DAMAGED) for entry in entries) + unreadable,
            segments=len(waiting) + len(sent),
        )

    def _count(self, entry: os.DirEntry[str]) -> _Counted:
        known = self._counted.get(_stem(entry.name), _Counted())
        try:
            added = _read_from(entry, known.end)
        except FileNotFoundError:  # drained meanwhile
            return _Counted()
        except OSError:
            known.unreadable = True
            return known
        known.unreadable, begin = False, known.end
        for head in heads(added):
            known.records += 1
            known.oldest_ms = head.received_ms if known.oldest_ms is None else min(known.oldest_ms, head.received_ms)
            known.end = begin + head.end
        return known


def _stem(name: str) -> str:
    return name.partition(".")[0]


def _read_from(entry: os.DirEntry[str], offset: int) -> bytes:
    if entry.stat().st_size <= offset:
        return b""
    with Path(entry.path).open("rb") as file:
        file.seek(offset)
        return file.read()

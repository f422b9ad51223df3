"""How much a spool directory holds in bytes, without looking at all of its files for each write."""

from __future__ import annotations

import os
from pathlib import Path
from time import monotonic

LOOK_SHARE = 50  # so many times longer than it took to find it, a sum is used: looking takes 2 % of the time at most


class Usage:
    """The bytes of all files in `directory`; what other processes write counts a moment later."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._used = 0
        self._until = 0.0

    def used(self) -> int:
        """The sum. Raises OSError."""
        began = monotonic()
        if began >= self._until:
            self._used = sum(map(_size, os.scandir(self._directory)))
            over = monotonic()
            self._until = over + LOOK_SHARE * (over - began)
        return self._used

    def add(self, written: int) -> None:
        """So many bytes were written by this process."""
        self._used += written

    def look_again(self) -> None:
        """Something was removed."""
        self._until = 0.0


def _size(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat(follow_symlinks=False).st_size if entry.is_file() else 0
    except FileNotFoundError:  # another process has drained it meanwhile
        return 0

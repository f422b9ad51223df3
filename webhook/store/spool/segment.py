"""Segments: the files of a spool. Whoever holds the lock of one may write, drain or remove it; nobody else does.

The name says what a segment is: `<ms of its beginning>-<chance>.seg` holds what Redis has not got yet;
`….<replication id>.sent` what the primary with that id has got, and has not confirmed. Files are private (0600).
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

SEGMENT_BYTES = 8 * 1024 * 1024  # at which a segment is closed; what is drained and removed at once
NEW, WAITING, SENT, DAMAGED = ".new", ".seg", ".sent", ".damaged"


class Segment:
    """One locked file of records. Not for concurrent use."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.size = os.fstat(descriptor).st_size
        self._descriptor = descriptor
        self._sound = True

    @classmethod
    def create(cls, directory: Path, begins_ms: int) -> Self:
        """A new, empty segment, locked, whose name is on disk. Raises OSError."""
        while True:
            # a draft that another process took for one of the dead, before it was locked, is gone: the next is tried
            with suppress(BlockingIOError, FileNotFoundError):
                return cls._create(directory, f"{begins_ms:015d}-{os.urandom(6).hex()}")
            directory.stat()  # raises where it is the directory that is gone

    @classmethod
    def _create(cls, directory: Path, name: str) -> Self:
        draft = directory / (name + NEW)
        descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path = draft.rename(directory / (name + WAITING))
            _sync_directory(directory)
        except OSError:
            os.close(descriptor)
            raise
        return cls(path, descriptor)

    @classmethod
    def adopt(cls, path: Path) -> Self | None:
        """The segment at `path` if nobody holds it and it can be opened, else None."""
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_APPEND)
        except OSError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # whoever held it may have removed or renamed it between our two steps
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return cls(path, descriptor)
        except OSError:
            pass
        os.close(descriptor)
        return None

    @property
    def is_sound(self) -> bool:
        """Whether more may be appended."""
        return self._sound

    @property
    def is_lost(self) -> bool:
        """Whether its file is no longer where it was: what is appended would be gone with this process."""
        try:
            return not os.path.samestat(os.fstat(self._descriptor), self.path.stat())
        except OSError:
            return True

    def has_room(self, more: int) -> bool:
        """Whether `more` bytes can be appended."""
        return self._sound and self.size + more <= SEGMENT_BYTES and not self.is_lost

    @property
    def sent_to(self) -> str | None:
        """The replication id of the primary that has got all of it; None while none has."""
        return self.path.name.split(".")[1] if self.path.suffix == SENT else None

    def append(self, records: Sequence[bytes]) -> None:
        """Adds the records; they are on disk when this returns. Raises OSError, and then none of them counts."""
        self._sound = False
        try:
            _write_all(self._descriptor, b"".join(records))
        except OSError:
            os.ftruncate(self._descriptor, self.size)
            self._sound = True
            raise
        os.fsync(self._descriptor)  # when it fails the kernel may have dropped pages: no more is trusted to this file
        self.size += sum(map(len, records))
        self._sound = True

    def read(self) -> bytes:
        """All that is in it. Raises OSError."""
        return os.pread(self._descriptor, os.fstat(self._descriptor).st_size, 0)

    def mark_sent(self, replication_id: str) -> None:
        """Notes, in its name, that the primary with this id has got all of it. Raises OSError."""
        name = self.path.name.split(".")[0]
        self.path = self.path.rename(self.path.with_name(f"{name}.{replication_id}{SENT}"))

    def set_aside(self) -> Path:
        """Gives it up under a name that nobody drains, for a person to look at. Raises OSError."""
        kept = self.path.rename(self.path.with_suffix(DAMAGED))
        self.close()
        return kept

    def remove(self) -> None:
        """The file goes, and the lock with it. Raises OSError."""
        self.path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Gives up the lock; others may adopt it."""
        os.close(self._descriptor)


def _write_all(descriptor: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

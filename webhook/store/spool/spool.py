"""The spool of one process: notifications on the local disk, fsynced before they are acknowledged."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import Any

from msgspec import Struct

from webhook import private
from webhook.domain.errors import ConfigurationError, SpoolError
from webhook.store.spool.framing import Spooled, encode, head_at
from webhook.store.spool.segment import NEW, SEGMENT_BYTES, SENT, WAITING, Segment
from webhook.store.spool.survey import Content, Survey
from webhook.store.spool.usage import Usage

MOST_ADOPTED = 32  # segments of the dead that are taken over at one look

log = logging.getLogger(__name__)

Run = Callable[[Callable[[], Any]], Any]  # calls a function that blocks, where it holds nobody up; returns its result


class SpoolLimits(Struct, frozen=True):
    """Bounds of a spool directory, in bytes: what all its files may take, and what its disk keeps free of them."""

    most: int
    free: int


class _Batch:
    """Records that share one write and one fsync, by as many concurrent requests."""

    def __init__(self) -> None:
        self.records: list[bytes] = []
        self.over = threading.Event()
        self.kept = False
        self.failure: OSError | SpoolError | None = None


class Spool:
    """Keeps notifications in `directory`. Safe to share between greenlets and threads; made after the fork.

    Several processes may use one directory: each writes segments of its own and adopts those of the dead.
    """

    def __init__(self, directory: Path, limits: SpoolLimits, run: Run = lambda blocking: blocking()) -> None:
        self.directory = directory
        self.id = ""  # by which its reports are known; made when the directory is
        self._limits = limits
        self.run = run
        self._joining = _Batch()
        self._join_lock, self._write_lock = threading.Lock(), threading.Lock()
        self._open: Segment | None = None
        self._closed: list[Segment] = []
        self._usage, self._survey, self._survey_lock = Usage(directory), Survey(directory), threading.Lock()

    def prepare(self) -> None:
        """Makes the directory (0700). Raises ConfigurationError where that cannot be, or where it takes no files."""
        private.directory(self.directory, "VIGIL_SPOOL_DIR")
        if not os.access(self.directory, os.W_OK | os.X_OK):
            raise ConfigurationError(
                [f"{self.directory} cannot be written; set VIGIL_SPOOL_DIR to a directory of yours, or empty for none"]
            )
        try:
            self.id = _identity(self.directory, self.id or os.urandom(8).hex())
        except OSError as failure:
            raise ConfigurationError([f"{failure}; free its disk, or set VIGIL_SPOOL_DIR elsewhere"]) from failure

    def keep(self, spooled: Spooled) -> None:
        """Returns when the notification is on disk. Raises SpoolError when it is not certain to be.

        Whoever comes while another's record is being written shares the next write with all who come meanwhile.
        """
        record = encode(spooled)
        with self._join_lock:
            batch, leads = self._joining, not self._joining.records
            batch.records.append(record)
        if leads:
            self._write(batch)
        else:
            batch.over.wait()
        if not batch.kept:
            raise SpoolError(f"{self.directory}: {_why(batch.failure)}") from batch.failure

    def check(self, more: int = 0) -> None:
        """Returns while the spool can take `more` bytes. Raises SpoolError, which does not name the directory."""
        try:
            self._remake()
            used, disk = self._usage.used(), os.statvfs(self.directory)
        except OSError as failure:
            raise SpoolError(_why(failure)) from failure
        if used + more > self._limits.most:
            raise SpoolError(f"holds {used} bytes, VIGIL_SPOOL_MAX_BYTES={self._limits.most}")
        if disk.f_bavail * disk.f_frsize - more < self._limits.free:
            raise SpoolError(f"its disk has less than VIGIL_SPOOL_MIN_FREE_BYTES={self._limits.free} left")

    def count(self) -> Content:
        """What the directory holds, whoever wrote it. Raises OSError, SpoolError."""
        with self._survey_lock:
            counted: Content = self.run(self._count)
        return counted

    def _count(self) -> Content:
        self._remake()
        return self._survey.count()

    def _remake(self) -> None:
        """Makes the directory again where it was removed."""
        if not self.directory.exists():
            log.error("%s was removed, and is made again", self.directory)
            self._usage.look_again()
            try:
                self.prepare()
            except ConfigurationError as mistake:
                raise SpoolError(str(mistake)) from mistake

    @property
    def holds_any(self) -> bool:
        """Whether this process holds segments, also such as were removed from the directory."""
        return bool(self._closed) or self._open is not None

    def segments(self) -> list[Segment]:
        """What is to be drained, oldest first: closed segments of this process, and those of processes that died.

        The one that is being written is closed for it once no other waits, so that a long wait makes no small files.
        """
        with self._write_lock:
            held = {segment.path for segment in self._closed}
        adopted: list[Segment] = self.run(lambda: _adopt(self.directory, held))
        with self._write_lock:
            self._closed += adopted
            if self._open is not None and all(segment.sent_to for segment in self._closed):
                self._close(self._open)
            return sorted(self._closed, key=lambda segment: segment.path)

    def forget(self, segment: Segment) -> None:
        """`segment` was removed or set aside."""
        with self._write_lock:
            self._closed.remove(segment)
        self._usage.look_again()

    def _close(self, segment: Segment) -> None:
        self._open = None
        self._closed.append(segment)

    def _write(self, batch: _Batch) -> None:
        try:
            with self._write_lock:
                self._begin_anew(batch)
                self.run(lambda: self._append(batch.records))
            batch.kept = True
        except (OSError, SpoolError) as failure:
            batch.failure = failure
        finally:  # also where this request is ended from outside: nobody may wait for it
            self._begin_anew(batch)
            batch.over.set()

    def _begin_anew(self, batch: _Batch) -> None:
        """Nobody joins `batch` any more."""
        with self._join_lock:
            if self._joining is batch:
                self._joining = _Batch()

    def _append(self, records: list[bytes]) -> None:
        more = sum(map(len, records))
        self.check(more)
        if self._open is not None and not (
            self._open.is_sound and self._open.size < SEGMENT_BYTES and not self._open.is_lost
        ):
            self._close(self._open)
        if self._open is None:
            self._open = Segment.create(self.directory, _received_ms(records[0]))
        self._usage.add(more)
        self._open.append(records)


def _adopt(directory: Path, held: Collection[Path]) -> list[Segment]:
    """The segments that nobody holds; drafts of processes that died before they wrote are removed."""
    adopted: list[Segment] = []
    for path in sorted(directory.iterdir()):
        if len(adopted) >= MOST_ADOPTED:
            break
        if path.suffix not in (NEW, WAITING, SENT) or path in held or (segment := Segment.adopt(path)) is None:
            continue
        if path.suffix == NEW:
            with suppress(OSError):
                segment.remove()
        else:
            adopted.append(segment)
    return adopted


def _identity(directory: Path, new: str) -> str:
    """What the directory is known by, wherever it is mounted; the same for all processes, whoever is first."""
    name = directory / "id"
    if not name.exists():
        draft = directory / f"id.{os.urandom(6).hex()}"
        draft.write_text(new)
        with suppress(FileExistsError):
            name.hardlink_to(draft)
        draft.unlink()
    return name.read_text() or directory.name  # empty where the power failed at the first start


def _why(failure: OSError | SpoolError | None) -> str:
    said = failure.strerror if isinstance(failure, OSError) else str(failure or "")
    return said or str(failure or "the write was cut short")


def _received_ms(record: bytes) -> int:
    head = head_at(record, 0)
    return head.received_ms if head else 0

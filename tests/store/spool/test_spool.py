"""The spool of one process: on disk when `keep` returns, few writes for many requests, bounded, private."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from tests.store.build import started
from tests.store.spool.spooling import abandon, end, files, found, other_process, spool_in, spooled
from tests.waiting import wait_for
from webhook.domain.errors import ConfigurationError, SpoolError
from webhook.store.spool import spool as spooling
from webhook.store.spool.spool import MOST_ADOPTED, Spool, SpoolLimits

THREADS = 32


class Disk:
    """Where a spool's blocking calls run: counted, held up and failing as told."""

    def __init__(self) -> None:
        self.calls = 0
        self.goes_on = threading.Event()
        self.goes_on.set()
        self.fails: OSError | None = None

    def run(self, blocking: Callable[[], Any]) -> Any:
        self.calls += 1
        assert self.goes_on.wait(20)
        if self.fails:
            raise self.fails
        return blocking()


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def spool(tmp_path: Path, disk: Disk) -> Spool:
    return spool_in(tmp_path / "spool", run=disk.run)


def keep_together(spool: Spool, disk: Disk, threads: ThreadPoolExecutor) -> tuple[Future[None], list[Future[None]]]:
    """One who writes alone, held up until all others wait for the next write; and those others."""
    disk.goes_on.clear()
    first = threads.submit(spool.keep, spooled(b"first"))
    wait_for(lambda: disk.calls == 1, 10, "nobody writes")
    others = [threads.submit(spool.keep, spooled(f"{number}".encode())) for number in range(THREADS)]
    wait_for(lambda: len(spool._joining.records) == THREADS, 10, "they do not wait for each other")
    return first, others


def test_what_is_kept_is_in_a_private_file_of_a_private_directory(spool: Spool, tmp_path: Path) -> None:
    kept = spooled(started())
    spool.keep(kept)
    assert found(tmp_path / "spool") == [kept]
    (name,) = files(tmp_path / "spool")
    modes = [path.stat().st_mode & 0o777 for path in (tmp_path / "spool", tmp_path / "spool" / name)]
    assert modes == [0o700, 0o600]


def test_those_who_come_while_another_writes_share_one_write(spool: Spool, disk: Disk, tmp_path: Path) -> None:
    with ThreadPoolExecutor(THREADS + 1) as threads:
        first, others = keep_together(spool, disk, threads)
        disk.goes_on.set()
        for each in (first, *others):
            each.result(timeout=10)
    assert disk.calls == 2
    bodies = [each.body for each in found(tmp_path / "spool")]
    assert bodies[0] == b"first"
    assert sorted(bodies[1:]) == sorted(f"{number}".encode() for number in range(THREADS))


def test_a_disk_that_fails_fails_exactly_those_who_waited_for_that_write(
    spool: Spool, disk: Disk, tmp_path: Path
) -> None:
    spool.keep(spooled(b"before"))
    disk.calls = 0
    disk.fails = OSError(errno.EIO, "Input/output error")
    with ThreadPoolExecutor(THREADS + 1) as threads:
        first, others = keep_together(spool, disk, threads)
        disk.goes_on.set()
        failures = [each.exception(timeout=10) for each in (first, *others)]
    assert all(isinstance(failure, SpoolError) for failure in failures)
    disk.fails = None
    spool.keep(spooled(b"after"))
    assert [each.body for each in found(tmp_path / "spool")] == [b"before", b"after"]


def test_whoever_is_ended_while_it_leads_leaves_nobody_waiting(spool: Spool, disk: Disk, tmp_path: Path) -> None:
    class Ended(BaseException):
        pass

    def ended(blocking: Callable[[], Any]) -> Any:
        raise Ended

    with ThreadPoolExecutor(THREADS + 1) as threads:
        first, others = keep_together(spool, disk, threads)
        spool.run = ended
        disk.goes_on.set()
        first.result(timeout=10)
        failures = [type(each.exception(timeout=10)) for each in others]
    assert sorted(failures, key=str) == sorted([Ended] + [SpoolError] * (THREADS - 1), key=str)
    spool.run = disk.run
    spool.keep(spooled(b"after"))
    assert [each.body for each in found(tmp_path / "spool")] == [b"first", b"after"]


def test_under_many_threads_all_that_returned_is_on_disk_once(spool: Spool, tmp_path: Path) -> None:
    names = [f"{number}".encode() for number in range(500)]
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda name: spool.keep(spooled(name)), names))
    assert sorted(each.body for each in found(tmp_path / "spool")) == sorted(names)


def test_beyond_its_bound_in_bytes_it_refuses_and_takes_again_when_there_is_room(tmp_path: Path) -> None:
    spool = spool_in(tmp_path / "spool", SpoolLimits(most=3000, free=0))
    for _ in range(5):
        spool.keep(spooled(b"x" * 400))
    with pytest.raises(SpoolError, match="VIGIL_SPOOL_MAX_BYTES=3000"):
        spool.keep(spooled(b"x" * 400))
    with pytest.raises(SpoolError):
        spool.check(more=500)
    spool.check()
    assert len(found(tmp_path / "spool")) == 5
    (segment,) = spool.segments()
    segment.remove()
    spool.forget(segment)
    spool.keep(spooled(b"y"))
    assert [each.body for each in found(tmp_path / "spool")] == [b"y"]


def test_files_of_other_processes_count_for_the_bound(tmp_path: Path) -> None:
    abandon(tmp_path / "spool", spooled(b"x" * 2000))
    with pytest.raises(SpoolError, match="VIGIL_SPOOL_MAX_BYTES"):
        spool_in(tmp_path / "spool", SpoolLimits(most=2500, free=0)).keep(spooled(b"x" * 400))


def test_it_leaves_its_disk_as_much_free_as_it_was_told_and_takes_again_when_there_is_room(tmp_path: Path) -> None:
    disk = os.statvfs(tmp_path)
    spool = spool_in(tmp_path / "spool", SpoolLimits(most=1 << 40, free=disk.f_bavail * disk.f_frsize - (256 << 20)))
    filler = tmp_path / "filler"
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, 512 << 20)
    with pytest.raises(SpoolError, match="VIGIL_SPOOL_MIN_FREE_BYTES"):
        spool.keep(spooled(b"{}"))
    filler.unlink()
    spool.keep(spooled(b"{}"))


def test_a_directory_that_is_removed_is_made_again_and_nothing_goes_into_a_file_without_a_name(
    spool: Spool, tmp_path: Path
) -> None:
    spool.keep(spooled(b"first"))
    id_before = spool.id
    shutil.rmtree(tmp_path / "spool")
    spool.keep(spooled(b"second"))
    spool.keep(spooled(b"third"))
    assert [each.body for each in found(tmp_path / "spool")] == [b"second", b"third"]
    assert spool.id == id_before
    assert sorted(each.read().count(b"first") for each in spool.segments()) in ([1], [0, 1])  # held, and drained still
    (tmp_path / "spool" / files(tmp_path / "spool")[0]).unlink()
    spool.keep(spooled(b"fourth"))
    assert [each.body for each in found(tmp_path / "spool")] == [b"fourth"]


def test_a_directory_that_cannot_be_made_again_is_named_once(spool: Spool, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "spool")
    (tmp_path / "spool").write_text("")
    for refuses in (lambda: spool.keep(spooled(b"{}")), spool.check):
        with pytest.raises(SpoolError) as refused:
            refuses()
        assert str(refused.value).count(str(tmp_path / "spool")) <= 1


def test_many_files_are_not_looked_at_for_each_write(spool: Spool, tmp_path: Path) -> None:
    for number in range(500):
        (tmp_path / "spool" / f"{number:015d}-abc.a1.sent").touch()
    spool.check()
    began = monotonic()
    for _ in range(100):
        spool.check()
    alone = monotonic() - began
    began = monotonic()
    for _ in range(100):
        sum(entry.stat().st_size for entry in os.scandir(tmp_path / "spool"))
    assert alone < (monotonic() - began) / 5


def test_of_thousands_of_files_that_others_left_a_few_are_opened_at_each_look(spool: Spool, tmp_path: Path) -> None:
    for number in range(MOST_ADOPTED + 5):
        (tmp_path / "spool" / f"{number:015d}-abc.seg").touch()
    assert [len(spool.segments()) for _ in range(2)] == [MOST_ADOPTED, MOST_ADOPTED + 5]


def test_all_processes_know_a_directory_by_one_name(tmp_path: Path) -> None:
    child = other_process(tmp_path / "spool", 1)
    end(child)
    with ThreadPoolExecutor(8) as threads:
        ids = set(threads.map(lambda _: spool_in(tmp_path / "spool").id, range(8)))
    assert len(ids) == 1
    (tmp_path / "spool").rename(tmp_path / "moved")
    assert {spool_in(tmp_path / "moved").id} == ids
    assert spool_in(tmp_path / "other").id not in ids
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["id"]


@pytest.mark.parametrize("obstacle", ["file", "below a file"])
def test_where_no_directory_can_be_made_the_setting_is_named(tmp_path: Path, obstacle: str) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" if obstacle == "file" else tmp_path / "file" / "spool"
    with pytest.raises(ConfigurationError, match="VIGIL_SPOOL_DIR"):
        spool_in(path)


def test_the_file_that_is_written_is_drained_once_nothing_older_waits(tmp_path: Path) -> None:
    older = abandon(tmp_path / "spool", spooled(b"older"))
    spool = spool_in(tmp_path / "spool")
    spool.keep(spooled(b"newer"))
    (only,) = spool.segments()
    assert only.path == older
    spool.keep(spooled(b"newest"))
    only.remove()
    spool.forget(only)
    (own,) = spool.segments()
    assert own.read().count(b"newe") == 2
    spool.keep(spooled(b"next"))
    assert b"next" not in own.read()


def test_what_waits_for_confirmation_does_not_hold_up_the_file_that_is_written(tmp_path: Path) -> None:
    older = abandon(tmp_path / "spool", spooled(b"older"))
    older.rename(older.with_suffix(".a1.sent"))
    spool = spool_in(tmp_path / "spool")
    spool.keep(spooled(b"newer"))
    assert len(spool.segments()) == 2


def test_a_file_is_closed_when_it_is_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spooling, "SEGMENT_BYTES", 1000)
    spool = spool_in(tmp_path / "spool")
    for _ in range(12):
        spool.keep(spooled(b"x" * 300))
    assert len(files(tmp_path / "spool")) == 4
    assert len(found(tmp_path / "spool")) == 12


def test_a_draft_of_a_process_that_died_is_cleared_away(spool: Spool, tmp_path: Path) -> None:
    (tmp_path / "spool" / "000000000000001-abc.new").touch()
    assert spool.segments() == []
    assert files(tmp_path / "spool") == []


def test_what_cannot_be_opened_does_not_keep_others_from_being_drained(spool: Spool, tmp_path: Path) -> None:
    (tmp_path / "spool" / "000000000000001-abc.seg").mkdir()
    spool.keep(spooled(b"{}"))
    assert len(spool.segments()) == 1

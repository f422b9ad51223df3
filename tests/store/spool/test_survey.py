"""The survey: what waits in a directory, whoever put it there, counted from what is on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.store.build import AT_MS
from tests.store.spool.spooling import abandon, end, other_process, spool_in, spooled
from webhook.store.spool.framing import HEAD, encode
from webhook.store.spool.segment import Segment
from webhook.store.spool.survey import Content, Survey

EMPTY = Content(depth=0, oldest_ms=None, unconfirmed=0, damaged=0, segments=0)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    spool_in(tmp_path / "spool")
    return tmp_path / "spool"


@pytest.fixture
def survey(directory: Path) -> Survey:
    return Survey(directory)


def test_an_empty_directory_holds_nothing(survey: Survey) -> None:
    assert survey.count() == EMPTY


def test_each_look_counts_what_was_added_since(survey: Survey, directory: Path) -> None:
    spool = spool_in(directory)
    counted = []
    for number in range(5):
        spool.keep(spooled(b"{}", received_ms=AT_MS - number))
        content = survey.count()
        counted.append((content.depth, content.oldest_ms))
    assert counted == [(number + 1, AT_MS - number) for number in range(5)]


def test_what_other_processes_hold_is_counted_while_they_hold_it(survey: Survey, directory: Path) -> None:
    child = other_process(directory, 3)
    try:
        assert survey.count().depth == 3
    finally:
        end(child)


def test_what_is_sent_is_counted_apart_and_waits_no_more(survey: Survey, directory: Path) -> None:
    path = abandon(directory, spooled(b"1"), spooled(b"2"))
    abandon(directory, spooled(b"3", received_ms=AT_MS + 5))
    assert survey.count() == Content(3, AT_MS, 0, 0, 2)
    path.rename(path.with_suffix(".a1.sent"))
    assert survey.count() == Content(1, AT_MS + 5, 2, 0, 2)


def test_a_file_that_takes_the_place_of_a_removed_one_on_the_disk_is_counted_from_its_beginning(
    survey: Survey, directory: Path
) -> None:
    for number in range(1, 20):  # a file system gives a new file the inode of the one that has just gone
        path = abandon(directory, *(spooled(b"x" * 50, received_ms=AT_MS + number) for _ in range(20 - number)))
        assert survey.count() == Content(20 - number, AT_MS + number, 0, 0, 1)
        path.unlink()


@pytest.mark.parametrize("broken", [0, 1])
def test_damage_hides_neither_the_file_nor_what_is_sound_in_it(survey: Survey, directory: Path, broken: int) -> None:
    parts = [encode(spooled(b"{}")) for _ in range(3)]
    parts[broken] = b"\x00" * HEAD.size + parts[broken][HEAD.size :]
    (directory / "1-a.seg").write_bytes(b"".join(parts))
    assert survey.count() == Content(2, AT_MS, 0, 0, 1)


def test_a_file_without_a_whole_record_is_to_be_drained_nevertheless(survey: Survey, directory: Path) -> None:
    (directory / "1-a.seg").write_bytes(encode(spooled(b"{}"))[:-1])
    assert survey.count() == Content(0, None, 0, 0, 1)


def test_a_record_is_counted_once_it_is_whole(survey: Survey, directory: Path) -> None:
    record, segment = encode(spooled(b"{}")), Segment.create(directory, 1)
    segment.append([record, record[:10]])
    assert survey.count().depth == 1
    segment.append([record[10:], record[:1]])
    assert survey.count().depth == 2


def test_damaged_files_and_those_that_cannot_be_read_are_counted(survey: Survey, directory: Path) -> None:
    abandon(directory, spooled(b"{}")).rename(directory / "1-a.damaged")
    (directory / "2-b.seg").mkdir()
    content = survey.count()
    assert (content.depth, content.damaged) == (0, 2)


def test_without_its_directory_it_is_the_disks_error(directory: Path, survey: Survey) -> None:
    (directory / "id").unlink()
    directory.rmdir()
    with pytest.raises(OSError, match="spool"):
        survey.count()

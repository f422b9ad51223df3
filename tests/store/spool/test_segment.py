"""Segments: one holder at a time, whose death frees it; a write that fails takes nothing with it."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path

import pytest

from tests.store.spool.spooling import end, files, other_process
from webhook.store.spool.framing import MARK
from webhook.store.spool.segment import Segment

AT_MS = 1_764_000_000_000
LIMITED = """
import resource, sys
from pathlib import Path
from webhook.store.spool.segment import Segment
segment = Segment.create(Path(sys.argv[1]), 1)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
segment.append([b"first", b"second"])
try:
    segment.append([b"x" * 600, b"y" * 600])
except OSError:
    print("refused", segment.is_sound, segment.size, flush=True)
segment.append([b"third"])
"""


def descriptors() -> int:
    return sum(1 for _ in Path("/dev/fd").iterdir())


@pytest.fixture
def segment(tmp_path: Path) -> Segment:
    return Segment.create(tmp_path, AT_MS)


def test_a_segment_is_private_and_says_when_it_began(segment: Segment, tmp_path: Path) -> None:
    (name,) = files(tmp_path)
    assert name.startswith("001764000000000-")
    assert name.endswith(".seg")
    assert segment.path.stat().st_mode & 0o777 == 0o600


def test_what_is_appended_is_read_in_turn(segment: Segment) -> None:
    segment.append([b"one", b"two"])
    segment.append([b"three"])
    assert (segment.read(), segment.size) == (b"onetwothree", 11)


def test_while_it_is_held_nobody_adopts_it(segment: Segment) -> None:
    assert Segment.adopt(segment.path) is None
    segment.close()
    adopted = Segment.adopt(segment.path)
    assert adopted
    assert Segment.adopt(segment.path) is None


def test_the_death_of_its_holder_frees_it(tmp_path: Path) -> None:
    child = other_process(tmp_path / "spool", 2)
    (name,) = files(tmp_path / "spool")
    assert Segment.adopt(tmp_path / "spool" / name) is None
    end(child)
    adopted = Segment.adopt(tmp_path / "spool" / name)
    assert adopted
    assert adopted.read().count(MARK) == 2


@pytest.mark.parametrize("change", ["missing", "directory", "replaced"])
def test_what_is_not_the_file_that_was_seen_is_not_adopted(segment: Segment, change: str) -> None:
    segment.remove()
    if change == "directory":
        segment.path.mkdir()
    if change == "replaced":
        segment.path.symlink_to(segment.path.with_name("nowhere"))
    assert Segment.adopt(segment.path) is None


def test_looking_at_held_segments_leaves_no_descriptor_open(segment: Segment) -> None:
    before = descriptors()
    for _ in range(20):
        Segment.adopt(segment.path)
    assert descriptors() == before


def test_a_write_that_the_disk_refuses_leaves_what_was_there_and_the_next_one_works(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path)],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "refused True 11\n"
    (name,) = files(tmp_path)
    assert (tmp_path / name).read_bytes() == b"firstsecondthird"


def test_its_name_says_which_primary_has_got_it(segment: Segment) -> None:
    assert segment.sent_to is None
    segment.mark_sent("a1")
    segment.mark_sent("b2")
    assert segment.sent_to == "b2"
    assert segment.path.name.endswith(".b2.sent")
    assert segment.path.exists()
    assert Segment.adopt(segment.path) is None


def test_what_is_set_aside_keeps_its_bytes_and_is_nobodys(segment: Segment) -> None:
    segment.append([b"bytes"])
    segment.mark_sent("a1")
    kept = segment.set_aside()
    assert (kept.suffix, kept.read_bytes()) == (".damaged", b"bytes")


def test_a_removed_segment_is_gone(segment: Segment, tmp_path: Path) -> None:
    segment.remove()
    assert files(tmp_path) == []


def test_without_its_directory_no_segment_can_be_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Segment.create(tmp_path / "none", AT_MS)


@pytest.mark.parametrize("keeps", [False, True], ids=["and removed", "and held"])
def test_a_draft_that_is_taken_for_a_dead_ones_before_it_is_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keeps: bool
) -> None:
    lock, taken = fcntl.flock, list[Segment]()

    def lock_too_late(descriptor: int, operation: int) -> None:
        if not taken:
            (draft,) = tmp_path.glob("*.new")
            monkeypatch.setattr(fcntl, "flock", lock)
            adopted = Segment.adopt(draft)
            assert adopted
            taken.append(adopted)
            if not keeps:
                adopted.remove()
        lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", lock_too_late)
    segment = Segment.create(tmp_path, AT_MS)
    assert taken
    segment.append([b"bytes"])
    assert segment.path.read_bytes() == b"bytes"
    assert files(tmp_path, ".seg") == [segment.path.name]

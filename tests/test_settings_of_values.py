"""Settings that are sizes, durations or one of a few words: how they are written, and what is said of others."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.test_settings import mistakes, of
from webhook.settings import SETTING_NAMES, load


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1GiB", 1 << 30),
        ("256 MiB", 256 << 20),
        ("10MB", 10_000_000),
        ("2gb", 2 * 10**9),
        ("3KiB", 3072),
        ("4096", 4096),
        ("4096 B", 4096),
    ],
)
@pytest.mark.parametrize("name", ["spool_max_bytes", "spool_min_free_bytes"])
def test_sizes_have_units(tmp_path: Path, name: str, text: str, size: int) -> None:
    assert getattr(load({SETTING_NAMES[name]: text}, tmp_path), name) == size
    assert getattr(of(tmp_path, f'[vigil]\n{name} = "{text}"\n'), name) == size


def test_a_body_may_be_as_large_as_is_said_with_a_unit(tmp_path: Path) -> None:
    assert load({"VIGIL_MAX_BODY_BYTES": "10MB"}, tmp_path).max_body_bytes == 10_000_000
    assert of(tmp_path, "[vigil]\nmax_body_bytes = 2048\n").max_body_bytes == 2048


@pytest.mark.parametrize("text", ["many", "-1", "1.5GiB", "1 G", "MiB", "1MiB2", "1e9"])
def test_what_is_no_size_is_a_mistake_that_shows_how_to_write_one(tmp_path: Path, text: str) -> None:
    (problem,) = mistakes(tmp_path, VIGIL_SPOOL_MAX_BYTES=text)
    assert problem.startswith(f"VIGIL_SPOOL_MAX_BYTES={text!r}: a size is ")
    assert "256MiB" in problem


@pytest.mark.parametrize(
    ("name", "known"),
    [("VIGIL_ACK", "auto, redis, aof, replica"), ("VIGIL_LOG_LEVEL", "debug, info, warning, error")],
)
def test_what_is_none_of_the_known_values_is_a_mistake_that_lists_them(tmp_path: Path, name: str, known: str) -> None:
    assert mistakes(tmp_path, **{name: "nonsense"}) == [f"{name}='nonsense': known are {known}"]
    section = name.lower().removeprefix("vigil_")
    assert mistakes(tmp_path, f"[vigil]\n{section} = 3\n") == [f"{name}=3: known are {known}"]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("60", 60), ("60s", 60), ("90m", 5400), ("2h", 7200), ("7d", 604_800), ("36500d", 3_153_600_000)],
)
def test_durations_have_units(tmp_path: Path, text: str, seconds: int) -> None:
    assert load({"VIGIL_RETENTION": text}, tmp_path).retention == seconds


@pytest.mark.parametrize("text", ["7 d", "7w", "1.5h", "-1d", "d", "7d7h"])
def test_what_is_no_duration_is_a_mistake(tmp_path: Path, text: str) -> None:
    (problem,) = mistakes(tmp_path, VIGIL_RETENTION=text)
    assert problem.startswith(f"VIGIL_RETENTION={text!r}: ")

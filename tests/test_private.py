"""Private directories: made so, or already so; those of others are left as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from webhook import private
from webhook.domain.errors import ConfigurationError


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_what_is_missing_is_made_private_and_what_is_above_it_too(tmp_path: Path) -> None:
    private.directory(tmp_path / "var" / "spool", "VIGIL_SPOOL_DIR")
    assert [mode(tmp_path / "var"), mode(tmp_path / "var" / "spool")] == [0o700, 0o700]
    private.directory(tmp_path / "var", "VIGIL_VAR")


def test_an_empty_directory_is_made_private(tmp_path: Path) -> None:
    (tmp_path / "var").mkdir(mode=0o755)
    private.directory(tmp_path / "var", "VIGIL_VAR")
    assert mode(tmp_path / "var") == 0o700


def test_a_directory_that_is_private_is_taken_with_what_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    tmp_path.chmod(0o700)
    private.directory(tmp_path, "VIGIL_VAR")


def test_a_directory_with_files_that_is_open_to_others_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    tmp_path.chmod(0o755)
    with pytest.raises(ConfigurationError, match=r"open to other users; .* chmod 700 it, else set VIGIL_SPOOL_DIR"):
        private.directory(tmp_path, "VIGIL_SPOOL_DIR")
    assert mode(tmp_path) == 0o755

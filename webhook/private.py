"""Directories that nobody else may look into: what lies there is raw, or decides what is run."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from webhook.domain.errors import ConfigurationError

OTHERS = 0o077  # the permissions of all who are not the owner


def directory(path: Path, setting: str) -> Path:
    """`path`, made with mode 0700 where it is missing, and the directories above it that are.

    One that is there is made private only while it is empty: who else reads what others put there is not for us to
    decide. Raises ConfigurationError, which names the `setting`.
    """
    try:
        for missing in (*reversed([each for each in path.parents if not each.exists()]), path):
            missing.mkdir(mode=0o700, exist_ok=True)
        found = path.stat(follow_symlinks=False)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & stat.S_ISVTX:
            raise ConfigurationError([f"{path} is not a directory of user {os.geteuid()} alone; set {setting}"])
        if found.st_mode & OTHERS:
            _close(path, setting)
    except OSError as mistake:
        raise ConfigurationError([f"{path}: {mistake.strerror}; set {setting} to a directory of yours"]) from mistake
    return path


def _close(path: Path, setting: str) -> None:
    if any(path.iterdir()):
        told = f"{path} holds files and is open to other users; if all in it is Vigil's, chmod 700 it"
        raise ConfigurationError([f"{told}, else set {setting} to a directory of its own"])
    path.chmod(0o700)

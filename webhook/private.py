"""Directories that nobody else may look into: what lies there is raw, or decides what is run."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from webhook.domain.errors import ConfigurationError


def directory(path: Path, setting: str) -> Path:
    """`path`, made where it is missing, with mode 0700. Raises ConfigurationError, which names the `setting`."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as mistake:
        raise ConfigurationError([f"{path}: {mistake.strerror}; set {setting} to a directory of yours"]) from mistake
    found = path.stat(follow_symlinks=False)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & stat.S_ISVTX:
        raise ConfigurationError([f"{path} is not a directory of user {os.geteuid()} alone; set {setting}"])
    path.chmod(0o700)
    return path

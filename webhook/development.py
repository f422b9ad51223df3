"""The random secret that lets a newcomer start without Agora's: made once, kept in `var/`, never used elsewhere."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

FILE = "development-secret"


def make_secret(var: Path) -> str:
    """The development secret in `var`, made (mode 0600) if there is none yet."""
    var.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not find_secret(var):
        # whole or not at all: an empty one would refuse every post
        draft = var / f"{FILE}.{os.getpid()}"
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(secrets.token_hex(16))
        draft.replace(var / FILE)
    return (var / FILE).read_text()


def find_secret(var: Path) -> str | None:
    """The development secret in `var`, or None where none was made."""
    try:
        return (var / FILE).read_text() or None
    except FileNotFoundError:
        return None

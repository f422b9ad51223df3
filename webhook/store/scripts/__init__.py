"""The Lua scripts, each documented in its first lines."""

from __future__ import annotations

from importlib.resources import files


def source(name: str) -> str:
    """The text of the script called `name`."""
    return files(__name__).joinpath(f"{name}.lua").read_text(encoding="utf-8")

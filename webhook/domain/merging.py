"""The merges that every state is made of. Each gives the same result whichever way round its arguments come."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


def greatest(known: T | None, new: T) -> T:
    """The greater of the two; `new` where nothing is known yet."""
    return new if known is None or new > known else known  # type: ignore[operator]


def least(known: T | None, new: T) -> T:
    """The lesser of the two; `new` where nothing is known yet."""
    return new if known is None or new < known else known  # type: ignore[operator]


def newest(items: dict[str, T], most: int, place: Callable[[tuple[str, T]], Any]) -> dict[str, T]:
    """At most `most` items: those that `place` puts last."""
    if len(items) <= most:
        return items
    return dict(sorted(items.items(), key=place)[-most:])

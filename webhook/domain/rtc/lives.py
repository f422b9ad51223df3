"""The lives of a channel, cut by all 101 and 102 that are known (contract.md, section 4)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from webhook.domain.rtc.state import MOST_LIVES, Channel, CutKind, MarkKind
from webhook.domain.rtc.words import marks_of, older_signs_ms


class Life(NamedTuple):
    """One life of a channel, event times in ms. `until_ms` is None while it is open."""

    from_ms: int
    until_ms: int | None


def newest_life(channel: Channel) -> Life | None:
    """The newest life, or None where nothing was told that makes one."""
    known = lives(channel)
    return known[-1] if known else None


def lives(channel: Channel) -> tuple[Life, ...]:
    """The newest 20 lives, oldest first; only the last can be open.

    What was lost is inferred from users: a join or a change of role while no life is open means that one is, from the
    least of them; a 102 ends a life that began no later than any word since the cut before it. A leave alone opens
    none, as it may be the late echo of the life before.
    """
    marks, older = marks_of(channel), older_signs_ms(channel)
    words = [*older, *(mark.at_ms for mark in marks)]
    signs = [*older, *(mark.at_ms for mark in marks if mark.kind is not MarkKind.LEFT)]
    cutting = _Cutting(sorted(words), sorted(signs))
    for at_ms, cuts in groupby(channel.cuts, key=lambda cut: cut.at_ms):
        cutting.cut(at_ms, [kind for _, kind in cuts])
    return cutting.lives()[-MOST_LIVES:]


class _Cutting:
    """Goes through the cuts in their order. `began_ms` is of the life that is open, `cut_ms` of the cut before."""

    def __init__(self, words: Sequence[int], signs: Sequence[int]) -> None:
        self.words = words
        self.signs = signs
        self.closed: list[Life] = []
        self.began_ms: int | None = None
        self.cut_ms: int | None = None

    def cut(self, at_ms: int, kinds: Sequence[CutKind]) -> None:
        """Counts what was told of one instant."""
        for kind in self._in_turn(at_ms, kinds):
            if kind is CutKind.CREATED:
                self._created(at_ms)
            else:
                self._destroyed(at_ms)
            self.cut_ms = at_ms

    def lives(self) -> tuple[Life, ...]:
        """The lives, once all cuts were counted."""
        began_ms = self.began_ms
        if began_ms is None:
            began_ms = self._first(self.words if self.cut_ms is None else self.signs)
        return tuple(self.closed if began_ms is None else [*self.closed, Life(began_ms, None)])

    def _in_turn(self, at_ms: int, kinds: Sequence[CutKind]) -> Sequence[CutKind]:
        """102 before 101, unless nothing was alive before: then a life shorter than a second of `ts` came and went."""
        alive = self.began_ms is not None or self._first(self.words, before_ms=at_ms) is not None
        return kinds if alive or len(kinds) == 1 else kinds[::-1]

    def _created(self, at_ms: int) -> None:
        older_ms = self.began_ms if self.began_ms is not None else self._first(self.signs, before_ms=at_ms)
        if older_ms is not None:
            self.closed.append(Life(older_ms, at_ms))  # its 102 is not known
        self.began_ms = at_ms

    def _destroyed(self, at_ms: int) -> None:
        began_ms = self.began_ms if self.began_ms is not None else self._first(self.words, before_ms=at_ms)
        self.closed.append(Life(at_ms if began_ms is None else began_ms, at_ms))
        self.began_ms = None

    def _first(self, times: Sequence[int], before_ms: int | None = None) -> int | None:
        """The least of `times` after the cut before, and before `before_ms` where one is given; else None."""
        position = 0 if self.cut_ms is None else bisect_right(times, self.cut_ms)
        found = times[position] if position < len(times) else None
        return None if found is None or (before_ms is not None and found >= before_ms) else found

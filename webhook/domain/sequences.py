"""Which sequence numbers one recorder's notifications bore: a set that merges in any order and stays small."""

from __future__ import annotations

from msgspec import Struct

WINDOW = 4096  # numbers below the highest that are told apart; what lies deeper is neither missing nor heard

Range = tuple[int, int]  # both ends included


class Sequences(Struct, frozen=True, array_like=True):
    """The numbers heard, as sorted disjoint ranges within WINDOW of the highest."""

    heard: tuple[Range, ...] = ()

    @property
    def highest(self) -> int | None:
        """The greatest number heard, or None."""
        return self.heard[-1][1] if self.heard else None


def hear(sequences: Sequences, number: int) -> Sequences:
    """`sequences` with `number` in it. Unchanged where it was heard already or lies below the window."""
    ranges = sequences.heard
    if ranges and ranges[-1][1] + 1 == number:  # the common case: the next one
        return Sequences(_within_window((*ranges[:-1], (ranges[-1][0], number))))
    if any(low <= number <= high for low, high in ranges):
        return sequences
    return Sequences(_within_window(_join(sorted((*ranges, (number, number))))))


def missing(sequences: Sequences) -> list[Range]:
    """The holes below the highest number, as ranges. A recorder counts from 0 or from 1, so 0 alone is no hole."""
    if not sequences.heard:
        return []
    floor = max(1, sequences.heard[-1][1] - WINDOW + 1)
    before = [floor - 1, *(high for _, high in sequences.heard)]
    return [(last + 1, low - 1) for last, (low, _) in zip(before, sequences.heard, strict=False) if last + 1 < low]


def _join(ranges: list[Range]) -> tuple[Range, ...]:
    joined = [ranges[0]]
    for low, high in ranges[1:]:
        if low <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(high, joined[-1][1]))
        else:
            joined.append((low, high))
    return tuple(joined)


def _within_window(ranges: tuple[Range, ...]) -> tuple[Range, ...]:
    floor = ranges[-1][1] - WINDOW + 1
    if ranges[0][0] >= floor:
        return ranges
    return tuple((max(low, floor), high) for low, high in ranges if high >= floor)

"""One batch's writes, gathered and then run as one script that the lease fences."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

MOST_ARGUMENTS = 2000  # of one command; Lua's unpack fails at about 8 000

Value = str | bytes | int


class Commit:
    """Gathers writes by key, so that one batch costs each key few commands."""

    def __init__(self) -> None:
        self._hashes: dict[str, dict[Value, Value]] = defaultdict(dict)
        self._scores: dict[str, dict[Value, int]] = defaultdict(dict)
        self._gone_fields: dict[str, list[Value]] = defaultdict(list)
        self._gone_members: dict[str, list[Value]] = defaultdict(list)
        self._single: list[tuple[str, list[Value]]] = []

    def set(self, key: str, value: bytes) -> None:
        """String `key` becomes `value`."""
        self._single.append((key, ["SET", value]))

    def delete(self, key: str) -> None:
        """`key` goes, freed in the background."""
        self._single.append((key, ["UNLINK"]))

    def trim(self, key: str, last_id: str) -> None:
        """Entries of stream `key` up to and with `last_id` go."""
        milliseconds, _, sequence = last_id.partition("-")
        self._single.append((key, ["XTRIM", "MINID", f"{milliseconds}-{int(sequence) + 1}"]))

    def expire(self, key: str, seconds: int) -> None:
        """`key` goes after `seconds`. Only for keys that no index names."""
        self._single.append((key, ["EXPIRE", seconds]))

    def add_to(self, key: str, field: str, amount: int) -> None:
        """Field of hash `key` grows by `amount`, which may be negative."""
        if amount:
            self._single.append((key, ["HINCRBY", field, amount]))

    def put(self, key: str, fields: Mapping[str, Value]) -> None:
        """Fields of hash `key` become their values."""
        self._hashes[key].update(fields)

    def drop(self, key: str, fields: Iterable[str]) -> None:
        """Fields of hash `key` go, even if they were put before in this commit."""
        for field in fields:
            self._hashes[key].pop(field, None)
            self._gone_fields[key].append(field)

    def score(self, key: str, member: str, score: int) -> None:
        """Member of sorted set `key` stands at `score`."""
        self._scores[key][member] = score

    def unscore(self, key: str, member: str) -> None:
        """Member of sorted set `key` goes, even if it was scored before in this commit."""
        self._scores[key].pop(member, None)
        self._gone_members[key].append(member)

    def commands(self) -> list[tuple[str, list[Value]]]:
        """Each write's key, and its command's name and other arguments.

        Projections come first and the trimming of the inbox among the last, so that even a script that fails in the
        middle, which the server does not undo, leaves notifications to be folded again and not half forgotten.
        """
        removals = [
            *_chunks("HDEL", self._gone_fields, 1),
            *_chunks("ZREM", self._gone_members, 1),
        ]
        writes = [
            *_chunks("HSET", {key: _flat(fields.items()) for key, fields in self._hashes.items()}, 2),
            *_chunks("ZADD", {key: _flat(_swapped(scores)) for key, scores in self._scores.items()}, 2),
        ]
        projections = [write for write in self._single if write[1][0] == "SET"]
        rest = [write for write in self._single if write[1][0] != "SET"]
        return [*projections, *removals, *writes, *rest]


def _chunks(name: str, by_key: Mapping[str, list[Value]], step: int) -> list[tuple[str, list[Value]]]:
    most = MOST_ARGUMENTS - MOST_ARGUMENTS % step
    return [
        (key, [name, *arguments[at : at + most]])
        for key, arguments in by_key.items()
        for at in range(0, len(arguments), most)
    ]


def _flat(pairs: Iterable[tuple[Value, Value]]) -> list[Value]:
    return [value for pair in pairs for value in pair]


def _swapped(scores: Mapping[Value, int]) -> list[tuple[Value, Value]]:
    return [(score, member) for member, score in scores.items()]

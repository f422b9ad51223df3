"""Readers that share round trips: what several of them ask at one step goes to the server in one pipeline.

A reader is a generator: it yields the commands of a step and is sent their answers, until it returns what it read.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, TypeVar

from redis import Redis

from webhook.store.connection import store_errors

__all__ = ["Command", "Reader", "read", "read_together"]

Command = tuple[Any, ...]  # such as ("GET", key)
T = TypeVar("T")
Reader = Generator[Sequence[Command], list[Any], T]


def read(redis: Redis, doing: str, reader: Reader[T]) -> T:
    """What the reader returns; one pipeline a step. Raises StoreError, which says what was being done."""
    (found,) = read_together(redis, doing, reader)
    result: T = found
    return result


def read_together(redis: Redis, doing: str, *readers: Reader[Any]) -> tuple[Any, ...]:
    """What each of them returns, in their order. It takes as many pipelines as the one with the most steps."""
    found: dict[int, Any] = {}
    answers: dict[int, list[Any] | None] = dict.fromkeys(range(len(readers)))
    while answers:
        asked: dict[int, Sequence[Command]] = {}
        for at, answer in answers.items():
            try:
                asked[at] = next(readers[at]) if answer is None else readers[at].send(answer)
            except StopIteration as end:
                found[at] = end.value
        answers = dict(zip(asked, _answers(redis, doing, list(asked.values())), strict=True))
    return tuple(found[at] for at in range(len(readers)))


def _answers(redis: Redis, doing: str, asked: Sequence[Sequence[Command]]) -> list[list[Any] | None]:
    """The answers to each reader's commands. Who asks nothing at a step costs nothing."""
    if not any(asked):
        return [[] for _ in asked]
    with store_errors(doing), redis.pipeline(transaction=False) as pipe:
        for commands in asked:
            for command in commands:
                pipe.execute_command(*command)  # type: ignore[no-untyped-call]
        in_turn = iter(pipe.execute())
    return [[next(in_turn) for _ in commands] for commands in asked]

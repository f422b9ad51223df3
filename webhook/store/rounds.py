"""Readers that share round trips: what several of them ask at one step goes to the server in one pipeline.

A reader is a generator: it yields the commands of a step and is sent their answers, until it returns what it read.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, TypeVar

from redis import Redis
from redis.exceptions import ResponseError

from webhook.store.connection import store_errors

Command = tuple[Any, ...]  # such as ("GET", key)


class Tried(tuple[Any, ...]):
    """A command that the server may refuse, as managed ones refuse CONFIG: its answer is None then."""

    __slots__ = ()


T = TypeVar("T")
Reader = Generator[Sequence[Command], list[Any], T]


def read(redis: Redis, doing: str, reader: Reader[T]) -> T:
    """What the reader returns; one pipeline a step. Raises StoreError, which says what was being done."""
    try:
        commands = next(reader)
        while True:
            commands = reader.send(_answers(redis, doing, commands))
    except StopIteration as end:
        result: T = end.value
        return result


def read_together(redis: Redis, doing: str, *readers: Reader[Any]) -> tuple[Any, ...]:
    """What each of them returns, in their order. It takes as many pipelines as the one with the most steps."""
    return read(redis, doing, read_rounds(*readers))


def read_rounds(*readers: Reader[Any]) -> Reader[tuple[Any, ...]]:
    """The same as one reader: each of its steps is a step of all that have not returned yet."""
    found: dict[int, Any] = {}
    answers: dict[int, Any] = dict.fromkeys(range(len(readers)))  # a generator is begun by sending None
    while answers:
        asked: dict[int, Sequence[Command]] = {}
        for at, answer in answers.items():
            try:
                asked[at] = readers[at].send(answer)
            except StopIteration as end:
                found[at] = end.value
        if not asked:
            break
        in_turn = iter((yield [command for commands in asked.values() for command in commands]))
        answers = {at: [next(in_turn) for _ in commands] for at, commands in asked.items()}
    return tuple(found[at] for at in range(len(readers)))


def _answers(redis: Redis, doing: str, commands: Sequence[Command]) -> list[Any]:
    """The answers to the commands of a step. One that asks nothing costs nothing."""
    if not commands:
        return []
    with store_errors(doing), redis.pipeline(transaction=False) as pipe:
        for command in commands:
            pipe.execute_command(*command, **_options(command))  # type: ignore[no-untyped-call]
        answers = pipe.execute(raise_on_error=not any(isinstance(command, Tried) for command in commands))
        return [_answer(command, answer) for command, answer in zip(commands, answers, strict=True)]


def _options(command: Command) -> dict[str, bool]:
    """What redis-py has to know, so that scores are pairs of member and number whichever protocol is spoken."""
    return {"withscores": True} if command[-1] == "WITHSCORES" else {}


def _answer(command: Command, answer: Any) -> Any:
    if not isinstance(answer, ResponseError):
        return answer
    if isinstance(command, Tried):
        return None
    raise answer

"""Keyset pages over sorted sets that are spread over shards: one pipeline, whatever their size."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from redis import Redis

from webhook.domain.errors import Rejected
from webhook.store.rounds import Reader, read
from webhook.store.scripts import source

MOST_LOOKED_AT = 500  # rows a page looks at where a filter may drop some

MOST_SCORE = 2**53  # beyond it a sorted set's scores are not exact


class Row(Struct, frozen=True):
    """A row of an index with the shard it came from."""

    score: int
    member: str
    shard: int


class Cursor(Struct, frozen=True, array_like=True):
    """Where a page ended: the score and member of its last row, and how many items of it were shown, 0 for all."""

    score: Annotated[int, Meta(ge=-MOST_SCORE, le=MOST_SCORE)]
    member: str
    shown: Annotated[int, Meta(ge=0, le=MOST_SCORE)] = 0

    def ends_with(self, row: Row) -> bool:
        """Whether `row` is the one that the page ended with, shown whole."""
        return self.shown == 0 and (row.score, row.member) == (self.score, self.member)


class Span(Struct, frozen=True):
    """What part of an index a page looks at: from `cursor` down to `least`, at most `most` rows."""

    cursor: Cursor | None
    least: int | None
    greatest: int | None
    most: int


SCRIPT = source("page")  # sent whole: a registered one would cost each pipeline a round trip more


def read_rows(indexes: Sequence[tuple[int, str]], span: Span) -> Reader[list[Row]]:
    """The next rows over all (shard, index key), in descending order of score and member; one step."""
    greatest, member = _start(span)
    arguments = [greatest, member, "-inf" if span.least is None else span.least, span.most]
    answers = yield [("EVAL", SCRIPT, 1, key, *arguments) for _, key in indexes]
    rows = [
        Row(int(float(score)), member.decode(), shard)
        for (shard, _), answer in zip(indexes, answers, strict=True)
        for member, score in zip(answer[::2], answer[1::2], strict=True)
    ]
    return sorted(rows, key=lambda row: (row.score, row.member.encode()), reverse=True)[: span.most]


class Pager:
    """Reads pages, newest first."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def rows(self, indexes: Sequence[tuple[int, str]], span: Span) -> list[Row]:
        """The next rows over all (shard, index key), in descending order of score and member. Raises StoreError."""
        return read(self._redis, "reading a page", read_rows(indexes, span))


def _start(span: Span) -> tuple[str | int, bytes]:
    beyond_all = b"\xff"
    if span.cursor is None or (span.greatest is not None and span.greatest < span.cursor.score):
        return ("+inf" if span.greatest is None else span.greatest), beyond_all
    return span.cursor.score, span.cursor.member.encode()


def write_cursor(of: str, cursor: Cursor | None) -> str | None:
    """The cursor as it stands in a URL, good for the list called `of` only."""
    if cursor is None:
        return None
    return base64.urlsafe_b64encode(msgspec.json.encode((_tag(of), cursor))).decode().rstrip("=")


def read_cursor(of: str, text: str | None) -> Cursor | None:
    """The cursor of a URL. Raises Rejected (400) where it is not one that the list called `of` gave out."""
    if not text:
        return None
    try:
        padded = text + "=" * (-len(text) % 4)
        tag, cursor = msgspec.json.decode(base64.urlsafe_b64decode(padded), type=tuple[str, Cursor])
    except (binascii.Error, msgspec.MsgspecError, UnicodeError, ValueError) as mistake:
        detail = "cursor is not one that this API gave out; start again without it"
        raise Rejected(400, "Bad cursor", detail) from mistake
    if tag != _tag(of):
        raise Rejected(400, "Bad cursor", f"cursor is another list's, not one of {of[:64]}; start again without it")
    return cursor


def _tag(of: str) -> str:
    return hashlib.sha256(of.encode("utf-8", "surrogatepass")).hexdigest()[:8]

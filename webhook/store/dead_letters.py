"""Dead letters and quarantined bodies as readers see them, and what is asked for them, and the answers."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from redis import Redis

from webhook.domain.arrivals import Arrival, Kind
from webhook.domain.folding import DEAD_KEPT_MS
from webhook.domain.log import DEAD, Entry, Outcome
from webhook.domain.replaying import Answer, Request
from webhook.receipts import new_receipt
from webhook.store.codec import decode_entry
from webhook.store.connection import store_errors
from webhook.store.inbox import Appended, Inbox
from webhook.store.keys import ShardKeys
from webhook.store.paging import MOST_LOOKED_AT, Cursor, Row, Span, read_rows
from webhook.store.rounds import Reader, read

Action = Literal[Kind.REPLAY, Kind.DISCARD]


class DeadLetter(Struct, frozen=True):
    """One dead letter or quarantined body, and where it is kept."""

    shard: int
    field: str
    entry: Entry

    @property
    def id(self) -> str:
        """What it is called outside."""
        return f"{self.shard}.{base64.urlsafe_b64encode(self.field.encode()).decode().rstrip('=')}"

    @property
    def kind(self) -> str:
        """`quarantine` for a body that was no envelope, else `dead_letter`."""
        return "quarantine" if self.entry.outcome is Outcome.QUARANTINED else "dead_letter"

    @property
    def expires_ms(self) -> int:
        """When it is forgotten."""
        return self.entry.copies[0].received_ms + DEAD_KEPT_MS


class DeadLetterFilter(Struct, frozen=True, kw_only=True):
    """Which of them. Times are ms of receiving, `since_ms` included, `until_ms` not."""

    kind: str | None = None
    source: str | None = None
    product: str | None = None
    event_type: int | None = None
    session: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None

    def admits(self, letter: DeadLetter) -> bool:
        """Whether it is one of them; of its times the span of the page has taken care."""
        entry = letter.entry
        wanted_and_found = (
            (self.kind, letter.kind),
            (self.source, entry.source),
            (self.product, entry.product),
            (self.event_type, entry.event_type),
            (self.session, entry.session_id),
        )
        return all(wanted is None or wanted == found for wanted, found in wanted_and_found)


class DeadLetterPage(Struct, frozen=True):
    """Dead letters, last received first, and where the next page begins; None at the end."""

    items: list[DeadLetter]
    next: Cursor | None


class DeadLetters:
    """Reads dead letters, and asks their one writer to replay or discard them."""

    def __init__(self, redis: Redis, inbox: Inbox, shards: int) -> None:
        self._redis = redis
        self._inbox = inbox
        self._keys = [ShardKeys(shard) for shard in range(shards)]

    def page(self, wanted: DeadLetterFilter, limit: int, cursor: Cursor | None) -> DeadLetterPage:
        """A page, last received first; with a filter it may hold fewer than `limit`. Raises StoreError."""
        return read(self._redis, "reading dead letters", self.paging(wanted, limit, cursor))

    def paging(self, wanted: DeadLetterFilter, limit: int, cursor: Cursor | None) -> Reader[DeadLetterPage]:
        """The same, in two steps."""
        most = limit if wanted == DeadLetterFilter() else max(limit, MOST_LOOKED_AT)
        until = None if wanted.until_ms is None else wanted.until_ms - 1
        span = Span(cursor, wanted.since_ms, until, most + 2)
        rows = yield from read_rows([(of.shard, of.places(DEAD)) for of in self._keys], span)
        rest = [row for row in rows if cursor is None or not cursor.ends_with(row)]
        looked_at = rest[:most]
        letters = yield from self._load(looked_at)
        found = [
            (row, letter)
            for row, letter in zip(looked_at, letters, strict=True)
            if letter is not None and wanted.admits(letter)
        ]
        if len(found) > limit:
            last = found[limit - 1][0]
        elif len(rest) > most:
            last = rest[most - 1]
        else:
            return DeadLetterPage([letter for _, letter in found], None)
        return DeadLetterPage([letter for _, letter in found[:limit]], Cursor(last.score, last.member))

    def find(self, name: str) -> DeadLetter | None:
        """The dead letter that is called `name` outside; None where there is none. Raises StoreError."""
        shard, _, encoded = name.partition(".")
        if shard not in map(str, range(len(self._keys))):
            return None
        try:
            field = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
        except (binascii.Error, ValueError):
            return None
        return read(self._redis, "reading a dead letter", self._load([Row(0, f"|{field}", int(shard))]))[0]

    def ask(self, action: Action, letter: DeadLetter, project: str) -> tuple[str, Appended]:
        """Has `action` done by the shard's one writer; returns the ticket of the answer. Raises StoreError."""
        request = Request(new_receipt(), letter.field, project)
        return request.ticket, self._append(action, letter, request, letter.shard)

    def carry(self, letter: DeadLetter, project: str, shard: int) -> list[Appended]:
        """Has the writer of `shard` take it over with all its copies, then the one that has it give up just these.

        Raises StoreError; if it was taken over then, it stays here all the same, and may be carried again: what
        arrived before changes nothing there.
        """
        entry = letter.entry
        # by its receipts it is known again
        carried = entry if entry.receipts else replace(entry, receipts=(f"carried:{letter.id}",))
        return [
            self._append(Kind.REPLAY, letter, Request(new_receipt(), letter.field, project, carried), shard),
            self._append(Kind.DISCARD, letter, Request(new_receipt(), letter.field, project, carried), letter.shard),
        ]

    def answers(self, tickets: Sequence[tuple[int, str]]) -> dict[str, Answer]:
        """The answers that are there, by ticket; each is asked for with its shard. Raises StoreError."""
        with store_errors("reading answers"), self._redis.pipeline(transaction=False) as pipe:
            for shard, ticket in tickets:
                pipe.get(self._keys[shard].answer(ticket))
            stored = pipe.execute()
        return {
            ticket: msgspec.json.decode(value, type=Answer)
            for (_, ticket), value in zip(tickets, stored, strict=True)
            if value is not None
        }

    def _append(self, action: Action, letter: DeadLetter, request: Request, shard: int) -> Appended:
        body, entry = msgspec.json.encode(request), letter.entry
        arrival = Arrival(request.ticket, entry.source, request.project, entry.signature, body, action)
        return self._inbox.append_to(shard, arrival)

    def _load(self, rows: Sequence[Row]) -> Reader[list[DeadLetter | None]]:
        """The dead letters that the rows name, None where one is gone meanwhile. One step."""
        fields = [(row.shard, row.member.partition("|")[2]) for row in rows]
        stored = yield [("HGET", self._keys[shard].log(DEAD), field) for shard, field in fields]
        return [_letter(shard, field, value) for (shard, field), value in zip(fields, stored, strict=True)]


def _letter(shard: int, field: str, value: Any) -> DeadLetter | None:
    try:
        return None if value is None else DeadLetter(shard, field, decode_entry(value))
    except msgspec.MsgspecError:  # a later release's
        return None

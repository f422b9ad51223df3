"""What a web process does beside its requests: probes Redis, brings it what was spooled, shows what the spool holds."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from socket import gethostname
from typing import Any

from redis import Redis

from webhook.domain.errors import Unconfirmed
from webhook.store.connection import server_now_ms, store_errors
from webhook.store.spool.collecting import Collection
from webhook.store.spool.framing import Gap, records
from webhook.store.spool.keeper import Keeper
from webhook.store.spool.segment import Segment
from webhook.store.spool.sending import Sending
from webhook.store.spool.spool import Spool
from webhook.store.spool.survey import Content
from webhook.store.spool.trouble import Trouble
from webhook.store.spools import Report, save_report
from webhook.store.watch import show_web

MOST_SEGMENTS = 8  # that are sent between two signs of life

log = logging.getLogger(__name__)


class Tender:
    """Tends the spool of `keeper`, and gives the process's sign of life. One a process.

    `redis` answers fast or not at all; `patient` is a client of the same server that carries what was spooled, also
    where a large notification takes a while.
    """

    def __init__(self, redis: Redis, keeper: Keeper, patient: Redis | None = None) -> None:
        self._redis = redis
        self._patient = patient or redis
        self._keeper = keeper
        self._inbox = keeper.inbox.through(self._patient)
        self._sending: dict[Segment, Sending] = {}  # of those that are not disposed of yet
        self._collection = Collection()
        self._brought = 0  # notifications, since all was well
        self._complaints: list[str] = []  # of this look
        self.trouble = Trouble()
        self.is_busy = False  # whether the next look should come soon

    def tend(self) -> set[int]:
        """Probes Redis where it failed, brings it what is spooled, reports; returns the shards to wake.

        Raises StoreError where Redis is away, OSError where the disk fails: then all stays as it is until next time.
        """
        self._complaints.clear()
        woken = self._look()
        if self._complaints:
            self.trouble.goes_on(self._complaints[-1])
        elif not self.is_busy:
            self.trouble.is_over(f"all is well again; from the spool came {self._brought} notifications")
            self._brought = 0
        return woken

    def _look(self) -> set[int]:
        breaker, spool = self._keeper.breaker, self._keeper.spool
        self.is_busy = breaker.is_open
        ahead_ms = self._ahead_ms()
        content = self._report(ahead_ms)  # first: what is spooled shows even where Redis keeps nothing for us
        self._keeper.inbox.acknowledgement()
        show_web(self._redis)  # after the report: whoever sees that web was there sees what it holds, too
        if breaker.is_open:
            self._probe()
        if spool is None or content is None or not (content.segments or spool.holds_any):
            return set()
        self.is_busy = self.is_busy or content.depth > 0
        try:
            return self._drain(spool, ahead_ms)
        finally:
            self._report(ahead_ms)

    def _probe(self) -> None:
        try:
            self._keeper.inbox.probe()
        except Unconfirmed as failure:  # it takes what is spooled, which does not count as kept by it
            self._complaints.append(str(failure))
        else:
            self._keeper.breaker.succeeded()
            log.warning("Redis keeps notifications again")

    def _ahead_ms(self) -> int:
        with store_errors("asking Redis for its time"):
            return self._keeper.now_ms() - server_now_ms(self._redis)

    def _report(self, ahead_ms: int) -> Content | None:
        if self._keeper.spool is None:
            return None
        content = self._keeper.spool.count()
        oldest_ms = None if content.oldest_ms is None else content.oldest_ms - ahead_ms
        now_ms = self._keeper.now_ms() - ahead_ms
        report = Report(gethostname(), now_ms, content.depth, oldest_ms, content.unconfirmed, content.damaged)
        save_report(self._redis, self._keeper.spool.id, report)
        return content

    def _drain(self, spool: Spool, ahead_ms: int) -> set[int]:
        """Sends a few segments and has them confirmed together; returns the shards to wake."""
        primary = self._primary()
        segments = spool.segments()
        sent = [segment for segment in segments if self._has_all(primary, segment)]
        fresh, woken = self._send(spool, [each for each in segments if each not in sent], primary, ahead_ms)
        if not (sent or fresh):
            return woken
        try:
            self._inbox.probe()
        except Unconfirmed as failure:
            self._complaints.append(str(failure))
            self._collect(spool, [*fresh, *sent], primary)
            return woken
        if self._primary() == primary:  # else another server answered: it may not have got what this one was sent
            for segment in (*sent, *fresh):
                self._try(partial(self._dispose, spool, segment))
        return woken

    def _has_all(self, primary: str, segment: Segment) -> bool:
        sending = self._sending.get(segment)
        return segment.sent_to == primary or bool(sending and sending.primary == primary and sending.is_over)

    def _send(
        self, spool: Spool, waiting: list[Segment], primary: str, ahead_ms: int
    ) -> tuple[list[Segment], set[int]]:
        """The segments that the primary has got, all of each, and the shards to wake."""
        sent: list[Segment] = []
        woken, full = set[int](), set[int]()
        for segment in waiting:
            if len(sent) >= MOST_SEGMENTS:
                break
            sending = self._sending_of(segment, primary, ahead_ms)
            if sending.waits_for(full) or (content := self._read(spool, segment)) is None:
                continue
            self._send_one(sending, content, full, woken)
            if sending.is_over:
                sent.append(segment)
        if full:
            shards = ", ".join(map(str, sorted(full)))
            self._complaints.append(f"the spool waits: full is the inbox of shard {shards} (VIGIL_INBOX_MAX)")
        return sent, woken

    def _send_one(self, sending: Sending, content: bytes, full: set[int], woken: set[int]) -> None:
        taken = sending.taken
        try:
            sending.send(content, self._inbox.append_all, full, woken)
        finally:  # also where Redis goes away in the middle of it
            self._brought += sending.taken - taken

    def _sending_of(self, segment: Segment, primary: str, ahead_ms: int) -> Sending:
        sending = self._sending.get(segment)
        if sending is None or sending.primary != primary:
            sending = self._sending[segment] = Sending(segment.path, primary, ahead_ms)
        return sending

    def _read(self, spool: Spool, segment: Segment) -> bytes | None:
        """What is in it; None where its place on the disk is at fault, which is not the others'."""
        try:
            content: bytes = spool.run(segment.read)
        except OSError as failure:
            log.error("%s cannot be read: %s", segment.path, failure)
            self._try(partial(self._set_aside, spool, segment))
            return None
        return content

    def _try(self, dispose: Callable[[], None]) -> None:
        """What cannot be renamed or removed is tried again at the next look, and holds up no other."""
        try:
            dispose()
        except OSError as failure:
            self._complaints.append(str(failure))

    def _collect(self, spool: Spool, sent: list[Segment], primary: str) -> None:
        """Notes what the primary has got, a few segments at a time, in few files."""
        lacking = [segment for segment in sent if self._collection.lacks(segment, primary)]
        for segment in lacking[: 2 * MOST_SEGMENTS]:
            self._try(partial(self._collect_one, spool, segment, primary))

    def _collect_one(self, spool: Spool, segment: Segment, primary: str) -> None:
        if spool.run(partial(self._collection.add, segment, primary)):
            self._remove(spool, segment)

    def _dispose(self, spool: Spool, segment: Segment) -> None:
        """The primary has kept all of it: the file goes, unless some of it could not be read. Raises OSError."""
        if self._is_damaged(spool, segment):
            self._set_aside(spool, segment)
        else:
            self._remove(spool, segment)

    def _remove(self, spool: Spool, segment: Segment) -> None:
        spool.run(segment.remove)
        self._forget(spool, segment)

    def _set_aside(self, spool: Spool, segment: Segment) -> None:
        log.error("a damaged segment was set aside: %s", spool.run(segment.set_aside))
        self._forget(spool, segment)

    def _forget(self, spool: Spool, segment: Segment) -> None:
        spool.forget(segment)
        self._collection.forget(segment)
        self._sending.pop(segment, None)

    def _is_damaged(self, spool: Spool, segment: Segment) -> bool:
        sending = self._sending.get(segment)
        if sending is not None:
            return sending.damaged
        # another process has sent it
        return any(isinstance(each, Gap) and not each.torn for each in records(spool.run(segment.read)))

    def _primary(self) -> str:
        """The replication id of the server that answers, which no other primary has."""
        with store_errors("asking Redis for its replication id"):
            found: Any = self._patient.info("replication")
        return str(found["master_replid"])

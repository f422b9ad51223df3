"""What a web process does beside its requests: probes Redis, brings it what was spooled, shows what the spool holds."""

from __future__ import annotations

import logging
from functools import partial
from socket import gethostname
from typing import Any

from redis import Redis

from webhook.domain.errors import Unconfirmed
from webhook.store.connection import server_now_ms, store_errors
from webhook.store.spool.framing import Gap, records
from webhook.store.spool.keeper import Keeper
from webhook.store.spool.segment import Segment
from webhook.store.spool.sending import Sending
from webhook.store.spool.spool import Spool
from webhook.store.spool.survey import Content, Survey
from webhook.store.spools import Report, save_report
from webhook.store.watch import show_web

MOST_SEGMENTS = 8  # that are sent between two signs of life

log = logging.getLogger(__name__)


class Tender:
    """Tends the spool of `keeper`, and gives the process's sign of life. One a process."""

    def __init__(self, redis: Redis, keeper: Keeper) -> None:
        self._redis = redis
        self._keeper = keeper
        self._survey = Survey(keeper.spool.directory) if keeper.spool else None
        self._sending: dict[Segment, Sending] = {}  # of those that are not disposed of yet
        self.is_busy = False  # whether the next look should come soon

    def tend(self) -> set[int]:
        """Probes Redis where it failed, brings it what is spooled, reports; returns the shards to wake.

        Raises StoreError where Redis is away, OSError where the disk fails: then all stays as it is until next time.
        """
        breaker, spool = self._keeper.breaker, self._keeper.spool
        self.is_busy = breaker.is_open
        ahead_ms = self._ahead_ms()
        content = self._report(ahead_ms)  # first: what is spooled shows even where Redis keeps nothing for us
        if breaker.is_open:
            self._probe()
        self._keeper.inbox.acknowledgement()
        show_web(self._redis)  # after the report: whoever sees that web was there sees what it holds, too
        if spool is None or content is None or not content.segments:
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
            log.warning("%s", failure)
        else:
            self._keeper.breaker.succeeded()
            log.warning("Redis keeps notifications again")

    def _ahead_ms(self) -> int:
        with store_errors("asking Redis for its time"):
            return self._keeper.now_ms() - server_now_ms(self._redis)

    def _report(self, ahead_ms: int) -> Content | None:
        if self._keeper.spool is None or self._survey is None:
            return None
        content: Content = self._keeper.spool.run(self._survey.count)
        oldest_ms = None if content.oldest_ms is None else content.oldest_ms - ahead_ms
        now_ms = self._keeper.now_ms() - ahead_ms
        report = Report(gethostname(), now_ms, content.depth, oldest_ms, content.unconfirmed, content.damaged)
        save_report(self._redis, self._keeper.spool.id, report)
        return content

    def _drain(self, spool: Spool, ahead_ms: int) -> set[int]:
        """Sends a few segments and has them confirmed together; returns the shards to wake."""
        primary = self._primary()
        segments = spool.segments()
        sent = [segment for segment in segments if segment.sent_to == primary]
        waiting = [segment for segment in segments if segment.sent_to != primary]
        fresh, woken = self._send(spool, waiting[:MOST_SEGMENTS], primary, ahead_ms)
        if not (sent or fresh):
            return woken
        try:
            self._keeper.inbox.probe()
        except Unconfirmed as failure:
            log.warning("%s", failure)
            for segment in fresh:
                spool.run(partial(segment.mark_sent, primary))
            return woken
        if self._primary() == primary:  # else another server answered: it may not have got what this one was sent
            for segment in (*sent, *fresh):
                self._dispose(spool, segment)
        return woken

    def _send(
        self, spool: Spool, waiting: list[Segment], primary: str, ahead_ms: int
    ) -> tuple[list[Segment], set[int]]:
        """The segments that the primary has got, all of each, and the shards to wake."""
        sent, woken = [], set[int]()
        for segment in waiting:
            try:
                sending = self._sending_of(spool, segment, primary, ahead_ms)
            except OSError as failure:  # the fault of its place on the disk is not the others'
                log.error("%s cannot be read: %s", segment.path, failure)
                self._set_aside(spool, segment)
                continue
            if not sending.send(self._keeper.inbox.append_all, woken):
                log.warning("the spool waits: an inbox is full (VIGIL_INBOX_MAX)")
                break
            sent.append(segment)
        return sent, woken

    def _sending_of(self, spool: Spool, segment: Segment, primary: str, ahead_ms: int) -> Sending:
        sending = self._sending.get(segment)
        if sending is None or sending.primary != primary:
            content = spool.run(segment.read)
            sending = self._sending[segment] = Sending(segment.path, content, primary, ahead_ms)
        return sending

    def _dispose(self, spool: Spool, segment: Segment) -> None:
        """The primary has kept all of it: the file goes, unless some of it could not be read."""
        if self._is_damaged(spool, segment):
            self._set_aside(spool, segment)
        else:
            spool.run(segment.remove)
            self._forget(spool, segment)

    def _set_aside(self, spool: Spool, segment: Segment) -> None:
        log.error("a damaged segment was set aside: %s", spool.run(segment.set_aside))
        self._forget(spool, segment)

    def _forget(self, spool: Spool, segment: Segment) -> None:
        spool.forget(segment)
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
            found: Any = self._redis.info("replication")
        return str(found["master_replid"])

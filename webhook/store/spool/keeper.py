"""Where a verified notification is made durable: in Redis while that is well, else in the spool."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from webhook.domain.arrivals import Arrival
from webhook.domain.errors import InboxFull, SpoolError, StoreError, WrongShards
from webhook.store.inbox import Appended, Inbox
from webhook.store.spool.breaker import Breaker
from webhook.store.spool.framing import Spooled
from webhook.store.spool.spool import Spool
from webhook.store.spool.trouble import Trouble

USUAL_BYTES = 4096  # that a notification takes, at most
REDIS_WITHIN = 1.0  # seconds for one append, its connection and the address of the server; to confirm it comes on top

Within = Callable[[float], AbstractContextManager[object]]  # raises StoreError in what takes more seconds

log = logging.getLogger(__name__)


class Keeper:
    """Keeps notifications. Safe to share between greenlets. `now_ms` is this host's clock, for what is spooled.

    Without a spool, whatever Redis does not keep is refused. `within` bounds what no timeout of a socket does: looking
    up the server's name.
    """

    def __init__(
        self, inbox: Inbox, spool: Spool | None, now_ms: Callable[[], int], within: Within = nullcontext
    ) -> None:
        self.inbox = inbox
        self.spool = spool
        self.breaker = Breaker()
        self.now_ms = now_ms
        self.within = within
        self._full = Trouble()

    def keep(self, routing_key: str, arrival: Arrival, claim: str) -> Appended | None:
        """Makes `arrival` durable; returns where in Redis it is, None where it is spooled.

        `claim` is the signature that it came with. Raises StoreError when it is certain to be kept nowhere; an append
        that seemed to fail may be in Redis all the same, and its receipt tells that both are one POST.
        """
        if self.spool is None or not self.breaker.is_open:
            try:
                return self._append(routing_key, arrival)
            except WrongShards:  # no drain of this spool would ever find the inbox that was meant
                raise
            except StoreError as failure:
                self._failed(failure)
                if self.spool is None:
                    raise
        self._spool(self.spool, routing_key, arrival, claim)
        return None

    def _append(self, routing_key: str, arrival: Arrival) -> Appended:
        with self.within(REDIS_WITHIN + self.inbox.wait_s):
            kept = self.inbox.append(routing_key, arrival)
        self.breaker.succeeded()
        return kept

    def _spool(self, spool: Spool, routing_key: str, arrival: Arrival, claim: str) -> None:
        spool.keep(
            Spooled(
                routing_key,
                arrival.receipt,
                arrival.source,
                arrival.project,
                arrival.signature,
                claim,
                self.now_ms(),
                arrival.body,
            )
        )

    def check(self) -> None:
        """Returns while the spool can keep a usual notification. Raises StoreError, also where there is none."""
        if self.spool is None:
            raise StoreError("there is no spool (VIGIL_SPOOL_DIR is empty)")
        spool = self.spool
        try:
            spool.run(lambda: spool.check(USUAL_BYTES))
        except SpoolError as failure:
            raise SpoolError(f"{spool.directory}: {failure}") from failure

    def _failed(self, failure: StoreError) -> None:
        if isinstance(failure, InboxFull):  # Redis is well; another shard may have room
            self._full.goes_on(f"{'spooling' if self.spool else 'refusing'}: {failure}")
            return
        was_open = self.breaker.is_open
        self.breaker.failed(failure)
        if self.breaker.is_open and not was_open:
            log.error("%s until Redis keeps notifications again: %s", "spooling" if self.spool else "refusing", failure)

"""Where a verified notification is made durable: in Redis while that is well, else in the spool."""

from __future__ import annotations

import logging
from collections.abc import Callable

from webhook.domain.arrivals import Arrival
from webhook.domain.errors import InboxFull, StoreError, WrongShards
from webhook.store.inbox import Appended, Inbox
from webhook.store.spool.breaker import Breaker
from webhook.store.spool.framing import Spooled
from webhook.store.spool.spool import Spool

USUAL_BYTES = 4096  # that a notification takes, at most

log = logging.getLogger(__name__)


class Keeper:
    """Keeps notifications. Safe to share between greenlets. `now_ms` is this host's clock, for what is spooled.

    Without a spool, whatever Redis does not keep is refused.
    """

    def __init__(self, inbox: Inbox, spool: Spool | None, now_ms: Callable[[], int]) -> None:
        self.inbox = inbox
        self.spool = spool
        self.breaker = Breaker()
        self.now_ms = now_ms

    def keep(self, routing_key: str, arrival: Arrival, claim: str) -> Appended | None:
        """Makes `arrival` durable; returns where in Redis it is, None where it is spooled.

        `claim` is the signature that it came with. Raises StoreError when it is certain to be kept nowhere; an append
        that seemed to fail may be in Redis all the same, and its receipt tells that both are one POST.
        """
        if self.spool is None:
            return self.inbox.append(routing_key, arrival)
        if not self.breaker.is_open:
            try:
                kept = self.inbox.append(routing_key, arrival)
            except WrongShards:  # no drain of this spool would ever find the inbox that was meant
                raise
            except StoreError as failure:
                self._failed(failure)
            else:
                self.breaker.succeeded()
                return kept
        self.spool.keep(
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
        return None

    def check(self) -> None:
        """Returns while the spool can keep a usual notification. Raises StoreError, also where there is none."""
        if self.spool is None:
            raise StoreError("there is no spool (VIGIL_SPOOL_DIR is empty)")
        self.spool.check(USUAL_BYTES)

    def _failed(self, failure: StoreError) -> None:
        if isinstance(failure, InboxFull):  # Redis is well; another shard may have room
            log.warning("spooling: %s", failure)
            return
        was_open = self.breaker.is_open
        self.breaker.failed(failure)
        if self.breaker.is_open and not was_open:
            log.error("spooling until Redis keeps notifications again: %s", failure)

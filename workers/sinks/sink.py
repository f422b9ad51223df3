"""What a sink is to whoever delivers."""

from __future__ import annotations

from typing import Protocol

from webhook.domain.alerting.delivery import Batch

SECONDS = 8.0  # no attempt takes longer; the job's alarm ends one that does


class Sink(Protocol):
    """Somebody who is told of alerts."""

    @property
    def name(self) -> str:
        """What the operator calls it."""
        ...

    @property
    def most(self) -> int:
        """How many tellings a batch for it holds at most."""
        ...

    def send(self, batch: Batch, seconds: float = SECONDS) -> None:
        """Return once the receiver took the whole batch, within `seconds`.

        Raises DeliveryError where it did not: a part of it may have arrived, and the same batch may be sent again. The
        message holds no address and no secret.
        """
        ...

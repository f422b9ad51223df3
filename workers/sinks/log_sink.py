"""The worker's log: for a look at what would be told, and for those whose log is read by something."""

from __future__ import annotations

import logging

from webhook.domain.alerting.delivery import MOST_TELLINGS, Batch
from webhook.domain.alerting.messages import line
from webhook.domain.alerting.telling import Transition
from workers.sinks.sink import SECONDS

log = logging.getLogger(__name__)


class LogSink:
    """One line for each telling: a warning, or for information where it is resolved."""

    most = MOST_TELLINGS

    def __init__(self, name: str) -> None:
        self.name = name

    def send(self, batch: Batch, seconds: float = SECONDS) -> None:
        """Return at once."""
        for each in batch.tellings:
            resolved = each.transition is Transition.RESOLVED
            log.log(logging.INFO if resolved else logging.WARNING, "%s", line(each))

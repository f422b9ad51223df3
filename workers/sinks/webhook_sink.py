"""A receiver of one's own: JSON signed after Standard Webhooks."""

from __future__ import annotations

import base64
import binascii
import json
from datetime import UTC, datetime, timedelta

from standardwebhooks import Webhook

from webhook.clock import now_ms
from webhook.domain.alerting.delivery import MOST_TELLINGS, Batch
from webhook.views.times import rfc3339
from workers.sinks.facts import facts_of
from workers.sinks.posting import post_json
from workers.sinks.sink import SECONDS

PREFIX = "whsec_"
SHORTEST, LONGEST = 24, 64  # bytes of a secret, by the specification
TYPE = "vigil.alerts"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class WebhookSink:
    """Posts each batch as one signed message, whose id stays the same however often it is sent."""

    most = MOST_TELLINGS

    def __init__(self, name: str, url: str, secret: str, public_url: str | None) -> None:
        self.name = name
        self._url, self._signer, self._public_url = url, Webhook(secret), public_url

    def send(self, batch: Batch, seconds: float = SECONDS) -> None:
        """Return once the receiver answered 2xx. Raises DeliveryError."""
        at_ms = now_ms() // 1000 * 1000  # signatures count whole seconds
        body = json.dumps(
            {
                "type": TYPE,
                "timestamp": rfc3339(batch.sealed_ms),
                "data": {"id": batch.id, "alerts": [facts_of(each, self._public_url) for each in batch.tellings]},
            }
        )
        identity = f"msg_{batch.id}"
        headers = {
            "webhook-id": identity,
            "webhook-timestamp": str(at_ms // 1000),
            "webhook-signature": self._signer.sign(identity, _EPOCH + timedelta(milliseconds=at_ms), body),
        }
        post_json(self._url, body.encode(), headers, seconds)


def secret_problem(secret: str | None) -> str | None:
    """Why nothing can be signed with it, None where it can. The secret is not shown."""
    form = f"write {PREFIX} and {SHORTEST} to {LONGEST} random bytes in base64"
    if not secret or not secret.startswith(PREFIX):
        return f"the secret has to begin with {PREFIX}; {form}"
    try:
        size = len(base64.b64decode(secret.removeprefix(PREFIX), validate=True))
    except (binascii.Error, ValueError):
        return f"the secret is no base64; {form}"
    return None if SHORTEST <= size <= LONGEST else f"the secret has {size} bytes; {form}"

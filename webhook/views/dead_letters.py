"""Dead letters and the audit list as the API shows them."""

from __future__ import annotations

from typing import Any

import msgspec

from webhook.domain.decoding import event_name
from webhook.store.audit import Deed
from webhook.store.dead_letters import DeadLetter
from webhook.views.times import rfc3339, rfc3339_or_none


def dead_letter_view(letter: DeadLetter, *, operator: bool) -> dict[str, Any]:
    """One item of `GET /dead-letters`. A quarantined body, which nothing could mask, is shown to operators only."""
    entry, first = letter.entry, letter.entry.copies[0]
    masked = entry.product_id is not None
    raw = entry.body.decode("utf-8", "backslashreplace") if operator else None
    return {
        "id": letter.id,
        "kind": letter.kind,
        "error": entry.error,
        "source": entry.source,
        "product": entry.product,
        "productId": entry.product_id,
        "eventType": entry.event_type,
        "name": event_name(entry.product, entry.event_type),
        "noticeId": first.notice_id,
        "session": entry.session_id,
        "channel": entry.channel,
        "occurredAt": rfc3339_or_none(entry.occurred_ms),
        "notifiedAt": rfc3339(first.notified_ms),
        "receivedAt": rfc3339(first.received_ms),
        "expiresAt": rfc3339(letter.expires_ms),
        "copies": sum(copy.count for copy in entry.copies),
        "body": msgspec.Raw(entry.body) if masked else raw,
    }


def deed_view(deed: Deed) -> dict[str, Any]:
    """One item of `GET /audit`."""
    return {
        "at": rfc3339(deed.at_ms),
        "by": deed.by,
        "action": deed.action,
        "subject": deed.subject,
        "reason": deed.reason,
    }

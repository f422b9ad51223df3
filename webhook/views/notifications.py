"""Notifications as the API shows them (contract.md, section 4)."""

from __future__ import annotations

from typing import Any

import msgspec

from webhook.domain.decoding import event_name
from webhook.store.notifications import Item, outcome_of
from webhook.views.times import rfc3339, rfc3339_or_none, seconds


def notification_view(item: Item, *, operator: bool) -> dict[str, Any]:
    """One item of `GET /notifications`. A quarantined body, which nothing could mask, is shown to operators only."""
    entry, copy = item.entry, item.copy
    return {
        "noticeId": copy.notice_id,
        "product": entry.product,
        "productId": entry.product_id,
        "eventType": entry.event_type,
        "name": event_name(entry.product, entry.event_type),
        "source": entry.source,
        "session": entry.session_id,
        "channel": entry.channel,
        "occurredAt": rfc3339_or_none(entry.occurred_ms),
        "notifiedAt": rfc3339(copy.notified_ms),
        "receivedAt": rfc3339(copy.received_ms),
        "lag": None if entry.occurred_ms is None else seconds(copy.received_ms - entry.occurred_ms),
        "outcome": outcome_of(item),
        "copies": copy.count,
        "error": entry.error,
        "body": _body(item, operator=operator),
    }


def _body(item: Item, *, operator: bool) -> Any:
    if item.entry.product_id is not None:
        return msgspec.Raw(item.entry.body)
    return item.entry.body.decode("utf-8", "backslashreplace") if operator else None

"""What counts as one notification, whoever brought it how often."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from webhook.simulation.truth import Line


def distinct(told: Iterable[Line]) -> int:
    """How many notifications say different things: their types or payloads differ (section 7)."""
    return len({(line.event_type, msgspec.json.encode(line.payload, order="sorted")) for line in told})

"""What the operator wants of alerts: how each rule behaves for which source, and who is told of what."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from webhook.domain.alerting.policies import DEFAULTS, Policies
from webhook.domain.alerting.telling import Route


class Guide(Struct, frozen=True, kw_only=True):
    """Rules and routes. `by_source` and `labels` hold what differs for a source, by its name."""

    routes: tuple[Route, ...] = ()
    policies: Policies = field(default_factory=lambda: DEFAULTS)
    by_source: Mapping[str, Policies] = {}
    labels: Mapping[str, dict[str, str]] = {}

    def policies_of(self, source: str | None) -> Policies:
        """The rules as they are for what this source tells."""
        return self.by_source.get(source or "", self.policies)

"""Rules of a start request with snapshots, its redaction, and what is kept of it (agora-notifications.md, section 5).

A start request is the body with which Cloud Recording is started. All of this takes any JSON value and never raises.
"""

from __future__ import annotations

from webhook.domain.start_request.expectation import Expectation, summary_of
from webhook.domain.start_request.reading import is_start_request, kind_of
from webhook.domain.start_request.redaction import redact
from webhook.domain.start_request.rule import Severity, Violation
from webhook.domain.start_request.rules import check

__all__ = ["Expectation", "Severity", "Violation", "check", "is_start_request", "kind_of", "redact", "summary_of"]

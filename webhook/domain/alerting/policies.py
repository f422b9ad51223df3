"""The rules' defaults as one table (contract.md, section 5): how bad, after how long, how often told again."""

from __future__ import annotations

from msgspec import Struct

from webhook.domain.alerting.alerts import Severity

SECOND, MINUTE, HOUR = 1000, 60_000, 3_600_000  # milliseconds
REPEAT_MS = 4 * HOUR
FOUND_BY_ABSENCE = frozenset(  # rules that speak because nothing was heard, which proves nothing while Vigil is deaf
    ("not_started", "session_silent", "notifications_missing", "snapshot_overdue", "upload_stalled", "not_uploaded")
)


class Policy(Struct, frozen=True, kw_only=True):
    """What holds for one rule. It fires `for_ms` after what it found began."""

    severity: Severity
    for_ms: int = 0
    repeat_ms: int = REPEAT_MS
    enabled: bool = True


Policies = dict[str, Policy]

_INFO, _WARNING, _CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL

DEFAULTS: Policies = {
    "video_stopped": Policy(severity=_WARNING, for_ms=10 * SECOND),
    "audio_stopped": Policy(severity=_INFO, for_ms=30 * SECOND),
    "recording_error": Policy(severity=_CRITICAL),
    "abnormal_exit": Policy(severity=_CRITICAL),
    "recorder_left_empty": Policy(severity=_WARNING),
    "failover": Policy(severity=_INFO),
    "failover_repeated": Policy(severity=_CRITICAL),
    "not_started": Policy(severity=_CRITICAL, for_ms=90 * SECOND),
    "session_silent": Policy(severity=_WARNING),
    "notifications_missing": Policy(severity=_INFO, for_ms=120 * SECOND),
    "snapshot_overdue": Policy(severity=_WARNING),
    "upload_stalled": Policy(severity=_WARNING, for_ms=5 * MINUTE),
    "upload_failed": Policy(severity=_CRITICAL),
    "upload_in_backup": Policy(severity=_INFO),
    "not_uploaded": Policy(severity=_CRITICAL, for_ms=15 * MINUTE),
    "transcode_failed": Policy(severity=_WARNING),
    "download_failed": Policy(severity=_WARNING),
    "rtmp_disconnected": Policy(severity=_WARNING),
    "web_recorder_stopped": Policy(severity=_WARNING),
    "abnormal_user": Policy(severity=_WARNING),
}

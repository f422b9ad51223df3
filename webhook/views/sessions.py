"""Sessions as the API shows them (contract.md, section 4). Equal facts make equal bytes: everything is sorted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from webhook.domain.entity.state import Entity
from webhook.domain.recording.state import Recording
from webhook.domain.registration import Registration
from webhook.domain.rtc.state import Channel
from webhook.domain.session import Session
from webhook.domain.start_request import Expectation
from webhook.domain.states import OVER
from webhook.domain.status import exit_of, status_of
from webhook.views.channels import channel_view
from webhook.views.entities import entity_view
from webhook.views.recordings import file_folder, recording_view
from webhook.views.times import rfc3339, rfc3339_or_none

View = dict[str, Any]
FAMILY_VIEWS: dict[type, Callable[[Any], View]] = {
    Recording: recording_view,
    Channel: channel_view,
    Entity: entity_view,
}


def session_view(session: Session) -> View:
    """The session as `GET /sessions/{id}` answers it."""
    status = status_of(session)
    own = FAMILY_VIEWS[type(session.state)](session.state)
    return {
        "id": session.id,
        "product": session.product,
        "project": session.project,
        "source": session.source,
        "channel": session.channel,
        "state": status.state.value,
        "stateSince": rfc3339(status.since_ms),
        "firstEventAt": rfc3339_or_none(session.first_ms),
        "lastEventAt": rfc3339_or_none(session.last_ms),
        "endedAt": rfc3339(status.since_ms) if status.state in OVER else None,
        "exit": _exit(session),
        **_nothing(),
        "notifications": {
            "received": session.received,
            "duplicates": session.duplicates,
            "stale": session.stale,
        },
        "registration": _registration(session.registration),
        "alerts": list(session.alerts),
        "revision": session.revision,
        **own,
        "detail": own["detail"] | _prefix(session),
    }


def _registration(registration: Registration | None) -> View | None:
    if registration is None:
        return None
    expected = registration.expectation or Expectation()
    return {
        "registeredAt": rfc3339(registration.registered_ms),
        "resourceId": registration.resource_id,
        "mode": registration.mode,
        "expectedEnd": rfc3339_or_none(registration.expected_end_ms),
        "fileNamePrefix": list(expected.file_name_prefix),
        "captureInterval": expected.capture_interval,
        "takesSnapshots": expected.takes_snapshots,
        "records": expected.records,
    }


def _prefix(session: Session) -> View:
    """Whether files are stored where the registration said; nothing before both are known."""
    expected = session.registration.expectation if session.registration else None
    folder = file_folder(session.state) if isinstance(session.state, Recording) else None
    if expected is None or not expected.file_name_prefix or folder is None:
        return {}
    registered = "/".join(expected.file_name_prefix)
    return {"fileNamePrefix": {"registered": registered, "seen": folder, "matches": folder == registered}}


def _nothing() -> View:
    """What a family's view replaces where its products have such a thing."""
    return {
        "recorders": [],
        "failovers": 0,
        "streams": [],
        "upload": {"state": "none", "progress": 0.0, "files": [], "filesCount": 0},
        "errors": [],
        "warnings": [],
        "notRecorded": [],
        "sequence": {},
        "detail": {},
    }


def _exit(session: Session) -> View | None:
    ended = exit_of(session)
    if ended is None:
        return None
    status = "normal" if ended.normal else "abnormal"
    return {"status": status, "at": rfc3339(ended.at_ms), "reason": ", ".join(ended.reasons) or None}

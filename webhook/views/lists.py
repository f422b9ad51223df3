"""Channels and streams as the API shows them: what is asked across sessions."""

from __future__ import annotations

from typing import Any

from webhook.domain.channels import channel_id
from webhook.domain.rtc.state import Channel
from webhook.domain.session import Session
from webhook.domain.status import status_of
from webhook.store.channels import ChannelRow
from webhook.views.channels import present_view
from webhook.views.sessions import session_view
from webhook.views.times import rfc3339

View = dict[str, Any]


def channel_row_view(row: ChannelRow) -> View:
    """One item of `GET /channels`. `live` is whether any session of the channel runs."""
    return {
        "id": channel_id(row.project, row.channel),
        "project": row.project,
        "channel": row.channel,
        "live": row.running > 0,
        "lastEventAt": rfc3339(row.last_ms),
        "sessions": {"running": row.running, "total": row.sessions},
        "rtc": None if row.rtc is None else _presence(row.rtc),
    }


def channel_page_view(project: str, channel: str, sessions: list[Session]) -> View:
    """`GET /channels/{id}`: RTC presence, None where no RTC notification told, and all sessions of the channel."""
    own = channel_id(project, channel)
    rtc = next((session for session in sessions if session.id == own), None)
    return {
        "id": own,
        "project": project,
        "channel": channel,
        "rtc": None if rtc is None else session_view(rtc),
        "sessions": [session_view(session) for session in sessions if session.id != own],
    }


def stream_views(session: Session, video: str | None) -> list[View]:
    """The items of `GET /streams` of one session: its streams, or those in one state of video."""
    shown = session_view(session)
    where = {name: shown[name] for name in ("id", "product", "project", "channel", "state")}
    return [
        {"session": where["id"], **{name: where[name] for name in where if name != "id"}, **stream}
        for stream in shown["streams"]
        if video is None or stream["video"] == video
    ]


def _presence(rtc: Session) -> View:
    present = present_view(rtc.state) if isinstance(rtc.state, Channel) else None
    return {"state": status_of(rtc).state.value, "present": present}

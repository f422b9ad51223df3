"""How members of sorted sets name what they stand for: parts joined by a separator that no part can hold."""

from __future__ import annotations

SEPARATOR = "\x1f"


def channel_place(project: str, channel: str, session_id: str) -> str:
    """The member of the index of channels that stands for a session of a channel."""
    return join(project, channel, session_id)


def refer(notice_id: str, log: str, field: str) -> str:
    """How indexes name one copy of an entry of a log."""
    return join(notice_id, log, field)


def read_reference(member: str) -> tuple[str, str, str]:
    """The noticeId, the log and the field that `refer` wrote."""
    notice_id, log, field = parts(member)
    return notice_id, log, field


def alert_member(alert_id: str, session_id: str) -> str:
    """How indexes name an alert and the session whose dossier has it; `parts` reads it."""
    return join(alert_id, session_id)


def join(*told: str) -> str:
    """The parts as one text, from which `parts` reads them again."""
    return SEPARATOR.join(map(escape, told))


def parts(member: str) -> list[str]:
    """What `join` joined."""
    return [part.replace("%1F", SEPARATOR).replace("%25", "%") for part in member.split(SEPARATOR)]


def escape(part: str) -> str:
    """`part` without the separator, which the wire may spell in a noticeId or a sid."""
    return part.replace("%", "%25").replace(SEPARATOR, "%1F")

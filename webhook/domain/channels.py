"""The id of a channel, which is the id of its RTC session (contract.md, section 4)."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

_ID = re.compile(r"rtc:(?P<project>[^:]*):(?P<channel>[^:]+)")
_DECODED = re.compile(r"rtc:(?P<project>[^:]*):(?P<channel>.+)", re.DOTALL)


def channel_id(project: str, channel: str) -> str:
    """`rtc:<project>:<channel>`, bytes of the names outside `[A-Za-z0-9_-]` percent-encoded."""
    return f"rtc:{_encoded(project)}:{_encoded(channel)}"


def parse_channel_id(text: str) -> tuple[str, str] | None:
    """The project and the channel that an id names, or None where it is no such id."""
    match = _ID.fullmatch(text)
    if match is None:
        return None
    project, channel = unquote(match["project"]), unquote(match["channel"])
    return (project, channel) if channel_id(project, channel) == text else None


def recoded_channel_id(text: str) -> str | None:
    """The id that `text` is once its percent signs are written again, as URLs lose them; None where it is none."""
    match = _DECODED.fullmatch(text)
    return None if match is None else channel_id(match["project"], match["channel"])


def _encoded(name: str) -> str:
    # quote leaves dots and tildes alone, which the contract does not
    return quote(name, safe="").replace(".", "%2E").replace("~", "%7E")

"""What Vigil keeps of a start request when a recording is registered: what there is to expect of the session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from webhook.domain.start_request.breaches import DEFAULT_IDLE_TIME, GREATEST_INTERVAL, LEAST_INTERVAL
from webhook.domain.start_request.reading import INDIVIDUAL, StartRequest, is_integer, read
from webhook.domain.start_request.redaction import redact

DEFAULT_INTERVAL = 10  # seconds
WEB = "web"


class Expectation(Struct, frozen=True):
    """What a start request lets expect; it holds no credential. Times are seconds, as they are in force at Agora.

    Without a start request nobody told whether the session takes snapshots or records: then both are None.
    `capture_interval` is None for a session without snapshots or with an impossible interval, `max_idle_time` for web
    page recording, which joins no channel.
    """

    file_name_prefix: tuple[str, ...] = ()
    capture_interval: int | None = None
    takes_snapshots: bool | None = None
    records: bool | None = None
    channel: str | None = None
    max_idle_time: int | None = None


def summary_of(start_request: Any, mode: str) -> Expectation:
    """What to expect of a session started so (agora-notifications.md, section 5), also where it breaks rules.

    A setting that is left out has Agora's default, a wrong one is None or empty. Never raises.
    """
    request = read(redact(start_request), mode)
    snapshots = mode == INDIVIDUAL and request.has("snapshotConfig")
    told = isinstance(start_request, Mapping)
    return Expectation(
        file_name_prefix=_prefix(request),
        capture_interval=_interval(request) if snapshots else None,
        takes_snapshots=snapshots if told else None,
        records=(request.has("recordingFileConfig") or not snapshots) if told else None,
        channel=_channel(request),
        max_idle_time=None if mode == WEB else _idle_time(request),
    )


def _prefix(request: StartRequest) -> tuple[str, ...]:
    parts = request.value("storageConfig.fileNamePrefix")
    return tuple(part for part in parts if isinstance(part, str)) if isinstance(parts, list) else ()


def _interval(request: StartRequest) -> int | None:
    value = request.value("snapshotConfig.captureInterval")
    return _seconds(DEFAULT_INTERVAL if value is None else value, LEAST_INTERVAL, GREATEST_INTERVAL)


def _idle_time(request: StartRequest) -> int | None:
    value = request.value("recordingConfig.maxIdleTime")
    return _seconds(DEFAULT_IDLE_TIME if value is None else value, 1, 2**31 - 1)


def _seconds(value: Any, least: int, most: int) -> int | None:
    return value if is_integer(value) and least <= value <= most else None


def _channel(request: StartRequest) -> str | None:
    name = request.value("cname")
    return name if isinstance(name, str) and name else None

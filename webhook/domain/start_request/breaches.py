"""When a start request breaks a rule (agora-notifications.md, section 5): each function judges one value in place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from webhook.domain.start_request.reading import INDIVIDUAL, MODES, StartRequest, is_integer

STREAM_TYPES = (1, 2)
FILE_TYPES = ["jpg"]
LEAST_INTERVAL, SAFE_INTERVAL, GREATEST_INTERVAL = 1, 5, 3600  # seconds
DEFAULT_IDLE_TIME = 30  # seconds
VENDORS = (1, 2, 3, 5, 6, 7, 8, 11)
S3_COMPATIBLE = 11

_DIGITS = re.compile("[0-9]+")


def is_object(value: Any) -> bool:
    """Whether `value` is an object."""
    return isinstance(value, Mapping)


def no_text(_: StartRequest, value: Any) -> bool:
    """Whether `value` is no string with something in it."""
    return not (isinstance(value, str) and value.strip())


def no_digits(_: StartRequest, value: Any) -> bool:
    """Whether `value` is no string of digits; a number is none."""
    return not (isinstance(value, str) and _DIGITS.fullmatch(value))


def no_mode(_: StartRequest, value: Any) -> bool:
    """Whether `value` is no recording mode (agora-notifications.md, section 9)."""
    return value not in MODES


def no_client(request: StartRequest, value: Any) -> bool:
    """Whether there is neither a client request nor its content at the top level."""
    return value is None and not request.readable


def in_another_mode(request: StartRequest, value: Any) -> bool:
    """Whether snapshots are asked of a mode that takes none."""
    return value is not None and request.mode in MODES and request.mode != INDIVIDUAL


def beside_recording(request: StartRequest, value: Any) -> bool:
    """Whether snapshots are asked of a session that records, too."""
    return value is not None and request.has("recordingFileConfig")


def without_video(request: StartRequest, value: Any) -> bool:
    """Whether snapshots are asked of streams that may have no video; left out, there is video."""
    fits = value is None or (is_integer(value) and value in STREAM_TYPES)
    return request.has("snapshotConfig") and not fits


def audio_alone(request: StartRequest, value: Any) -> bool:
    """Whether snapshots are asked of a session that subscribes to the audio of some users and the video of none."""
    # An empty list subscribes to nobody, so it counts as not set on either side.
    return bool(request.has("snapshotConfig") and value and not request.value("recordingConfig.subscribeVideoUids"))


def video_of_nobody(request: StartRequest, value: Any) -> bool:
    """Whether snapshots are asked of a session that names whose video it takes, and names nobody."""
    audio = any(
        request.value(f"recordingConfig.{spelling}") for spelling in ("subscribeAudioUids", "subscribeAudioUid")
    )
    return request.has("snapshotConfig") and value == [] and not audio  # beside audio, `audio_alone` says so


def no_snapshots(request: StartRequest, value: Any) -> bool:
    """Whether nothing asks for snapshots in the mode that could take them."""
    return value is None and request.readable and request.mode == INDIVIDUAL


def no_jpg(request: StartRequest, value: Any) -> bool:
    """Whether snapshots are asked in another format than the only one, or in none."""
    return is_object(request.value("snapshotConfig")) and value != FILE_TYPES


def no_interval(_: StartRequest, value: Any) -> bool:
    """Whether `value` is given and impossible as an interval between snapshots."""
    return value is not None and not (is_integer(value) and LEAST_INTERVAL <= value <= GREATEST_INTERVAL)


def short_interval(_: StartRequest, value: Any) -> bool:
    """Whether `value` is an interval that only one of two texts allows."""
    return is_integer(value) and LEAST_INTERVAL <= value < SAFE_INTERVAL


def no_storage(request: StartRequest, value: Any) -> bool:
    """Whether there is nowhere for the files to go."""
    return value is None and request.readable and not request.has("extensionServiceConfig")


def extension_only(request: StartRequest, value: Any) -> bool:
    """Whether an extension service is all there may be for the files to go to."""
    return value is None and request.has("extensionServiceConfig")


def unset_in_storage(request: StartRequest, value: Any) -> bool:
    """Whether a setting is missing in a storage configuration that is there."""
    return is_object(request.value("storageConfig")) and no_text(request, value)


def no_vendor(request: StartRequest, value: Any) -> bool:
    """Whether a storage configuration names no known vendor (agora-notifications.md, section 9)."""
    return is_object(request.value("storageConfig")) and not (is_integer(value) and value in VENDORS)


def no_endpoint(request: StartRequest, value: Any) -> bool:
    """Whether the address of an S3-compatible storage is missing."""
    vendor = request.value("storageConfig.vendor")
    return is_integer(vendor) and vendor == S3_COMPATIBLE and no_text(request, value)


def no_array(_: StartRequest, value: Any) -> bool:
    """Whether `value` is given and no array."""
    return value is not None and not isinstance(value, list)


def short_idle_time(_: StartRequest, value: Any) -> bool:
    """Whether `value` is shorter than what Agora takes by default."""
    return is_integer(value) and value < DEFAULT_IDLE_TIME

"""What events of all products share. The products' own events are in the packages of their families."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Track(StrEnum):
    """What a stream carries."""

    VIDEO = "video"
    AUDIO = "audio"


class Reception(StrEnum):
    """Whether the recorder gets a stream. The wire says 0 for receiving and 1 for not receiving."""

    RECEIVING = "receiving"
    STOPPED = "stopped"
    UNKNOWN = "unknown"


class Unrecognised(Struct, frozen=True):
    """A type that no table knows. It is kept and counted, and its sequence number counts as heard."""


class Undecoded(Struct, frozen=True):
    """A known type without what it needs, or one whose folding failed. It is a dead letter that counts as heard."""

    error: str
